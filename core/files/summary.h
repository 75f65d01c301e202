// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/diagnostics/convergence.h"

namespace potluck {

struct SummaryOptions {
  /// Numbers held in memory for R-hat, ESS and MCSE (8 bytes each): scalars * chains * draws. What does not fit is
  /// diagnosed on evenly spread scalars; mean and sd are of all in any case.
  int64_t most_values = int64_t{1} << 23;
};

/// One number of a variable.
struct ScalarSummary {
  std::string name;  ///< "image[3, 14]", "z"
  double mean = 0;
  double sd = 0;
  bool diagnosed = false;
  Convergence convergence;                 ///< where diagnosed
  std::vector<int64_t> chains_not_finite;  ///< ids
};

struct VariableSummary {
  std::string name;
  std::vector<int64_t> shape;
  int64_t held = 0;                    ///< coordinates that are given: they have no entry
  int64_t diagnosed = 0;               ///< scalars with R-hat, ESS and MCSE
  std::vector<ScalarSummary> scalars;  ///< free coordinates in C order
};

/// What the draws of a run say, chains that froze left out.
struct DrawsSummary {
  int64_t chains = 0;
  int64_t draws = 0;
  std::vector<int64_t> frozen;  ///< ids of the chains that are frozen in the last draw
  std::string lost;             ///< what could not be read of the parts
  ScalarSummary energy;
  std::vector<ScalarSummary> experts;  ///< energy of each expert: mean and sd only
  double acceptance = 0;
  std::vector<VariableSummary> variables;

  double worst_rhat = 0;  ///< over everything diagnosed; NaN where nothing was or one is NaN
  double least_ess = 0;   ///< bulk or tail, over everything diagnosed
};

/// Reads the draws twice, one in memory at a time. @throws FileError
DrawsSummary summarize_draws(const std::filesystem::path& run_folder, const SummaryOptions& options = {});

/// Numbers that are not finite become the texts "nan", "inf", "-inf", as JSON has none.
nlohmann::json to_json(const DrawsSummary& summary);

}  // namespace potluck
