// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/command_line.h"
#include "apps/terminal/failure.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/text.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

engine::Merged joined(const CommandLine& line) {
  ProgressReport progress(stderr,
                          line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr));
  return engine::merge_run(line.operand(0), line.flag("overwrite"),
                           [&](const std::string& text) { progress.say(text); });
}

int report(const engine::Merged& merged, const std::string& run, bool quiet) {
  const engine::Products& products = merged.products;
  if (!products.not_made.empty())
    return report_not_made(products.not_made,
                           merged.older_run_stays
                               ? fmt::format("What was joined before in {} stays as it was", run)
                               : fmt::format("All draws are in {0}. To make what is missing: potluck export {0}", run));
  if (quiet) return kDone;
  if (merged.ranks == 0) {
    fmt::print("Joined ranks: a merge that was cut short was finished in {}.\n", run);
    return kDone;
  }
  fmt::print("Joined {} ranks: {} draws of {} chains in {}. {}.\n", merged.ranks, products.draws, products.chains, run,
             products.convergence);
  fmt::print("{}", worth_text(products));
  return kDone;
}

}  // namespace

int merge_command(const Words& words) {
  CommandLine line(
      "merge", {"RUN"},
      "Joins the draws of processes that shared a run, in RUN/rank-0000, RUN/rank-0001, ..., to one run in RUN.\n"
      "They have the same bits as the draws of one process. The ranks' folders stay.");
  line.add_flag("overwrite", "replace the joined run that is there");
  line.add_flag("quiet", "print errors only");
  if (!line.parse(words)) return kDone;
  return report(joined(line), line.operand_path(0).string(), line.flag("quiet"));
}

}  // namespace potluck
