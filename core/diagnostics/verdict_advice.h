// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/diagnostics/run_figures.h"

namespace potluck {

// What a verdict tells a user to change. Where something is known that makes all else useless (float32 is too coarse,
// chains began too far out, modes are missed), only that is said, so that no advice contradicts another; a step size
// that is at fault comes before numbers of steps and chains. Empty: nothing can be advised.

std::string advise_smaller_step(const RunFigures& figures);
std::string advise_larger_step(const RunFigures& figures);
std::string advise_where_divergent(const RunFigures& figures);
/// For a method that is biased by its step size.
std::string advise_half_step(const RunFigures& figures);
/// As many steps as R-hat and the effective sample size need, and a stricter rule where one ended the run.
std::string advise_steps(const RunFigures& figures);
/// The number of steps that it names; none where it names none.
std::optional<double> advised_steps(const RunFigures& figures);
/// More chains: independent exact draws grow with them, whether or not chains move.
std::string advise_chains(const RunFigures& figures);
/// Enough chains to compare.
std::string advise_some_chains(const RunFigures& figures);
std::string advise_warmup(const RunFigures& figures);
/// For chains that do not reach all modes.
std::string advise_modes(const RunFigures& figures);
/// For a hottest replica that does not cross between modes either.
std::string advise_hotter(const RunFigures& figures);
std::string advise_float64(const RunFigures& figures);
/// For starts of an astronomical energy.
std::string advise_start(const RunFigures& figures);
std::string advise_expert(const RunFigures& figures);
std::string advise_reparametrisation(const RunFigures& figures);

}  // namespace potluck
