// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "potluck/engine.h"

namespace potluck {

int schema_command(const Words& words) {
  CommandLine line(
      "schema", {},
      "Prints the JSON Schema of the composition format, for editors that complete and check YAML. It knows\n"
      "the models of the plugins that are found.");
  if (!line.parse(words)) return kDone;
  engine::Plugins plugins(plugin_options(line));
  fmt::print("{}\n", plugins.composition_schema());
  return kDone;
}

}  // namespace potluck
