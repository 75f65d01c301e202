// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "core/learning/trainer.h"

namespace potluck::testing {

/// Rows of numbers as data of one variable.
inline DataColumn column_of(int variable, int64_t rows, const std::vector<double>& numbers) {
  DataColumn column;
  column.variable = variable;
  column.array.type = NumberType::kFloat64;
  column.array.shape = {rows, static_cast<int64_t>(numbers.size()) / rows};
  column.array.bytes.resize(numbers.size() * sizeof(double));
  std::memcpy(column.array.bytes.data(), numbers.data(), column.array.bytes.size());
  return column;
}
inline DataColumn labels_of(int variable, int64_t rows, const std::vector<int64_t>& labels) {
  DataColumn column;
  column.variable = variable;
  column.array.type = NumberType::kInt64;
  column.array.shape = {rows, static_cast<int64_t>(labels.size()) / rows};
  column.array.bytes.resize(labels.size() * sizeof(int64_t));
  std::memcpy(column.array.bytes.data(), labels.data(), column.array.bytes.size());
  return column;
}

/// p -= rate g.
class Descent final : public Optimiser {
 public:
  explicit Descent(Learnable& learnable) : learnable_(learnable) {}
  void step(std::span<const double* const> gradients, double rate) override {
    size_t next = 0;
    for (size_t a = 0; a < learnable_.arrays().size(); ++a) {
      if (!learnable_.arrays()[a].learned) continue;
      std::vector<double> numbers = learnable_.numbers(a);
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] -= rate * gradients[next][i];
      learnable_.set_numbers(a, numbers);
      ++next;
    }
  }
  std::vector<std::byte> save() const override { return {}; }
  void restore(std::span<const std::byte>) override {}

 private:
  Learnable& learnable_;
};

/// Learns by descent of a constant rate, and leaves the mean of the parameters over the second half of the updates in
/// their place: its variance is that of the best estimator (Polyak & Juditsky 1992).
inline void learn(BatchEnergy& energy, const TrainingData& data, Objective& objective, int64_t batch, double rate,
                  int64_t updates) {
  Learnable& learnable = energy.learnable();
  Descent descent(learnable);
  TrainerOptions options;
  options.budget.updates = updates;
  options.rate = {rate, 0, LearningRate::Decay::kNone};
  options.batch = batch;
  options.clip = 0;
  options.average = 0;
  Trainer trainer(energy, data, objective, descent, options, {});
  std::vector<std::vector<double>> mean(learnable.arrays().size());
  while (!trainer.done()) {
    trainer.update();
    if (trainer.updates() <= updates / 2) continue;
    for (size_t a = 0; a < mean.size(); ++a) {
      if (!learnable.arrays()[a].learned) continue;
      const std::vector<double> now = learnable.numbers(a);
      mean[a].resize(now.size());
      for (size_t i = 0; i < now.size(); ++i) mean[a][i] += now[i] / static_cast<double>(updates - updates / 2);
    }
  }
  for (size_t a = 0; a < mean.size(); ++a)
    if (learnable.arrays()[a].learned) learnable.set_numbers(a, mean[a]);
  learnable.changed();
}

}  // namespace potluck::testing
