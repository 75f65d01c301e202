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
  PluginSearch plugins(plugin_search_options(line));
  Session session(session_options(line), plugins);
  session.prepare(Session::Purpose::kLook);
  const Composition& composition = session.composition();
  for (const std::string& warning : session.warnings()) fmt::print("warning: {}\n", warning);
  fmt::print("{}: ok, {}, {}, target '{}'\n", composition.file,
             counted(static_cast<int64_t>(composition.variables.size()), "variable"),
             counted(static_cast<int64_t>(session.plan().experts().size()), "expert"), composition.target->name);
  return kDone;
}

}  // namespace potluck
