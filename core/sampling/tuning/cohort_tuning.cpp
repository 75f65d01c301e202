// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/cohort_tuning.h"

#include <algorithm>
#include <cmath>

#include "core/methods/method_options.h"

namespace potluck {

namespace {

bool moves(const MethodPart& part, size_t variable) {
  return part.variables.empty() ||
         std::find(part.variables.begin(), part.variables.end(), static_cast<int>(variable)) != part.variables.end();
}

void persist_method(StateArchive& archive, Method& method) {
  for (const MethodPart& part : method.parts()) {
    double step_size = part.method->step_size(), length = part.method->trajectory_length();
    Ladder ladder = part.method->ladder();
    archive(step_size, length, ladder);
    const bool has_one = part.method->step_size() > 0;
    archive.demand(
        std::isfinite(step_size) && (has_one ? step_size > 0 : step_size == 0) && std::isfinite(length) && length >= 0,
        "step sizes");
    if (!archive.reading()) continue;
    part.method->set_ladder(ladder);
    part.method->set_step_size(step_size);
    part.method->set_trajectory_length(length);
  }
}

}  // namespace

CohortTuning::CohortTuning(const Target& target, Method& method, int64_t steps, WhitenedEnergy* whitened)
    : target_(target), method_(method), tuned_(method.tuned_in_place()), steps_(steps), whitened_(whitened) {}

/// Noise as wide as the widest support already draws anew everywhere; where a variable has no bounds a step may be
/// anything that float32 still adds to positions of size one. So may one of labels alone, which have none.
double CohortTuning::most_step_size(const MethodPart& part) const {
  const std::vector<Variable>& variables = target_.energy->variables();
  double widest = 0;
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    if (!variable.categorical() && moves(part, v)) widest = std::max(widest, variable.most - variable.least);
  }
  const double most = widest > 0 && std::isfinite(widest) ? widest / std::sqrt(target_.temperature) : 1e5;
  return part.method->tuning().step_power == 2 ? most * most / 2 : most;
}

void CohortTuning::begin(Chains& chains) {
  parts_ = tuned().parts();
  for (const MethodPart& part : parts_) {
    const int64_t coordinates = free_coordinates(part.variables.empty() ? target_ : target_of(target_, part.variables));
    adaptation_.push_back(std::make_unique<Adaptation>(part, chains, target_.temperature, coordinates, steps_,
                                                       most_step_size(part), whitened_));
  }
}

void CohortTuning::observe(size_t part, int64_t step) { adaptation_[part]->observe(step, nan_proposals_); }

void CohortTuning::restart() {
  for (const auto& one : adaptation_) one->restart();
}

void CohortTuning::restart_at_level(std::optional<double> eta, double square) {
  for (size_t p = 0; p < adaptation_.size(); ++p)
    if (const double own = parts_[p].method->level_step_size(); own > 0)
      adaptation_[p]->restart_from(eta.value_or(own) * square, nan_proposals_);
}

void CohortTuning::rescale_steps(double factor) {
  for (size_t p = 0; p < adaptation_.size(); ++p)
    if (parts_[p].method->level_step_size() > 0) adaptation_[p]->rescale_steps(factor);
}

void CohortTuning::finish() {
  scale_.resize(target_.energy->variables().size());
  for (const auto& one : adaptation_) {
    one->finish();
    for (size_t v = 0; v < one->scale().size(); ++v)
      if (!one->scale()[v].empty()) scale_[v] = one->scale()[v];
  }
  if (tuned_) method_.take_tuned(*tuned_);
  method_.freeze();
  adaptation_.clear();
}

double CohortTuning::acceptance() const {
  double sum = 0, count = 0;
  for (size_t p = 0; p < parts_.size(); ++p) {
    if (!parts_[p].method->proposes()) continue;
    sum += adaptation_[p]->acceptance();
    ++count;
  }
  return count > 0 ? sum / count : 1;
}

int64_t CohortTuning::frozen() const {
  if (!adapting()) return 0;
  const std::vector<uint8_t>& frozen = adaptation_.back()->frozen();
  return std::count(frozen.begin(), frozen.end(), uint8_t{1});
}

void CohortTuning::persist(StateArchive& archive, Chains& chains) {
  bool adapts = adapting();
  archive(adapts, nan_proposals_, scale_);
  archive.demand(!adapts || any(), "tuned parts");
  if (adapts && !adapting()) begin(chains);
  for (const auto& one : adaptation_) one->persist(archive, target_.energy->variables());
  // After the adaptation, which sets a method's first lengths as it begins.
  persist_method(archive, method_);
  if (tuned_) persist_method(archive, *tuned_);
  archive.demand(scales(target_.energy->variables(), scale_), "lengths of a metric");
  if (archive.reading() && !scale_.empty()) chains.set_metric(scale_);
}

}  // namespace potluck
