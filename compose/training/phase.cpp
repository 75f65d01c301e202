// SPDX-License-Identifier: Apache-2.0
#include "compose/training/phase.h"

#include <fmt/format.h>

#include <cmath>

#include "core/learning/denoising_score_matching.h"

namespace potluck {

namespace {

std::vector<LearnableArray> learned_arrays(const Learnable& learnable) {
  std::vector<LearnableArray> learned;
  for (const LearnableArray& array : learnable.arrays())
    if (array.learned) learned.push_back(array);
  return learned;
}

/// Continuous variables with data that are not given whole in the file: those are conditions.
std::vector<size_t> blurred_variables(const Composition& composition) {
  std::vector<size_t> blurred;
  for (const int v : composition.learn->data_variables())
    if (!composition.variables[static_cast<size_t>(v)].categorical()) blurred.push_back(static_cast<size_t>(v));
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
  options.blur.blurred = blurred_variables(composition);
  if (options.blur.blurred.empty())
    throw CompositionError({{asked.place,
                             "learn.data must have a variable of real numbers for "
                             "denoising_score_matching, got none. Add one, or choose another objective"}});
  options.scale = scale_of(composition, options.blur.blurred);
  if (!(options.scale > 0))
    throw CompositionError({{asked.place, "training data must differ from row to row, got rows that are all alike"}});
  options.blur.seed = composition.learn->seed;
  if (composition.learn->noise) options.blur.noise = static_cast<size_t>(*composition.learn->noise);
  options.blur.law = preset_noise_law(options.scale);
  if (!options.blur.noise) options.blur.law.log_sd = 0;
  options.blur.law.log_mean = asked.noise.log_mean.value_or(options.blur.law.log_mean);
  options.blur.law.log_sd = asked.noise.log_sd.value_or(options.blur.law.log_sd);
  options.blur.law.least = asked.noise.least.value_or(options.blur.law.least);
  options.blur.law.most = asked.noise.most.value_or(options.blur.law.most);
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
