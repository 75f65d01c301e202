// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/command_line.h"
#include "apps/terminal/failure.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/text.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

engine::Exported exported(const CommandLine& line) {
  ProgressReport progress(stderr,
                          line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr));
  return engine::export_run(line.operand(0), [&](const std::string& text) { progress.say(text); });
}

}  // namespace

int export_command(const Words& words) {
  CommandLine line(
      "export", {"RUN"},
      "Makes draws.nc, summary.json and pictures/ from the draws that a run left in its folder RUN, for example a\n"
      "run that was killed. Files that are there already are made anew; a draws.nc with more draws than can be\n"
      "read now stays.");
  line.add_flag("quiet", "print errors only");
  if (!line.parse(words)) return kDone;
  const std::filesystem::path folder = line.operand(0);
  const engine::Exported made = exported(line);
  const engine::Products& products = made.products;
  if (!products.not_made.empty())
    return report_not_made(products.not_made,
                           fmt::format("To make what is missing: potluck export {}", folder.string()));
  if (line.flag("quiet")) return kDone;
  fmt::print("Exported {} draws of {} chains to {}. {}.\n", products.draws, products.chains,
             (folder / "draws.nc").string(), products.convergence);
  if (made.goes_on) fmt::print("The run goes on: these are its draws so far.\n");
  fmt::print("{}", worth_text(products));
  return kDone;
}

}  // namespace potluck
