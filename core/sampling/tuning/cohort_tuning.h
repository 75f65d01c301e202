// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/chains/chains.h"
#include "core/sampling/tuning/adaptation.h"
#include "core/state_archive.h"

namespace potluck {

/// The tuning of a run's method on the cohort: an adaptation for each of its parts, from the first step of the warm-up
/// to what is kept.
///
///   begin(), then in every step, for every part, a move of it and observe(), then finish()
class CohortTuning {
 public:
  /// @param steps of the warm-up. @param whitened the target's energy, where the metric is dense. All that is given
  /// outlives this.
  CohortTuning(const Target& target, Method& method, int64_t steps, WhitenedEnergy* whitened);

  /// What warm-up moves and tunes: the method, or its adjusted relative in its place.
  Method& tuned() const { return tuned_ ? *tuned_ : method_; }
  /// There is something to tune.
  bool any() const { return method_.tuning().any() && tuned().tuning().any(); }

  void begin(Chains& chains);
  bool adapting() const { return !adaptation_.empty(); }
  /// Of tuned(), in the order in which a step moves them.
  const std::vector<MethodPart>& parts() const { return parts_; }
  /// Reads the cohort after the move of a part in a step, as Adaptation::observe.
  void observe(size_t part, int64_t step);
  /// Tunes step sizes anew, from those tuned so far.
  void restart();
  /// The same from step sizes of a level of noise, of the parts that take them (Method::level_step_size).
  /// @param eta none: that of the method. @param square of the level
  void restart_at_level(std::optional<double> eta, double square);
  /// Multiplies the step sizes of those parts by a factor and goes on tuning.
  void rescale_steps(double factor);
  /// Hands what was tuned to the method, which keeps it.
  void finish();

  /// Mean acceptance of the cohort in the last step, over the parts that propose; 1 where none does.
  double acceptance() const;
  /// Chains of the cohort that were frozen in the last step.
  int64_t frozen() const;

  /// What was tuned so far. Reading it begins the tuning again, or hands the chains the metric that was kept.
  void persist(StateArchive& archive, Chains& chains);

 private:
  double most_step_size(const MethodPart& part) const;

  const Target& target_;
  Method& method_;
  std::unique_ptr<Method> tuned_;  ///< what warm-up moves in the method's place, or null
  int64_t steps_;
  WhitenedEnergy* whitened_;
  std::vector<MethodPart> parts_;
  std::vector<std::unique_ptr<Adaptation>> adaptation_;  ///< one per part, while the cohort tunes
  std::vector<uint32_t> nan_proposals_;                  ///< [cohort] counted so far
  std::vector<std::vector<double>> scale_;               ///< the metric that was kept, [n] per variable
};

}  // namespace potluck
