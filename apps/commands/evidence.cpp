// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/evidence.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>

#include "apps/commands/evidence_report.h"
#include "apps/process/exit_code.h"
#include "apps/process/interrupt.h"
#include "apps/terminal/command.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/resume_options.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"
#include "compose/engine/earlier_run.h"
#include "compose/record/evidence_folder.h"
#include "compose/record/evidence_json.h"
#include "compose/record/new_run_facts.h"
#include "compose/record/process_keeper.h"
#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "compose/start/exact_start.h"
#include "core/files/run/checkpoint_file.h"

namespace potluck {
namespace {

int64_t whole_number(const CommandLine& line, const std::string& name, int64_t least, int64_t preset) {
  SettingDescription option;
  option.name = "--" + name;
  option.kind = SettingKind::kInteger;
  option.least = static_cast<double>(least);
  option.most = 1e9;
  const auto word = line.value(name);
  return word ? parse_setting(option, {*word}, option.name).integer.at(0) : preset;
}

double number(const CommandLine& line, const std::string& name, double least, double preset) {
  SettingDescription option;
  option.name = "--" + name;
  option.least = least;
  const auto word = line.value(name);
  return word ? parse_setting(option, {*word}, option.name).real.at(0) : preset;
}

EvidenceAsked asked_of(const CommandLine& line) {
  EvidenceAsked asked;
  asked.options.particles = whole_number(line, "particles", 2, asked.options.particles);
  asked.options.moves = whole_number(line, "moves", 1, asked.options.moves);
  asked.options.base.mean = number(line, "base-mean", -HUGE_VAL, asked.options.base.mean);
  asked.options.base.scale = number(line, "base-scale", kPositive, asked.options.base.scale);
  asked.repeats = whole_number(line, "repeats", 2, asked.repeats);
  asked.checkpoint_every = whole_number(line, "checkpoint-every", 0, asked.checkpoint_every);
  for (const char* option : {"checkpoint-every", "overwrite"})
    if (line.flag(option) && !line.flag("output"))
      throw UsageError(fmt::format("--{} must be given with --output, got it alone", option));
  return asked;
}

/// Shows where the estimate stands, and leaves its checkpoints where it has a folder.
class EvidenceRecorder final : public EvidenceObserver {
 public:
  EvidenceRecorder(ProgressReport& report, ProcessKeeper& keeper, const EvidenceFolder* folder, nlohmann::json identity)
      : report_(report), keeper_(keeper), folder_(folder), identity_(std::move(identity)) {}

  void progressed(const EvidenceProgress& progress) override {
    keeper_.look_now_and_then();
    last_ = progress;
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

  void checkpointed(std::span<const std::byte> state) override {
    if (folder_) write_checkpoint(folder_->path(), identity_, 0, state);
  }

  /// Where the estimate was last.
  const EvidenceProgress& last() const { return last_; }

 private:
  using Clock = std::chrono::steady_clock;

  ProgressReport& report_;
  ProcessKeeper& keeper_;
  const EvidenceFolder* folder_;
  nlohmann::json identity_;
  EvidenceProgress last_;
  int64_t begun_at_ = -1;  ///< stages behind the pilot when they were first looked at here, at begun_
  Clock::time_point begun_;
};

int evidence(CommandLine& line, const Words& words) {
  const auto begin = std::chrono::steady_clock::now();
  std::optional<ResumedRun> resumed;
  if (line.flag("project") && !line.flag("resume"))
    throw UsageError("--project must be given with --resume, got it alone");
  if (line.flag("resume")) {
    if (only_to_be_put_in_place(line, nullptr)) return kDone;
    resumed.emplace(std::move(earlier_run(line, engine::EarlierRun::Kind::kEvidence, nullptr).state().run));
  }
  EvidenceAsked asked = asked_of(line);
  SessionOptions options = session_options(line);
  options.overrides.set.push_back({"sample.chains", std::to_string(asked.options.particles), "--particles"});
  PluginSearch plugins(plugin_search_options(line));
  if (resumed) options.estimates = resumed->facts().surroundings.log_z;
  if (resumed) options.overrides.text = resumed->facts().surroundings.file_text;
  Session session(options, plugins);
  const auto style = line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr);
  const bool loud = style != ProgressReport::Style::kQuiet;
  session.prepare(Session::Purpose::kRun, [loud](const std::string& text) {
    if (loud) fmt::print(stderr, "{}\n", text);
  });
  const Composition& composition = session.composition();
  const std::string file = resumed ? resumed->facts().file : composition.file;
  session.check_memory(asked.options.particles, /*draws=*/false);
  asked.options.seed = composition.sample.seed;
  asked.options.threads = session.options().threads;
  const Interrupt interrupt(/*announce=*/loud, "this stage");

