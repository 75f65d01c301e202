// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"
#include "apps/terminal/text.h"

namespace potluck {

int check_command(const Words& words) {
  CommandLine line(
      "check", {"FILE"},
      "Reads the composition in FILE, loads its models and reports everything that is wrong, one line for each fault.\n"
      "Nothing is drawn.");
  add_session_options(line);
  if (!line.parse(words)) return kDone;
  engine::Plugins plugins(plugin_options(line));
  const engine::Composite composite(composition_of(line, plugins), engine::Composite::Purpose::kLook);
  const engine::Composition& composition = composite.composition();
  for (const std::string& warning : composite.warnings()) fmt::print("warning: {}\n", warning);
  fmt::print("{}: ok, {}, {}, target '{}'\n", composition.file(),
             plural(static_cast<int64_t>(composition.variables().size()), "variable"),
             plural(static_cast<int64_t>(composite.experts().size()), "expert"), composition.target());
  return kDone;
}

}  // namespace potluck
