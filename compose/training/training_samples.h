// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "compose/plan/parameter_store.h"
#include "compose/session/session.h"
#include "compose/tree/tree.h"
#include "core/files/run/event_file.h"

namespace potluck {

/// Pictures of draws while a training goes on, as `learn.samples` asks for them: the target as the composition samples
/// it, with its `given` and `sample`, but for chains, thin and steps: the anneal, the warm-up and one step. The weights
/// are those of the moment. Each picture has the same noise, so that two differ by the weights alone.
///
/// Models, plan and chains are its own: the training has the same bits with pictures and without.
class TrainingSamples {
 public:
  /// Looks for what a run would refuse. @param training  prepared for training; outlives the object
  /// @throws CompositionError there, and where no variable that is drawn has the shape of a picture
  TrainingSamples(const Session& training, const ParameterStore& store);

  /// The weights as they are now, by the leaf that defines each expert that is trained or has no file.
  using Weights = std::map<const Leaf*, std::shared_ptr<const WeightsFile>>;
  Weights weights(const ParameterStore& store) const;

  /// Draws with these weights, and writes `samples/NNNNNN.png` into a folder, where there are several variables
  /// `samples/NNNNNN-NAME.png`.
  /// @param updates  of the training, for the name
  /// @return the pictures as events have them; nothing where `stop` was set before they were drawn
  /// @throws NumericalError where nothing can be drawn with these weights
  std::optional<std::vector<EventImage>> draw(const ParameterStore& store, const Weights& weights, int64_t updates,
                                              const std::filesystem::path& folder, const std::atomic<bool>& stop) const;

 private:
  struct Prepared;
  std::unique_ptr<Prepared> prepare(const ParameterStore& store, const Weights& weights) const;

  const Session& training_;
  Composition sampled_;            ///< the target is the training's
  std::vector<size_t> variables_;  ///< that have pictures
};

}  // namespace potluck
