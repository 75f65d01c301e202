// SPDX-License-Identifier: Apache-2.0
#include "compose/file/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "compose/text/keys.h"
#include "compose/text/times.h"
#include "core/files/formats/array.h"
#include "core/settings.h"

namespace potluck {

namespace {

constexpr int64_t kWarmupTrips = 250;

const MethodDescription* find_method(const std::string& name) {
  for (const MethodDescription& one : methods())
    if (one.name == name) return &one;
  return nullptr;
}

std::vector<std::string> words_of(const Yaml& value) {
  if (!value.is_list()) return {value.text};
  std::vector<std::string> words;
  for (const Yaml& item : value.list) words.push_back(item.text);
  return words;
}

/// The method of that name, or null after a diagnostic.
const MethodDescription* require_method(const std::string& name, const Place& place, const std::string& what,
                                        Diagnostics& diagnostics) {
  const MethodDescription* method = find_method(name);
  if (method) return method;
  std::vector<std::string> known;
  for (const MethodDescription& one : methods()) known.push_back(one.name);
  const auto near = nearest_name(name, known);
  diagnostics.add(place,
                  fmt::format("{} must be one of {}; got '{}'{}", what, joined(known), name,
                              near ? ". Did you mean '" + *near + "'?" : ""),
                  near.value_or(""));
  return nullptr;
}

/// Names of the options of a method. With an unknown method any key of the section may be one.
std::vector<std::string> option_names(const Yaml& section, const MethodDescription* method) {
  std::vector<std::string> names;
  if (method)
    for (const SettingDescription& option : method->options) names.push_back(option.name);
  else
    for (const Yaml::Entry& entry : section.map) names.push_back(entry.key);
  return names;
}

/// The values of the method's options from a section, presets where it is silent.
std::vector<SettingValue> read_options(const Yaml* section, const std::string& path, const MethodDescription& method,
                                       Diagnostics& diagnostics, const OptionWords& presets = {}) {
  std::vector<SettingValue> values;
  for (const SettingDescription& option : method.options) {
    const Yaml* value = section ? section->find(option.name) : nullptr;
    const std::string what = path + '.' + option.name;
    try {
      if (value && !value->is_scalar() && !(value->is_list() && option.list))
        throw SettingError(what,
                           fmt::format(" must be {}, got {}", option.list ? "a list" : "one value", value->describe()));
      const auto preset = presets.find(option.name);
      if (value)
        values.push_back(parse_setting(option, words_of(*value), what));
      else
        values.push_back(preset == presets.end() ? preset_value(option, what)
                                                 : parse_setting(option, {preset->second}, what));
    } catch (const SettingError& error) {
      diagnostics.add(value ? value->place : section ? section->place : Place{}, error);
    }
  }
  return values;
}

/// A list of names, moved by the section's method, or a map with a method of its own.
BlockOptions read_block(const Yaml& entry, const std::string& what, const SampleSettings& sample,
                        Diagnostics& diagnostics) {
  BlockOptions block{{}, sample.method, sample.method_values};
  if (entry.is_list()) {
    block.variables = read_texts(entry, what, diagnostics).value_or(block.variables);
    return block;
  }
  const Yaml* name = entry.is_map() ? entry.find("method") : nullptr;
  const MethodDescription* method = nullptr;
  if (name) {
    if (const auto text = read_text(*name, Key{}, what + ".method", diagnostics)) {
      block.method = *text;
      method = require_method(*text, name->place, what + ".method", diagnostics);
    }
  }
  if (!check_keys(entry, Section::kBlock, what, diagnostics, option_names(entry, method))) return block;
  if (method) block.values = read_options(&entry, what, *method, diagnostics);
  if (const Yaml* variables = entry.find("variables"))
    block.variables = read_texts(*variables, what + ".variables", diagnostics).value_or(block.variables);
  return block;
}

void read_blocks(const Yaml& section, const Yaml& list, SampleSettings& sample, Diagnostics& diagnostics) {
  if (!list.is_list() || list.list.empty()) {
    diagnostics.add(list.place, fmt::format("sample.blocks must be a list of blocks, each a list of variables or a map "
                                            "with a method, got {}. Leave it out to move all variables together",
                                            list.is_list() ? "an empty one" : list.describe()));
    return;
  }
  bool inherited = false;
  for (size_t b = 0; b < list.list.size(); ++b) {
    sample.blocks.push_back(read_block(list.list[b], fmt::format("sample.blocks[{}]", b), sample, diagnostics));
    inherited = inherited || !list.list[b].is_map();
  }
  if (inherited) return;
  std::vector<std::string> unused = option_names(section, find_method(sample.method));
  unused.emplace_back("method");
  for (const Yaml::Entry& entry : section.map)
    if (find_method(sample.method) && std::find(unused.begin(), unused.end(), entry.key) != unused.end())
      diagnostics.add(entry.place,
                      fmt::format("sample.{} must be used by a block, got blocks that all have a method of "
                                  "their own. Remove it",
                                  entry.key));
}

void read_start(const Yaml& value, SampleSettings& sample, SourceFiles& files, Diagnostics& diagnostics) {
  static const std::vector<std::string> names = {"auto", "exact", "uniform", "normal"};
  const auto text = read_text(value, Key{}, "sample.start", diagnostics);
  if (!text) return;
  if (std::find(names.begin(), names.end(), *text) != names.end()) {
    sample.start = *text;
    return;
  }
  if (!text->ends_with(".npy") && !text->ends_with(".safetensors")) {
    diagnostics.add(
        value.place,
        fmt::format("sample.start must be an .npy or .safetensors file or one of {}; got '{}'{}", joined(names), *text,
                    nearest_name(*text, names) ? ". Did you mean '" + *nearest_name(*text, names) + "'?" : ""),
        nearest(*text, names));
    return;
  }
  if (const auto path = files.require(value, "sample.start")) sample.start = path->string();
}

bool image_shaped(const Variable& variable) {
  const auto channels = [](int64_t length) { return length == 1 || length == 3; };
  const std::vector<int64_t>& shape = variable.shape;
  return !variable.categorical() &&
         (shape.size() == 2 || (shape.size() == 3 && (channels(shape[0]) || channels(shape[2]))));
}

/// {from: 20}
double read_annealed(const Yaml& value, const std::string& what, Diagnostics& diagnostics) {
  if (!check_keys(value, Section::kAnnealed, what, diagnostics)) return 0;
  const Yaml* from = value.find("from");
  if (!from) return 0;
  return read_number(*from, key_table(Section::kAnnealed).key("from"), what + ".from", diagnostics).value_or(0);
}

Spacing read_spacing(const Yaml& value, const Key& key, Diagnostics& diagnostics) {
  const auto name = read_text(value, key, "sample.anneal.spacing", diagnostics);
  for (const Spacing one : {Spacing::kGeometric, Spacing::kKarras, Spacing::kLinear})
    if (name == name_of(one)) return one;
  return Spacing::kGeometric;
}

/// What makes of the given number that moves a level of noise.
void read_noise(const Yaml& section, Schedule& anneal, Diagnostics& diagnostics) {
  const auto flag = [&](const char* key, bool preset) {
    const Yaml* value = section.find(key);
    if (!value) return preset;
    return read_flag(*value, std::string("sample.anneal.") + key, diagnostics).value_or(preset);
  };
  anneal.predictor = flag("predictor", false);
  anneal.noisy_given = flag("noisy_given", anneal.predictor);
  const Yaml* step_size = section.find("step_size");
  anneal.step_by_level = anneal.predictor || step_size != nullptr;
  if (!step_size || (step_size->is_scalar() && step_size->text == "auto")) return;
  anneal.step_size =
      read_number(*step_size, key_table(Section::kAnneal).key("step_size"), "sample.anneal.step_size", diagnostics);
}

/// Variables that may be keys of `anneal`: one number, given; and others that are keys, of which schedule_errors() says
/// what is wrong.
std::vector<std::string> movable(const Yaml& section, const Scope& scope, const std::vector<Held>& held) {
  const std::vector<std::string> own = key_table(Section::kAnneal).names();
  std::vector<std::string> names;
  for (size_t v = 0; v < scope.variables.size(); ++v) {
    const Variable& variable = scope.variables[v];
    const bool fits = !variable.categorical() && variable.size() == 1 && v < held.size() && held[v].all() &&
                      std::find(own.begin(), own.end(), variable.name) == own.end();
    if (fits || section.find(variable.name)) names.push_back(variable.name);
  }
  for (const std::string& name : scope.broken)
    if (section.find(name)) names.push_back(name);
  return names;
}

/// Its keys, and variables by their names.
Schedule read_anneal(const Yaml& section, const Scope& scope, const std::vector<Held>& held, Diagnostics& diagnostics) {
  Schedule anneal;
  if (!check_keys(section, Section::kAnneal, "sample.anneal", diagnostics, movable(section, scope, held)))
    return anneal;
  const KeyTable& table = key_table(Section::kAnneal);
  const auto integer = [&](const char* key, int64_t preset) {
    const Yaml* value = section.find(key);
    if (!value) return preset;
    return read_integer(*value, table.key(key), std::string("sample.anneal.") + key, diagnostics).value_or(preset);
  };
  anneal.levels = integer("levels", 0);
  anneal.steps = integer("steps", 1);
  if (const Yaml* value = section.find("spacing"))
    anneal.spacing = read_spacing(*value, table.key("spacing"), diagnostics);
  if (const Yaml* value = section.find("temperature"))
    anneal.temperature = read_annealed(*value, "sample.anneal.temperature", diagnostics);
  read_noise(section, anneal, diagnostics);
  const std::vector<std::string> own = table.names();
  for (const Yaml::Entry& entry : section.map) {
    const int variable = scope.variable(entry.key);
    if (variable < 0 || std::find(own.begin(), own.end(), entry.key) != own.end()) continue;
    anneal.given.push_back({variable, read_annealed(entry.value, "sample.anneal." + entry.key, diagnostics)});
  }
  return anneal;
}

/// The older form of a temperature that moves, a level for each step.
Schedule read_cooling(const Yaml& section, Diagnostics& diagnostics) {
  Schedule anneal;
  anneal.cooling = true;
  if (!check_keys(section, Section::kCooling, "sample.cooling", diagnostics)) return anneal;
  const KeyTable& table = key_table(Section::kCooling);
  if (const Yaml* from = section.find("from"))
    anneal.temperature = read_number(*from, table.key("from"), "sample.cooling.from", diagnostics).value_or(0);
  if (const Yaml* steps = section.find("steps"))
    anneal.levels = read_integer(*steps, table.key("steps"), "sample.cooling.steps", diagnostics).value_or(0);
  return anneal;
}

void read_schedule(const Yaml& section, const Scope& scope, const std::vector<Held>& held, SampleSettings& sample,
                   Diagnostics& diagnostics) {
  const Yaml *anneal = section.find("anneal"), *cooling = section.find("cooling");
  if (anneal) sample.anneal = read_anneal(*anneal, scope, held, diagnostics);
  if (!cooling) return;
  const Schedule cooled = read_cooling(*cooling, diagnostics);
  if (anneal)
    diagnostics.add(cooling->place,
                    "sample.cooling must be left out beside sample.anneal, got both. Write its temperature in "
                    "sample.anneal");
  else
    sample.anneal = cooled;
}

void read_until(const Yaml& section, SampleSettings& sample, Diagnostics& diagnostics) {
  if (!check_keys(section, Section::kUntil, "sample.until", diagnostics)) return;
  const KeyTable& table = key_table(Section::kUntil);
  const auto number = [&](const char* key) -> std::optional<double> {
    const Yaml* value = section.find(key);
    if (!value) return std::nullopt;
    return read_number(*value, table.key(key), std::string("sample.until.") + key, diagnostics);
  };
  sample.until.rhat = number("rhat");
  sample.until.ess = number("ess");
  sample.until.mcse = number("mcse");
  if (const Yaml* value = section.find("time"))
    sample.until.seconds = read_time(*value, "sample.until.time", diagnostics);
  if (const Yaml* value = section.find("steps"))
    sample.steps = read_integer(*value, table.key("steps"), "sample.until.steps", diagnostics).value_or(sample.steps);
}

/// Where the file says nothing. A ladder of n replicas that swap at a rate of 1/2 makes a round trip to the hottest and
/// back every 2 n proposals (Syed et al. 2022: even and odd pairs by turns make 1 / (2 + 2 sum r / (1 - r)) a proposal,
/// r the rejections), and what it knows of modes comes that way. A warm-up has room for 250 such trips
/// (docs/decisions/0012-how-tempering-warms-up.md).
int64_t preset_warmup(const SampleSettings& sample) {
  const MethodDescription* method = find_method(sample.method);
  if (!method || method->options.size() != sample.method_values.size()) return sample.warmup;
  int64_t replicas = 1;
  try {
    replicas = replicas_of(sample.method, sample.method_values);
  } catch (const SettingError&) {
    // Options that do not fit together, which option_errors() says.
  }
  if (replicas == 1) return sample.warmup;
  const int64_t pause = option_value(sample.method, sample.method_values, "swap_every").integer.at(0);
  return std::max(sample.warmup, kWarmupTrips * 2 * replicas * pause);
}

}  // namespace

SampleSettings read_sample(const Yaml* section, const Scope& scope, const std::vector<Held>& held, SourceFiles& files,
                           Diagnostics& diagnostics) {
  SampleSettings sample;
  const KeyTable& table = key_table(Section::kSample);
  const Yaml* name = section ? section->find("method") : nullptr;
  if (name) sample.method = read_text(*name, Key{}, "sample.method", diagnostics).value_or(sample.method);
  const MethodDescription* method =
      require_method(sample.method, name ? name->place : Place{}, "sample.method", diagnostics);
  if (method) sample.method_values = read_options(section, "sample", *method, diagnostics);
  if (!section) return sample;
  if (!check_keys(*section, Section::kSample, "sample", diagnostics, option_names(*section, method))) return sample;

  const auto integer = [&](const char* key, int64_t preset) {
    const Yaml* value = section->find(key);
    if (!value) return preset;
    return read_integer(*value, table.key(key), std::string("sample.") + key, diagnostics).value_or(preset);
  };
  sample.chains = integer("chains", sample.chains);
  sample.warmup = integer("warmup", preset_warmup(sample));
  read_schedule(*section, scope, held, sample, diagnostics);
  sample.steps = integer("steps", sample.steps);
  sample.thin = integer("thin", sample.thin);
  sample.seed = static_cast<uint32_t>(integer("seed", sample.seed));
  if (const Yaml* value = section->find("temperature"))
    sample.temperature = read_number(*value, table.key("temperature"), "sample.temperature", diagnostics).value_or(1);
  if (const Yaml* value = section->find("precision"))
    if (read_text(*value, table.key("precision"), "sample.precision", diagnostics) == "float64")
      sample.precision = Precision::kFloat64;
  if (const Yaml* value = section->find("start")) read_start(*value, sample, files, diagnostics);
  sample.superchain = integer("superchain", sample.superchain);
  sample.checkpoint_every = integer("checkpoint_every", sample.checkpoint_every);
  if (const Yaml* value = section->find("until")) read_until(*value, sample, diagnostics);
  if (const Yaml* value = section->find("blocks")) read_blocks(*section, *value, sample, diagnostics);
  return sample;
}

std::optional<MethodChoice> read_method(const Yaml& section, Section table, const std::string& what,
                                        const std::string& preset, const OptionWords& words, Diagnostics& diagnostics) {
  MethodChoice choice;
  choice.method = preset;
  const Yaml* name = section.find("method");
  if (name) choice.method = read_text(*name, Key{}, what + ".method", diagnostics).value_or(preset);
  const MethodDescription* method =
      require_method(choice.method, name ? name->place : section.place, what + ".method", diagnostics);
  if (!check_keys(section, table, what, diagnostics, option_names(section, method)) || !method) return std::nullopt;
  choice.values = read_options(&section, what, *method, diagnostics, words);
  return choice;
}

RunOptions run_options(const SampleSettings& sample) {
  RunOptions run;
  run.method = sample.method;
  run.values = sample.method_values;
  run.blocks = sample.blocks;
  run.chains = sample.chains;
  run.anneal = sample.anneal;
  run.warmup = sample.warmup;
  run.steps = sample.steps;
  run.thin = sample.thin;
  run.seed = sample.seed;
  run.checkpoint_every = sample.checkpoint_every;
  return run;
}

std::string advice_on_time(const SampleSettings& sample) {
  if (!sample.until.seconds) return "";
  const int64_t annealed = sample.anneal.any() ? sample.anneal.steps_in_all() : 0;
  if (annealed + sample.warmup <= sample.steps) return "";
  const std::string before = annealed > 0 ? fmt::format("{} steps of anneal and {} of warm-up", annealed, sample.warmup)
                                          : fmt::format("{} steps of warm-up", sample.warmup);
  return fmt::format("sample.until.time counts from the first step after the warm-up: {} come before it", before);
}

std::string advice_on_cooling(const Schedule& anneal) {
  return fmt::format(
      "sample.cooling is an older name. Write sample.anneal: {{temperature: {{from: {}}}, levels: {}, steps: 1}}",
      anneal.temperature.value_or(0), anneal.levels);
}

OutputSettings read_output(const Yaml* section, const Scope& scope, const std::vector<Held>& held, SourceFiles& files,
                           Diagnostics& diagnostics) {
  OutputSettings output;
  if (!section || !check_keys(*section, Section::kOutput, "output", diagnostics)) return output;
  if (const Yaml* folder = section->find("folder"))
    if (read_text(*folder, Key{}, "output.folder", diagnostics)) output.folder = files.resolve(*folder).string();
  const Yaml* pictures = section->find("pictures");
  if (!pictures) return output;
  const auto names = read_texts(*pictures, "output.pictures", diagnostics);
  if (!names) return output;
  for (size_t i = 0; i < names->size(); ++i) {
    const Place& place = pictures->is_list() ? pictures->list[i].place : pictures->place;
    const std::string what = fmt::format("output.pictures[{}]", i);
    const int index = scope.variable((*names)[i]);
    if (index < 0) {
      diagnostics.add(place,
                      fmt::format("{} must be the name of a variable, got '{}'. {}", what, (*names)[i],
                                  suggestion((*names)[i], scope.variable_names())),
                      nearest((*names)[i], scope.variable_names()));
    } else if (scope.broken.count((*names)[i]) == 0 && !image_shaped(scope.variables[static_cast<size_t>(index)])) {
      diagnostics.add(place,
                      fmt::format("{} must be image-shaped, [height, width] with or without 1 or 3 channels, got "
                                  "'{}' {}",
                                  what, (*names)[i], shape_text(scope.variables[static_cast<size_t>(index)].shape)));
    } else if (static_cast<size_t>(index) < held.size() && held[static_cast<size_t>(index)].all()) {
      diagnostics.add(place,
                      fmt::format("{} must be a variable that is drawn, got '{}', which is given whole. Leave it "
                                  "out",
                                  what, (*names)[i]));
    } else {
      output.pictures.push_back((*names)[i]);
    }
  }
  return output;
}

}  // namespace potluck
