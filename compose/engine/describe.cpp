// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/describe.h"

#include "compose/engine/errors.h"

namespace potluck::engine {

std::vector<Method> methods() {
  return translated([] {
    std::vector<Method> all;
    for (const MethodDescription& one : potluck::methods()) all.push_back(described(one));
    return all;
  });
}

std::vector<Setting> described(const std::vector<SettingDescription>& settings) {
  std::vector<Setting> all;
  for (const SettingDescription& one : settings)
    all.push_back({one.name, describe_range(one), one.unit, one.summary, one.list});
  return all;
}

Method described(const MethodDescription& method) {
  return {method.name, method.summary, method.reference, method.exact, described(method.options)};
}

Model described(const ModelKind& kind) {
  Model model{kind.name,      kind.summary,        kind.reference,  {}, described(kind.settings),
              kind.plugin_id, kind.plugin_version, kind.plugin_file};
  for (const InputDescription& one : kind.inputs)
    model.inputs.push_back({one.name, one.summary, one.categorical, one.parent});
  return model;
}

Plugin described(const PluginNote& note) {
  Plugin plugin;
  plugin.id = note.id;
  plugin.version = note.version;
  plugin.licence = note.licence;
  plugin.torch = note.torch;
  plugin.compiler = note.compiler;
  plugin.abi = note.abi;
  plugin.needs_minor = note.needs_minor;
  plugin.models = note.models;
  return plugin;
}

}  // namespace potluck::engine
