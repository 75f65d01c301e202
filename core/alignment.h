// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace potluck {

/// Of every array of a workspace, in bytes: a line of the cache, and the widest vectors.
inline constexpr size_t kAlignment = 64;

/// `bytes` rounded up to it.
constexpr size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace potluck
