// SPDX-License-Identifier: Apache-2.0
#include "core/version.h"

namespace potluck {

const char* const kVersion = POTLUCK_VERSION;

}  // namespace potluck
