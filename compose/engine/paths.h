// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace potluck::engine {

/// A name of a file or folder that may be left out. The file system would read it up to a zero byte.
/// @param what  begins the message: "folder"
/// @throws SettingError
void check_path(const std::string& path, const std::string& what);

/// The same of one that must be there. @throws SettingError
void check_given_path(const std::string& path, const std::string& what);

}  // namespace potluck::engine
