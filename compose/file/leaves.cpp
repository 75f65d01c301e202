// SPDX-License-Identifier: Apache-2.0
#include "compose/file/leaves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "compose/text/keys.h"
#include "compose/text/numbers.h"
#include "core/settings.h"

namespace potluck {

namespace {

std::vector<std::string> input_names(const ModelKind& kind) {
  std::vector<std::string> names;
  for (const InputDescription& input : kind.inputs) names.push_back(input.name);
  return names;
}

/// The one input that must be bound, where there is one only; else -1. It needs no map.
int only_input(const ModelKind& kind) {
  int only = -1;
  for (size_t i = 0; i < kind.inputs.size(); ++i) {
    if (kind.inputs[i].optional) continue;
    if (only >= 0) return -1;
    only = static_cast<int>(i);
  }
  return only;
}

Binding left_out() {
  Binding binding;
  binding.shape = {0};
  binding.left_out = true;
  return binding;
}

std::vector<std::string> setting_names(const ModelKind& kind) {
  std::vector<std::string> names;
  for (const SettingDescription& setting : kind.settings) names.push_back(setting.name);
  return names;
}

size_t index_of(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

bool is_number(const Yaml& value) {
  try {
    parse_number(value.text, "");
    return true;
  } catch (const SettingError&) {
    return false;
  }
}

std::string written(const Yaml& value) {
  if (value.is_scalar()) return value.text;
  std::vector<std::string> items;
  for (const Yaml& item : value.list) items.push_back(written(item));
  return fmt::format("[{}]", fmt::join(items, ", "));
}

}  // namespace

const Leaf& LeafReader::definition(const Yaml& value, const std::string& what) {
  const auto known = definitions_.find(&value);
  if (known != definitions_.end()) return known->second;
  Leaf& leaf = definitions_[&value];
  const size_t before = diagnostics_.size();
  check_keys(value, Section::kLeaf, what, diagnostics_);
  if (const Yaml* model = value.find("model")) {
    leaf.model_place = model->place;
    const auto name = read_text(*model, Key{}, what + ".model", diagnostics_);
    try {
      if (name) leaf.kind = &models_.model(*name);
    } catch (const MachineError&) {
      throw;
    } catch (const SettingError& error) {
      diagnostics_.add(model->place, error.what(), error.suggestion(), what + ".model");
    } catch (const Error& error) {
      diagnostics_.add(model->place, error.what(), "", what + ".model");
    }
  }
  if (const Yaml* weights = value.find("weights")) {
    leaf.weights_place = weights->place;
    leaf.weights = files_.weights(*weights, what + ".weights");
    if (weights->is_scalar()) leaf.weights_path = files_.absolute_path(*weights).string();
  }
  if (leaf.kind) {
    const WeightsSettings trained = settings_of_weights(leaf, what);
    read_settings(value.find("settings"), trained, what + ".settings", leaf);
  }
  if (diagnostics_.size() > before) leaf.kind = nullptr;
  return leaf;
}

WeightsSettings LeafReader::settings_of_weights(const Leaf& leaf, const std::string& what) {
  if (!leaf.weights) return {};
  const std::string file = std::filesystem::path(leaf.weights->path).filename().string();
  try {
    WeightsSettings trained = read_weights_metadata(leaf.weights->metadata);
    if (trained.model && *trained.model != leaf.kind->name) {
      diagnostics_.add(leaf.model_place,
                       fmt::format("{}.model must be '{}', whose weights {} has, got '{}'. Name that model, or other "
                                   "weights",
                                   what, *trained.model, file, leaf.kind->name));
      return {};
    }
    std::vector<std::string> names;  // a file is where it is, not where the weights go
    for (const SettingDescription& setting : leaf.kind->settings)
      if (setting.kind != SettingKind::kFile) names.push_back(setting.name);
    for (const auto& [name, words] : trained.settings) {
      if (index_of(names, name) < names.size()) continue;
      diagnostics_.add(
          leaf.weights_place,
          fmt::format("{}.weights must have settings of model '{}' in their metadata, got '{}' in {}. Known: "
                      "{}",
                      what, leaf.kind->name, name, file, joined(names)));
    }
    return trained;
  } catch (const FileError& failure) {
    diagnostics_.add(leaf.weights_place, fmt::format("{}.weights: {}: {}", what, file, failure.what()));
    return {};
  }
}

SettingValue LeafReader::setting_from(const Yaml* value, const std::vector<std::string>* trained,
                                      const SettingDescription& setting, const std::string& what, const Leaf& leaf) {
  if (!trained) return value ? read_setting(*value, setting, what) : preset_value(setting, what);
  const std::string file = std::filesystem::path(leaf.weights->path).filename().string();
  const SettingValue of_weights = parse_setting(setting, *trained, fmt::format("{} in {}", what, file));
  if (!value) return of_weights;
  const SettingValue written_here = read_setting(*value, setting, what);
  if (written_here.integer == of_weights.integer && written_here.real == of_weights.real &&
      written_here.text == of_weights.text)
    return written_here;
  throw SettingError(what, fmt::format(" must be {}, as {} says, got {}. Leave it out, or use other weights",
                                       setting.list ? fmt::format("[{}]", fmt::join(*trained, ", ")) : trained->at(0),
                                       file, written(*value)));
}

void LeafReader::read_settings(const Yaml* settings, const WeightsSettings& trained, const std::string& what,
                               Leaf& leaf) {
  const ModelKind& kind = *leaf.kind;
  const std::vector<std::string> names = setting_names(kind);
  if (settings && !settings->is_map() && !settings->is_null()) {
    diagnostics_.add(settings->place, fmt::format("{} must be a map, got {}. Settings of '{}': {}", what,
                                                  settings->describe(), kind.name, joined(names)));
    return;
  }
  if (settings)
    for (const Yaml::Entry& entry : settings->map)
      if (index_of(names, entry.key) == names.size())
        diagnostics_.add(
            entry.place,
            fmt::format("unknown setting '{}' of model '{}'. {}", entry.key, kind.name, suggestion(entry.key, names)),
            nearest(entry.key, names), what + "." + entry.key);
  for (const SettingDescription& setting : kind.settings) {
    const Yaml* value = settings ? settings->find(setting.name) : nullptr;
    const auto said = trained.settings.find(setting.name);
    const std::vector<std::string>* words = said != trained.settings.end() ? &said->second : nullptr;
    leaf.setting_places.push_back(value ? value->place : words ? leaf.weights_place : leaf.model_place);
    const std::string name = what + "." + setting.name;
    try {
      leaf.settings.push_back(setting_from(value, words, setting, name, leaf));
    } catch (const SettingError& error) {
      diagnostics_.add(leaf.setting_places.back(), error);
    }
  }
}

SettingValue LeafReader::read_setting(const Yaml& value, const SettingDescription& setting, const std::string& what) {
  std::vector<std::string> words;
  if (value.is_list() && setting.list) {
    for (const Yaml& item : value.list) {
      if (!item.is_scalar())
        throw SettingError(what, fmt::format(" must be a flat list, got {} in it", item.describe()));
      words.push_back(item.text);
    }
  } else if (value.is_scalar()) {
    words.push_back(value.text);
  } else {
    throw SettingError(what,
                       fmt::format(" must be {}, got {}", setting.list ? "a list" : "one value", value.describe()));
  }
  SettingValue result = parse_setting(setting, words, what);
  if (setting.kind != SettingKind::kFile) return result;
  for (size_t i = 0; i < result.text.size(); ++i) {
    const Yaml& item = value.is_list() ? value.list[i] : value;
    if (const auto path = files_.require(item, what)) result.text[i] = path->string();
  }
  return result;
}

bool LeafReader::reads_parts(const Yaml* inputs) const {
  if (!inputs) return false;
  const auto several = [this](const Yaml& value) {
    const View* view = value.is_scalar() ? scope_.view(value.text) : nullptr;
    return view && view->parts > 1;
  };
  if (!inputs->is_map()) return several(*inputs);
  return std::any_of(inputs->map.begin(), inputs->map.end(),
                     [&](const Yaml::Entry& entry) { return several(entry.value); });
}

std::optional<Leaf> LeafReader::bind(const Leaf& definition, const Yaml* inputs, const View* over, const Place& place,
                                     const std::string& what) {
  const ModelKind& kind = *definition.kind;
  const std::vector<std::string> names = input_names(kind);
  Leaf leaf = definition;
  leaf.parts = over ? over->parts : 1;
  const size_t before = diagnostics_.size();
  const int only = only_input(kind);
  if (!inputs) {
    if (over && only >= 0) {
      Yaml name;
      name.kind = Yaml::Kind::kScalar;
      name.place = place;
      name.text = over->name;
      auto binding = bind_one(kind.inputs[static_cast<size_t>(only)], name, over, what);
      if (!binding) return {};
      leaf.inputs.assign(names.size(), left_out());
      leaf.inputs[static_cast<size_t>(only)] = std::move(*binding);
      leaf.input_places.assign(names.size(), place);
      return leaf;
    }
    const std::string example = only >= 0 ? "x" : fmt::format("{{{}: ...}}", fmt::join(names, ": ..., "));
    diagnostics_.add(place,
                     fmt::format("{} must be bound to what it reads, got no inputs. Write {{energy: ..., inputs: {}}} "
                                 "(inputs of '{}': {})",
                                 what, example, kind.name, joined(names)));
    return {};
  }
  std::vector<const Yaml*> values(names.size(), nullptr);
  if (inputs->is_map()) {
    for (const Yaml::Entry& entry : inputs->map) {
      const size_t index = index_of(names, entry.key);
      if (index < names.size())
        values[index] = &entry.value;
      else
        diagnostics_.add(
            entry.place,
            fmt::format("unknown input '{}' of model '{}'. {}", entry.key, kind.name, suggestion(entry.key, names)),
            nearest(entry.key, names), what + ".inputs." + entry.key);
    }
  } else if (only >= 0) {
    values[static_cast<size_t>(only)] = inputs;
  } else {
    diagnostics_.add(inputs->place, fmt::format("{}.inputs must be a map, since '{}' has {} inputs, got {}. Inputs: {}",
                                                what, kind.name, names.size(), inputs->describe(), joined(names)));
    return {};
  }
  bool reads_a_variable = false;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!values[i] && kind.inputs[i].optional) {
      leaf.inputs.push_back(left_out());
      leaf.input_places.push_back(inputs->place);
      continue;
    }
    if (!values[i]) {
      diagnostics_.add(inputs->place,
                       fmt::format("{}.inputs must bind '{}' of '{}', got nothing for it. Add {}: and what "
                                   "it reads",
                                   what, names[i], kind.name, names[i]));
      continue;
    }
    const std::string input = inputs->is_map() ? fmt::format("{}.inputs.{}", what, names[i]) : what + ".inputs";
    auto binding = bind_one(kind.inputs[i], *values[i], over, input);
    if (!binding) continue;
    reads_a_variable = reads_a_variable || binding->variable >= 0;
    leaf.inputs.push_back(std::move(*binding));
    leaf.input_places.push_back(values[i]->place);
  }
  if (leaf.inputs.size() == names.size() && !reads_a_variable)
    diagnostics_.add(inputs->place,
                     fmt::format("{}.inputs must bind at least one input to a variable, got literals only. "
                                 "Remove this constant",
                                 what));
  if (diagnostics_.size() > before || leaf.inputs.size() < names.size()) return {};
  return leaf;
}

