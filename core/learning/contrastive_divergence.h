// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/blur.h"
#include "core/learning/negatives.h"
#include "core/learning/objective.h"

namespace potluck {

struct ContrastiveOptions {
  NegativeOptions negatives;
  BlurOptions blur;      ///< of the data, at one level; nothing blurred: the data as they are
  int64_t rows = 0;      ///< of a batch, and of its negatives
  double energy_l2 = 0;  ///< >= 0: weight of the mean square of all energies (Du & Mordatch 2019, section 3.2)
  double trim = 0;       ///< in [0, 0.5): this share of the negatives of least energy is left out, and of most
};

/// Contrastive divergence (Hinton 2002), persistent where there is a buffer (Tieleman 2008):
///
///   L = mean E(data) - mean E(negatives) + energy_l2 (mean E(data)^2 + mean E(negatives)^2)
///
/// with negatives from chains of the model. The gradient takes them for constants: it is that of the likelihood,
/// mean dE/dp(data) - E[dE/dp] under the model, as far as the chains have the model's law. The loss itself is no
/// measure of it, and hovers about 0 in a training that goes well.
class ContrastiveDivergence final : public Objective {
 public:
  /// @param energy  outlives the object
  ContrastiveDivergence(BatchEnergy& energy, ContrastiveOptions options);

  const char* name() const override { return "contrastive_divergence"; }
  /// Loss, mean energies of data and of negatives, share of the chains that began anew, share of those that failed.
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override;
  /// Of held-out data against the last negatives.
  Figures assess(int64_t first, Batch& data) override;
  void persist(StateArchive& archive) override { negatives_.persist(archive); }

  const Negatives& negatives() const { return negatives_; }

 private:
  /// Weights of the negatives in their mean: 0 for those that failed or are trimmed.
  std::vector<double> shares_of_negatives() const;
  /// Energies at both become dL/dE.
  Figures loss(const Batch& data);

  BatchEnergy& energy_;
  const ContrastiveOptions options_;
  const Blur blur_;
  Negatives negatives_;
  std::vector<double> level_, of_data_, of_negatives_;
};

}  // namespace potluck
