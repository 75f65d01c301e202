// SPDX-License-Identifier: Apache-2.0
#include "apps/run_products.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/files/arviz_netcdf.h"
#include "core/files/atomic_file.h"
#include "core/files/portable_state.h"
#include "core/files/run_pictures.h"
#include "core/files/summary_netcdf.h"

namespace potluck {

RunProducts write_run_products(const std::filesystem::path& folder, const std::vector<std::string>& pictures,
                               const RunFigures& run, const std::function<void(const std::string&)>& say) {
  say("writing draws.nc");
  write_arviz_netcdf(folder, folder / "draws.nc");
  write_portable_state(folder);
  say("writing the summary");
  RunProducts products;
  products.summary = summarize_draws(folder);
  // Of all steps where they were counted, else of the draws.
  if (run.expert_shares.size() == products.summary.shares.size()) products.summary.shares = run.expert_shares;
  const DrawsSummary& summary = products.summary;
  products.verdict = run_verdict(with_figures_of(summary, run));
  write_summary_netcdf(summary, folder / "summary.nc");
  nlohmann::json all = to_json(summary);
  all["verdict"] = to_json(products.verdict);
  write_whole_file(folder / "summary.json", all.dump(2) + "\n");
  if (!pictures.empty() && summary.draws > 0) {
    say("drawing pictures");
    std::filesystem::create_directories(folder / "pictures");
    for (const std::string& variable : pictures) write_pictures(folder, variable, folder / "pictures");
  }
  return products;
}

std::string convergence_text(const DrawsSummary& summary) {
  if (!std::isfinite(summary.worst_rhat)) return "Too few draws for R-hat";
  return fmt::format("R-hat at most {:.3f}, effective sample size at least {:.0f}", summary.worst_rhat,
                     summary.least_ess);
}

}  // namespace potluck
