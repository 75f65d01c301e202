// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compose/engine/errors.h"
#include "compose/engine/state.h"
#include "core/files/formats/npy.h"
#include "plugins/conformance.h"
#include "plugins/weights.h"

namespace potluck::engine {
namespace {

ConformanceOptions conformance_options(const CheckOptions& from) {
  ConformanceOptions options;
  options.settings = from.settings;
  options.shapes = from.shapes;
  options.categories = from.categories;
  options.supports = from.supports;
  for (const auto& [input, file] : from.starts) options.starts[input] = read_npy(file);
  if (!from.weights.empty()) options.weights = read_weights(from.weights);
  options.left_out = {from.left_out.begin(), from.left_out.end()};
  options.seed = from.seed;
  options.patience = std::chrono::seconds(from.patience_seconds);
  return options;
}

/// What the checks would take as it is. Inputs that the model does not have are refused there.
void check_options(const ModelKind& kind, const CheckOptions& options) {
  const auto refuse = [](const std::string& path, const std::string& rest) { throw SettingError(path, rest); };
  const auto input = [&](const std::string& name) -> const InputDescription* {
    const int index = kind.input(name);
    return index < 0 ? nullptr : &kind.inputs[static_cast<size_t>(index)];
  };
  for (const auto& [name, shape] : options.shapes)
    for (const int64_t length : shape)
      if (length < 1) refuse("shapes." + name, fmt::format(" must have lengths >= 1, got {}", length));
  for (const auto& [name, count] : options.categories) {
    if (count < 1) refuse("categories." + name, fmt::format(" must be >= 1, got {}", count));
    if (const auto* one = input(name); one && !one->categorical)
      refuse("categories." + name, " must be of a categorical input, got one of numbers");
  }
  for (const auto& [name, ends] : options.supports) {
    if (!std::isfinite(ends.first) || !std::isfinite(ends.second) || !(ends.first < ends.second))
      refuse("supports." + name,
             fmt::format(" must be two finite ends, the least first, got {} and {}", ends.first, ends.second));
    if (const auto* one = input(name); one && one->categorical)
      refuse("supports." + name, " must be of an input of numbers, got a categorical one");
  }
  if (options.patience_seconds < 1)
    refuse("patience_seconds", fmt::format(" must be >= 1, got {}", options.patience_seconds));
}

/// Another plugin may offer a model of the same name, so it is the plugin's file that tells.
const ModelKind& kind_of(Plugins& plugins, const Model& model) {
  for (const ModelKind* kind : plugins.state().search.registry().models_of(model.plugin_file))
    if (kind->name == model.name) return *kind;
  throw SettingError("model", fmt::format(" must be one of {}, got '{}'", model.plugin_file, model.name));
}

Check::Outcome outcome_of(CheckOutcome outcome) {
  switch (outcome) {
    case CheckOutcome::kPassed:
      return Check::Outcome::kPassed;
    case CheckOutcome::kFailed:
      return Check::Outcome::kFailed;
    case CheckOutcome::kNotApplicable:
      break;
  }
  return Check::Outcome::kNotApplicable;
}

CheckReport told(const ConformanceReport& found) {
  CheckReport report{found.model, found.setup, {}};
  for (const ConformanceCheck& one : found.checks)
    report.checks.push_back({one.name, outcome_of(one.outcome), one.text, one.advice});
  return report;
}

}  // namespace

bool CheckReport::passed() const {
  return std::none_of(checks.begin(), checks.end(),
                      [](const Check& one) { return one.outcome == Check::Outcome::kFailed; });
}

CheckReport check_model(Plugins& plugins, const Model& model, const CheckOptions& options,
                        const std::function<void(const CheckReport&)>& progressed) {
  return translated([&] {
    const ModelKind& kind = kind_of(plugins, model);
    check_options(kind, options);
    return told(potluck::check_model(kind, conformance_options(options), [&](const ConformanceReport& so_far) {
      if (progressed) progressed(told(so_far));
    }));
  });
}

}  // namespace potluck::engine
