// SPDX-License-Identifier: Apache-2.0
#include "compose/training/phase.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compose/file/roles.h"
#include "core/learning/denoising_score_matching.h"

namespace potluck {

namespace {

std::vector<LearnableArray> learned_arrays(const Learnable& learnable) {
  std::vector<LearnableArray> learned;
  for (const LearnableArray& array : learnable.arrays())
    if (array.learned) learned.push_back(array);
  return learned;
}

/// Continuous variables with data that the target draws. Others with data are what it is conditional on: they stay
/// clean.
std::vector<size_t> blurred_variables(const Composition& composition) {
  const Roles roles = roles_of(*composition.target, composition.variables);
  std::vector<size_t> blurred;
  for (const int variable : composition.learn->data_variables()) {
    const auto v = static_cast<size_t>(variable);
    const std::vector<uint8_t>& drawn = roles.drawn[v];
    if (!composition.variables[v].categorical() && std::find(drawn.begin(), drawn.end(), 1) != drawn.end())
      blurred.push_back(v);
  }
  return blurred;
}

/// The standard deviation of all blurred numbers about their means.
double scale_of(const Composition& composition, const std::vector<size_t>& blurred) {
  double squares = 0, numbers = 0;
  for (const size_t v : blurred) {
    const double scale = composition.learn->data->scale(static_cast<int>(v));
    const auto n = static_cast<double>(composition.variables[v].size());
    squares += n * scale * scale;
    numbers += n;
  }
  return std::sqrt(squares / numbers);
}

std::unique_ptr<Objective> denoising(const Composition& composition, const LearnPhase& asked, BatchEnergy& energy) {
  DenoisingOptions options;
  options.blurred = blurred_variables(composition);
  if (options.blurred.empty())
    throw CompositionError({{asked.place,
                             "learn.data must have a variable of real numbers for "
                             "denoising_score_matching, got none. Add one, or choose another objective"}});
  options.scale = scale_of(composition, options.blurred);
  if (!(options.scale > 0))
    throw CompositionError({{asked.place, "training data must differ from row to row, got rows that are all alike"}});
  options.seed = composition.learn->seed;
  if (composition.learn->noise) options.noise = static_cast<size_t>(*composition.learn->noise);
  options.law = preset_noise_law(options.scale);
  if (!options.noise) options.law.log_sd = 0;
  options.law.log_mean = asked.noise.log_mean.value_or(options.law.log_mean);
  options.law.log_sd = asked.noise.log_sd.value_or(options.law.log_sd);
  options.law.least = asked.noise.least.value_or(options.law.least);
  options.law.most = asked.noise.most.value_or(options.law.most);
  return std::make_unique<DenoisingScoreMatching>(energy, options);
}

}  // namespace

std::unique_ptr<Objective> make_objective(const Composition& composition, const LearnPhase& asked,
                                          BatchEnergy& energy) {
  if (asked.objective == "denoising_score_matching") return denoising(composition, asked, energy);
  throw CompositionError({{asked.place, fmt::format("unknown objective '{}'", asked.objective)}});
}

Phase::Phase(const Composition& composition, const LearnPhase& asked, BatchEnergy& energy,
             MakeOptimiser* make_optimiser)
    : objective_(make_objective(composition, asked, energy)),
      optimiser_(
          make_optimiser(asked.optimiser, learned_arrays(energy.learnable()), energy.learnable().energy().device())),
      trainer_(std::make_unique<Trainer>(energy, *composition.learn->data, *objective_, *optimiser_, asked.trainer,
                                         composition.held)) {}

}  // namespace potluck
