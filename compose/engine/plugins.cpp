// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/describe.h"
#include "compose/engine/errors.h"
#include "compose/engine/paths.h"
#include "compose/engine/state.h"
#include "compose/file/file.h"

namespace potluck::engine {
namespace {

potluck::SearchPath told(const SearchPath& one, const std::string& what) {
  check_given_path(one.path, what);
  return {one.path, one.name};
}

PluginSearch::Options search_options(const PluginOptions& options) {
  PluginSearch::Options search;
  for (const SearchPath& one : options.first) search.first.push_back(told(one, "first"));
  for (const SearchPath& one : options.standing) search.standing.push_back(told(one, "standing"));
  check_path(options.verdicts, "verdicts");
  search.allow_world_writable = options.allow_world_writable;
  search.verdicts = options.verdicts;
  search.trust_verdicts = options.trust_verdicts;
  return search;
}

}  // namespace

Plugins::Plugins(PluginOptions options)
    : state_(translated([&] { return std::unique_ptr<State>(new State{PluginSearch(search_options(options))}); })) {}
Plugins::~Plugins() = default;
Plugins::Plugins(Plugins&&) noexcept = default;
Plugins& Plugins::operator=(Plugins&&) noexcept = default;

std::vector<Plugin> Plugins::list() {
  return translated([&] {
    std::vector<Plugin> all;
    for (const PluginListing& one : state_->search.registry().list()) {
      Plugin plugin = described(one.note);
      plugin.file = one.file.string();
      plugin.found_by = one.place;
      plugin.usable = one.usable;
      plugin.reason = one.reason;
      all.push_back(std::move(plugin));
    }
    return all;
  });
}

Plugin Plugins::inspect(const std::string& file) {
  return translated([&] {
    check_given_path(file, "file");
    Plugin plugin = described(read_note(file));
    plugin.file = file;
    return plugin;
  });
}

std::vector<std::string> Plugins::model_names() {
  return translated([&] { return state_->search.model_names(); });
}

Model Plugins::model(const std::string& name) {
  return translated([&] { return described(state_->search.model(name)); });
}

std::vector<Model> Plugins::models_of(const std::string& file_or_id) {
  return translated([&] {
    std::vector<Model> all;
    for (const ModelKind* kind : state_->search.registry().models_of(file_or_id)) all.push_back(described(*kind));
    return all;
  });
}

std::string Plugins::settings_schema(const std::string& model) {
  return translated([&] { return model_schema(state_->search.model(model)); });
}

std::string Plugins::composition_schema() {
  return translated([&] { return potluck::composition_schema(state_->search); });
}

}  // namespace potluck::engine
