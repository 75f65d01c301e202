// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/run_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/diagnostics/energy_diagnostics.h"
#include "core/diagnostics/normal_score.h"
#include "core/diagnostics/verdict_thresholds.h"

namespace potluck {

namespace {

constexpr double kFarOut = 1e6;      // temperatures above where the draws are
constexpr double kCoarseStep = 0.5;  // of a spacing of float32: a smaller step is rounded away
constexpr double kManyMoves = 20;    // that were accepted between draws: one at least would be seen

double excess(double rhat) { return rhat * rhat - 1; }

int64_t judged_branches(const RunFigures& f) {
  return std::count_if(f.branches.begin(), f.branches.end(),
                       [](const BranchShare& branch) { return !std::isnan(branch.score); });
}

/// Effective draws of a chain as R-hat tells them: of halves that have e / 2 each of the n draws of a chain,
/// R-hat^2 is about 1 + 2 / e - 2 / n. Infinite where R-hat is fine or has no value.
double draws_of_a_chain(const RunFigures& f) {
  if (!f.rhat || !(f.rhat->value > f.most_rhat) || f.draws < 1) return std::numeric_limits<double>::infinity();
  return 2 / (excess(f.rhat->value) + 2 / static_cast<double>(f.draws));
}

/// Steps were taken, and yet a number is the same in all draws.
bool rounded_away(const RunFigures& f) {
  if (!f.unmoved_spacing || !f.exact_method) return false;
  if (f.step_size && *f.step_size < kCoarseStep * f.unmoved_spacing->spacing) return true;
  // Of blocks one may reject everything while others accept.
  const double acceptance = f.acceptance.value_or(*f.exact_method ? 0 : 1);
  const auto pairs = static_cast<double>((f.draws - 1) * (f.chains - f.frozen));
  return !f.blocks && acceptance >= kLeastAcceptance && acceptance * pairs >= kManyMoves;
}

}  // namespace

double frozen_share(const RunFigures& f) { return static_cast<double>(f.frozen) / static_cast<double>(f.chains); }

bool all_frozen(const RunFigures& f) { return f.frozen > 0 && f.frozen >= f.chains; }

bool drew(const RunFigures& f) { return f.draws > 0 && !all_frozen(f); }

bool exact_throughout(const RunFigures& f) { return f.exact_start.value_or(false) && f.exact_method.value_or(false); }

std::optional<FigureAt> effective_draws(const RunFigures& f) {
  if (!exact_throughout(f)) return f.ess;
  const auto independent = static_cast<double>(f.chains - f.frozen);
  const double most = independent * std::max(1.0, draws_of_a_chain(f));
  if (f.ess && f.ess->value >= independent && f.ess->value <= most) return f.ess;
  if (f.ess && f.ess->value > most && most > independent) return FigureAt{most, f.rhat->where};
  return FigureAt{independent, ""};
}

namespace {

/// Chains keep their labels, of which each knows one: its indicator is named "label = 3".
bool separate_labels(const RunFigures& f) {
  return f.labels_begun && f.rhat && f.rhat->value > kStandingRhat && f.rhat->where.find(" = ") != std::string::npos;
}

}  // namespace

bool separate_modes(const RunFigures& f) {
  if (separate_labels(f)) return true;
  return f.rhat && f.ess_within_chain && f.rhat->value > 1.1 && *f.ess_within_chain >= 10 &&
         excess(f.rhat->value) > 5 * 2 / *f.ess_within_chain;
}

std::optional<JudgedBranch> worst_branch(const RunFigures& f) {
  std::optional<JudgedBranch> worst;
  for (const BranchShare& branch : f.branches) {
    if (std::isnan(branch.score)) continue;
    if (!worst || std::abs(branch.score) > std::abs(worst->score)) worst = {&branch, branch.score};
  }
  if (worst) worst->score = joint_score(worst->score, judged_branches(f));
  return worst;
}

std::optional<JudgedBranch> missing_branch(const RunFigures& f) {
  std::optional<JudgedBranch> worst;
  for (const BranchShare& branch : f.branches) {
    if (!(branch.score < 0) || branch.share >= branch.weight / 2) continue;
    const double score = joint_score(branch.score, judged_branches(f));
    // Of several the one that most is lacking of.
    const bool more = !worst || branch.weight - branch.share > worst->branch->weight - worst->branch->share;
    if (score < -kSureScore && more) worst = {&branch, score};
  }
  return worst;
}

bool missing_labels(const RunFigures& f) {
  return f.lone_label && f.labels_begun && static_cast<double>(*f.labels_begun) < f.lone_label->value;
}

bool began_far_out(const RunFigures& f) {
  return f.start_energy && f.energy && *f.start_energy - f.energy->value > kFarOut;
}

std::optional<Coarseness> coarseness(const RunFigures& f) {
  if (rounded_away(f)) return Coarseness{&*f.unmoved_spacing, std::numeric_limits<double>::infinity()};
  if (!f.spacing || !(f.spacing->sd > 0)) return std::nullopt;
  return Coarseness{&*f.spacing, f.spacing->spacing / f.spacing->sd};
}

bool rejecting(const RunFigures& f) { return drew(f) && f.acceptance && *f.acceptance < kLeastAcceptance; }

double divergent_share(const RunFigures& f) {
  const double steps = static_cast<double>(f.steps) * static_cast<double>(f.chains);
  return steps > 0 ? static_cast<double>(f.divergences.value_or(0)) / steps : 0;
}

bool diverging(const RunFigures& f) { return divergent_share(f) > kManyDivergences; }

bool concentrated_divergences(const RunFigures& f) {
  return drew(f) && divergent_share(f) > kRareDivergences && *f.divergences >= kLeastDivergences && f.divergent_shift &&
         !f.hard_walls;
}

bool hardly_moving(const RunFigures& f) {
  return drew(f) && !f.unmoved && f.rhat && f.rhat->value > kStandingRhat && !separate_labels(f);
}

bool step_far_too_small(const RunFigures& f) {
  return hardly_moving(f) && f.exact_method.value_or(false) && !f.wanted_acceptance &&
         f.acceptance.value_or(0) > kIdleAcceptance;
}

std::optional<double> steps_needed(const RunFigures& f) {
  if (f.rhat && f.rhat->value > kMostForecastRhat) return std::nullopt;
  double factor = 1;
  if (f.rhat && f.rhat->value > f.most_rhat) factor = excess(f.rhat->value) / excess(f.most_rhat);
  if (f.ess && f.ess->value < f.wanted_ess) factor = std::max(factor, f.wanted_ess / f.ess->value);
  if (!(factor > 1) || !std::isfinite(factor) || f.steps < 1) return std::nullopt;
  const double needed = factor * static_cast<double>(f.steps);
  const double unit = std::pow(10, std::floor(std::log10(needed)) - 1);
  return std::ceil(needed / unit) * unit;
}

}  // namespace potluck
