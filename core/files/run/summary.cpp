// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/diagnostics/energy_diagnostics.h"
#include "core/diagnostics/nested_rhat.h"
#include "core/files/formats/array.h"

namespace potluck {

std::string VariableSummary::name_of(size_t number) const {
  if (categories == 0) return element_name(name, shape, free[number]);
  const std::vector<int64_t> own(shape.begin(), shape.end() - 1);
  return fmt::format("{} = {}", element_name(name, own, free[number] / categories), free[number] % categories);
}

std::vector<int64_t> summary_shape(const RecordedVariable& variable) {
  std::vector<int64_t> shape = variable.shape;
  if (variable.categories > 0) shape.push_back(variable.categories);
  return shape;
}

ScalarSummary VariableSummary::scalar(size_t number) const {
  ScalarSummary all = nameless(number);
  all.name = name_of(number);
  return all;
}

ScalarSummary VariableSummary::nameless(size_t number) const {
  ScalarSummary all{"", mean[number], sd[number], false, {}, 0, {}};
  const auto found = std::lower_bound(diagnosed.begin(), diagnosed.end(), number,
                                      [](const Diagnosis& one, size_t wanted) { return one.number < wanted; });
  if (found == diagnosed.end() || found->number != number) return all;
  all.diagnosed = true;
  all.convergence = found->convergence;
  all.nested_rhat = found->nested_rhat;
  all.chains_not_finite = found->chains_not_finite;
  return all;
}

DrawsSummary summarize_draws(const std::filesystem::path& run_folder, const SummaryOptions& options) {
  DrawsSummary summary;
  pass_draws(run_folder, [&](const DrawsSchema& schema, const DrawsEnd& end) {
    return draws_summary(schema, end, run_folder, options, summary);
  });
  return summary;
}

double DrawsSummary::frozen_share() const {
  return chains > 0 ? static_cast<double>(frozen.size()) / static_cast<double>(chains) : 0;
}

RunFigures with_figures_of(const DrawsSummary& summary, RunFigures run) {
  run.chains = summary.chains;
  run.draws = summary.draws;
  if (run.steps == 0) run.steps = summary.steps;  // of a run that was killed nobody knows more
  run.frozen = static_cast<int64_t>(summary.frozen.size());
  if (run.first_frozen.empty() && run.frozen > 0) run.first_frozen = "chain " + std::to_string(summary.frozen.front());
  run.lost = summary.lost;
  if (!run.ended) {
    // At least; where every step is drawn, all of them.
    run.divergences = summary.divergences;
    if (run.exact_method.value_or(false) && !run.step_option.empty()) run.acceptance = summary.acceptance;
  }
  if (!summary.worst_rhat_at.empty()) {
    run.rhat = {summary.worst_rhat, summary.worst_rhat_at};
    run.ess = {summary.least_ess, summary.least_ess_at};
    run.ess_within_chain = summary.ess_within_chain;
  }
  if (summary.superchain > 1 && !summary.worst_nested_at.empty()) {
    run.nested_rhat = {summary.worst_nested_rhat, summary.worst_nested_at};
    run.most_nested_rhat = nested_rhat_threshold(summary.superchain);
  }
  run.divergent_shift = summary.divergent_shift;
  run.branches = summary.branches;
  run.lone_label = summary.lone_label;
  run.drift = summary.drift;
  run.spacing = summary.spacing;
  run.unmoved_spacing = summary.unmoved_spacing;
  if (std::isfinite(summary.typical_energy)) run.energy = {summary.typical_energy / run.temperature, ""};
  if (run.momenta && std::isfinite(summary.energy.sd) && summary.energy.sd > 0) {
    run.ebfmi = {total_energy_bfmi(summary.energy.sd * summary.energy.sd, *run.momenta, run.temperature), ""};
  }
  if (summary.unmoved_count > 0) {
    run.unmoved = {static_cast<double>(summary.unmoved_count), summary.unmoved.front()};
  }
  return run;
}

}  // namespace potluck
