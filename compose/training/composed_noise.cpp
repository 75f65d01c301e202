// SPDX-License-Identifier: Apache-2.0
#include "compose/training/composed_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "compose/file/roles.h"
#include "compose/plan/plan.h"
#include "compose/start/exact_start.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

namespace {

/// Chains of held-out rows: no batch has that many rows.
constexpr int64_t kHeldOut = int64_t{1} << 31;

/// The law as the target of a composition of its own, in which what it does not draw stands still.
Composition law_of(const Composition& composition, const LearnPhase& asked) {
  const auto found = composition.energies.find(asked.noise_law);
  if (found == composition.energies.end()) {
    std::vector<std::string> names;
    for (const auto& [name, node] : composition.energies) names.push_back(name);
    const bool said = !asked.noise_law.empty();
    throw CompositionError(
        {{said ? asked.noise_law_place : asked.place,
          said ? fmt::format("noise_law must name an energy, got '{}'. {}", asked.noise_law,
                             suggestion(asked.noise_law, names))
               : std::string("noise_contrastive must have noise to tell the data from, got none. Add noise_law: with "
                             "the name of an energy that can be drawn from")}});
  }
  Composition law = composition;
  law.target = found->second;
  law.learn.reset();
  const Roles roles = roles_of(*law.target, law.variables);
  const auto any = [](const std::vector<uint8_t>& some) {
    return std::find(some.begin(), some.end(), 1) != some.end();
  };
  for (size_t v = 0; v < law.variables.size(); ++v) {
    if (law.held[v].all()) continue;
    const bool has_data = composition.learn->has_data(static_cast<int>(v));
    if (has_data && any(roles.drawn[v])) continue;
    if (has_data && any(roles.parents[v]))
      throw CompositionError(
          {{asked.noise_law_place, fmt::format("noise_law must not be conditional on data, got '{}', which reads '{}'. "
                                               "Take another energy",
                                               asked.noise_law, law.variables[v].name)}});
    const auto n = static_cast<size_t>(law.variables[v].size());
    law.held[v] = {std::vector<uint8_t>(n, 1), std::vector<double>(n)};
  }
  return law;
}

class ComposedNoise final : public NoiseDistribution {
 public:
  ComposedNoise(const Composition& composition, const LearnPhase& asked)
      : law_(law_of(composition, asked)), seed_(composition.learn->seed), plan_(make_plan(law_, options())) {
    const LogNormaliser normaliser = plan_->log_normaliser();
    start_ = exact_start(law_, {}, plan_->known());
    if (!normaliser.known || normaliser.depends_on_parents() || !start_ || !start_->exact())
      throw CompositionError(
          {{asked.noise_law_place, fmt::format("noise_law must be an energy with log Z and independent draws that are "
                                               "known, got '{}'. Take a gaussian, or another expert that says both",
                                               asked.noise_law)}});
    log_z_ = normaliser.constant;
  }

  void draw(int64_t update, int64_t first, bool held_out, Batch& to) override {
    const auto attempt = static_cast<int>((update + 1) & 0x7fffffff);
    resize(to.rows());
    start_->draw(seed_, (held_out ? kHeldOut : 0) + first, to.rows(), attempt, position_.data());
    for (size_t v = 0; v < numbers_.size(); ++v)
      for (int64_t i = 0; i < to.size(v); ++i)
        if (!law_.held[v].all()) to.set(v, i, numbers_[v][static_cast<size_t>(i)]);
  }

  void log_density(const Batch& at, double* log_density) override {
    for (int64_t first = 0; first < at.rows(); first += plan_->most_rows()) {
      const int64_t rows = std::min(plan_->most_rows(), at.rows() - first);
      Batch part(law_.variables, plan_->precision(), rows);
      for (size_t v = 0; v < part.variables(); ++v)
        for (int64_t i = 0; i < part.size(v); ++i) part.set(v, i, at.at(v, first * part.numbers_a_row(v) + i));
      part.fill_held(law_.held);
      const std::vector<void*> pointers = part.pointers();
      const std::vector<const void*> position(pointers.begin(), pointers.end());
      workspace_.resize(plan_->workspace_bytes(rows) + kAlignment);
      EnergyCall call;
      call.rows = rows;
      call.position = position.data();
      call.energy = log_density + first;
      const auto address = reinterpret_cast<uintptr_t>(workspace_.data());
      call.workspace = reinterpret_cast<void*>((address + kAlignment - 1) / kAlignment * kAlignment);
      plan_->evaluate(call);
    }
    for (int64_t row = 0; row < at.rows(); ++row) log_density[row] = -log_density[row] - log_z_;
  }

 private:
  static constexpr size_t kAlignment = 64;

  static PlanOptions options() {
    PlanOptions options;
    options.precision = Precision::kFloat64;
    return options;
  }

  void resize(int64_t rows) {
    numbers_.resize(law_.variables.size());
    position_.clear();
    for (size_t v = 0; v < numbers_.size(); ++v) {
      numbers_[v].resize(static_cast<size_t>(rows * law_.variables[v].size()));
      position_.push_back(numbers_[v].data());
    }
  }

  const Composition law_;
  const uint32_t seed_;
  std::unique_ptr<Plan> plan_;
  std::unique_ptr<Start> start_;
  double log_z_ = 0;
  std::vector<std::vector<double>> numbers_;
  std::vector<double*> position_;
  std::vector<std::byte> workspace_;
};

}  // namespace

std::unique_ptr<NoiseDistribution> composed_noise(const Composition& composition, const LearnPhase& asked) {
  return std::make_unique<ComposedNoise>(composition, asked);
}

}  // namespace potluck
