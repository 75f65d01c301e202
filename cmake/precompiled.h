// SPDX-License-Identifier: Apache-2.0
#pragma once

// What potluck_precompile() reads once for a whole target: headers from outside that many sources include. Sources
// include what they use all the same, and the preset `tidy` builds without this file.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
