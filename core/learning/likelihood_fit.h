// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/data/training_data.h"
#include "core/learning/learning_rate.h"
#include "core/learning/maximum_likelihood.h"
#include "core/learning/optimiser.h"
#include "core/learning/spread_rows.h"
#include "core/learning/training.h"

namespace potluck {

/// Parameters of maximum likelihood in rounds: sums over all rows of data at the present parameters, and the parameters
/// that follow from them.
class LikelihoodRounds {
 public:
  virtual ~LikelihoodRounds() = default;
  /// A round reaches the maximum, up to rounding; else it is one of EM and does not lower the likelihood.
  virtual bool closed_form() const = 0;
  /// Forgets the sums.
  virtual void begin(int64_t round) = 0;
  /// Adds what the rows have, in the same order and pieces for any number of threads.
  virtual void add(const Batch& rows) = 0;
  /// Moves the parameters. @throws Error where the sums leave no valid ones
  virtual void finish() = 0;
};

/// Maximises the likelihood over all training rows at once, which are read in their order and in pieces of a fixed
/// size: in rounds, where there are some, or by iterations of a minimiser. It is done where an update raises the mean
/// log-likelihood of a row by no more than the tolerance, or where the budget is used up. A closed form takes two
/// updates, of which the second takes its sums about what the first has found.
class LikelihoodFit final : public Training {
 public:
  struct Options {
    Budget budget;
    double tolerance = 1e-8;  ///< nats a row
  };

  /// All references outlive the object. @param rounds, minimiser  one of them  @param held  numbers without data
  LikelihoodFit(BatchEnergy& energy, const TrainingData& data, MaximumLikelihood& objective,
                std::unique_ptr<LikelihoodRounds> rounds, std::unique_ptr<Minimiser> minimiser, const Options& options,
                const std::vector<Held>& held);

  bool done() const override { return converged_ || options_.budget.used(updates_, seconds_) >= 1; }
  int64_t updates() const override { return updates_; }
  double seconds() const override { return seconds_; }
  bool takes_all_rows() const override { return true; }
  /// @throws NumericalError also where a round of EM lowers the likelihood by more than rounding does
  void update() override;
  TrainingProgress progress() override;
  void with_average(const std::function<void()>& look) override { look(); }
  void take_average() override {}
  /// Of all held-out rows.
  Figures assess_held_out(int64_t most) override;
  std::vector<std::byte> save() override;
  void restore(std::span<const std::byte> saved) override;

 private:
  void persist(StateArchive& archive);
  Batch piece(SpreadRows which, int64_t first) const;
  void for_each_piece(const std::function<void(Batch&)>& use) const;
  double evaluate(ParameterSums* sums);
  void take_round();
  void iterate();
  void check(double before) const;

  BatchEnergy& energy_;
  const TrainingData& data_;
  MaximumLikelihood& objective_;
  const std::unique_ptr<LikelihoodRounds> rounds_;
  const std::unique_ptr<Minimiser> minimiser_;
  const Options options_;
  const std::vector<Held> held_;
  std::vector<size_t> learned_;  ///< arrays
  int64_t updates_ = 0;
  double seconds_ = 0;
  bool converged_ = false;
  Figures figures_;  ///< at the present parameters; empty: not known yet
  ParameterSums sums_;
  bool gradient_known_ = false;  ///< `sums_` is that at the present parameters
};

}  // namespace potluck
