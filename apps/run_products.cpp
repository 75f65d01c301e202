// SPDX-License-Identifier: Apache-2.0
#include "apps/run_products.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/files/arviz_netcdf.h"
#include "core/files/atomic_file.h"
#include "core/files/run_pictures.h"

namespace potluck {
namespace {

// Thresholds of Vehtari et al. 2021 (docs/theory.md): R-hat below 1.01, and 100 effective draws a chain for four
// chains, i.e. 400 in all.
constexpr double kMostRhat = 1.01;
constexpr double kLeastEss = 400;

}  // namespace

DrawsSummary write_run_products(const std::filesystem::path& folder, const std::vector<std::string>& pictures,
                                const std::function<void(const std::string&)>& say) {
  say("writing draws.nc");
  write_arviz_netcdf(folder, folder / "draws.nc");
  say("writing summary.json");
  DrawsSummary summary = summarize_draws(folder);
  write_whole_file(folder / "summary.json", to_json(summary).dump(2) + "\n");
  if (!pictures.empty() && summary.draws > 0) {
    say("drawing pictures");
    std::filesystem::create_directories(folder / "pictures");
    for (const std::string& variable : pictures) write_pictures(folder, variable, folder / "pictures");
  }
  return summary;
}

std::vector<std::string> warnings_of(const DrawsSummary& summary) {
  std::vector<std::string> warnings;
  if (!summary.lost.empty()) warnings.push_back(summary.lost);
  if (summary.draws == 0) warnings.push_back("nothing was drawn");
  if (!summary.frozen.empty())
    warnings.push_back(fmt::format("{} of {} chains are frozen (first: chain {}) and are left out of the summary",
                                   summary.frozen.size(), summary.chains, summary.frozen.front()));
  if (summary.worst_rhat > kMostRhat)
    warnings.push_back(fmt::format("the chains do not agree yet: R-hat {:.3f} is above {}. Draw for longer",
                                   summary.worst_rhat, kMostRhat));
  if (summary.least_ess < kLeastEss && summary.draws > 0)
    warnings.push_back(
        fmt::format("few independent draws: effective sample size {:.0f} is below {:.0f}. Draw for longer",
                    summary.least_ess, kLeastEss));
  return warnings;
}

std::string convergence_text(const DrawsSummary& summary) {
  if (!std::isfinite(summary.worst_rhat)) return "Too few draws for R-hat";
  return fmt::format("R-hat at most {:.3f}, effective sample size at least {:.0f}", summary.worst_rhat,
                     summary.least_ess);
}

}  // namespace potluck
