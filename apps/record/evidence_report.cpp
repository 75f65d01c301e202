// SPDX-License-Identifier: Apache-2.0
#include "apps/record/evidence_report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/terminal/progress_report.h"
#include "apps/terminal/text.h"
#include "core/diagnostics/verdict_words.h"
#include "core/files/formats/utf8_text.h"

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
  return utf8_of_bytes_in(json).dump(2) + "\n";
}

std::string evidence_text(const Evidence& evidence, const Composition& composition, const AnnealedOptions& options) {
  std::string text =
      fmt::format("log Z = {:.6g} +- {:.2g}, of exp(-E{}) over {}\n", evidence.log_z, evidence.standard_error,
                  composition.sample.temperature == 1 ? "" : fmt::format("/{:g}", composition.sample.temperature),
                  counted(evidence.coordinates, "number") + " that are not given");
  text += fmt::format("  the standard error is that of {} repeats of {}\n", evidence.repeats.size(),
                      counted(evidence.particles, "particle"));
  if (evidence.bracket)
    text += fmt::format(
        "  bracket without resampling: {:.6g} +- {:.2g} from the base up, {:.6g} +- {:.2g} from exact draws down\n",
        evidence.bracket->lower, evidence.bracket->lower_error, evidence.bracket->upper, evidence.bracket->upper_error);
  else
    text += "  no bracket: the target has no exact draws\n";
  text += fmt::format("  {} of energy and gradient a particle, {} in a stage\n\nLadder\n",
                      counted(evidence.evaluations, "evaluation"), counted(options.moves, "move"));
  std::vector<std::vector<std::string>> rows = {{"b", "effective share", "step size", "acceptance"}};
  for (const AnnealedStage& stage : evidence.stages)
    rows.push_back({fmt::format("{:.4g}", stage.beta), fmt::format("{:.2f}", stage.ess),
                    std::isfinite(stage.acceptance) ? fmt::format("{:.3g}", stage.step_size) : "-",
                    std::isfinite(stage.acceptance) ? fmt::format("{:.2f}", stage.acceptance) : "-"});
  return text + columns(rows);
}

std::string run_text(const EvidenceProgress& progress) {
  switch (progress.run) {
    case EvidenceProgress::Run::kPilot:
      return "pilot";
    case EvidenceProgress::Run::kRepeat:
      return fmt::format("repeat {}/{}", progress.repeat, progress.repeats);
    case EvidenceProgress::Run::kUp:
      return "bracket from the base up";
    case EvidenceProgress::Run::kDown:
      return "bracket from exact draws down";
  }
  return "";
}

std::string progress_text(const EvidenceProgress& progress, double rate) {
  std::string text = fmt::format("{}, b = {:.3g}, stage {}", run_text(progress), progress.beta,
                                 progress.total > 0 ? progress.done : progress.stage);
  if (progress.total > 0) text += fmt::format("/{}", progress.total);
  if (progress.total > progress.done && rate > 0)
    text += fmt::format(", {} left", duration_text(static_cast<double>(progress.total - progress.done) / rate));
  return text;
}

}  // namespace potluck
