// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compose/file/file.h"
#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

/// Where a composition is to be evaluated at points (Overrides::at), takes out of it what does not count there: what is
/// given of their variables, and the keys of `sample` that are about moving chains.
void take_out_for_points(const Overrides& overrides, Yaml& root);

/// The files of Overrides::at. A diagnostic for what is no variable, is named twice, or is no file with `array` and
/// `scale`. Opens none of them.
std::vector<PointsFile> read_points(const Overrides& overrides, const Scope& scope, SourceFiles& files,
                                    Diagnostics& diagnostics);

}  // namespace potluck
