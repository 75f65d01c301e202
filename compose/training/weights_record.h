// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compose/plan/parameter_store.h"
#include "compose/training/learned_experts.h"
#include "compose/tree/tree.h"

namespace potluck {

/// How far the weights are that are written.
struct TrainedSoFar {
  size_t phases = 0;                    ///< that have made updates
  int64_t updates = 0;                  ///< of all of them
  std::optional<double> held_out_loss;  ///< of the last report; none: no rows are held out, or there was no report
};

/// What the metadata of learned weights say of their training, beside model and settings:
///
///   potluck.learn   a JSON object: phases (of each its objective, and log_mean, log_sd, least and most of the noise
///   that
///                   its data were blurred with), data (mean and scale of the numbers that the expert draws), seed,
///                   updates, held_out_loss, version. What does not apply is left out
///   potluck.sample  the sampler that suits (compose/file/kept_sampler.h), where the composition says it
class WeightsRecord {
 public:
  /// Goes through the data once. @param store  is not kept
  WeightsRecord(const Composition& composition, const std::vector<LearnedExpert>& learned, const ParameterStore& store);

  /// Of the expert `learned[i]`.
  std::map<std::string, std::string> metadata(size_t i, const TrainedSoFar& so_far) const;

 private:
  struct Expert {
    nlohmann::ordered_json learn;
    std::optional<std::string> sample;
  };
  std::vector<Expert> experts_;
};

}  // namespace potluck
