// SPDX-License-Identifier: Apache-2.0
#include "compose/experts/kept_log_z.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compose/experts/weights_metadata.h"
#include "compose/tree/coordinates.h"
#include "core/error.h"
#include "core/files/formats/json_input.h"
#include "core/files/formats/sha256.h"
#include "core/version.h"

namespace potluck {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const KeptLogZ& one) {
  Json given = Json::object();
  for (const auto& [name, numbers] : one.given) {
    if (numbers.size() == 1)
      given[name] = numbers[0];
    else
      given[name] = numbers;
  }
  Json json = {{"given", given}, {"value", one.value}, {"standard_error", one.standard_error}};
  if (!one.along.empty()) json["along"] = one.along;
  json["particles"] = one.particles;
  json["repeats"] = one.repeats;
  json["moves"] = one.moves;
  json["seed"] = one.seed;
  json["version"] = kVersion;
  json["sha256"] = one.sha256;
  return json;
}

std::vector<double> numbers_of(const JsonInput<Json>& value) {
  std::vector<double> numbers;
  if (!value.value().is_array()) return {value.number()};
  for (const JsonInput<Json>& each : value.items()) numbers.push_back(each.number());
  return numbers;
}

KeptLogZ kept_of(const JsonInput<Json>& in) {
  KeptLogZ one;
  for (const auto& [name, value] : in.at("given").entries()) one.given[name] = numbers_of(value);
  one.value = in.at("value").number();
  one.standard_error = in.at("standard_error").number();
  if (!(one.standard_error > 0)) in.at("standard_error").fail("a number > 0");
  if (in.has("along"))
    for (const auto& [name, value] : in.at("along").entries()) one.along[name] = value.number();
  one.particles = in.at("particles").whole(0);
  one.repeats = in.at("repeats").whole(0);
  one.moves = in.at("moves").whole(0);
  one.seed = static_cast<uint32_t>(in.at("seed").whole(0));
  one.sha256 = in.at("sha256").text();
  return one;
}

std::string file_of(const Leaf& leaf) { return std::filesystem::path(leaf.weights->path).filename().string(); }

std::vector<KeptLogZ> all_kept(const Leaf& leaf) {
  std::vector<KeptLogZ> all;
  const auto text = leaf.weights->metadata.find(kLogZMetadata);
  if (text == leaf.weights->metadata.end()) return all;
  const std::string what = fmt::format("{} ({})", file_of(leaf), kLogZMetadata);
  const Json list = parse_json<Json>(text->second, what);
  for (const JsonInput<Json>& each : JsonInput<Json>(list, what).items()) all.push_back(kept_of(each));
  return all;
}

std::string number_text(const std::vector<double>& numbers) {
  if (numbers.size() == 1) return fmt::format("{}", numbers[0]);
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

/// What such a file says is not in the weights.
bool names_files(const Leaf& leaf) {
  return std::any_of(leaf.kind->settings.begin(), leaf.kind->settings.end(),
                     [](const SettingDescription& setting) { return setting.kind == SettingKind::kFile; });
}

/// Adds what an array is of to a digest.
void add(const Weight& array, Sha256& digest) {
  const std::string head = fmt::format("{} {} {};", array.name, array.type, fmt::join(array.shape, ","));
  digest.update(head.data(), head.size());
  digest.update(array.bytes.data(), array.bytes.size());
}

/// "--along noise=FROM ", where a real number is given that the model is conditional on: as a rule the level of noise.
std::string along_option(const Composition& composition, const Leaf& leaf) {
  for (size_t i = 0; i < leaf.inputs.size(); ++i) {
    const InputDescription& input = leaf.kind->inputs[i];
    const int variable = leaf.inputs[i].variable;
    if (input.parent && !input.categorical && variable >= 0 && size_of(leaf.inputs[i]) == 1)
      return fmt::format("--along {}=FROM ", composition.variables[static_cast<size_t>(variable)].name);
  }
  return "";
}

}  // namespace

