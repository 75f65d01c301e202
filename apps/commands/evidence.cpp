// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "apps/commands/evidence_report.h"
#include "apps/process/exit_code.h"
#include "apps/process/interrupt.h"
#include "apps/terminal/command.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/resume_options.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"

namespace potluck {
namespace {

constexpr int64_t kPresetParticles = 4096;
constexpr int64_t kMostOfAnything = 1'000'000'000;
constexpr double kPositive = std::numeric_limits<double>::denorm_min();

int64_t whole_number(const CommandLine& line, const std::string& name, int64_t least, int64_t preset) {
  const auto word = line.value(name);
  return word ? engine::parse_integer(*word, "--" + name, least, kMostOfAnything) : preset;
}

double number(const CommandLine& line, const std::string& name, double least, double preset) {
  const auto word = line.value(name);
  return word ? engine::parse_number(*word, "--" + name, least) : preset;
}

/// The options of a ladder of noise and those of a ladder of the energy leave each other out.
void check_ladder(const CommandLine& line) {
  const bool along = line.flag("along");
  for (const char* option : {"base-mean", "base-scale"})
    if (along && line.flag(option))
      throw UsageError(fmt::format(
          "--{} must be left out with --along, which begins in a law of the first level, got both", option));
  if (!along && line.flag("levels")) throw UsageError("--levels must be given with --along, got it alone");
  if (line.flag("spacing") && !line.flag("levels"))
    throw UsageError("--spacing must be given with --levels, got it alone");
}

/// `--along NAME=FROM` as `sample.anneal` says it. Where no levels are asked for the pilot finds them.
std::string anneal_of(const CommandLine& line, const std::string& along) {
  const size_t equals = along.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == along.size())
    throw UsageError(fmt::format("--along must be NAME=FROM, such as noise=20, got '{}'", along));
  return fmt::format("{{{}: {{from: {}}}, levels: {}, spacing: {}, noisy_given: true}}", along.substr(0, equals),
                     along.substr(equals + 1), whole_number(line, "levels", 1, 1),
                     line.value("spacing").value_or("karras"));
}

/// What is asked of the estimate, but for its folder.
engine::EvidenceOptions asked_of(const CommandLine& line) {
  engine::EvidenceOptions asked;
  check_ladder(line);
  asked.along = line.flag("along");
  asked.find_levels = asked.along && !line.flag("levels");
  asked.keep = line.flag("keep");
  asked.moves = whole_number(line, "moves", 1, asked.moves);
  asked.base_mean = number(line, "base-mean", -HUGE_VAL, asked.base_mean);
  asked.base_scale = number(line, "base-scale", kPositive, asked.base_scale);
  asked.repeats = whole_number(line, "repeats", 2, asked.repeats);
  asked.checkpoint_every = whole_number(line, "checkpoint-every", 0, asked.checkpoint_every);
  for (const char* option : {"checkpoint-every", "overwrite"})
    if (line.flag(option) && !line.flag("output"))
      throw UsageError(fmt::format("--{} must be given with --output, got it alone", option));
  return asked;
}

engine::EvidenceRun begun(engine::Composite& composite, std::optional<engine::EarlierRun> earlier,
                          const CommandLine& line, const Words& words, engine::EvidenceOptions options) {
  options.command = typed_command("evidence", words);
  options.environment = [](const char* name) -> const char* { return std::getenv(name); };
  if (earlier) return {composite, *std::move(earlier), options};
  options.folder = line.value("output").value_or("");
  options.overwrite = line.flag("overwrite");
  if (line.flag("output") && options.folder.empty()) throw UsageError("--output must be a folder, got an empty text");
  return engine::EvidenceRun(composite, options);
}

/// Shows where the estimate stands.
class EvidenceReport {
 public:
  explicit EvidenceReport(ProgressReport& report) : report_(report) {}

  void show(const engine::EvidenceProgress& progress) {
    const Clock::time_point now = Clock::now();
    if (progress.total > 0 && begun_at_ < 0) {
      begun_at_ = progress.done;
      begun_ = now;
    }
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    const double rate = begun_at_ >= 0 && seconds > 0 ? static_cast<double>(progress.done - begun_at_) / seconds : 0;
    const double share =
        progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : NAN;
    report_.show(progress_text(progress, rate), share, progress.total > 0 ? share == 1 : progress.beta == 1);
  }

 private:
  using Clock = std::chrono::steady_clock;

