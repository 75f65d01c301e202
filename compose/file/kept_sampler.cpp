// SPDX-License-Identifier: Apache-2.0
#include "compose/file/kept_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "compose/experts/weights_metadata.h"
#include "compose/text/keys.h"
#include "compose/tree/coordinates.h"
#include "core/methods/method_choice.h"

namespace potluck {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSample = "potluck.sample";
constexpr const char* kInMetadata = " (potluck.sample)";  ///< behind a file's name in the place of what it keeps
constexpr size_t kMostShown = 120;                        ///< characters of a value in an error

/// A number stands as one, other words as texts.
Json json_of(const std::string& word) {
  const Json number = Json::parse(word, nullptr, /*allow_exceptions=*/false);
  return number.is_number() ? number : Json(word);
}

Json options_of(const SampleSettings& sample) {
  Json options = Json::object();
  const MethodDescription& about = method(sample.method);
  for (size_t i = 0; i < about.options.size(); ++i) {
    const std::vector<std::string> words = setting_words(about.options[i], sample.method_values.at(i));
    Json all = Json::array();
    for (const std::string& word : words) all.push_back(json_of(word));
    options[about.options[i].name] = about.options[i].list ? all : all.at(0);
  }
  return options;
}

/// The section `sample` says how chains move.
bool says_how_chains_move(const Yaml& root) {
  const Yaml* sample = root.find("sample");
  const auto has = [&](const char* key) { return sample && sample->is_map() && sample->find(key) != nullptr; };
  return has("method") || has("anneal") || has("cooling") || has("blocks");
}

/// The input of a leaf that reads a variable of one number; empty where none does, or its name is that of a key.
std::string input_that_reads(const Leaf& leaf, int variable) {
  const std::vector<std::string> own = key_table(Section::kAnneal).names();
  for (size_t i = 0; i < leaf.inputs.size(); ++i) {
    const std::string& name = leaf.kind->inputs[i].name;
    if (leaf.inputs[i].variable == variable && std::find(own.begin(), own.end(), name) == own.end()) return name;
  }
  return "";
}

/// Nothing where the leaf does not read a number that moves.
std::optional<Json> anneal_of(const Schedule& anneal, const Leaf& leaf) {
  Json json = Json::object();
  if (anneal.temperature) json["temperature"] = {{"from", *anneal.temperature}};
  for (const GivenNumber& number : anneal.given) {
    const std::string input = input_that_reads(leaf, number.variable);
    if (input.empty()) return std::nullopt;
    json[input] = {{"from", number.from}};
  }
  json["levels"] = anneal.levels;
  json["steps"] = anneal.steps;
  json["spacing"] = name_of(anneal.spacing);
  if (anneal.predictor) json["predictor"] = true;
  if (anneal.step_by_level) json["step_size"] = anneal.step_size ? Json(*anneal.step_size) : Json("auto");
  if (anneal.noisy_given != anneal.predictor) json["noisy_given"] = anneal.noisy_given;
  return json;
}

bool may_be_kept(const std::string& key, const std::string& method_name) {
  if (key == "method" || key == "warmup" || key == "anneal") return true;
  for (const MethodDescription& one : methods())
    if (one.name == method_name)
      return std::any_of(one.options.begin(), one.options.end(),
                         [&](const SettingDescription& option) { return option.name == key; });
  return false;
}

/// "anneal: {level: {from: 4}, levels: 9}": a key of the section as the resolved composition has it.
std::string written(const Yaml::Entry& entry) {
  Yaml section, root;
  section.kind = root.kind = Yaml::Kind::kMap;
  section.map.push_back(entry);
  root.map.push_back({"sample", {}, std::move(section)});
  std::string text = write_yaml(root, {});
  text.erase(0, text.find_first_not_of(' ', text.find('\n') + 1));
  text.erase(text.find_last_not_of('\n') + 1);
  return text.size() > kMostShown ? text.substr(0, kMostShown) + "..." : text;
}

/// A sampler as the weights of one leaf keep it, with the composition's names.
struct Kept {
  std::string path;  ///< of the weights
  Yaml section;
  std::string text;  ///< of the section

  std::string file() const { return std::filesystem::path(path).filename().string(); }
};

class Taker {
 public:
  Taker(const Scope& scope, const std::vector<Held>& held, Diagnostics& diagnostics)
      : scope_(scope), held_(held), diagnostics_(diagnostics) {}

  void walk(const Node& node) {
    if (!seen_.insert(&node).second) return;
    if (const auto* leaf = std::get_if<Leaf>(&node.kind)) look_at(*leaf);
    for (const NodePointer& child : children(node)) walk(*child);
  }

  std::vector<Kept> kept;
  std::vector<std::string> warnings;

 private:
  void look_at(const Leaf& leaf) {
    if (!leaf.weights || leaf.weights->metadata.count(kSample) == 0) return;
    Kept one{leaf.weights->path, {}, {}};
    if (!read(leaf, one)) return;
    if (Yaml* anneal = one.section.find("anneal"))
      if (!name_variables(leaf, one.file(), *anneal)) return;
    one.text = write_yaml(one.section, {});
    const bool known = std::any_of(kept.begin(), kept.end(),
                                   [&](const Kept& other) { return other.path == one.path && other.text == one.text; });
    if (!known) kept.push_back(std::move(one));
  }

  bool refuse(const Leaf& leaf, const std::string& file, const std::string& got) {
    diagnostics_.add(leaf.weights_place,
                     fmt::format("{}: its metadata '{}' must be a JSON object of method, the method's options, warmup "
                                 "and anneal, got {}. Train the model again, or remove the metadata",
                                 file, kSample, got));
    return false;
  }

