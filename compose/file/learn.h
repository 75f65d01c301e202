// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/learn_settings.h"
#include "compose/tree/tree.h"

namespace potluck {

/// The section `learn`, with its data. Nothing, after a diagnostic, where it is wrong.
/// @param target     whose inputs say which variable is the noise
/// @param precision  of the training
std::optional<LearnSettings> read_learn(const Yaml& section, const Scope& scope, const Node& target,
                                        Precision precision, SourceFiles& files, Diagnostics& diagnostics);

/// The name of the input by which a model is told how much its data are blurred.
constexpr const char* kNoiseInput = "noise";

}  // namespace potluck
