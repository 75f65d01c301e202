// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <vector>

#include "core/diagnostics/energy_diagnostics.h"
#include "core/files/run/summary.h"
#include "core/files/run/summary_figures.h"

namespace potluck {

namespace {

using nlohmann::json;

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json scalar_json(const ScalarSummary& scalar) {
  json all = {{"name", scalar.name}};
  for (const SummaryFigure& figure : kSummaryFigures)
    if (figure.always || scalar.diagnosed) all[figure.name] = number(figure.of(scalar));
  if (!scalar.chains_not_finite.empty()) all["chains_not_finite"] = scalar.chains_not_finite;
  return all;
}

/// The least and the most of a figure, and the numbers that have them.
struct Extremes {
  double least = 0, most = 0;
  std::optional<size_t> least_at, most_at;
  int64_t not_finite = 0;

  void add(double value, size_t number) {
    if (!std::isfinite(value)) {
      ++not_finite;
      return;
    }
    if (!least_at || value < least) least = value, least_at = number;
    if (!most_at || value > most) most = value, most_at = number;
  }
};

/// Of each figure the least and the most with the numbers that have them, and how many numbers have none.
json digest_json(const VariableSummary& variable) {
  std::array<Extremes, kSummaryFigures.size()> extremes;
  for (size_t k = 0; k < variable.numbers(); ++k) {
    const ScalarSummary scalar = variable.nameless(k);
    for (size_t f = 0; f < kSummaryFigures.size(); ++f)
      if (kSummaryFigures[f].always || scalar.diagnosed) extremes[f].add(kSummaryFigures[f].of(scalar), k);
  }
  json all = json::object();
  for (size_t f = 0; f < kSummaryFigures.size(); ++f) {
    const Extremes& found = extremes[f];
    json one = {
        {"least", nullptr}, {"least_at", ""}, {"most", nullptr}, {"most_at", ""}, {"not_finite", found.not_finite}};
    if (found.least_at) {
      one["least"] = found.least;
      one["least_at"] = variable.name_of(*found.least_at);
      one["most"] = found.most;
      one["most_at"] = variable.name_of(*found.most_at);
    }
    all[kSummaryFigures[f].name] = std::move(one);
  }
  return all;
}

/// The variables that have a row for every number: small ones first, while there is room.
std::vector<bool> with_rows(const std::vector<VariableSummary>& variables, int64_t most_rows) {
  std::vector<size_t> order(variables.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return variables[a].numbers() < variables[b].numbers(); });
  std::vector<bool> rows(variables.size(), false);
  for (const size_t v : order) {
    most_rows -= static_cast<int64_t>(variables[v].numbers());
    if (most_rows < 0) break;
    rows[v] = true;
  }
  return rows;
}

/// Of the variable, without the labels of each element.
std::vector<int64_t> own_shape(const VariableSummary& variable) {
  return {variable.shape.begin(), variable.shape.end() - (variable.categories > 0 ? 1 : 0)};
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
  return {{"least", number(*least)}, {"chain", summary.ebfmi_of[chain]}, {"low_chains", low}};
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

nlohmann::json to_json(const DrawsSummary& summary, int64_t most_rows) {
  json experts = json::array(), variables = json::array(), divergent = nullptr;
  if (summary.divergent_shift)
    divergent = {{"at", summary.divergent_shift->where}, {"shift", summary.divergent_shift->value}};
  for (size_t e = 0; e < summary.experts.size(); ++e) {
    experts.push_back(scalar_json(summary.experts[e]));
    experts.back()["share"] = number(summary.shares[e]);
  }
  const std::vector<bool> rows = with_rows(summary.variables, most_rows);
  for (size_t v = 0; v < summary.variables.size(); ++v) {
    const VariableSummary& variable = summary.variables[v];
    json scalars = nullptr;
    if (rows[v]) {
      scalars = json::array();
      for (size_t k = 0; k < variable.numbers(); ++k) scalars.push_back(scalar_json(variable.scalar(k)));
    }
    variables.push_back({{"name", variable.name},
                         {"shape", own_shape(variable)},
                         {"held", variable.held},
                         {"diagnosed", variable.diagnosed.size()},
                         {"numbers", variable.numbers()},
                         {"digest", digest_json(variable)},
                         {"scalars", scalars}});
    if (variable.categories > 0) variables.back()["categories"] = variable.categories;
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
