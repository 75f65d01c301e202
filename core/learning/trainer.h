// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/data/training_data.h"
#include "core/learning/learning_rate.h"
#include "core/learning/objective.h"
#include "core/learning/optimiser.h"
#include "core/learning/weight_average.h"

namespace potluck {

/// How an objective is minimised.
struct TrainerOptions {
  Budget budget;
  LearningRate rate;
  int64_t batch = 128;     ///< rows of data an update
  double clip = 1;         ///< gradients of a larger norm are scaled down to it; 0: none is
  double average = 0.999;  ///< decay of the average of the weights; 0: none is kept
};

/// What a stretch of updates came to.
struct TrainingProgress {
  int64_t updates = 0;       ///< done in all
  int64_t epoch = 0;         ///< of the data
  double seconds = 0;        ///< of training in all
  double used = 0;           ///< of the budget, 0 ... 1
  double rate = 0;           ///< learning rate of the last update
  double gradient_norm = 0;  ///< mean over the stretch, before clipping
  int64_t clipped = 0;       ///< updates of the stretch whose gradient was
  Figures figures;           ///< of the objective, means over the stretch
};

/// Minimises an objective over data, update by update. All that changes is named in persist(): a trainer that was saved
/// and restored goes on with the same bits on the CPU, where the budget is one of updates.
///
/// One thread at a time; it works on the threads of the pool that its energy has. After an exception the parameters are
/// of no use: restore() what was saved before.
class Trainer {
 public:
  /// All that is given outlives the object. @param held  numbers of the variables that data do not have
  Trainer(BatchEnergy& energy, const TrainingData& data, Objective& objective, Optimiser& optimiser,
          const TrainerOptions& options, const std::vector<Held>& held);

  bool done() const { return options_.budget.used(updates_, seconds_) >= 1; }
  int64_t updates() const { return updates_; }
  double seconds() const { return seconds_; }  ///< of training

  /// One update. @throws NumericalError where the loss or its gradient is not finite
  void update();
  /// Of the updates since the last call.
  TrainingProgress progress();

  /// Calls `look` while the average of the weights stands in place of the weights.
  void with_average(const std::function<void()>& look);
  /// The average becomes the weights: the training is over.
  void take_average();
  /// What the objective finds of the first `most` held-out rows; empty where there are none.
  Figures assess_held_out(int64_t most);

  std::vector<std::byte> save();
  /// @throws StateError where `saved` is not of such a trainer
  void restore(std::span<const std::byte> saved);

 private:
  void persist(StateArchive& archive);
  double clip();

  BatchEnergy& energy_;
  const TrainingData& data_;
  Objective& objective_;
  Optimiser& optimiser_;
  const TrainerOptions options_;
  const std::vector<Held> held_;
  std::vector<size_t> learned_;  ///< arrays
  Batch batch_;
  ParameterSums sums_;
  WeightAverage average_;
  int64_t updates_ = 0;
  double seconds_ = 0;

  // Of the stretch.
  int64_t stretch_ = 0, clipped_ = 0;
  double norm_ = 0;
  Figures figures_;
};

}  // namespace potluck
