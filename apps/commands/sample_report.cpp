// SPDX-License-Identifier: Apache-2.0
#include "apps/commands/sample_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "apps/terminal/progress_report.h"
#include "apps/terminal/text.h"

namespace potluck {
namespace {

/// " at step size 0.1"; nothing where the method has none.
std::string step_size_text(double step_size) {
  return step_size > 0 ? fmt::format(" at step size {:.3g}", step_size) : "";
}

}  // namespace

void print_report(const engine::Outcome& outcome, const engine::Composite& composite) {
  const engine::Summary& run = outcome.summary;
  fmt::print("{} in {}: {} of {}, {} of {}{}{}.\n", run.interrupted ? "Interrupted" : "Done",
             duration_text(outcome.seconds), plural(outcome.share.count, "chain"), plural(run.draws, "draw"),
             plural(run.steps, "step"), run.method, step_size_text(run.step_size),
             run.exact_method ? fmt::format(", acceptance {:.2f}", run.acceptance) : "");
  fmt::print("Started from: {}. {}.\n", run.start, outcome.products.convergence);
  for (const std::string& text : outcome.products.branches) fmt::print("{}\n", text);
  if (run.stopped_by_rule) fmt::print("Stopped early: {}.\n", run.why_stopped);
  for (const engine::Summary::Block& block : run.blocks)
    fmt::print("Block {}: {}{}.\n", fmt::join(block.variables, ", "), block.method, step_size_text(block.step_size));
  for (const std::string& note : run.notes) fmt::print("{}.\n", note);
  fmt::print("{} in {}\n", run.draws > 0 ? "Draws, summary and pictures are" : "The record of the run is",
             outcome.folder);
  for (const std::string& warning : composite.warnings()) fmt::print("warning: {}\n", warning);
  if (outcome.products.verdict) fmt::print("{}\n", outcome.products.verdict->text);
}

void print_rank_report(const engine::Outcome& outcome, const engine::Ranks& ranks) {
  const engine::Share& share = outcome.share;
  fmt::print("{} in {}: rank {} of {}, chains {} to {}, {}. `potluck merge {}` joins the ranks.\n",
             outcome.summary.interrupted ? "Interrupted" : "Done", duration_text(outcome.seconds), ranks.rank,
             ranks.world, share.first, share.first + share.count - 1, plural(outcome.summary.draws, "draw"),
             std::filesystem::path(outcome.folder).parent_path().string());
}

void print_nothing_drawn(const engine::Outcome& outcome) {
  fmt::print("{} after {}, before the first draw: there is nothing to export. ",
             outcome.summary.why_stopped == "interrupted" ? "Interrupted" : "Interrupted in the warm-up",
             duration_text(outcome.seconds));
  if (outcome.older_run_stays) fmt::print("The run that is in {} stays as it was.\n", outcome.wanted);
  fmt::print("Its record and a checkpoint are in {0}; to go on: potluck sample --resume {0}\n",
             outcome.older_run_stays ? outcome.folder : outcome.wanted);
}

void print_both_are_there(const engine::Outcome& outcome, int64_t thin) {
  fmt::print(
      "The run that is in {0} stays as it was. To go on with the new one, and put it there at its end: potluck sample "
      "--resume {1}\nTo put it there as short as it is: potluck sample --resume {1} --set sample.steps={2}\n",
      outcome.wanted, outcome.folder, outcome.summary.draws * thin);
}

void print_not_converged(const engine::Outcome& outcome) {
  // The number of steps that the verdict says, where it says one.
  const double twice = 2 * static_cast<double>(outcome.summary.steps);
  const auto& verdict = outcome.products.verdict;
  const double steps = verdict ? verdict->steps.value_or(twice) : twice;
  fmt::print(stderr,
             "potluck: convergence was asked for and not reached: {}; {} were looked at. To draw more: potluck sample "
             "--resume {} --set sample.steps={:.0f}\n",
             outcome.unconverged->standing, outcome.unconverged->scope, outcome.folder, steps);
}

void print_what_is_left(const engine::RecordedRun& run) {
  if (run.left().draws)
    fmt::print(stderr, "What was drawn before the error is in {}; `potluck export` makes draws.nc of it.\n",
               run.folder());
  if (run.left().checkpoint)
    fmt::print(stderr, "To go on from the last checkpoint: potluck sample --resume {}\n", run.folder());
}

std::string how_to_make(const engine::Outcome& outcome) {
  if (outcome.older_run_stays)
    return fmt::format(
        "All draws are in {0}, and the older run stays as it was. To make what is missing and put the new "
        "run in its place: potluck sample --resume {0}",
        outcome.folder);
  return fmt::format("All draws are in {0}. To make what is missing: potluck export {0}", outcome.folder);
}

}  // namespace potluck
