// SPDX-License-Identifier: Apache-2.0
#include "apps/commands/evidence_report.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "apps/terminal/progress_report.h"
#include "apps/terminal/text.h"

namespace potluck {

std::string evidence_text(const engine::Evidence& evidence) {
  std::string text =
      fmt::format("log Z = {:.6g} +- {:.2g}, of exp(-E{}) over {}\n", evidence.log_z, evidence.standard_error,
                  evidence.temperature == 1 ? "" : fmt::format("/{:g}", evidence.temperature),
                  plural(evidence.coordinates, "number") + " that are not given");
  text += fmt::format("  the standard error is that of {} repeats of {}\n", evidence.repeats.size(),
                      plural(evidence.particles, "particle"));
  if (evidence.bracket)
    text += fmt::format(
        "  bracket without resampling: {:.6g} +- {:.2g} from the base up, {:.6g} +- {:.2g} from exact draws down\n",
        evidence.bracket->lower, evidence.bracket->lower_error, evidence.bracket->upper, evidence.bracket->upper_error);
  else
    text += "  no bracket: the target has no exact draws\n";
  for (const std::string& warning : evidence.warnings) text += "  warning: " + warning + "\n";
  text += fmt::format("  {} of energy and gradient a particle, {} in a stage\n\nLadder\n",
                      plural(evidence.evaluations, "evaluation"), plural(evidence.moves, "move"));
  const bool along = !evidence.stages.empty() && evidence.stages.front().noise.has_value();
  std::vector<std::vector<std::string>> rows = {{along ? "noise" : "b", "effective share", "step size", "acceptance"}};
  for (const engine::Evidence::Stage& stage : evidence.stages)
    rows.push_back({fmt::format("{:.4g}", stage.noise.value_or(stage.beta)),
                    fmt::format("{:.2f}", stage.effective_share),
                    std::isfinite(stage.acceptance) ? fmt::format("{:.3g}", stage.step_size) : "-",
                    std::isfinite(stage.acceptance) ? fmt::format("{:.2f}", stage.acceptance) : "-"});
  return text + columns(rows);
}

std::string run_text(const engine::EvidenceProgress& progress) {
  switch (progress.run) {
    case engine::EvidenceProgress::Run::kPilot:
      return "pilot";
    case engine::EvidenceProgress::Run::kRepeat:
      return fmt::format("repeat {}/{}", progress.repeat, progress.repeats);
    case engine::EvidenceProgress::Run::kUp:
      return "bracket from the base up";
    case engine::EvidenceProgress::Run::kDown:
      return "bracket from exact draws down";
  }
  return "";
}

std::string place_text(const engine::EvidenceProgress& progress) {
  if (progress.noise) return fmt::format("noise {:.3g}", *progress.noise);
  return fmt::format("b = {:.3g}", progress.beta);
}

std::string progress_text(const engine::EvidenceProgress& progress, double rate) {
  std::string text = fmt::format("{}, {}, stage {}", run_text(progress), place_text(progress),
                                 progress.total > 0 ? progress.done : progress.stage);
  if (progress.total > 0) text += fmt::format("/{}", progress.total);
  if (progress.total > progress.done && rate > 0)
    text += fmt::format(", {} left", duration_text(static_cast<double>(progress.total - progress.done) / rate));
  return text;
}

}  // namespace potluck
