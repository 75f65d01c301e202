// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "compose/plan/plan.h"
#include "compose/tree/tree.h"
#include "core/learning/batch_energy.h"
#include "core/learning/blur.h"
#include "core/learning/held_out_watch.h"
#include "core/learning/learned_part.h"
#include "core/learning/objective.h"
#include "core/learning/optimiser.h"
#include "core/learning/trainer.h"

namespace potluck {

/// One phase of a training: its objective, its optimiser and the trainer of both. Phases follow each other on the same
/// parameters, each with an optimiser of its own.
class Phase {
 public:
  /// All that is given outlives the object. @param plan  whose energy is trained  @param optimisers  the library
  Phase(const Composition& composition, const LearnPhase& asked, Plan& plan, BatchEnergy& energy,
        const std::filesystem::path& optimisers);

  Training& trainer() { return *trainer_; }
  const Objective& objective() const { return *objective_; }
  /// Of the composition's data, at a noise that the objective learns from.
  HeldOutWatch& held_out() { return *held_out_; }

 private:
  /// The arrays that the phase names; null: it learns all.
  static std::unique_ptr<LearnedPart> part_of(const LearnPhase& asked, Learnable& whole);

  void fit_likelihood(const Composition& composition, const LearnPhase& asked, Plan& plan, BatchEnergy& energy,
                      const std::filesystem::path& optimisers);

  std::unique_ptr<LearnedPart> part_;
  std::unique_ptr<BatchEnergy> part_energy_;  ///< of the part, or null
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<Optimiser> optimiser_;
  std::unique_ptr<Training> trainer_;
  std::unique_ptr<HeldOutWatch> held_out_;
};

/// How much noise the data of a phase are blurred with; nothing where they are not.
/// @throws CompositionError where there are no data to blur
std::optional<NoiseLaw> noise_of_data(const Composition& composition, const LearnPhase& asked);

/// @throws CompositionError where the composition has nothing that the objective needs
std::unique_ptr<Objective> make_objective(const Composition& composition, const LearnPhase& asked, Plan& plan,
                                          BatchEnergy& energy);

}  // namespace potluck
