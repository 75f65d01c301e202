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

Json stage_json(const Evidence& evidence, size_t k) {
  const AnnealedStage& stage = evidence.stages[k];
  Json json;
  if (evidence.noise.empty())
    json["beta"] = stage.beta;
  else
    json["noise"] = evidence.noise[k];
  json["effective_share"] = stage.ess;
  json["step_size"] = stage.step_size;
  json["acceptance"] = finite_or_null(stage.acceptance);
  return json;
}

/// Which level of noise falls: {"noise": {"from": 20, "to": 0.03}}.
Json along_json(const Composition& composition) {
  const GivenNumber& noise = composition.sample.anneal.given[0];
  const auto v = static_cast<size_t>(noise.variable);
  return {{composition.variables[v].name, {{"from", noise.from}, {"to", composition.held[v].value[0]}}}};
}

}  // namespace

std::string evidence_json(const Evidence& evidence, const Composition& composition, const std::string& file,
                          const EvidenceAsked& asked) {
  const AnnealedOptions& options = asked.options;
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
  if (asked.along)
    json["along"] = along_json(composition);
  else
    json["base"] = {{"mean", options.base.mean}, {"scale", options.base.scale}};
  json["evaluations"] = evidence.evaluations;
  json["ladder"] = Json::array();
  for (size_t k = 0; k < evidence.stages.size(); ++k) json["ladder"].push_back(stage_json(evidence, k));
  if (const std::vector<std::string> texts = doubts(evidence); !texts.empty()) json["warnings"] = texts;
  return utf8_of_bytes_in(json).dump(2) + "\n";
}

}  // namespace potluck
