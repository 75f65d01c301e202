// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

/// Reads the `given` section: which coordinates are held, at which values. One entry per variable.
/// Values outside the support or the categories, and coordinates that are given twice, are errors.
std::vector<Held> read_given(const Yaml* section, const Scope& scope, SourceFiles& files, Diagnostics& diagnostics);

}  // namespace potluck
