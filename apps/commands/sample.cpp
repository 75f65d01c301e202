// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <optional>

#include "apps/commands/sample_report.h"
#include "apps/process/exit_code.h"
#include "apps/process/interrupt.h"
#include "apps/terminal/command.h"
#include "apps/terminal/failure.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/rank_options.h"
#include "apps/terminal/resume_options.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"

namespace potluck {
namespace {

const char* environment(const char* name) { return std::getenv(name); }

// What every session takes, and the options that stand for keys of `sample`.
engine::Overrides asked_of(const CommandLine& line) {
  engine::Overrides asked = overrides_of(line);
  for (const auto& [key, value] : line.pairs("until"))
    asked.set.push_back({"sample.until." + key, value, "--until " + key});
  if (const auto steps = line.value("checkpoint-every"))
    asked.set.push_back({"sample.checkpoint_every", *steps, "--checkpoint-every"});
  return asked;
}

engine::RecordOptions record_options(const CommandLine& line, const Words& words, const engine::Ranks& ranks) {
  engine::RecordOptions options;
  options.folder = line.value("output").value_or("");
  if (line.value("output") && options.folder.empty())
    throw UsageError("--output must be a folder, got an empty text. Leave it out for runs/NAME");
  options.overwrite = line.flag("overwrite");
  options.ranks = ranks;
  options.command = typed_command("sample", words);
  options.environment = environment;
  return options;
}

engine::RecordedRun begun(engine::Composite& composite, std::optional<engine::EarlierRun> earlier,
                          const engine::RecordOptions& options) {
  if (earlier) return {composite, *std::move(earlier), options};
  return engine::RecordedRun(composite, options);
}

engine::Outcome drawn(engine::RecordedRun& run, const Interrupt& interrupt, ProgressReport::Style style) {
  try {
    ProgressReport progress(stderr, style);
    return run.run({.observers = {&progress}, .stop = &interrupt.flag()},
                   [&](const std::string& text) { progress.say(text); });
  } catch (const std::exception&) {
    print_what_is_left(run);
    throw;
  }
}

/// Tells how the run ended. Returns the exit code.
int report(const engine::Outcome& outcome, const engine::Composite& composite, const engine::Ranks& ranks, bool loud) {
  const engine::Summary& run = outcome.summary;
  if (run.interrupted && run.draws == 0) {
    if (loud) print_nothing_drawn(outcome);
    return kInterrupted;
  }
  if (!outcome.products.not_made.empty()) return report_not_made(outcome.products.not_made, how_to_make(outcome));
  if (loud && ranks.several())
    print_rank_report(outcome, ranks);
  else if (loud)
    print_report(outcome, composite);
  if (loud && outcome.older_run_stays) print_both_are_there(outcome, composite.composition().sample().thin);
  if (run.interrupted) return kInterrupted;
  if (!outcome.unconverged) return kDone;
  print_not_converged(outcome);
  return kNotConverged;
}

int sample(CommandLine& line, const Words& words) {
  engine::Ranks ranks = choose_ranks(line, environment);
  if (line.value("project") && !line.value("resume"))
    throw UsageError("--project must be given with --resume, got it alone");
  std::optional<engine::EarlierRun> earlier;
  if (line.value("resume")) {
    if (only_to_be_put_in_place(line, &ranks)) return kDone;
    earlier.emplace(earlier_run(line, engine::EarlierRun::Kind::kSample, &ranks));
  }
  const engine::RecordOptions options = record_options(line, words, ranks);
  const auto style =
      line.flag_of_this_line("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr);
  const bool loud = style != ProgressReport::Style::kQuiet;
  engine::Plugins plugins(plugin_options(line));
  const engine::Composition composition =
      read_composition(line, plugins, asked_of(line), earlier ? &*earlier : nullptr);
  engine::Composite composite(composition, engine::Composite::Purpose::kRun, [&](const std::string& text) {
    if (loud) fmt::print(stderr, "{}\n", text);
  });
  const Interrupt interrupt(/*announce=*/loud, "the steps that are under way");
  engine::RecordedRun run = begun(composite, std::move(earlier), options);
  return report(drawn(run, interrupt, style), composite, ranks, loud);
}

}  // namespace

int sample_command(const Words& words) {
  CommandLine line("sample", {"FILE"},
                   "Draws samples of the composition in FILE. Ctrl-C ends the run after the steps that are under way,\n"
                   "with everything drawn so far usable; --resume continues it. Draws depend on the composition and\n"
                   "the seed, not on the threads.");
  add_session_options(line);
  line.add_value("output", "DIR", "folder of the run; default: the composition's output.folder, else runs/NAME");
  line.add_flag("overwrite", "replace the run that is in the output folder, once the new one has ended");
  add_resume_options(line, "RUN");
  line.add_value("checkpoint-every", "N", "steps between checkpoints; the same as --set sample.checkpoint_every=N");
  line.add_values("until", "KEY=VALUE",
                  "end the run early: --until rhat=1.01, ess=400, mcse=.02, time=10min or steps=N (repeatable)");
  add_rank_options(line);
  line.add_flag("quiet", "print errors only");
  return line.parse(words) ? sample(line, words) : kDone;
}

}  // namespace potluck
