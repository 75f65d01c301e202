// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/learn_settings.h"
#include "compose/tree/tree.h"

namespace potluck {

/// The section `learn`. No data are looked at. Nothing, after a diagnostic, where it is wrong.
/// @param target  whose inputs say which variable is the noise
std::optional<LearnSettings> read_learn(const Yaml& section, const Scope& scope, const Node& target, SourceFiles& files,
                                        Diagnostics& diagnostics);

/// Reads the data of the section, to train in `precision`. The files are added to `hashes`.
void load_data(const std::vector<Variable>& variables, Precision precision, LearnSettings& learn,
               std::map<std::string, std::string>& hashes, Diagnostics& diagnostics);

/// The name of the input by which a model is told how much its data are blurred.
constexpr const char* kNoiseInput = "noise";

}  // namespace potluck
