// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace potluck::cuda {

/// Threads that run together and can hand each other values.
inline constexpr int kWarp = 32;

}  // namespace potluck::cuda
