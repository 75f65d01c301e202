// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/learning/learnable.h"
#include "core/learning/objective.h"
#include "core/learning/optimiser.h"
#include "core/state_archive.h"

namespace potluck {

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

/// Minimises an objective over data, update by update. All that changes is saved: a training that was saved and
/// restored goes on with the same bits on the CPU, where its end does not depend on time.
///
/// One thread at a time; it works on the threads of the pool that its energy has. After an exception the parameters are
/// of no use: restore() what was saved before.
class Training {
 public:
  virtual ~Training() = default;

  virtual bool done() const = 0;
  virtual int64_t updates() const = 0;
  virtual double seconds() const = 0;  ///< of training
  /// Whether each update reads all rows: there is no learning rate then, and each update is worth a report.
  virtual bool takes_all_rows() const = 0;

  /// One update. @throws NumericalError where the loss or its gradient is not finite
  virtual void update() = 0;
  /// Of the updates since the last call.
  virtual TrainingProgress progress() = 0;

  /// Calls `look` while the average of the weights, if there is one, stands in place of the weights.
  virtual void with_average(const std::function<void()>& look) = 0;
  /// The average becomes the weights: the training is over.
  virtual void take_average() = 0;
  /// What the objective finds of held-out rows, of the first `most` where all are too many; empty where there are none.
  virtual Figures assess_held_out(int64_t most) = 0;

  virtual std::vector<std::byte> save() = 0;
  /// @throws StateError where `saved` is not of such a training
  virtual void restore(std::span<const std::byte> saved) = 0;
};

/// Saves or restores the numbers of all arrays.
void persist_arrays(StateArchive& archive, Learnable& learnable);

/// What the mover of these arrays remembers; null: there is none. @throws StateError where it is of another one
void persist_mover(StateArchive& archive, ParameterMover* mover);

}  // namespace potluck