  ProgressReport& report_;
  int64_t begun_at_ = -1;  ///< stages behind the pilot when they were first looked at here, at begun_
  Clock::time_point begun_;
};

std::string how_to_go_on(const engine::EvidenceRun& run) {
  return fmt::format("To go on: potluck evidence --resume {}", run.folder());
}

void print_what_is_left(const engine::EvidenceRun& run) {
  if (run.left_checkpoint()) fmt::print(stderr, "{}\n", how_to_go_on(run));
}

/// @param last  where the estimate was last
engine::Evidence estimated(engine::EvidenceRun& run, const Interrupt& interrupt, ProgressReport::Style style,
                           engine::EvidenceProgress& last) {
  try {
    ProgressReport progress(stderr, style);
    EvidenceReport report(progress);
    return run.run(
        [&](const engine::EvidenceProgress& at) {
          last = at;
          report.show(at);
        },
        &interrupt.flag());
  } catch (const std::exception&) {
    print_what_is_left(run);
    throw;
  }
}

/// Prints the estimate, which is known whatever became of its file.
void print_estimate(const engine::Evidence& found, const engine::EvidenceRun& run, bool json) {
  fmt::print("{}", json ? found.json : evidence_text(found));
  if (!json && !found.kept_in.empty()) fmt::print("\nlog Z is kept in {}\n", found.kept_in);
  if (!found.not_kept) return;
  print_what_is_left(run);
  std::rethrow_exception(found.not_kept);
}

int evidence(CommandLine& line, const Words& words) {
  const auto begin = std::chrono::steady_clock::now();
  std::optional<engine::EarlierRun> earlier;
  if (line.flag("project") && !line.flag("resume"))
    throw UsageError("--project must be given with --resume, got it alone");
  if (line.flag("resume")) {
    if (only_to_be_put_in_place(line, nullptr)) return kDone;
    earlier.emplace(earlier_run(line, engine::EarlierRun::Kind::kEvidence, nullptr));
  }
  const int64_t particles = whole_number(line, "particles", 2, kPresetParticles);
  const engine::EvidenceOptions asked = asked_of(line);
  engine::Overrides overrides = overrides_of(line);
  overrides.set.push_back({"sample.chains", std::to_string(particles), "--particles"});
  if (const auto along = line.value("along"))
    overrides.set.push_back({"sample.anneal", anneal_of(line, *along), "--along"});
  engine::Plugins plugins(plugin_options(line));
  const engine::Composition composition = read_composition(line, plugins, overrides, earlier ? &*earlier : nullptr);
  const auto style =
      line.flag_of_this_line("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr);
  const bool loud = style != ProgressReport::Style::kQuiet;
  engine::Composite composite(composition, engine::Composite::Purpose::kRun, [loud](const std::string& text) {
    if (loud) fmt::print(stderr, "{}\n", text);
  });
  const Interrupt interrupt(/*announce=*/loud, "this stage");
  engine::EvidenceRun run = begun(composite, std::move(earlier), line, words, asked);
  engine::EvidenceProgress last;
  const engine::Evidence found = estimated(run, interrupt, style, last);
  if (found.interrupted) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (loud)
      fmt::print(stderr, "Interrupted after {}, in the {} at {}. {}\n", duration_text(seconds), run_text(last),
                 place_text(last), run.folder().empty() ? "Nothing is kept without --output" : how_to_go_on(run));
    return kInterrupted;
  }
  print_estimate(found, run, line.flag("json"));
  if (loud)
    for (const std::string& warning : composite.warnings()) fmt::print(stderr, "warning: {}\n", warning);
  return kDone;
}

}  // namespace

int evidence_command(const Words& words) {
  CommandLine line(
      "evidence", {"FILE"},
      "Estimates log Z of the composition's target, the log of the integral of exp(-E/T) over what is not\n"
      "given, within the supports. Particles are annealed from a normal law, or a uniform one in bounded\n"
      "supports, to the target; a pilot run finds the ladder, and independent repeats give the estimate\n"
      "and its standard error. Where the target has exact draws, runs from both ends bracket log Z.\n"
      "Of the file's `sample`, only temperature, seed and precision are used. Ctrl-C ends the estimate at its\n"
      "next stage; with --output, --resume continues it.");
  add_session_options(line);
  line.add_value("particles", "N", "particles of a repeat; default 4096");
  line.add_value("repeats", "N", "independent repeats, at least 2; default 8");
  line.add_value("moves", "N", "MALA moves of each particle in a stage; default 4");
  line.add_value("base-mean", "X", "mean of the normal law from which particles begin; default 0");
  line.add_value("base-scale", "X",
                 "standard deviation of that law, which should be about as wide as the target or wider; default 1. On "
                 "a half-line the law falls off from its end");
  line.add_value("along", "NAME=FROM",
                 "instead, take particles down a level of noise that experts read, from FROM to its given value: for "
                 "learned experts. They begin in the Gaussian part of the target at FROM");
  line.add_value("levels", "N", "with --along: levels above the given value; default: the pilot finds them");
  line.add_value("spacing", "RULE", "with --levels: karras, geometric or linear, as in sample.anneal; default karras");
  line.add_flag("keep",
                "leave the estimate in the weights file of the target, which must be one expert: mixtures that have it "
                "as a branch, with the same noise and label given, use it");
  line.add_value(
      "output", "DIR",
      "folder for checkpoints and for evidence.json, which has what --json prints; default: no file is written");
  line.add_flag("overwrite", "replace what is in the output folder, once the new estimate is done");
  add_resume_options(line, "DIR");
  line.add_value("checkpoint-every", "N",
                 "number of stages between checkpoints (not of steps, as in `sample`); default 10; 0: only where "
                 "Ctrl-C ends the estimate");
  line.add_flag("json", "print everything as JSON");
  line.add_flag("quiet", "print the estimate and errors only");
  return line.parse(words) ? evidence(line, words) : kDone;
}

}  // namespace potluck