std::string KeptLogZ::given_text() const {
  std::vector<std::string> all;
  for (const auto& [name, numbers] : given) all.push_back(name + " = " + number_text(numbers));
  return all.empty() ? "nothing given" : fmt::format("{}", fmt::join(all, ", "));
}

std::optional<std::string> sha256_for_log_z(const Leaf& leaf) {
  if (!leaf.weights || names_files(leaf)) return std::nullopt;
  Sha256 digest;
  std::string head;
  for (const auto& [key, text] : weights_metadata(leaf)) head += fmt::format("{} {};", key, text);
  for (size_t i = 0; i < leaf.inputs.size(); ++i)
    if (!leaf.inputs[i].left_out)
      head += fmt::format("{} {};", leaf.kind->inputs[i].name, fmt::join(leaf.inputs[i].shape, ","));
  digest.update(head.data(), head.size());
  for (const Weight& array : leaf.weights->arrays) add(array, digest);
  return digest.hex();
}

std::optional<std::map<std::string, std::vector<double>>> given_parents(const Composition& composition,
                                                                        const Leaf& leaf, std::string* which) {
  std::map<std::string, std::vector<double>> given;
  for (size_t i = 0; i < leaf.inputs.size(); ++i) {
    const InputDescription& input = leaf.kind->inputs[i];
    const Binding& binding = leaf.inputs[i];
    if (!input.parent || binding.left_out) continue;
    std::vector<double>& numbers = given[input.name];
    const auto v = static_cast<size_t>(std::max(binding.variable, 0));
    for (int64_t j = 0; j < size_of(binding); ++j) {
      const auto at = static_cast<size_t>(binding.index.empty() ? j : binding.index[static_cast<size_t>(j)]);
      if (binding.variable < 0) {
        numbers.push_back(binding.literal[static_cast<size_t>(j)]);
        continue;
      }
      const bool held = v < composition.held.size() && composition.held[v].any() && composition.held[v].mask[at] != 0;
      if (!held && which) *which = input.name;
      if (!held) return std::nullopt;
      numbers.push_back(composition.held[v].value[at]);
    }
  }
  return given;
}

std::optional<KeptLogZ> find_kept_log_z(const Composition& composition, const Node& node, std::string* advice) {
  const auto* leaf = std::get_if<Leaf>(&node.kind);
  const bool may_be_kept = leaf && leaf->parts == 1 && leaf->weights && !names_files(*leaf);
  const auto given = may_be_kept ? given_parents(composition, *leaf) : std::nullopt;
  if (!given) return std::nullopt;
  const auto tell = [&](const std::string& text) {
    if (advice) *advice = text;
    return std::nullopt;
  };
  KeptLogZ wanted;
  wanted.given = *given;
  std::string has = "keeps no estimate of it";
  try {
    const std::vector<KeptLogZ> all = all_kept(*leaf);
    const std::optional<std::string> sha256 = all.empty() ? std::nullopt : sha256_for_log_z(*leaf);
    for (const KeptLogZ& one : all) {
      if (one.sha256 == sha256 && one.given == *given) return one;
      has = one.sha256 == sha256 ? fmt::format("keeps it at {}, not at {}", one.given_text(), wanted.given_text())
                                 : std::string("keeps it of other arrays or settings");
    }
  } catch (const FileError& error) {
    return tell(error.what());
  }
  const bool named = composition.energies.count(node.name) > 0;
  return tell(fmt::format("{} {}: `potluck evidence {} {}{}--keep` adds it", file_of(*leaf), has, composition.file,
                          named ? fmt::format("--set target={} ", node.name) : "", along_option(composition, *leaf)));
}

std::string log_z_metadata(const Leaf& leaf, const KeptLogZ& estimate) {
  Json list = Json::array();
  for (const KeptLogZ& one : all_kept(leaf))
    if (one.sha256 == estimate.sha256 && one.given != estimate.given) list.push_back(json_of(one));
  list.push_back(json_of(estimate));
  return list.dump();
}

}  // namespace potluck
