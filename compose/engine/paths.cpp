// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/paths.h"

#include <fmt/format.h>

#include "core/error.h"

namespace potluck::engine {

void check_path(const std::string& path, const std::string& what) {
  if (const size_t zero = path.find('\0'); zero != std::string::npos)
    throw SettingError(what, fmt::format(" must be a path, got a zero byte at offset {}", zero));
}

void check_given_path(const std::string& path, const std::string& what) {
  if (path.empty()) throw SettingError(what, " must be a path, got an empty text");
  check_path(path, what);
}

}  // namespace potluck::engine
