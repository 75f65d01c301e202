// SPDX-License-Identifier: Apache-2.0
#include "apps/commands/sample_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/terminal/progress_report.h"
#include "apps/terminal/text.h"

namespace potluck {

namespace filesystem = std::filesystem;

namespace {

/// " at step size 0.1"; nothing where the method has none.
std::string step_size_text(double step_size) {
  return step_size > 0 ? fmt::format(" at step size {:.3g}", step_size) : "";
}

}  // namespace

void print_report(const RunSummary& run, const RunProducts& products, int64_t chains, double seconds,
                  const filesystem::path& folder, const std::vector<std::string>& warnings) {
  fmt::print("{} in {}: {} of {}, {} of {}{}{}.\n", run.interrupted ? "Interrupted" : "Done", duration_text(seconds),
             plural(chains, "chain"), plural(run.draws, "draw"), plural(run.steps_done, "step"), run.method,
             step_size_text(run.step_size), run.exact_method ? fmt::format(", acceptance {:.2f}", run.acceptance) : "");
  fmt::print("Started from: {}. {}.\n", run.start, convergence_text(products.summary));
  for (const std::string& text : branch_texts(products.summary)) fmt::print("{}\n", text);
  if (run.stopped_by_rule) fmt::print("Stopped early: {}.\n", run.why_stopped);
  for (const BlockSummary& block : run.blocks)
    fmt::print("Block {}: {}{}.\n", fmt::join(block.variables, ", "), block.method, step_size_text(block.step_size));
  for (const std::string& note : run.notes) fmt::print("{}.\n", note);
  fmt::print("{} in {}\n", run.draws > 0 ? "Draws, summary and pictures are" : "The record of the run is",
             folder.string());
  for (const std::string& warning : warnings) fmt::print("warning: {}\n", warning);
  fmt::print("{}\n", products.verdict.text());
}

void print_rank_report(const RunSummary& run, const Ranks& ranks, const DrawsSchema& schema, double seconds,
                       const filesystem::path& folder) {
  fmt::print("{} in {}: rank {} of {}, chains {} to {}, {}. `potluck merge {}` joins the ranks.\n",
             run.interrupted ? "Interrupted" : "Done", duration_text(seconds), ranks.rank, ranks.world,
             schema.first_chain, schema.first_chain + schema.chains - 1, plural(run.draws, "draw"),
             folder.parent_path().string());
}

void print_nothing_drawn(const RunSummary& run, double seconds, const RunFolder& folder,
                         const filesystem::path& wanted) {
  fmt::print("{} after {}, before the first draw: there is nothing to export. ",
             run.why_stopped == "interrupted" ? "Interrupted" : "Interrupted in the warm-up", duration_text(seconds));
  if (folder.replaces()) fmt::print("The run that is in {} stays as it was.\n", wanted.string());
  const std::string place = (folder.replaces() ? folder.path() : wanted).string();
  fmt::print("Its record and a checkpoint are in {0}; to go on: potluck sample --resume {0}\n", place);
}

void print_both_are_there(const RunFolder& folder, const filesystem::path& wanted, int64_t steps) {
  fmt::print(
      "The run that is in {0} stays as it was. To go on with the new one, and put it there at its end: potluck sample "
      "--resume {1}\nTo put it there as short as it is: potluck sample --resume {1} --set sample.steps={2}\n",
      wanted.string(), folder.path().string(), steps);
}

std::string how_to_make(const RunFolder& folder) {
  if (folder.replaces())
    return fmt::format(
        "All draws are in {0}, and the older run stays as it was. To make what is missing and put the new "
        "run in its place: potluck sample --resume {0}",
        folder.path().string());
  return fmt::format("All draws are in {0}. To make what is missing: potluck export {0}", folder.path().string());
}

}  // namespace potluck
