// SPDX-License-Identifier: Apache-2.0
#include "compose/session/plugin_search.h"

#include <utility>

namespace potluck {
namespace {

Registry::Options registry_options(const PluginSearch::Options& options) {
  Registry::Options registry;
  registry.allow_world_writable = options.allow_world_writable;
  registry.verdicts = options.verdicts;
  registry.trust_verdicts = options.trust_verdicts;
  return registry;
}

}  // namespace

PluginSearch::PluginSearch(Options options)
    : registry_(registry_options(options)), standing_(std::move(options.standing)) {
  for (const SearchPath& one : options.first) registry_.add_place(one.path, one.name, /*must_exist=*/true);
}

void PluginSearch::add_place(const std::filesystem::path& file_or_folder, const std::string& place, bool must_exist) {
  registry_.add_place(file_or_folder, place, must_exist);
}

Registry& PluginSearch::registry() {
  if (!complete_) {
    complete_ = true;
    for (const SearchPath& one : standing_) registry_.add_place(one.path, one.name, /*must_exist=*/false);
  }
  return registry_;
}

const ModelKind& PluginSearch::model(const std::string& name) { return registry().model(name); }

std::vector<std::string> PluginSearch::model_names() { return registry().model_names(); }

}  // namespace potluck
