// SPDX-License-Identifier: Apache-2.0
#include "apps/plugin_search.h"

#include "apps/places.h"

namespace potluck {
namespace {

Registry::Options registry_options(const CommandLine& line, bool trust_verdicts) {
  Registry::Options options;
  options.allow_world_writable = line.flag("allow-world-writable");
  options.verdicts = verdict_folder();
  options.trust_verdicts = trust_verdicts;
  return options;
}

}  // namespace

std::filesystem::path verdict_folder() {
  const std::filesystem::path cache = user_cache_folder();
  return cache.empty() ? cache : cache / "verdicts";
}

PluginSearch::PluginSearch(const CommandLine& line, bool trust_verdicts)
    : registry_(registry_options(line, trust_verdicts)) {
  for (const SaidWord& one : line.said("plugin")) registry_.add_place(one.path(), "--plugin", /*must_exist=*/true);
}

void PluginSearch::add_place(const std::filesystem::path& file_or_folder, const std::string& place, bool must_exist) {
  registry_.add_place(file_or_folder, place, must_exist);
}

Registry& PluginSearch::registry() {
  if (!complete_) {
    complete_ = true;
    for (const PluginPlace& place : standing_places())
      registry_.add_place(place.path, place.name, /*must_exist=*/false);
  }
  return registry_;
}

const ModelKind& PluginSearch::model(const std::string& name) { return registry().model(name); }

std::vector<std::string> PluginSearch::model_names() { return registry().model_names(); }

}  // namespace potluck
