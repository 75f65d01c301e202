// SPDX-License-Identifier: Apache-2.0
#include "apps/commands/plugins_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/process/exit_code.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/text.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t first = 0;
  for (size_t at; (at = text.find(separator, first)) != std::string::npos; first = at + 1)
    parts.push_back(text.substr(first, at - first));
  parts.push_back(text.substr(first));
  return parts;
}

int64_t whole_number(const std::string& word, const std::string& what) {
  const double number = engine::parse_number(word, what);
  if (!(number >= 1) || number > 1e9 || number != std::floor(number))
    throw UsageError(fmt::format("{} must be a whole number >= 1, got '{}'", what, word));
  return static_cast<int64_t>(number);
}

/// "28x28" -> [28, 28]; "" -> one number
std::vector<int64_t> shape_of(const std::string& word) {
  std::vector<int64_t> shape;
  if (word.empty()) return shape;
  for (const std::string& length : split(word, 'x')) shape.push_back(whole_number(length, "--shape"));
  return shape;
}

std::pair<double, double> support_of(const std::string& word) {
  const std::vector<std::string> ends = split(word, ':');
  if (ends.size() != 2) throw UsageError(fmt::format("--support must be INPUT=LEAST:MOST, got '{}'", word));
  const std::pair<double, double> support = {engine::parse_number(ends[0], "--support"),
                                             engine::parse_number(ends[1], "--support")};
  if (!(support.first < support.second))
    throw UsageError(fmt::format("--support must rise from LEAST to MOST, got '{}'", word));
  return support;
}

void add_options(CommandLine& line) {
  line.add_values("model", "NAME", "check this model of the plugin; all of them where none is named (repeatable)");
  line.add_values("set", "SETTING=VALUE", "a setting other than its default; a list is written 1,2,3 (repeatable)");
  line.add_values("shape", "INPUT=NxM",
                  "shape of an input's row, such as image=28x28; without it small shapes are tried");
  line.add_values("support", "INPUT=A:B",
                  "ends between which an input is tested; without it test points are standard normal");
  line.add_values("categories", "INPUT=K", "number of categories of a categorical input");
  line.add_values("start", "[INPUT=]FILE.npy",
                  "points [rows, shape] near which the model is tested, such as atoms that do not overlap. INPUT may "
                  "be left out where the model draws one input (repeatable)");
  line.add_values("without", "INPUT", "leave an optional input out (repeatable)");
  line.add_value("weights", "FILE", "a safetensors file for the model");
  line.add_value("seed", "N", "seed of the test points, default 1");
  line.add_value("patience", "SECONDS",
                 "longest time that one check may take, default 60; all of a model may take 8 times as long");
}

engine::CheckOptions options_of(const CommandLine& line) {
  engine::CheckOptions options;
  for (const auto& [input, shape] : line.pairs("shape")) options.shapes[input] = shape_of(shape);
  for (const auto& [input, ends] : line.pairs("support")) options.supports[input] = support_of(ends);
  for (const auto& [input, count] : line.pairs("categories"))
    options.categories[input] = whole_number(count, "--categories");
  options.left_out = line.values("without");
  if (const auto file = line.value("weights")) options.weights = *file;
  if (const auto seed = line.value("seed")) options.seed = static_cast<uint32_t>(whole_number(*seed, "--seed"));
  if (const auto patience = line.value("patience")) options.patience_seconds = whole_number(*patience, "--patience");
  return options;
}

/// "x" of "x=points.npy"; of a file alone the one input that the model draws.
std::string input_of_start(const engine::Model& model, const std::string& word, size_t equals) {
  if (equals != std::string::npos) return word.substr(0, equals);
  std::vector<std::string> drawn;
  for (const engine::ModelInput& input : model.inputs)
    if (!input.parent && !input.categorical) drawn.push_back(input.name);
  if (drawn.size() == 1) return drawn[0];
  throw UsageError(
      fmt::format("--start must be INPUT=FILE.npy where a model does not draw one input, got '{}'; '{}' draws {}", word,
                  model.name, fmt::join(drawn, ", ")));
}

void add_starts(const CommandLine& line, const engine::Model& model, engine::CheckOptions& options) {
  options.starts.clear();
  for (const std::string& word : line.values("start")) {
    const size_t equals = word.find('=');
    const std::string file = equals == std::string::npos ? word : word.substr(equals + 1);
    options.starts[input_of_start(model, word, equals)] = file;
  }
}

/// The words of the settings: only the model knows which are lists.
void add_settings(const CommandLine& line, const engine::Model& model, engine::CheckOptions& options) {
  options.settings.clear();
  for (const auto& [name, value] : line.pairs("set")) {
    const auto setting = std::find_if(model.settings.begin(), model.settings.end(),
                                      [&, wanted = name](const engine::Setting& one) { return one.name == wanted; });
    options.settings[name] =
        setting != model.settings.end() && setting->list ? split(value, ',') : std::vector<std::string>{value};
  }
}

const char* name_of(engine::Check::Outcome outcome) {
  switch (outcome) {
    case engine::Check::Outcome::kPassed:
      return "passed";
    case engine::Check::Outcome::kFailed:
      return "failed";
    case engine::Check::Outcome::kNotApplicable:
      break;
  }
  return "not applicable";
}

constexpr size_t kWidthOfNames = 29;  ///< of the longest name of a check

/// What is new in the report: its head, or the check that has just ended. A check may take long, so it is not held
/// back.
void print_newest(const engine::CheckReport& report) {
  if (report.checks.size() <= 1 && (report.checks.empty() || report.setup.empty()))
    fmt::print("{}{}\n", report.model, report.setup.empty() ? "" : ": " + report.setup);
  if (!report.checks.empty()) {
    const engine::Check& check = report.checks.back();
    fmt::print("  {:<14}  {:<{}}  {}\n", name_of(check.outcome), check.name, kWidthOfNames, check.text);
    if (!check.advice.empty()) fmt::print("  {:<14}  {:<{}}  -> {}\n", "", "", kWidthOfNames, check.advice);
  }
  std::fflush(stdout);
}

void print_counts(const engine::CheckReport& report) {
  int count[3] = {0, 0, 0};
  for (const engine::Check& check : report.checks) ++count[static_cast<int>(check.outcome)];
  fmt::print("{}: {} passed, {} failed, {} not applicable\n", report.model, count[0], count[1], count[2]);
}

}  // namespace

int check_plugin(const Words& words) {
  CommandLine line("plugins check", {"FILE-or-ID"},
                   "Checks the models of a plugin against what they claim: gradients, rows, threads, memory, log Z, "
                   "draws. Each check runs in a process of its own. Exit code 3 where one fails.");
  add_options(line);
  if (!line.parse(words)) return kDone;
  engine::CheckOptions options = options_of(line);
  engine::Plugins plugins(plugin_options(line, /*trust_verdicts=*/false));
  const std::vector<engine::Model> models = plugins.models_of(line.operand(0));

  std::vector<std::string> known, wanted = line.values("model");
  for (const engine::Model& model : models) known.push_back(model.name);
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError(unknown_name("model", name, known));
  }
  bool passed = true;
  for (const engine::Model& model : models) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), model.name) == wanted.end()) continue;
    add_settings(line, model, options);
    add_starts(line, model, options);
    const engine::CheckReport report = engine::check_model(plugins, model, options, print_newest);
    print_counts(report);
    passed = passed && report.passed();
  }
  return passed ? kDone : kModelFailed;
}

}  // namespace potluck
