// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_identity.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>

#include "compose/record/run_facts_json.h"
#include "compose/text/yaml.h"
#include "core/files/formats/sha256.h"

namespace potluck {
namespace {

using Json = nlohmann::json;
using Flat = std::map<std::string, std::string>;  // path -> text

// Those of `sample` are compared with their defaults filled in; files and plugins by their SHA-256.
const std::set<std::string> kOtherSections = {"sample", "output", "plugins", "include"};

void flatten(const Yaml& value, const std::string& path, Flat& flat) {
  for (const Yaml::Entry& entry : value.map) {
    if (path.empty() && kOtherSections.count(entry.key) > 0) continue;
    flatten(entry.value, path.empty() ? entry.key : path + "." + entry.key, flat);
  }
  for (size_t i = 0; i < value.list.size(); ++i) flatten(value.list[i], fmt::format("{}[{}]", path, i), flat);
  if (value.is_scalar()) flat[path] = value.text;
}

Flat flat_composition(const Json& identity) {
  Flat flat;
  Diagnostics ignored;  // was read once already
  flatten(read_yaml(identity.value("composition", ""), "", false, ignored), "", flat);
  return flat;
}

std::string short_hash(const Json& hash) { return "SHA-256 " + hash.get<std::string>().substr(0, 12); }

Flat flat_rest(const Json& identity) {
  Flat flat;
  flat["the version of Potluck"] = identity.value("potluck", "");
  flat["the kind of device"] = identity.value("device", "");
  flat["rank"] = identity.contains("rank") ? identity["rank"].dump() : "all chains in one process";
  if (identity.contains("share")) flat["rank"] = "the chains " + identity["share"].dump();
  for (const auto& [name, value] : identity.at("settings").items())
    flat["sample." + name] = value.is_string() ? value.get<std::string>() : value.dump();
  const Json annealing = identity.value("annealing", Json::object());
  for (const auto& [name, value] : annealing.items()) flat["--" + name] = value.dump();
  const Json training = identity.value("training", Json::object());
  for (const auto& [name, value] : training.items()) flat["learn." + name] = value.dump();
  for (const Json& plugin : identity.at("plugins")) {
    flat[fmt::format("plugin {}", plugin.value("id", ""))] =
        fmt::format("version {}, {}", plugin.value("version", ""), short_hash(plugin.at("sha256")));
  }
  for (const auto& [file, hash] : identity.at("files").items()) flat[file] = short_hash(hash);
  return flat;
}

using Renamed = std::map<std::string, std::string>;  // path in the checkpoint -> path now

/// Files of the checkpoint that are not there by their old path, but by that which they have where everything around
/// the project was moved with it: what both of its names end with is what was not renamed.
Renamed renamed_files(const Json& checkpoint, const Json& now) {
  namespace filesystem = std::filesystem;
  filesystem::path from = checkpoint.value("folder", ""), to = now.value("folder", "");
  Renamed renamed;
  if (from == to) return renamed;
  while (from.has_relative_path() && to.has_relative_path() && from.filename() == to.filename()) {
    from = from.parent_path();
    to = to.parent_path();
  }
  const std::string before = (from / "").string(), after = (to / "").string();
  for (const auto& [file, hash] : checkpoint.at("files").items()) {
    if (now.at("files").contains(file) || !file.starts_with(before)) continue;
    const std::string other = after + file.substr(before.size());
    if (now.at("files").contains(other)) renamed[file] = other;
  }
  return renamed;
}

/// In what is named and in what is said: "64 positions of /old/start.npy".
void rename(Flat& flat, const Renamed& renamed) {
  Flat all;
  for (const auto& [path, value] : flat) {
    std::string name = path, text = value;
    for (const auto& [before, after] : renamed) {
      if (name == before) name = after;
      if (text.ends_with(before)) text.replace(text.size() - before.size(), before.size(), after);
    }
    all[name] = text;
  }
  flat = std::move(all);
}

void compare(const Flat& there, const Flat& here, const Sides& sides, std::vector<std::string>& texts) {
  for (const auto& [path, value] : there) {
    const auto now = here.find(path);
    if (now == here.end())
      texts.push_back(fmt::format("{}: {} {}, not there {}", path, value, sides.first, sides.second));
    else if (now->second != value)
      texts.push_back(fmt::format("{}: {} {}, {} {}", path, value, sides.first, now->second, sides.second));
  }
  for (const auto& [path, value] : here)
    if (there.count(path) == 0)
      texts.push_back(fmt::format("{}: not {}, {} {}", path, sides.first, value, sides.second));
}

}  // namespace

Json run_identity(const RunFacts& facts) {
  const RunRecord asked = asked_json(facts);
  Json settings = asked.value("options", RunRecord::object());
  for (const char* key : {"method", "chains", "warmup", "thin", "seed", "temperature", "precision", "start", "blocks",
                          "cooling", "superchain"})
    if (asked.contains(key)) settings[key] = asked.at(key);
  // What `cooling` says whole is compared by that: runs of before `anneal` have no more.
  if (asked.contains("anneal") && !asked.contains("cooling")) settings["anneal"] = asked.at("anneal");
  const Surroundings& around = facts.surroundings;
  Json plugins = Json::array(), files = Json::object();
  for (const PluginFacts& plugin : around.plugins)
    plugins.push_back({{"id", plugin.id}, {"version", plugin.version}, {"sha256", plugin.sha256}});
  // What is in a composition is compared key by key, so that what may differ may.
  const std::filesystem::path folder = facts.command.folder;
  const std::string main = (folder / facts.file).lexically_normal();
  for (const auto& [file, hash] : around.files)
    if (file != main && !file.ends_with(".yaml") && !file.ends_with(".yml")) files[file] = hash;
  Json identity = {{"potluck", facts.potluck},
                   {"composition", around.composition},
                   {"composition_sha256", sha256_of_text(around.composition)},
                   {"settings", settings},
                   {"plugins", plugins},
                   {"files", files},
                   {"folder", folder.string()},  // what moved files are known by, and not compared
                   {"device", around.device.substr(0, around.device.find(':'))}};
  if (facts.rank) identity["rank"] = {{"rank", facts.rank->rank}, {"world", facts.rank->world}};
  for (const char* key : {"annealing", "training"})
    if (asked.contains(key)) identity[key] = asked.at(key);
  return identity;
}

std::vector<std::string> differences(const Json& first, const Json& second, const Sides& sides) {
  std::vector<std::string> texts;
  const Renamed renamed = renamed_files(first, second);
  Flat composition = flat_composition(first), rest = flat_rest(first);
  rename(composition, renamed);
  rename(rest, renamed);
  compare(composition, flat_composition(second), sides, texts);
  compare(rest, flat_rest(second), sides, texts);
  return texts;
}

}  // namespace potluck
