// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compose/tree/learn_data.h"
#include "compose/tree/places.h"
#include "core/learning/contrastive_divergence.h"
#include "core/learning/data/training_data.h"
#include "core/learning/learning_rate.h"
#include "core/learning/optimiser.h"
#include "core/learning/trainer.h"

namespace potluck {

/// Noise of training data, as far as the file says it; what it leaves out follows from the data.
struct NoiseSettings {
  std::optional<double> log_mean, log_sd, least, most;
};

/// What is minimised, how, and for how long: one after the other on the same parameters.
struct LearnPhase {
  std::string objective = "denoising_score_matching";
  Place place;  ///< where the objective is named; that of the section where it is not
  NoiseSettings noise;
  ContrastiveOptions contrastive;         ///< but for what follows from composition and data
  Place contrastive_place;                ///< of the section `negatives`; that of the phase where there is none
  std::optional<double> negatives_noise;  ///< level of noise of contrastive divergence; none: the least of `noise`
  double contrast = 0;                    ///< weight of contrastive divergence beside another objective
  std::string noise_law;                  ///< the energy that noise_contrastive draws its noise from
  Place noise_law_place;
  bool fits_log_z = true;               ///< of noise_contrastive; else the model learns it by a constant of its own
  std::vector<std::string> parameters;  ///< names of arrays that are learned; empty: all
  Place parameters_place;
  OptimiserChoice optimiser;
  bool optimiser_named = false;
  Place optimiser_place;
  TrainerOptions trainer;
  double tolerance = 1e-8;  ///< of maximum_likelihood over all rows, nats a row

  /// Whether each update reads all rows of data, so that there are no batches and no learning rate.
  bool takes_all_rows() const {
    return objective == "maximum_likelihood" && (!optimiser_named || optimiser.kind == OptimiserChoice::Kind::kLbfgs);
  }
};

/// Pictures of draws while a training goes on.
struct LearnSamples {
  int64_t every = 0;   ///< updates from one picture to the next; 0: none is made
  int64_t count = 64;  ///< chains that are drawn
  Place place;         ///< of the section; unknown where there is none
};

/// The section `learn`.
struct LearnSettings {
  std::vector<LearnPhase> phases;
  std::vector<std::string> experts;          ///< names of energies that are trained; empty: all that can be
  std::vector<Place> expert_places;          ///< one for each
  LearnData files;                           ///< of the data
  std::optional<int> noise;                  ///< the variable that says how much the data are blurred
  std::shared_ptr<const TrainingData> data;  ///< of a composition that is read to train; else null
  uint32_t seed = 1;
  int64_t report_every = 100;  ///< updates
  LearnSamples samples;
  Place place;

  /// Whether a phase draws from the model.
  static bool draws(const LearnPhase& phase) {
    return phase.objective == "contrastive_divergence" || phase.contrast > 0;
  }
  bool has_data(int variable) const;
  std::vector<int> data_variables() const;  ///< rising
};

}  // namespace potluck
