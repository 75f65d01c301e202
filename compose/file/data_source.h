// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"
#include "core/files/formats/array_rows.h"
#include "core/variables/variable.h"

namespace potluck {

/// The numbers for a whole variable that the file of a given holds: `row` taken, `scale` multiplied in. Formats go by
/// the file's name: .npy, .safetensors, .png, and IDX (.idx, -ubyte, each also .gz).
/// Nothing, after a diagnostic, where the file cannot be read, its shape is not the variable's (or that of its numbers
/// in one row), or it holds integers and no scale is given. Labels need no scale.
std::optional<std::vector<double>> read_data_source(const Yaml& given, const Variable& variable,
                                                    const std::string& what, SourceFiles& files,
                                                    Diagnostics& diagnostics);

/// The rows of a variable that a file of points holds; a PNG is one row. Its numbers are those of the file: a scale is
/// still to be multiplied in.
/// @throws CompositionError for what read_data_source() refuses, and where the file has no rows; FileError
ArrayRows open_points(const PointsFile& points, const Variable& variable);

}  // namespace potluck
