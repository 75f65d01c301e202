// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "compose/diagnostics.h"
#include "compose/file.h"
#include "compose/source_files.h"
#include "compose/yaml.h"

namespace potluck {

/// The newest version of the format that is understood.
constexpr int kFormatVersion = 1;

/// Reads a composition file, applies the overrides and takes in what it includes: one map with the keys of
/// Section::kFile, without `include`.
/// @throws FileError where the file cannot be read, CompositionError at once where it is not YAML or needs a newer
///   format, since nothing else that could be said of it would help.
Yaml read_with_includes(const std::filesystem::path& file, const Overrides& overrides, SourceFiles& files,
                        Diagnostics& diagnostics);

}  // namespace potluck
