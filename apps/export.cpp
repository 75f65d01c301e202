// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/command.h"
#include "apps/command_line.h"
#include "apps/exit_code.h"
#include "apps/progress_report.h"
#include "apps/run_products.h"
#include "apps/run_record.h"
#include "core/error.h"
#include "core/files/checkpoint_file.h"
#include "core/files/draws.h"

namespace potluck {
namespace {

/// @throws FileError for a run without a single draw, with why, and what to do.
void check_for_draws(const std::filesystem::path& folder, const RunRecord& record) {
  if (record.contains("annealing"))
    throw FileError(fmt::format("{}: must be a run with draws, got an estimate of log Z, which goes to {}",
                                folder.string(), (folder / "evidence.json").string()));
  DrawsReader reader(folder);
  if (reader.next() != nullptr) return;
  std::string how;
  if (has_checkpoint(folder)) {
    how = fmt::format("To go on with it: potluck sample --resume {}", folder.string());
  } else {
    Words command = record.value("command", Words());
    if (std::find(command.begin(), command.end(), "--overwrite") == command.end()) command.push_back("--overwrite");
    how = fmt::format("To draw it again: {}", fmt::join(command, " "));
  }
  const std::string state = record.value("state", "");
  std::string why = reader.lost().empty() ? "it has no draws" : reader.lost();
  if (state == "running" && reader.lost().empty())
    why = "it has no draws yet: it is in its warm-up, or was killed there";
  if (state == "interrupted") why = "it was interrupted before its first draw";
  if (record.contains("why_stopped") && record["why_stopped"] == "interrupted in the warm-up")
    why = "it was interrupted in its warm-up and had no draws yet";
  throw FileError(fmt::format("{}: there is nothing to export, as {}. {}", folder.string(), why, how));
}

}  // namespace

int export_command(const Words& words) {
  CommandLine line(
      "export", {"RUN"},
      "Makes draws.nc, summary.json and pictures/ of what a run left in its folder RUN, such as one that was\n"
      "killed. What is there already is made anew.");
  line.add_flag("quiet", "print errors only");
  if (!line.parse(words)) return kDone;
  const std::filesystem::path folder = line.operand(0);
  RunRecord record = read_record(folder);
  const bool quiet = line.flag("quiet");
  check_for_draws(folder, record);

  RunProducts products;
  {
    ProgressReport progress(stderr, quiet ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr));
    products = write_run_products(folder, record.value("pictures", std::vector<std::string>()), figures_of(record),
                                  [&](const std::string& text) { progress.say(text); });
  }
  const DrawsSummary& draws = products.summary;
  // A record that still says "running" is of a process that was killed, or that goes on; only its draws are made use
  // of, and the record of a run that goes on is written by that run.
  const std::string state = record.value("state", "");
  if (state == "running" || state == "cut short") {
    record["state"] = "cut short";
    if (state == "running") record["why_stopped"] = "ended without a word; exported from its parts";
    record["draws"] = draws.draws;
    add_verdict(record, products.verdict);
    write_record(folder, record);
  }
  if (quiet) return kDone;
  fmt::print("Exported {} draws of {} chains to {}. {}.\n", draws.draws, draws.chains, (folder / "draws.nc").string(),
             convergence_text(draws));
  fmt::print("{}\n", products.verdict.text());
  return kDone;
}

}  // namespace potluck
