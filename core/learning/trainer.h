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
#include "core/learning/training.h"
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

/// Minimises an objective over batches of data, by steps of an optimiser.
class Trainer final : public Training {
 public:
  /// All that is given outlives the object. @param held  numbers of the variables that data do not have
  Trainer(BatchEnergy& energy, const TrainingData& data, Objective& objective, Optimiser& optimiser,
          const TrainerOptions& options, const std::vector<Held>& held);

  bool done() const override { return options_.budget.used(updates_, seconds_) >= 1; }
  int64_t updates() const override { return updates_; }
  double seconds() const override { return seconds_; }
  bool takes_all_rows() const override { return false; }
  void update() override;
  TrainingProgress progress() override;
  void with_average(const std::function<void()>& look) override;
  void take_average() override;
  Figures assess_held_out(int64_t most) override;
  std::vector<std::byte> save() override;
  void restore(std::span<const std::byte> saved) override;

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
