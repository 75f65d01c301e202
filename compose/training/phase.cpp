// SPDX-License-Identifier: Apache-2.0
#include "compose/training/phase.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

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

NoiseLaw noise_law(const NoiseSettings& asked, double scale, bool fixed) {
  NoiseLaw law = preset_noise_law(scale);
  if (fixed) law.log_sd = 0;
  law.log_mean = asked.log_mean.value_or(law.log_mean);
  law.log_sd = asked.log_sd.value_or(law.log_sd);
  law.least = asked.least.value_or(law.least);
  law.most = asked.most.value_or(law.most);
  return law;
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
  options.law = noise_law(asked.noise, options.scale, !options.noise);
  return std::make_unique<DenoisingScoreMatching>(energy, options);
}

/// All rows at one level, a standard deviation below the middle of the law: there rows that were learned by heart show.
/// As they are where no model reads a level.
ComparisonNoise comparison_noise(const Composition& composition, const LearnPhase& asked) {
  ComparisonNoise comparison;
  if (!composition.learn->noise) return comparison;
  comparison.noise = static_cast<size_t>(*composition.learn->noise);
  comparison.blurred = blurred_variables(composition);
  comparison.seed = composition.learn->seed;
  const NoiseLaw law = noise_law(asked.noise, scale_of(composition, comparison.blurred), false);
  comparison.sigma = std::clamp(std::exp(law.log_mean - law.log_sd), law.least, law.most);
  return comparison;
}

}  // namespace

std::unique_ptr<Objective> make_objective(const Composition& composition, const LearnPhase& asked,
                                          BatchEnergy& energy) {
  if (asked.objective == "denoising_score_matching") return denoising(composition, asked, energy);
  throw CompositionError({{asked.place, fmt::format("unknown objective '{}'", asked.objective)}});
}

Phase::Phase(const Composition& composition, const LearnPhase& asked, BatchEnergy& energy,
             MakeOptimiser* make_optimiser)
    : energy_(energy),
      data_(*composition.learn->data),
      held_(composition.held),
      batch_(asked.trainer.batch),
      objective_(make_objective(composition, asked, energy)),
      optimiser_(
          make_optimiser(asked.optimiser, learned_arrays(energy.learnable()), energy.learnable().energy().device())),
      trainer_(std::make_unique<Trainer>(energy, *composition.learn->data, *objective_, *optimiser_, asked.trainer,
                                         composition.held)),
      held_out_(std::make_unique<HeldOutWatch>(energy, *composition.learn->data, comparison_noise(composition, asked),
                                               composition.held)) {}

double Phase::present_loss() {
  const int64_t count = std::min(batch_, data_.training());
  Batch rows = spread_rows(energy_, data_, SpreadRows::kTraining, {0, count, count}, held_);
  return objective_->assess(0, rows).front().second;
}

bool Phase::growth_alarms() const { return objective_->name() == std::string_view("denoising_score_matching"); }

}  // namespace potluck
