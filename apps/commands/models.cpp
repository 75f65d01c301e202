// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/text.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

int list(const Words& words) {
  CommandLine line("models list", {}, "Lists the models of all plugins that are found. Opens no plugin.");
  if (!line.parse(words)) return kDone;
  engine::Plugins plugins(plugin_options(line));
  const std::vector<engine::Plugin> found = plugins.list();
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : plugins.model_names()) {
    const auto plugin = std::find_if(found.begin(), found.end(), [&](const engine::Plugin& one) {
      return one.usable && std::find(one.models.begin(), one.models.end(), name) != one.models.end();
    });
    rows.push_back(
        {name, plugin == found.end() ? "" : fmt::format("{} {} ({})", plugin->id, plugin->version, plugin->found_by)});
  }
  if (rows.empty()) fmt::print("No models were found. `potluck plugins path` says where plugins are looked for.\n");
  fmt::print("{}", columns(rows));
  return kDone;
}

std::string input_kind(const engine::ModelInput& input) {
  return std::string(input.categorical ? "categorical" : "continuous") +
         (input.parent ? ", the model is conditional on it" : "");
}

void print_description(const engine::Model& model) {
  fmt::print("{}: {}\nfrom {} {}, {}\n\nInputs:\n", model.name, model.summary, model.plugin_id, model.plugin_version,
             model.plugin_file);
  std::vector<std::vector<std::string>> inputs;
  for (const engine::ModelInput& input : model.inputs) inputs.push_back({input.name, input_kind(input), input.summary});
  fmt::print("{}\nSettings:\n{}", columns(inputs), settings_table(model.settings));
  if (!model.reference.empty()) fmt::print("\nReference: {}\n", model.reference);
}

int describe(const Words& words) {
  CommandLine line("models describe", {"NAME"}, "Says what a model is, its inputs, settings and source.");
  line.add_flag("schema", "print the JSON Schema of its settings instead");
  if (!line.parse(words)) return kDone;
  engine::Plugins plugins(plugin_options(line));
  const std::string& name = line.operand(0);
  if (line.flag("schema"))
    fmt::print("{}\n", plugins.settings_schema(name));
  else
    print_description(plugins.model(name));
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