  const engine::TypedCommand typed = typed_command("evidence", words);
  RunFacts facts = new_evidence_facts(session, asked, {typed.words, typed.folder, std::nullopt},
                                      [](const char* name) { return std::getenv(name); });
  std::unique_ptr<RunFolder> place;
  if (resumed) {
    place = resumed->take_folder();
    resumed->carry_over(facts);
    resumed->check_identity(facts, "start another one with --output");
    place->clear_leftovers();
  } else if (line.flag("output")) {
    if (line.value("output")->empty()) throw UsageError("--output must be a folder, got an empty text");
    place = std::make_unique<RunFolder>(*line.value("output"), line.flag("overwrite"));
    note_folder(facts.command, place->path());
  }
  const nlohmann::json identity = run_identity(facts);
  std::optional<EvidenceFolder> folder;
  if (place) folder.emplace(std::move(place), std::move(facts));

  const std::unique_ptr<Start> draws = exact_start(composition);
  const Target target{&session.plan(), composition.held, composition.sample.temperature};
  ProcessKeeper keeper(session.models(), folder ? folder->path() : std::filesystem::path());
  Evidence found;
  EvidenceProgress last;
  try {
    ProgressReport report(stderr, style);
    EvidenceRecorder recorder(report, keeper, folder ? &*folder : nullptr, identity);
    EvidenceControl control{.observer = &recorder, .stop = &interrupt.flag(), .checkpoint = {}};
    if (folder) control.checkpoint_every = asked.checkpoint_every;
    if (resumed) control.checkpoint = resumed->checkpoint().state;
    const Start* exact = draws && draws->exact() ? draws.get() : nullptr;
    const auto estimate = [&] {
      return keeper.watch([&] { return estimate_evidence(target, asked.options, asked.repeats, exact, control); });
    };
    found = resumed ? resumed->naming_its_checkpoint(estimate) : estimate();
    last = recorder.last();
  } catch (const CheckpointError&) {
    folder->leave(resumed->facts());
    throw;
  } catch (const std::exception& error) {
    if (folder && folder->fail(error.what())) fmt::print(stderr, "{}\n", folder->how_to_go_on());
    throw;
  }
  if (found.interrupted) {
    if (folder) folder->interrupt();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (loud)
      fmt::print(stderr, "Interrupted after {}, in the {} at b = {:.3g}. {}\n", duration_text(seconds), run_text(last),
                 last.beta, folder ? folder->how_to_go_on() : "Nothing is kept without --output");
    return kInterrupted;
  }
  const std::string json = evidence_json(found, composition, file, asked.options);
  const std::string text = line.flag("json") ? json : evidence_text(found, composition, asked.options);
  try {
    if (folder) folder->finish(json);
  } catch (const std::exception& error) {
    fmt::print("{}", text);  // it is known, whatever became of its file
    if (folder->fail(error.what())) fmt::print(stderr, "{}\n", folder->how_to_go_on());
    throw;
  }
  fmt::print("{}", text);
  if (loud)
    for (const std::string& warning : session.warnings()) fmt::print(stderr, "warning: {}\n", warning);
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
