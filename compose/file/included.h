// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "compose/file/file.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

/// The newest version of the format that is understood.
constexpr int kFormatVersion = 1;

/// The file that the command line names.
struct MainFile {
  std::filesystem::path path;
  std::string name;  ///< in messages; a pipe's has no folder, so that paths in it are the working folder's
  std::optional<std::string> piped;  ///< its text, where it is a pipe
};

/// `-`, /dev/stdin, descriptors and whatever else is no regular file and no folder are pipes, and read to their end.
/// @param text  of a pipe that was read before, or that never was in a file
/// @param text_name  as in Overrides
/// @throws FileError
MainFile main_file(const std::filesystem::path& file, const std::optional<std::string>& text,
                   const std::string& text_name);

/// Reads a composition file, applies the overrides and takes in what it includes: one map with the keys of
/// Section::kFile, without `include`.
/// @throws FileError where the file cannot be read, CompositionError at once where it is not YAML or needs a newer
///   format, since nothing else that could be said of it would help.
Yaml read_with_includes(const MainFile& main, const Overrides& overrides, SourceFiles& files, Diagnostics& diagnostics);

}  // namespace potluck
