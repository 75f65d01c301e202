// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/blur.h"
#include "core/learning/objective.h"

namespace potluck {

struct DenoisingOptions {
  BlurOptions blur;
  double scale = 1;  ///< standard deviation s of the data
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
  bool growth_alarms() const override { return true; }
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override;
  Figures assess(int64_t first, Batch& data) override;

 private:
  /// Evaluates the loss at blurred data, and turns the score in `score_` into dL/dscore.
  double loss(Batch& data);
  void blur(uint32_t step, int64_t first, bool held_out, Batch& data);

  BatchEnergy& energy_;
  const Blur blur_;
  const double scale_;
  std::optional<Batch> noise_, score_;
  std::vector<double> level_, energies_, row_loss_;
};

}  // namespace potluck
