// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/objective.h"

namespace potluck {

/// A law with a density that is known and independent draws: the noise that data are told apart from.
class NoiseDistribution {
 public:
  virtual ~NoiseDistribution() = default;
  /// Draws for rows first, first + 1, ... of an update. What it does not draw stays as it is.
  virtual void draw(int64_t update, int64_t first, bool held_out, Batch& to) = 0;
  /// @param log_density  [rows], normalised
  virtual void log_density(const Batch& at, double* log_density) = 0;
};

/// Noise-contrastive estimation (Gutmann & Hyvarinen 2010) with one row of noise for each row of data. With
/// G(x) = -E(x) - log Z - log p_noise(x)
///
///   L = mean over data log(1 + e^-G) + mean over noise log(1 + e^G)
///
/// the loss of telling data from noise by their densities. It is 2 log 2 where the model is the noise's law.
///
/// log Z is fitted anew to each batch: the minimum of L over it, which is Bennett's estimate (1976), so that the
/// gradient is that of L with log Z at its minimum. Or it is 0, where the model has a constant of its own to learn,
/// such as a bias, and the model's energy becomes a normalised one.
class NoiseContrastive final : public Objective {
 public:
  /// @param energy  outlives the object  @param fits_log_z  else it is 0
  NoiseContrastive(BatchEnergy& energy, std::unique_ptr<NoiseDistribution> noise, bool fits_log_z);

  const char* name() const override { return "noise_contrastive"; }
  /// Loss, log Z, and the share of rows of both that are told apart rightly.
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override;
  Figures assess(int64_t first, Batch& data) override;

 private:
  struct Side {
    std::vector<double> energy;  ///< [rows], then dL/dE
    std::vector<double> ratio;   ///< [rows]: -E - log p_noise
  };

  void find_ratios(const Batch& at, Side& side);
  Figures loss(const Batch& data);

  BatchEnergy& energy_;
  const std::unique_ptr<NoiseDistribution> law_;
  const bool fits_log_z_;
  std::optional<Batch> noise_;
  Side of_data_, of_noise_;
};

/// log Z at which sum_i 1 / (1 + e^(a_i - log Z)) over data is sum_j 1 / (1 + e^(log Z - b_j)) over noise: Bennett
/// 1976.
double bennett_log_z(const std::vector<double>& data, const std::vector<double>& noise);

}  // namespace potluck
