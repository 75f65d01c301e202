// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/sampling/annealed.h"
#include "core/sampling/method_options.h"
#include "core/sampling/weights.h"

namespace potluck {

namespace {

struct Mean {
  double value = 0, error = 0;
};

Mean mean_of(const std::vector<double>& values) {
  const double count = static_cast<double>(values.size());
  Mean mean;
  for (const double one : values) mean.value += one / count;
  double squares = 0;
  for (const double one : values) squares += (one - mean.value) * (one - mean.value);
  mean.error = std::sqrt(squares / (count - 1) / count);
  return mean;
}

/// Of the log of the mean of exp(values).
double error_of_log_mean(const std::vector<double>& values) {
  const double most = *std::max_element(values.begin(), values.end());
  std::vector<double> relative;
  for (const double one : values) relative.push_back(std::exp(one - most));
  const Mean mean = mean_of(relative);
  return std::max(mean.error / mean.value, mean_of(values).error);
}

}  // namespace

Evidence estimate_evidence(const Target& target, const AnnealedOptions& options, int64_t repeats, const Start* exact) {
  if (repeats < 2) throw SettingError(fmt::format("annealing: repeats must be >= 2, got {}", repeats));
  Annealed annealed(target, options);
  Evidence evidence;
  evidence.particles = options.particles;
  evidence.coordinates = free_coordinates(target);
  evidence.stages = annealed.forward().stages;
  std::vector<AnnealedStage> means = evidence.stages;
  for (AnnealedStage& stage : means) stage.ess = stage.acceptance = 0;
  for (int64_t i = 0; i < repeats; ++i) {
    const AnnealedRun run = annealed.forward(evidence.stages, options.resample_below > 0);
    evidence.repeats.push_back(run.log_z);
    for (size_t k = 0; k < means.size(); ++k) {
      means[k].ess += run.stages[k].ess / static_cast<double>(repeats);
      means[k].acceptance += run.stages[k].acceptance / static_cast<double>(repeats);
    }
  }
  evidence.log_z = log_mean_exp(evidence.repeats);
  evidence.standard_error = error_of_log_mean(evidence.repeats);
  if (exact) {
    const Mean up = mean_of(annealed.forward(evidence.stages, false).log_weight);
    const Mean down = mean_of(annealed.reverse(evidence.stages, *exact).log_weight);
    evidence.bracket = {up.value, up.error, down.value, down.error};
  }
  evidence.stages = std::move(means);
  evidence.evaluations = annealed.evaluations();
  return evidence;
}

}  // namespace potluck
