// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/command_line.h"
#include "apps/terminal/text.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

int list(const Words& words) {
  CommandLine line("methods list", {}, "Lists the sampling methods.");
  if (!line.parse(words)) return kDone;
  std::vector<std::vector<std::string>> rows;
  for (const engine::Method& method : engine::methods()) rows.push_back({method.name, method.summary});
  fmt::print("{}", columns(rows));
  return kDone;
}

int describe(const Words& words) {
  CommandLine line("methods describe", {"NAME"}, "Says what a sampling method does, its options and its source.");
  if (!line.parse(words)) return kDone;
  const std::string& name = line.operand(0);
  std::vector<std::string> known;
  for (const engine::Method& description : engine::methods()) {
    known.push_back(description.name);
    if (description.name != name) continue;
    fmt::print("{}: {}\n{}\n\n", description.name, description.summary,
               description.exact ? "Leaves exp(-E/T) as it is, whatever the step size."
                                 : "Its draws are biased by the step size.");
    fmt::print("Options of `sample.method: {}`:\n{}", name, settings_table(description.options));
    if (!description.reference.empty()) fmt::print("\nReference: {}\n", description.reference);
    return kDone;
  }
  throw UsageError(unknown_name("method", name, known));
}

}  // namespace

int methods_command(const Words& words) {
  return run_action("methods",
                    {{"list", "", "names and one line each", list},
                     {"describe", "NAME", "what it does, its options, its source", describe}},
                    words);
}

}  // namespace potluck
