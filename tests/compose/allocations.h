// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck::testing {

/// How often this program has called operator new.
int64_t allocations();

}  // namespace potluck::testing
