// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"
#include "core/sampling/run/run.h"

namespace potluck {

/// Reads the `sample` section (null: all presets), the method's own options included.
SampleSettings read_sample(const Yaml* section, const Scope& scope, const std::vector<Held>& held, SourceFiles& files,
                           Diagnostics& diagnostics);

/// Where `sample.until.time` is written and the steps that it does not count are more than those that it may end; empty
/// elsewhere.
std::string advice_on_time(const SampleSettings& sample);

/// Where `sample.cooling` is written: how the same is written today.
std::string advice_on_cooling(const Schedule& anneal);

/// What a run is told of `sample`. The threads are left to the caller.
RunOptions run_options(const SampleSettings& sample);

/// Reads the `output` section (null: nothing asked for).
OutputSettings read_output(const Yaml* section, const Scope& scope, const std::vector<Held>& held, SourceFiles& files,
                           Diagnostics& diagnostics);

}  // namespace potluck
