// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/objective.h"

namespace potluck {

/// How much noise the data are blurred with: ln(sigma) ~ N(mean, sd^2), cut to [least, most], in the units of the data.
struct NoiseLaw {
  double log_mean = 0;
  double log_sd = 0;
  double least = 0;
  double most = 0;
};

/// Karras et al. 2022 (table 1: ln sigma ~ N(-1.2, 1.2^2) for data of standard deviation 0.5), somewhat wider: data of
/// standard deviation `scale` are blurred with ln(sigma/scale) ~ N(-0.3, 1.4^2), cut to [0.02, 40].
NoiseLaw preset_noise_law(double scale);

struct DenoisingOptions {
  std::vector<size_t> blurred;  ///< variables that noise is added to
  std::optional<size_t> noise;  ///< the variable that says how much: one real number; none: models do not read it
  NoiseLaw law;                 ///< with least = most where models do not read it
  double scale = 1;             ///< standard deviation s of the data
  uint32_t seed = 1;
};

/// Denoising score matching (Vincent 2011), weighted as by Karras et al. 2022. Data x of n numbers become
/// y = x + sigma z, z ~ N(0, 1), and
///
///   L = mean over rows of  w(sigma) |sigma dE/dy(y, sigma) - z|^2 / n,   w(sigma) = (sigma^2 + s^2) / s^2
///
/// which is zero in expectation but for the noise that cannot be known where dE/dy = -d log p_sigma/dy. For the
/// denoiser D(y) = y - sigma^2 dE/dy it is |D - x|^2 (sigma^2 + s^2) / (sigma s)^2 / n: with the preconditioning of
/// Karras et al. the loss of a network that outputs nothing is 1 at every level.
class DenoisingScoreMatching final : public Objective {
 public:
  /// @param energy  outlives the object
  DenoisingScoreMatching(BatchEnergy& energy, DenoisingOptions options);

  const char* name() const override { return "denoising_score_matching"; }
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override;
  Figures assess(int64_t first, Batch& data) override;

 private:
  /// Adds noise to the rows of `data`, which are rows first, first + 1, ... of that update.
  void blur(uint32_t step, int64_t first, bool held_out, Batch& data);
  /// Evaluates the loss at blurred data, and turns the score in `score_` into dL/dscore.
  double loss(Batch& data);
  void make_room(const Batch& data);

  BatchEnergy& energy_;
  const DenoisingOptions options_;
  std::optional<Batch> noise_, score_;
  std::vector<double> level_, energies_, row_loss_;
};

}  // namespace potluck