  bool read(const Leaf& leaf, Kept& one) {
    const std::string& text = leaf.weights->metadata.at(kSample);
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object())
      return refuse(leaf, one.file(),
                    "'" + (text.size() > kMostShown ? text.substr(0, kMostShown) + "..." : text) + "'");
    const Json name = json.value("method", Json());
    if (!name.is_string()) return refuse(leaf, one.file(), "no method");
    for (const auto& [key, value] : json.items())
      if (!may_be_kept(key, name.get<std::string>())) return refuse(leaf, one.file(), "'" + key + "' too");
    if (json.contains("anneal") && !json["anneal"].is_object()) return refuse(leaf, one.file(), "another anneal");
    one.section = read_yaml(text, one.path + kInMetadata, /*positions=*/false, diagnostics_);
    return one.section.is_map();
  }

  /// Calls the numbers that move as the composition does. False where it has none in their place.
  bool name_variables(const Leaf& leaf, const std::string& file, Yaml& anneal) {
    const std::vector<std::string> own = key_table(Section::kAnneal).names();
    for (Yaml::Entry& entry : anneal.map) {
      if (std::find(own.begin(), own.end(), entry.key) != own.end()) continue;
      size_t i = 0;
      while (i < leaf.inputs.size() && leaf.kind->inputs[i].name != entry.key) ++i;
      if (i == leaf.inputs.size())
        return refuse(leaf, file, fmt::format("an anneal of '{}', which is no input of the model", entry.key));
      const int variable = leaf.inputs[i].variable;
      if (!may_move(variable)) {
        const std::string is = leaf.inputs[i].left_out ? "left out"
                               : variable < 0          ? "the literal " + leaf.inputs[i].text
                                              : fmt::format("'{}', which is not one given number", leaf.inputs[i].text);
        warnings.push_back(fmt::format(
            "sample: {} keeps a sampler that moves the input '{}', and here that is {}. Bind it to a variable of one "
            "number that is given, or write how chains move: sample: {{method: mala}}",
            file, entry.key, is));
        return false;
      }
      entry.key = scope_.variables[static_cast<size_t>(variable)].name;
    }
    return true;
  }

  bool may_move(int variable) const {
    if (variable < 0) return false;
    const auto v = static_cast<size_t>(variable);
    const std::vector<std::string> own = key_table(Section::kAnneal).names();
    const Variable& about = scope_.variables[v];
    return v < held_.size() && held_[v].all() && about.size() == 1 && !about.categorical() &&
           std::find(own.begin(), own.end(), about.name) == own.end();
  }

  const Scope& scope_;
  const std::vector<Held>& held_;
  Diagnostics& diagnostics_;
  std::set<const Node*> seen_;
};

/// "anneal: {...} of a.safetensors and anneal: {...} of b.safetensors"
std::string first_difference(const Kept& a, const Kept& b) {
  const auto value = [](const Kept& one, const std::string& key) {
    const Yaml::Entry* found = one.section.entry(key);
    return fmt::format("{} of {}", found ? written(*found) : "no " + key, one.file());
  };
  std::vector<std::string> keys;
  for (const Kept* one : {&a, &b})
    for (const Yaml::Entry& entry : one->section.map) keys.push_back(entry.key);
  for (const std::string& key : keys) {
    const Yaml *left = a.section.find(key), *right = b.section.find(key);
    if (!left || !right || write_yaml(*left, {}) != write_yaml(*right, {}))
      return value(a, key) + " and " + value(b, key);
  }
  return a.file() + " and " + b.file();
}

}  // namespace

std::optional<std::string> sampler_to_keep(const Composition& composition, const Leaf& leaf) {
  const SampleSettings& sample = composition.sample;
  Diagnostics none;  // the text was written by write_yaml
  const Yaml root = read_yaml(composition.resolved, composition.file, /*positions=*/false, none);
  if (!says_how_chains_move(root) || root.find("sample")->find("blocks")) return std::nullopt;
  Json json = {{"method", sample.method}};
  json.update(options_of(sample));
  json["warmup"] = sample.warmup;
  if (sample.anneal.any()) {
    const std::optional<Json> anneal = anneal_of(sample.anneal, leaf);
    if (!anneal) return std::nullopt;
    json["anneal"] = *anneal;
  }
  return json.dump();
}

std::vector<std::string> take_kept_sampler(const Node& target, const Scope& scope, const std::vector<Held>& held,
                                           Yaml& root, Diagnostics& diagnostics) {
  Yaml* sample = root.find("sample");
  if (says_how_chains_move(root) || (sample && !sample->is_map() && !sample->is_null())) return {};
  Taker taker(scope, held, diagnostics);
  taker.walk(target);
  if (taker.kept.empty()) return std::move(taker.warnings);
  const Kept& first = taker.kept.front();
  for (const Kept& one : taker.kept) {
    if (one.text == first.text) continue;
    diagnostics.add(sample ? sample->place : root.place,
                    fmt::format("sample must say how chains move where weights keep different samplers, got {}. Write "
                                "a method, and an anneal where it is wanted",
                                first_difference(first, one)),
                    "", "sample");
    return std::move(taker.warnings);
  }
  if (!sample) {
    const Place nowhere{root.place.file, 0, 0};
    root.map.push_back({"sample", nowhere, {}});
    sample = &root.map.back().value;
    sample->place = nowhere;
  }
  sample->kind = Yaml::Kind::kMap;
  for (const Yaml::Entry& entry : first.section.map)
    if (!sample->find(entry.key)) sample->map.push_back(entry);
  return std::move(taker.warnings);
}

std::string sampler_text(const Composition& composition) {
  const std::string place = composition.places.at("sample.method").file;
  if (!place.ends_with(kInMetadata)) return "";
  return "sample: from the weights " + place.substr(0, place.size() - std::string_view(kInMetadata).size());
}

}  // namespace potluck