std::optional<Binding> LeafReader::bind_one(const InputDescription& input, const Yaml& value, const View* over,
                                            const std::string& what) {
  const bool name =
      value.is_scalar() && (!is_number(value) || scope_.view(value.text) || scope_.variable(value.text) >= 0);
  if (!name) return bind_literal(input, value, what);
  const auto view = scope_.find(value, what, diagnostics_);
  if (!view) return {};
  const Variable& variable = scope_.variables[static_cast<size_t>(view->variable)];
  if (scope_.broken.count(variable.name) > 0) return {};
  if (variable.categorical() != input.categorical) {
    diagnostics_.add(value.place, fmt::format("{} must be {}, got '{}', which is {}", what,
                                              input.categorical ? "a categorical variable or a label such as 3"
                                                                : "a continuous variable or numbers",
                                              value.text, variable.categorical() ? "categorical" : "continuous"));
    return {};
  }
  return bind_view(*view, over, value, what);
}

std::optional<Binding> LeafReader::bind_literal(const InputDescription& input, const Yaml& value,
                                                const std::string& what) {
  auto numbers = read_numbers(value, what, diagnostics_);
  if (!numbers) return {};
  for (const double number : numbers->values) {
    const bool good = input.categorical ? number >= 0 && number == std::floor(number) && std::isfinite(number)
                                        : std::isfinite(number);
    if (good) continue;
    diagnostics_.add(value.place, fmt::format("{} must be {}, got {}", what,
                                              input.categorical ? "a label 0, 1, ..." : "finite", number));
    return {};
  }
  Binding binding;
  binding.shape = std::move(numbers->shape);
  binding.literal = std::move(numbers->values);
  binding.text = written(value);
  return binding;
}

