// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/diagnostics/energy_diagnostics.h"
#include "core/files/summary.h"

namespace potluck {

namespace {

using nlohmann::json;

json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

json scalar_json(const ScalarSummary& scalar) {
  json all = {{"name", scalar.name}, {"mean", number(scalar.mean)}, {"sd", number(scalar.sd)}};
  if (scalar.diagnosed) {
    const Convergence& found = scalar.convergence;
    all["mcse_mean"] = number(found.mcse_mean);
    all["mcse_sd"] = number(found.mcse_sd);
    all["ess_bulk"] = number(found.ess_bulk);
    all["ess_tail"] = number(found.ess_tail);
    all["rhat"] = number(found.rhat);
    all["nested_rhat"] = number(scalar.nested_rhat);
  }
  if (!scalar.chains_not_finite.empty()) all["chains_not_finite"] = scalar.chains_not_finite;
  return all;
}

/// The least of all chains, whose it is, and how many are low; null where there is none.
json ebfmi_json(const DrawsSummary& summary) {
  const double* least = nullptr;
  int64_t low = 0;
  for (const double& one : summary.ebfmi) {
    if (one < kLeastEbfmi) ++low;
    if (!std::isnan(one) && (least == nullptr || one < *least)) least = &one;
  }
  if (least == nullptr) return nullptr;
  const auto chain = static_cast<size_t>(least - summary.ebfmi.data());
  return {{"least", *least}, {"chain", summary.ebfmi_of[chain]}, {"low_chains", low}};
}

json drift_json(const DrawsSummary& summary) {
  if (!summary.drift) return nullptr;
  const DriftFigure& drift = *summary.drift;
  return {{"at", drift.where},
          {"first_tenth", number(drift.first)},
          {"last_half", number(drift.last)},
          {"standard_error", number(drift.standard_error)},
          {"score", number(drift.score)}};
}

/// A mixture with its branches, and why they are not judged where they are not.
json mixtures_json(const DrawsSummary& summary) {
  json all = json::array();
  const BranchShare* before = nullptr;
  for (const BranchShare& branch : summary.branches) {
    if (before == nullptr || before->mixture != branch.mixture) {
      all.push_back({{"name", branch.mixture}, {"judged", branch.unjudged.empty()}, {"branches", json::array()}});
      if (!branch.unjudged.empty()) all.back()["why_not"] = branch.unjudged;
    }
    all.back()["branches"].push_back({{"name", branch.branch},
                                      {"weight", branch.weight},
                                      {"share", number(branch.share)},
                                      {"standard_error", number(branch.standard_error)},
                                      {"score", number(branch.score)}});
    before = &branch;
  }
  return all;
}

}  // namespace

nlohmann::json to_json(const RunVerdict& verdict) {
  json findings = json::array();
  for (const Finding& finding : verdict.findings) {
    const char* const weights[] = {"note", "care", "stop"};
    findings.push_back({{"rule", finding.rule},
                        {"weight", weights[static_cast<int>(finding.weight)]},
                        {"text", finding.text},
                        {"advice", finding.advice}});
  }
  return {{"usable", verdict.usable()}, {"text", verdict.text()}, {"findings", findings}};
}

nlohmann::json to_json(const DrawsSummary& summary) {
  json experts = json::array(), variables = json::array(), divergent = nullptr;
  if (summary.divergent_shift)
    divergent = {{"at", summary.divergent_shift->where}, {"shift", summary.divergent_shift->value}};
  for (size_t e = 0; e < summary.experts.size(); ++e) {
    experts.push_back(scalar_json(summary.experts[e]));
    experts.back()["share"] = number(summary.shares[e]);
  }
  for (const VariableSummary& variable : summary.variables) {
    json scalars = json::array();
    for (const ScalarSummary& scalar : variable.scalars) scalars.push_back(scalar_json(scalar));
    variables.push_back({{"name", variable.name},
                         {"shape", variable.shape},
                         {"held", variable.held},
                         {"diagnosed", variable.diagnosed},
                         {"scalars", scalars}});
  }
  return {{"chains", summary.chains},
          {"draws", summary.draws},
          {"frozen_chains", summary.frozen},
          {"frozen_share", summary.frozen_share()},
          {"lost", summary.lost},
          {"acceptance", number(summary.acceptance)},
          {"worst_rhat", number(summary.worst_rhat)},
          {"worst_rhat_at", summary.worst_rhat_at},
          {"least_ess", number(summary.least_ess)},
          {"least_ess_at", summary.least_ess_at},
          {"chains_a_superchain", summary.superchain},
          {"worst_nested_rhat", number(summary.worst_nested_rhat)},
          {"unmoved", summary.unmoved_count},
          {"divergences_concentrate", divergent},
          {"ebfmi", ebfmi_json(summary)},
          {"drift", drift_json(summary)},
          {"mixtures", mixtures_json(summary)},
          {"energy", scalar_json(summary.energy)},
          {"expert_energies", experts},
          {"variables", variables}};
}

}  // namespace potluck
