// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "potluck/engine.h"

namespace potluck {

// What `potluck sample` prints where a run ends.

/// Where the run is, how it went and what its draws are worth: of a run of this process alone.
void print_report(const engine::Outcome& outcome, const engine::Composite& composite);

/// Of one of several processes that share a run.
void print_rank_report(const engine::Outcome& outcome, const engine::Ranks& ranks);

/// Of a run that was interrupted before its first draw.
void print_nothing_drawn(const engine::Outcome& outcome);

/// Of a run that was to take the place of another and was interrupted: the older one has draws that this one has not.
/// @param thin  steps a draw
void print_both_are_there(const engine::Outcome& outcome, int64_t thin);

/// Of a run that ended before it converged as asked for.
void print_not_converged(const engine::Outcome& outcome);

/// What an error left in the folder of the run.
void print_what_is_left(const engine::RecordedRun& run);

/// How the files are made that could not be made where a run ended.
std::string how_to_make(const engine::Outcome& outcome);

}  // namespace potluck
