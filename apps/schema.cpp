// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "apps/command.h"
#include "apps/exit_code.h"
#include "apps/plugin_search.h"
#include "compose/file.h"

namespace potluck {

int schema_command(const Words& words) {
  CommandLine line(
      "schema", {},
      "Prints the JSON Schema of the composition format, for editors that complete and check YAML. It knows\n"
      "the models of the plugins that are found.");
  if (!line.parse(words)) return kDone;
  PluginSearch plugins(line);
  fmt::print("{}\n", composition_schema(plugins));
  return kDone;
}

}  // namespace potluck
