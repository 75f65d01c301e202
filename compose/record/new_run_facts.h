// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compose/record/run_facts.h"
#include "compose/session/session.h"
#include "core/sampling/annealing/annealed_options.h"
#include "core/sampling/run/run_summary.h"

namespace potluck {

/// The value of an environment variable, or null. The library does not look at the environment itself.
using EnvironmentVariable = std::function<const char*(const char*)>;

/// What is known of a run that begins: everything but its end. Its state is "running".
/// @param pictures  variables
RunFacts new_run_facts(const Session& session, TypedCommand command, const std::vector<std::string>& pictures,
                       const EnvironmentVariable& variable);

/// What is asked of an estimate.
struct EvidenceAsked {
  AnnealedOptions options;
  int64_t repeats = kPresetRepeats;
  int64_t checkpoint_every = 10;  ///< stages
  bool along = false;             ///< down the levels of the noise that moves in `sample.anneal`
  bool find_levels = false;       ///< with `along`: the pilot finds how many there are
};

/// What is known of an estimate that begins.
RunFacts new_evidence_facts(const Session& session, const EvidenceAsked& asked, TypedCommand command,
                            const EnvironmentVariable& variable);

/// What is known of a training that begins.
RunFacts new_training_facts(const Session& session, TrainingAsked asked, TypedCommand command,
                            const EnvironmentVariable& variable);

}  // namespace potluck
