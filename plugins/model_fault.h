// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.h"

namespace potluck {

/// What a model did that no composition can be to blame for: facts that make no sense, a process that it damaged.
class ModelFault : public PluginError {
 public:
  using PluginError::PluginError;
};

}  // namespace potluck
