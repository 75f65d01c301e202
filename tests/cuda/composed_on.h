// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "compose/plan/plan.h"
#include "compose/tree/tree.h"
#include "core/energy/energy.h"

namespace potluck::testing {

inline constexpr Device kCpu{Device::Kind::kCpu, 0}, kCuda{Device::Kind::kCuda, 0};

/// A composition as a user writes it, with the models of this build, made ready on a device.
struct ComposedOn {
  /// @param text a whole composition file. @param rows of a call on a GPU; 0: all that its `sample` moves at once.
  ComposedOn(const std::string& text, const Device& device, int64_t rows = 0);

  Composition composition;
  std::unique_ptr<Plan> plan;
};

}  // namespace potluck::testing
