// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/text.h"
#include "compose/file/file.h"

namespace potluck {
namespace {

int list(const Words& words) {
  CommandLine line("models list", {}, "Lists the models of all plugins that are found. Opens no plugin.");
  if (!line.parse(words)) return kDone;
  PluginSearch plugins(plugin_search_options(line));
  const std::vector<PluginListing> found = plugins.registry().list();
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : plugins.model_names()) {
    const auto plugin = std::find_if(found.begin(), found.end(), [&](const PluginListing& listing) {
      const auto& models = listing.note.models;
      return listing.usable && std::find(models.begin(), models.end(), name) != models.end();
    });
    rows.push_back({name, plugin == found.end()
                              ? ""
                              : fmt::format("{} {} ({})", plugin->note.id, plugin->note.version, plugin->place)});
  }
  if (rows.empty()) fmt::print("No models were found. `potluck plugins path` says where plugins are looked for.\n");
  fmt::print("{}", columns(rows));
  return kDone;
}

std::string input_kind(const InputDescription& input) {
  return std::string(input.categorical ? "categorical" : "continuous") +
         (input.parent ? ", the model is conditional on it" : "") + (input.optional ? ", optional" : "");
}

void print_description(const ModelKind& kind) {
  fmt::print("{}: {}\nfrom {} {}, {}\n\nInputs:\n", kind.name, kind.summary, kind.plugin_id, kind.plugin_version,
             kind.plugin_file);
  std::vector<std::vector<std::string>> inputs;
  for (const InputDescription& input : kind.inputs) inputs.push_back({input.name, input_kind(input), input.summary});
  fmt::print("{}\nSettings:\n{}", columns(inputs), settings_table(kind.settings));
  if (!kind.reference.empty()) fmt::print("\nReference: {}\n", kind.reference);
}

int describe(const Words& words) {
  CommandLine line("models describe", {"NAME"}, "Says what a model is, its inputs, settings and source.");
  line.add_flag("schema", "print the JSON Schema of its settings instead");
  if (!line.parse(words)) return kDone;
  PluginSearch plugins(plugin_search_options(line));
  const ModelKind& kind = plugins.model(line.operand(0));
  if (line.flag("schema"))
    fmt::print("{}\n", model_schema(kind));
  else
    print_description(kind);
  return kDone;
}

}  // namespace

int models_command(const Words& words) {
  return run_action("models",
                    {{"list", "", "names, and which plugin they are from", list},
                     {"describe", "NAME [--schema]", "what it is, its inputs, settings and source", describe}},
                    words);
}

}  // namespace potluck
