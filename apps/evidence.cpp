// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/evidence.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/exit_code.h"
#include "apps/session.h"
#include "apps/text.h"
#include "compose/exact_start.h"

namespace potluck {
namespace {

int64_t whole_number(const CommandLine& line, const std::string& name, int64_t least, int64_t preset) {
  SettingDescription option;
  option.name = "--" + name;
  option.kind = SettingKind::kInteger;
  option.least = static_cast<double>(least);
  option.most = 1e9;
  const auto word = line.value(name);
  return word ? parse_setting(option, {*word}, option.name).integer.at(0) : preset;
}

double number(const CommandLine& line, const std::string& name, double least, double preset) {
  SettingDescription option;
  option.name = "--" + name;
  option.least = least;
  const auto word = line.value(name);
  return word ? parse_setting(option, {*word}, option.name).real.at(0) : preset;
}

nlohmann::ordered_json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

std::string as_json(const Evidence& evidence, const Composition& composition, const AnnealedOptions& options) {
  nlohmann::ordered_json json;
  json["log_z"] = evidence.log_z;
  json["standard_error"] = evidence.standard_error;
  json["repeats"] = evidence.repeats;
  if (evidence.bracket)
    json["bracket"] = {
        {"lower", {{"value", evidence.bracket->lower}, {"standard_error", evidence.bracket->lower_error}}},
        {"upper", {{"value", evidence.bracket->upper}, {"standard_error", evidence.bracket->upper_error}}}};
  else
    json["bracket"] = nullptr;
  json["file"] = composition.file;
  json["temperature"] = composition.sample.temperature;
  json["seed"] = options.seed;
  json["particles"] = options.particles;
  json["moves"] = options.moves;
  json["base"] = {{"mean", options.base.mean}, {"scale", options.base.scale}};
  json["evaluations"] = evidence.evaluations;
  json["ladder"] = nlohmann::ordered_json::array();
  for (const AnnealedStage& stage : evidence.stages)
    json["ladder"].push_back({{"beta", stage.beta},
                              {"effective_share", stage.ess},
                              {"step_size", stage.step_size},
                              {"acceptance", finite_or_null(stage.acceptance)}});
  return json.dump(2) + "\n";
}

void print(const Evidence& evidence, const Composition& composition, const AnnealedOptions& options) {
  fmt::print("log Z = {:.6g} +- {:.2g}, of exp(-E{}) over {}\n", evidence.log_z, evidence.standard_error,
             composition.sample.temperature == 1 ? "" : fmt::format("/{:g}", composition.sample.temperature),
             counted(evidence.coordinates, "number") + " that are not given");
  fmt::print("  the standard error is that of {} repeats of {}\n", evidence.repeats.size(),
             counted(evidence.particles, "particle"));
  if (evidence.bracket)
    fmt::print(
        "  bracket without resampling: {:.6g} +- {:.2g} from the base up, {:.6g} +- {:.2g} from exact draws down\n",
        evidence.bracket->lower, evidence.bracket->lower_error, evidence.bracket->upper, evidence.bracket->upper_error);
  else
    fmt::print("  no bracket: the target has no exact draws\n");
  fmt::print("  {} of energy and gradient a particle, {} in a stage\n\nLadder\n",
             counted(evidence.evaluations, "evaluation"), counted(options.moves, "move"));
  std::vector<std::vector<std::string>> rows = {{"b", "effective share", "step size", "acceptance"}};
  for (const AnnealedStage& stage : evidence.stages)
    rows.push_back({fmt::format("{:.4g}", stage.beta), fmt::format("{:.2f}", stage.ess),
                    std::isfinite(stage.acceptance) ? fmt::format("{:.3g}", stage.step_size) : "-",
                    std::isfinite(stage.acceptance) ? fmt::format("{:.2f}", stage.acceptance) : "-"});
  fmt::print("{}", columns(rows));
}

int evidence(const CommandLine& line) {
  AnnealedOptions options;
  options.particles = whole_number(line, "particles", 2, options.particles);
  options.moves = whole_number(line, "moves", 1, options.moves);
  options.base.mean = number(line, "base-mean", -HUGE_VAL, options.base.mean);
  options.base.scale = number(line, "base-scale", kPositive, options.base.scale);
  const int64_t repeats = whole_number(line, "repeats", 2, 8);

  SessionOptions asked = session_options(line);
  asked.overrides.set.push_back({"sample.chains", std::to_string(options.particles), "--particles"});
  PluginSearch plugins(line);
  Session session(asked, plugins);
  session.prepare(Session::Purpose::kRun);
  const Composition& composition = session.composition();
  options.seed = composition.sample.seed;
  options.threads = asked.threads;
  const std::unique_ptr<Start> draws = exact_start(composition);
  const Target target{&session.plan(), composition.held, composition.sample.temperature};
  const Evidence found = estimate_evidence(target, options, repeats, draws && draws->exact() ? draws.get() : nullptr);
  if (line.flag("json"))
    fmt::print("{}", as_json(found, composition, options));
  else
    print(found, composition, options);
  for (const std::string& warning : session.warnings()) fmt::print(stderr, "warning: {}\n", warning);
  return kDone;
}

}  // namespace

int evidence_command(const Words& words) {
  CommandLine line(
      "evidence", {"FILE"},
      "Estimates log Z of the composition's target, the log of the integral of exp(-E/T) over what is not\n"
      "given, within the supports. Particles are annealed from a normal law, or a uniform one in bounded\n"
      "supports, to the target; a pilot run finds the ladder, and independent repeats give the estimate\n"
      "and its standard error. Where the target has exact draws, runs from both ends bracket log Z.\n"
      "Of the file's `sample`, temperature, seed and precision count.");
  add_session_options(line);
  line.add_value("particles", "N", "particles of a repeat; default 4096");
  line.add_value("repeats", "N", "independent repeats, at least 2; default 8");
  line.add_value("moves", "N", "MALA moves of each particle in a stage; default 4");
  line.add_value("base-mean", "X", "mean of the normal law that particles begin with; default 0");
  line.add_value("base-scale", "X",
                 "standard deviation of that law, about as wide as the target or wider; default 1. On a half-line it "
                 "falls off from the end");
  line.add_flag("json", "print everything as JSON");
  return line.parse(words) ? evidence(line) : kDone;
}

}  // namespace potluck
