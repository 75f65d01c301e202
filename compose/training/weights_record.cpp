// SPDX-License-Identifier: Apache-2.0
#include "compose/training/weights_record.h"

#include "compose/file/kept_sampler.h"
#include "compose/training/phase.h"
#include "core/version.h"

namespace potluck {

namespace {

using Json = nlohmann::ordered_json;

Json phases_of(const Composition& composition) {
  Json phases = Json::array();
  for (const LearnPhase& asked : composition.learn->phases) {
    Json phase = {{"objective", asked.objective}};
    if (const std::optional<NoiseLaw> law = noise_of_data(composition, asked))
      phase["noise"] = {
          {"log_mean", law->log_mean}, {"log_sd", law->log_sd}, {"least", law->least}, {"most", law->most}};
    phases.push_back(std::move(phase));
  }
  return phases;
}

}  // namespace

WeightsRecord::WeightsRecord(const Composition& composition, const std::vector<LearnedExpert>& learned,
                             const ParameterStore& store) {
  const Json phases = phases_of(composition);
  for (const LearnedExpert& one : learned) {
    const Leaf& leaf = store.leaf(one.expert);
    Expert expert;
    expert.learn["phases"] = phases;
    if (const auto data = summary_of_data(composition, leaf))
      expert.learn["data"] = {{"mean", data->mean}, {"scale", data->scale}};
    expert.learn["seed"] = composition.learn->seed;
    expert.sample = sampler_to_keep(composition, leaf);
    experts_.push_back(std::move(expert));
  }
}

std::map<std::string, std::string> WeightsRecord::metadata(size_t i, const TrainedSoFar& so_far) const {
  Json learn = experts_[i].learn;
  learn["phases"].get_ref<Json::array_t&>().resize(so_far.phases);
  learn["updates"] = so_far.updates;
  if (so_far.held_out_loss) learn["held_out_loss"] = *so_far.held_out_loss;
  learn["version"] = kVersion;
  std::map<std::string, std::string> metadata = {{"potluck.learn", learn.dump()}};
  if (experts_[i].sample) metadata["potluck.sample"] = *experts_[i].sample;
  return metadata;
}

}  // namespace potluck
