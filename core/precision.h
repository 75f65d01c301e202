// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace potluck {

/// Type of positions and gradients in a run. Energies are float64 in both.
/// The values are those of POTLUCK_FLOAT32 and POTLUCK_FLOAT64.
enum class Precision : int32_t { kFloat32 = 1, kFloat64 = 2 };

constexpr size_t bytes_of(Precision precision) { return precision == Precision::kFloat32 ? 4 : 8; }

/// Where a run takes place. The values of `Kind` are those of POTLUCK_CPU and POTLUCK_CUDA.
struct Device {
  enum class Kind : int32_t { kCpu = 1, kCuda = 2 };
  Kind kind = Kind::kCpu;
  int index = 0;
};

}  // namespace potluck
