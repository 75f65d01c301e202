// SPDX-License-Identifier: Apache-2.0
#include "core/methods/label_blocks.h"

#include <fmt/format.h>

#include "core/methods/method.h"

namespace potluck {

namespace {

bool given(const std::vector<Held>& held, size_t variable) { return variable < held.size() && held[variable].all(); }

std::vector<std::string> moving_numbers(const std::vector<Variable>& variables, const std::vector<Held>& held) {
  std::vector<std::string> names;
  for (size_t v = 0; v < variables.size(); ++v)
    if (!variables[v].categorical() && !given(held, v)) names.push_back(variables[v].name);
  return names;
}

}  // namespace

std::vector<int> moving_labels(const std::vector<Variable>& variables, const std::vector<Held>& held) {
  std::vector<int> moving;
  for (size_t v = 0; v < variables.size(); ++v)
    if (variables[v].categorical() && !given(held, v)) moving.push_back(static_cast<int>(v));
  return moving;
}

std::vector<BlockOptions> label_blocks(const MethodChoice& choice, const std::vector<Variable>& variables,
                                       const std::vector<Held>& held) {
  std::vector<BlockOptions> blocks;
  for (const int v : moving_labels(variables, held))
    blocks.push_back({{variables[static_cast<size_t>(v)].name}, "gibbs", option_values("gibbs")});
  const std::vector<std::string> numbers = moving_numbers(variables, held);
  if (!blocks.empty() && !numbers.empty()) blocks.push_back({numbers, choice.method, choice.values});
  return blocks;
}

int64_t steps_of_held_labels(int64_t warmup) { return warmup / 4; }

int64_t steps_of_held_labels(const std::vector<Variable>& variables, const std::vector<Held>& held, int64_t warmup) {
  const bool both = !moving_labels(variables, held).empty() && !moving_numbers(variables, held).empty();
  return both ? steps_of_held_labels(warmup) : 0;
}

std::vector<SettingError> label_errors(const MethodChoice& choice, const std::vector<Variable>& variables,
                                       const std::vector<Held>& held) {
  const std::vector<int> labels = moving_labels(variables, held);
  if (!choice.blocks.empty() || labels.empty()) return {};
  const std::string& label = variables[static_cast<size_t>(labels.front())].name;
  const std::vector<std::string> numbers = moving_numbers(variables, held);
  const std::unique_ptr<Method> own = make_method(choice.method, choice.values);
  if (own->description().labels && !numbers.empty()) {
    return {SettingError("sample.method",
                         fmt::format(" must be one that moves numbers, got gibbs, which draws labels alone: '{}' moves "
                                     "too. Use mala or hmc: gibbs draws '{}' all the same",
                                     numbers.front(), label))};
  }
  if (own->coupling() != Coupling::kNone || own->description().whole) {
    return {SettingError("sample.method",
                         fmt::format(" must be one that can move a part of the variables where gibbs draws '{}', got "
                                     "'{}'. Use mala or hmc, or give '{}'",
                                     label, choice.method, label))};
  }
  if (own->tuning().dense && !numbers.empty()) {
    return {SettingError("sample.metric",
                         fmt::format(" must be auto or identity where gibbs draws '{}', got dense: its matrix is of "
                                     "all variables together. Use auto, or give '{}'",
                                     label, label))};
  }
  return {};
}

}  // namespace potluck
