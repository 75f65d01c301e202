// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/sampling/annealing/evidence.h"

namespace potluck {

/// Why an estimate may be wrong by far more than its standard error says, a sentence each; empty: nothing speaks
/// against it. Particles that do not follow the ladder agree with one another, so their spread does not show it. What
/// does:
///
/// - Moves are tuned to an acceptance above 1/2. Where a stage accepts hardly any, nothing moves.
/// - Down levels of noise that are given, levels too far apart leave all the weight to few particles.
/// - Of a ladder whose stages leave a share s of the conditional effective sample size, a stage widens the gap between
///   log Z and the mean log weight from exact draws down by about (1/s - 1)/2 (a log-normal weight): 0.03 at s = 0.95.
///   Where it is more than 1, the two ways did not see the same laws (Grosse, Ancha & Roy 2016).
std::vector<std::string> doubts(const Evidence& evidence);

}  // namespace potluck
