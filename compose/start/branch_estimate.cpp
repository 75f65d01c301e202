// SPDX-License-Identifier: Apache-2.0
#include "compose/start/branch_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "compose/experts/kept_log_z.h"
#include "compose/known/normaliser.h"
#include "compose/tree/content_key.h"
#include "core/backend/tiles.h"
#include "core/methods/method_options.h"
#include "core/sampling/annealing/doubts.h"
#include "core/sampling/run/run.h"

namespace potluck {

namespace {

constexpr double kWeightInDoubt = 0.01;
constexpr int64_t kMostDraws = 1024;                // of a branch
constexpr int64_t kMostNumbers = int64_t{4} << 20;  // in all of them

bool asks_for_estimates(const Node& node, std::set<const Node*>& seen) {
  if (!seen.insert(&node).second) return false;
  if (const auto* mixture = std::get_if<Mixture>(&node.kind))
    for (const Mixture::Branch& branch : mixture->branches)
      if (branch.estimation) return true;
  for (const NodePointer& child : children(node))
    if (asks_for_estimates(*child, seen)) return true;
  return false;
}

void collect(const NodePointer& node, const Normaliser& normaliser, std::set<const Node*>& seen,
             std::vector<BranchToEstimate>& found) {
  if (!seen.insert(node.get()).second) return;
  for (const NodePointer& child : children(*node)) collect(child, normaliser, seen, found);
  const auto* mixture = std::get_if<Mixture>(&node->kind);
  if (!mixture || mixture->unnormalised) return;
  for (const Mixture::Branch& branch : mixture->branches) {
    if (branch.weight == 0 || !branch.estimation) continue;
    const LogNormaliser log_z = log_normaliser_of_branch(normaliser, branch, normaliser.coordinates().none());
    if (log_z.estimated && log_z.kept_in.empty()) found.push_back({&branch, node->name});
  }
}

/// The branch alone: what it draws is free, within the supports or without, and everything else is held.
Composition branch_alone(const Composition& composition, const Mixture::Branch& branch) {
  Composition alone = composition;
  alone.target = of_one_part(branch.energy);
  alone.sample.temperature = 1;
  const CoordinateSet drawn = Coordinates(composition).drawn(*alone.target);
  alone.held.assign(alone.variables.size(), Held{});
  size_t at = 0;
  for (size_t v = 0; v < alone.variables.size(); ++v) {
    Variable& variable = alone.variables[v];
    variable.walls = Walls::kReflect;
    if (!branch.estimation->on_support && !variable.categorical()) {
      variable.least = -std::numeric_limits<double>::infinity();
      variable.most = std::numeric_limits<double>::infinity();
    }
    Held held;
    for (int64_t i = 0; i < variable.size(); ++i, ++at) {
      held.mask.push_back(drawn[at] ? 0 : 1);
      held.value.push_back(std::clamp(0.0, variable.least, variable.most));
    }
    if (std::count(held.mask.begin(), held.mask.end(), 1) > 0) alone.held[v] = std::move(held);
  }
  return alone;
}

CompositionError refused(const BranchToEstimate& asked, const std::string& why) {
  return CompositionError({{asked.branch->log_z_place,
                            fmt::format("log_z of branch '{}' of mixture '{}' must be one that can be estimated, got: "
                                        "{}",
                                        asked.branch->energy->name, asked.mixture, why)}});
}

std::unique_ptr<Plan> plan_of(const Composition& alone, const BranchToEstimate& asked, const PlanOptions& options) {
  try {
    return make_plan(alone, options);
  } catch (const CompositionError& error) {
    std::string why;
    for (const Diagnostic& one : error.all()) why += (why.empty() ? "" : "; ") + one.text;
    throw refused(asked, why);
  }
}

/// Of the particles that are left, those numbers that are not held.
std::shared_ptr<const BranchDraws> draws_of(const Composition& alone, const Evidence& evidence, int64_t rows) {
  auto draws = std::make_shared<BranchDraws>();
  draws->rows = rows;
  for (size_t v = 0; v < alone.variables.size(); ++v) {
    if (evidence.draws[v].empty()) continue;
    const Held& held = alone.held[v];
    const auto n = static_cast<size_t>(alone.variables[v].size());
    std::vector<double>& numbers = draws->numbers[alone.variables[v].name];
    for (size_t i = 0; i < evidence.draws[v].size(); ++i)
      if (!held.any() || held.mask[i % n] == 0) numbers.push_back(evidence.draws[v][i]);
  }
  return draws;
}

/// How much log Z of branch i moves the weight of branch j, as a share of it.
double slope_of_weight(const std::vector<double>& weight, size_t j, size_t i) {
  return i == j ? 1 - weight[j] : weight[i];
}

/// Of branch j, as its error and those of the others move it.
double standard_error_of_weight(const std::vector<double>& weight, const std::vector<double>& error, size_t j) {
  double squares = 0;
  for (size_t i = 0; i < weight.size(); ++i) squares += std::pow(slope_of_weight(weight, j, i) * error[i], 2);
  return weight[j] * std::sqrt(squares);
}

/// The estimate of log Z that a branch uses.
struct Estimated {
  double standard_error = 0;  ///< 0: it uses none
  int64_t particles = 0;
  bool kept = false;  ///< with its weights
};

Estimated estimated_log_z(const Composition& composition, const Mixture::Branch& branch) {
  if (branch.log_z) return {};
  const auto found = branch.estimation ? composition.estimates.find(content_key_of_branch(composition, branch))
                                       : composition.estimates.end();
  if (found != composition.estimates.end())
    return {found->second.standard_error, branch.estimation->annealing.particles, false};
  const auto kept = find_kept_log_z(composition, *branch.energy);
  return kept ? Estimated{kept->standard_error, kept->particles, true} : Estimated{};
}

void doubt(const Composition& composition, const NodePointer& node, std::set<const Node*>& seen,
           std::vector<std::string>& warnings) {
  if (!seen.insert(node.get()).second) return;
  for (const NodePointer& child : children(*node)) doubt(composition, child, seen, warnings);
  const auto* mixture = std::get_if<Mixture>(&node->kind);
  if (!mixture || mixture->unnormalised) return;
  std::vector<double> weight, error;
  std::vector<Estimated> estimated;
  for (const Mixture::Branch& branch : mixture->branches) {
    weight.push_back(branch.weight);
    estimated.push_back(estimated_log_z(composition, branch));
    error.push_back(estimated.back().standard_error);
  }
  size_t worst = 0;
  for (size_t j = 1; j < weight.size(); ++j)
    if (standard_error_of_weight(weight, error, j) > standard_error_of_weight(weight, error, worst)) worst = j;
  const double moved = standard_error_of_weight(weight, error, worst);
  if (!(moved > kWeightInDoubt)) return;
  // The branch that moves it most is the one to be estimated anew.
  size_t culprit = 0;
  for (size_t j = 1; j < weight.size(); ++j)
    if (slope_of_weight(weight, worst, j) * error[j] > slope_of_weight(weight, worst, culprit) * error[culprit])
      culprit = j;
  const int64_t particles =
      estimated[culprit].particles * static_cast<int64_t>(std::ceil(std::pow(moved / kWeightInDoubt, 2)));
  warnings.push_back(fmt::format(
      "mixture '{}': estimates of log Z must move no weight by more than {:g}, but their standard errors move that of "
      "'{}', {:.3g}, by {:.2g}. {}",
      node->name, kWeightInDoubt, mixture->branches[worst].energy->name, weight[worst], moved,
      estimated[culprit].kept ? fmt::format("Keep that of '{}' anew: potluck evidence --keep --particles {}",
                                            mixture->branches[culprit].energy->name, particles)
                              : fmt::format("Ask for more particles: log_z: {{particles: {}}}", particles)));
}

}  // namespace

std::vector<BranchToEstimate> branches_to_estimate(const Composition& composition, const PlanOptions& options) {
  // As a rule no branch asks, and no model need be created to find out.
  std::set<const Node*> looked_at;
  if (!asks_for_estimates(*composition.target, looked_at)) return {};
  const Coordinates coordinates(composition);
  PlanOptions one = options;
  one.most_rows = 1;
  one.workers = 1;
  const Experts experts(composition, one);
  std::vector<BranchToEstimate> found;
  std::set<const Node*> seen;
  collect(composition.target, Normaliser(coordinates, experts), seen, found);
  return found;
}

void check_estimate(const Composition& composition, const BranchToEstimate& branch, const PlanOptions& options) {
  PlanOptions look = options;
  look.most_rows = 1;
  look.workers = 1;
  look.only_explain = true;
  plan_of(branch_alone(composition, *branch.branch), branch, look);
}

LogZEstimate estimate_log_z(const Composition& composition, const BranchToEstimate& branch, const PlanOptions& options,
                            int threads, EvidenceObserver* observer) {
  const Composition alone = branch_alone(composition, *branch.branch);
  const LogZEstimation& how = *branch.branch->estimation;
  PlanOptions batch = options;
  batch.most_rows = most_rows_of_run(options.device, how.annealing.particles);
  batch.workers = workers_of_run(options.device, how.annealing.particles, threads);
  const std::unique_ptr<Plan> plan = plan_of(alone, branch, batch);
  AnnealedOptions annealing = how.annealing;
  annealing.threads = threads;
  const Target target{plan.get(), alone.held, 1};
  const int64_t room = std::max<int64_t>(1, kMostNumbers / std::max<int64_t>(1, free_coordinates(target)));
  const int64_t rows = std::min({annealing.particles, kMostDraws, room});
  try {
    const Evidence evidence =
        estimate_evidence(target, annealing, how.repeats, nullptr,
                          {.observer = observer, .stop = nullptr, .checkpoint = {}, .draws = rows});
    if (const std::vector<std::string> texts = doubts(evidence); !texts.empty()) throw NumericalError(texts.front());
    return {evidence.log_z, evidence.standard_error, draws_of(alone, evidence, rows)};
  } catch (const NumericalError& error) {
    throw refused(branch, error.what());
  } catch (const SettingError& error) {
    throw refused(branch, error.what());
  }
}

std::vector<std::string> weights_in_doubt(const Composition& composition) {
  std::vector<std::string> warnings;
  std::set<const Node*> seen;
  doubt(composition, composition.target, seen, warnings);
  return warnings;
}

}  // namespace potluck
