// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace potluck {

/// "0.1.0"
extern const char* const kVersion;

}  // namespace potluck
