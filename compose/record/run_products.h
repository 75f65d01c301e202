// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compose/record/run_facts.h"
#include "core/diagnostics/run_verdict.h"
#include "core/files/run/draws.h"
#include "core/files/run/summary.h"

namespace potluck {

/// A file that could not be made of the draws.
struct NotMade {
  std::string file;  ///< in the run's folder: "draws.nc", "pictures of x"
  std::string why;
  std::exception_ptr error;
};

/// What is made of a run's draws beside the files.
struct RunProducts {
  DrawsSummary summary;
  RunVerdict verdict;  ///< not usable where there is no summary
  std::vector<NotMade> not_made;
};

/// Tells where draws end: what their writer knows, or none, so that it is looked for.
using EndOfDraws = std::function<std::optional<DrawsEnd>()>;

/// Makes what people read of the draws in `<folder>/draws`, which are read once: draws.nc, state.safetensors,
/// summary.json, summary.nc and pictures/. The same for a run that ended, was interrupted or was killed. A file that
/// cannot be made leaves what stood under its name and does not keep the others from being made. `say` hears what is
/// being made.
/// @param pictures  names of variables
/// @param run       what is known of the run but for its draws, for the verdict
/// @param end       called once no other process makes files of these draws; what it throws is thrown here
RunProducts make_run_products(const std::filesystem::path& folder, const std::vector<std::string>& pictures,
                              const RunFigures& run, const EndOfDraws& end,
                              const std::function<void(const std::string&)>& say);

/// state.safetensors alone, for a process that has a part of the chains.
RunProducts make_rank_products(const std::filesystem::path& folder, const std::optional<DrawsEnd>& end);

/// Where files were not made the state of a run that has ended becomes "failed", and `not_made` says what was not made
/// and how the drawing had ended.
void add_not_made(RunFacts& facts, const std::vector<NotMade>& not_made);
/// Takes that back, where everything has been made since.
void all_are_made(RunFacts& facts);

/// "R-hat at most 1.003, effective sample size at least 812"
std::string convergence_text(const DrawsSummary& summary);

/// "Branch far: 0.000 of the draws, weight 0.9.": a line for each of the first branches of the mixtures.
std::vector<std::string> branch_texts(const DrawsSummary& summary);

}  // namespace potluck