std::optional<Binding> LeafReader::bind_view(const View& view, const View* over, const Yaml& value,
                                             const std::string& what) {
  Binding binding;
  binding.variable = view.variable;
  binding.shape = view.part_shape;
  binding.index = view.index;
  binding.text = value.text;
  if (over && over->name == view.name) return binding;
  if (view.parts > 1) {
    diagnostics_.add(value.place, fmt::format("{} must be one part of a variable, got '{}', which has {} parts. Use it "
                                              "inside each: {{over: {}, energy: ...}}",
                                              what, view.name, view.parts, view.name));
    return {};
  }
  if (!over || over->parts == 1) return binding;
  // Every part's row reads the same elements.
  const int64_t size = view.part_size();
  if (size > std::numeric_limits<int32_t>::max() / over->parts) {
    diagnostics_.add(value.place,
                     fmt::format("{} must be smaller, got {} numbers for each of {} parts. Read a view of it", what,
                                 size, over->parts));
    return {};
  }
  std::vector<int32_t> once = view.index;
  if (once.empty()) {
    once.resize(static_cast<size_t>(size));
    std::iota(once.begin(), once.end(), 0);
  }
  binding.index.clear();
  for (int64_t part = 0; part < over->parts; ++part)
    binding.index.insert(binding.index.end(), once.begin(), once.end());
  return binding;
}

}  // namespace potluck
