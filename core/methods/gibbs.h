// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/methods/method.h"
#include "core/methods/option_table.h"

namespace potluck {

/// Draws the labels of categorical variables, one element after the other, each from its law given all else:
///
///   P(label_j = k | rest) = exp(-E(k, rest)/T) / sum_i exp(-E(i, rest)/T),    k = 0 ... K - 1
///
/// with E the finished composite, so that a step leaves exp(-E/T) invariant and rejects nothing. Geman & Geman 1984;
/// the elements have a fixed order, which is as exact (Tierney 1994, section 2.4). The K energies come from
/// Energy::category_energies where the composite offers them, else from K evaluations without gradients. It has no
/// step size, and warm-up tunes nothing of it.
///
/// It moves blocks of a sweep alone (BlockSweep), and leaves the evaluation at the drawn labels to the sweep.
class Gibbs final : public Method {
 public:
  struct Options {};

  explicit Gibbs(const Options&) {}

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  /// @throws SettingError where numbers that are no labels move
  void check(const Target& target) const override;
  void prepare(const Target& target) override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override { return holds_ ? 0 : steps.count * evaluations_a_step_; }
  /// Kernels of steps that hold the labels are not those of the steps that draw them.
  bool replayable() const override { return !holds_; }
  void hold_labels(bool hold) override { holds_ = hold; }
  double step_size() const override { return 0; }

 private:
  static void draw(Group& group, const Kernels& kernels, const LabelBlock& labels, uint32_t step);

  int64_t evaluations_a_step_ = 0;
  bool holds_ = false;
};

}  // namespace potluck
