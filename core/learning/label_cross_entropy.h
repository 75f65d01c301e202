// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/blur.h"
#include "core/learning/objective.h"

namespace potluck {

struct LabelOptions {
  size_t label = 0;  ///< the categorical variable, of one element
  BlurOptions blur;  ///< of the data that stand beside the label; nothing blurred: the data as they are
};

/// Cross-entropy of labels under the energy (LeCun et al. 2006, A tutorial on energy-based learning, section
/// 2.2.4, the negative log-likelihood loss over a set of answers): for data x with label y
///
///   L = mean over rows of  -log P(y | x),   P(k | x) = exp(-E(x, k)) / sum_j exp(-E(x, j)),   k = 0 ... K - 1
///
/// Score matching leaves each label a free constant of its energy. This loss fixes them: what `gibbs` and mixtures over
/// labels need. An update costs K evaluations and K gradients. Rows whose label is left out (-1) have no part in it.
class LabelCrossEntropy final : public Objective {
 public:
  /// @param energy  outlives the object
  LabelCrossEntropy(BatchEnergy& energy, LabelOptions options);

  const char* name() const override { return "label_cross_entropy"; }
  /// Loss, and the share of rows whose own label is the most probable.
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override;
  Figures assess(int64_t first, Batch& data) override;

 private:
  int64_t categories() const { return energy_.variables()[label_].categories; }
  /// Energies of all labels of blurred rows; then cotangents in their place, dL/dE(x, k).
  Figures loss(Batch& data);
  void show_label(Batch& data, int64_t label) const;

  BatchEnergy& energy_;
  const size_t label_;
  const Blur blur_;
  std::vector<double> level_;
  std::vector<int64_t> own_;                   ///< [rows] label of each row
  std::vector<std::vector<double>> energies_;  ///< [K][rows]
};

}  // namespace potluck
