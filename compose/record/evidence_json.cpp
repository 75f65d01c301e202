// SPDX-License-Identifier: Apache-2.0
#include "compose/record/evidence_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/files/formats/utf8_text.h"
#include "core/sampling/annealing/doubts.h"

namespace potluck {
namespace {

using Json = nlohmann::ordered_json;

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace

std::string evidence_json(const Evidence& evidence, const Composition& composition, const std::string& file,
                          const AnnealedOptions& options) {
  Json json;
  json["log_z"] = evidence.log_z;
  json["standard_error"] = evidence.standard_error;
  json["repeats"] = evidence.repeats;
  if (evidence.bracket)
    json["bracket"] = {
        {"lower", {{"value", evidence.bracket->lower}, {"standard_error", evidence.bracket->lower_error}}},
        {"upper", {{"value", evidence.bracket->upper}, {"standard_error", evidence.bracket->upper_error}}}};
  else
    json["bracket"] = nullptr;
  json["file"] = file;
  json["temperature"] = composition.sample.temperature;
  json["seed"] = options.seed;
  json["particles"] = options.particles;
  json["moves"] = options.moves;
  json["base"] = {{"mean", options.base.mean}, {"scale", options.base.scale}};
  json["evaluations"] = evidence.evaluations;
  json["ladder"] = Json::array();
  for (const AnnealedStage& stage : evidence.stages)
    json["ladder"].push_back({{"beta", stage.beta},
                              {"effective_share", stage.ess},
                              {"step_size", stage.step_size},
                              {"acceptance", finite_or_null(stage.acceptance)}});
  if (const std::vector<std::string> texts = doubts(evidence); !texts.empty()) json["warnings"] = texts;
  return utf8_of_bytes_in(json).dump(2) + "\n";
}

}  // namespace potluck
