// SPDX-License-Identifier: Apache-2.0
#include "compose/file/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
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
#include "compose/record/last_words.h"
#include "compose/record/new_run_facts.h"
#include "compose/record/process_keeper.h"
#include "compose/record/rehearsal.h"
#include "compose/record/run_course.h"
#include "compose/record/run_facts_json.h"
#include "compose/record/run_folder.h"
#include "compose/record/run_identity.h"
#include "compose/record/run_products.h"
#include "compose/record/run_record.h"
#include "compose/record/run_recorders.h"
#include "core/files/run/checkpoint_file.h"
#include "core/files/run/draws.h"
#include "core/files/run/picture.h"
#include "core/methods/method.h"
#include "core/sampling/run/until_rule.h"
#include "core/version.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

// --output, else the composition's folder, else runs/NAME of the composition.
filesystem::path output_folder(const CommandLine& line, const Composition& composition) {
  if (const auto folder = line.value("output")) {
    if (folder->empty()) throw UsageError("--output must be a folder, got an empty text. Leave it out for runs/NAME");
    return *folder;
  }
  if (!composition.output.folder.empty()) return composition.output.folder;
  return filesystem::path("runs") / filesystem::path(composition.file).stem();
}

// The variables to be drawn as pictures: those of `output.pictures`, else all that are images and not given whole.
std::vector<std::string> pictured_variables(const Composition& composition) {
  if (!composition.output.pictures.empty()) return composition.output.pictures;
  std::vector<std::string> names;
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Variable& variable = composition.variables[v];
    if (!variable.categorical() && !composition.held[v].all() && image_layout(variable.shape))
      names.push_back(variable.name);
  }
  return names;
}

// The options of every session, and those that stand for keys of `sample`.
SessionOptions options_of(const CommandLine& line) {
  SessionOptions options = session_options(line);
  for (const auto& [key, value] : line.pairs("until"))
    options.overrides.set.push_back({"sample.until." + key, value, "--until " + key});
  if (const auto steps = line.value("checkpoint-every"))
    options.overrides.set.push_back({"sample.checkpoint_every", *steps, "--checkpoint-every"});
  return options;
}

// Null where nothing but steps ends the run.
std::unique_ptr<UntilRule> until_rule(const Session& session) {
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;
  if (!sample.until.any()) return nullptr;
  return session.placed([&] {
    return std::make_unique<UntilRule>(sample.until, composition.variables, composition.held, sample.precision,
                                       sample.chains);
  });
}

// Shows a rule the draws that an earlier process left, so that it goes on where it stood.
void replay(const filesystem::path& folder, const DrawsSchema& schema, UntilRule& rule) {
  DrawsReader reader(folder);
  int most = 0;
  for (const RecordedVariable& variable : schema.variables) most = std::max(most, variable.source);
  while (const Draw* there = reader.next()) {
    Draw draw = *there;
    draw.position.assign(static_cast<size_t>(most) + 1, nullptr);
    for (size_t v = 0; v < schema.variables.size(); ++v)
      draw.position[static_cast<size_t>(schema.variables[v].source)] = there->position[v];
    rule.drew(draw);
  }
  rule.resume();
}

DrawsSchema schema_of(const Session& session, const Rank& rank) {
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;
  DrawsSchema schema = draws_schema(composition.variables, composition.held);
  schema.experts = session.plan().experts();
  schema.chains = rank.count > 0 ? rank.count : sample.chains;
  schema.first_chain = rank.first;
  schema.superchain = sample.superchain;
  schema.precision = sample.precision;
  schema.temperature = sample.temperature;
  schema.method = make_method(run_options(sample))->description().name;
  schema.seed = sample.seed;
  schema.warmup = sample.warmup;
  schema.thin = sample.thin;
  schema.created_at = time_now();
  schema.version = kVersion;
  return schema;
}

/// What an error leaves to go on from, or to export, is kept and named.
void keep_what_is_there(RunFolder& folder, RunFacts& facts, bool drawn, const std::string& error) {
  const bool resumable = has_checkpoint(folder.path());
  if (!drawn && !resumable) return;
  folder.keep();
  note_failure(facts, error);
  write_or_leave(folder.path(), facts);
  if (drawn)
    fmt::print(stderr, "What was drawn before the error is in {}; `potluck export` makes draws.nc of it.\n",
               folder.path().string());
  if (resumable)
    fmt::print(stderr, "To go on from the last checkpoint: potluck sample --resume {}\n", folder.path().string());
}

/// A run of the command, from its words to what it leaves.
class SampleRun {
 public:
  SampleRun(CommandLine& line, const Words& words, Ranks ranks, std::optional<ResumedRun> resumed)
      : line_(line),
        style_(line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr)),
        ranks_(std::move(ranks)),
        resumed_(std::move(resumed)),
        plugins_(plugin_search_options(line)),
        session_(asked(), plugins_),
        command_(typed_command("sample", words)) {}

  int run() {
    session_.prepare(Session::Purpose::kRun, [this](const std::string& text) {
      if (loud()) fmt::print(stderr, "{}\n", text);
    });
    interrupt_.emplace(/*announce=*/loud(), "the steps that are under way");
    pictures_ = pictured_variables(session_.composition());
    rank_ = session_.placed([&] { return chains_of_rank(ranks_, session_); });
    session_.check_memory(rank_.count > 0 ? rank_.count : settings().chains, /*draws=*/true);
    until_ = until_rule(session_);
    take_folder();
    open();
    draw();
    return end();
  }

 private:
  bool loud() const { return style_ != ProgressReport::Style::kQuiet; }
  const SampleSettings& settings() const { return session_.composition().sample; }

  SessionOptions asked() const {
    SessionOptions asked = options_of(line_);
    if (!resumed_) return asked;
    asked.estimates = resumed_->facts().surroundings.log_z;
    asked.overrides.text = resumed_->facts().surroundings.file_text;
    return asked;
  }

  void take_folder() {
    wanted_ = output_folder(line_, session_.composition());
    if (ranks_.several()) wanted_ = rank_folder(wanted_, ranks_.rank);
    folder_ = resumed_ ? resumed_->take_folder() : std::make_unique<RunFolder>(wanted_, line_.flag("overwrite"));
    if (resumed_) wanted_ = folder_->wanted();
  }

  /// The record and the draws so far. The record comes first, so that what a kill leaves is known for a run. A run that
  /// goes on is touched only once its draws were found to be those of the checkpoint.
  void open() {
    facts_ = new_run_facts(session_, command_, pictures_, [](const char* name) { return std::getenv(name); });
    note_folder(facts_.command, folder_->path());
    if (ranks_.several()) facts_.rank = RankFacts{ranks_.rank, ranks_.world};
    if (resumed_) check_resumed();
    schema_ = schema_of(session_, rank_);
    if (!resumed_) write_record(folder_->path(), facts_);
    rehearse_run_products(folder_->path(), schema_, pictures_);
    if (!resumed_) {
      writer_.emplace(folder_->path(), schema_);
      return;
    }
    writer_.emplace(folder_->path(), schema_, KeptDraws{resumed_->checkpoint().draws});
    folder_->clear_leftovers();
    write_record(folder_->path(), facts_);
    if (until_) replay(folder_->path(), schema_, *until_);
  }

  void check_resumed() {
    resumed_->carry_over(facts_);
    resumed_->check_identity(facts_, "start another run from its last positions: start: " +
                                         (resumed_->path() / "state.safetensors").string());
    session_.placed([&] { resumed_->check_steps(facts_); });
    resumed_->naming_its_checkpoint([&] {
      session_.check_checkpoint({.rank = rank_, .until = nullptr, .checkpoint = resumed_->checkpoint().state});
    });
  }

  /// Draws, and makes the files of the draws. What an error leaves is kept.
  void draw() {
    LastWords last_words(folder_->path(), to_json(facts_));
    DrawsRecorder draws(*writer_);
    BeginningRecorder beginning(folder_->path(), facts_, last_words);
    CheckpointRecorder checkpoints(folder_->path(), run_identity(facts_), *writer_);
    ProcessKeeper keeper(session_.models(), folder_->path());
    try {
      ProgressReport progress(stderr, style_);
      std::vector<Observer*> observers = {&draws, &beginning, &checkpoints, &progress, &keeper};
      if (until_) observers.push_back(until_.get());
      Session::Part part{.rank = rank_, .until = until_.get(), .checkpoint = {}};
      if (resumed_) part.checkpoint = resumed_->checkpoint().state;
      summary_ = keeper.watch([&] { return session_.run(observers, interrupt_->flag(), part); });
      writer_->finish();
      close(progress);
      last_words.withdraw();
    } catch (const std::exception& error) {
      keep_what_is_there(*folder_, facts_, draws.count() > 0 || (resumed_ && resumed_->checkpoint().draws > 0),
                         error.what());
      throw;
    }
  }

  void close(ProgressReport& progress) {
    note_end(facts_, summary_);
    const bool asked_to_converge = until_ && until_->asks_for_convergence();
    if (asked_to_converge) converged_ = until_->converged();
    if (summary_.stopped_by_rule) note_rule(facts_, settings().until, !asked_to_converge || !converged_);
    make_products(progress);
    add_not_made(facts_, products_.not_made);
    if (asked_to_converge) facts_.until = UntilFacts{converged_, until_->standing(), until_->scope()};
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    facts_.end->seconds.in_all = seconds_;
    write_record(folder_->path(), facts_);
  }

  void make_products(ProgressReport& progress) {
    if (ranks_.several()) {
      // What is made of all chains comes with `potluck merge`.
      if (summary_.draws > 0) products_ = make_rank_products(folder_->path(), writer_->end());
      return;
    }
    const RunFigures figures = figures_of(facts_);
    if (summary_.draws > 0)
      products_ = make_run_products(
          folder_->path(), pictures_, figures, [this] { return writer_->end(); },
          [&](const std::string& text) { progress.say(text); });
    else
      products_.verdict = run_verdict(figures);
    note_verdict(facts_, products_.verdict);
  }

  /// Gives the run its place, and tells how it ended. Returns the exit code.
  int end() {
    if (summary_.interrupted && summary_.draws == 0) {
      // Draws of an older run are worth more than the record of none.
      folder_->keep();
      if (loud()) print_nothing_drawn(summary_, seconds_, *folder_, wanted_);
      return kInterrupted;
    }
    if (!products_.not_made.empty()) {
      folder_->keep();
      return report_not_made(products_.not_made, how_to_make(*folder_));
    }
    // What was interrupted is no match for a run that may have ended.
    const bool beside = summary_.interrupted && folder_->replaces();
    beside ? folder_->keep() : folder_->publish();
    if (loud() && ranks_.several())
      print_rank_report(summary_, ranks_, schema_, seconds_, folder_->path());
    else if (loud())
      print_report(summary_, products_, settings().chains, seconds_, folder_->path(), session_.warnings());
    if (loud() && beside) print_both_are_there(*folder_, wanted_, summary_.draws * settings().thin);
    if (summary_.interrupted) return kInterrupted;
    if (converged_) return kDone;
    // The number of steps that the verdict says, where it says one.
    const double steps = products_.verdict.steps.value_or(2 * static_cast<double>(summary_.steps_done));
    fmt::print(
        stderr,
        "potluck: convergence was asked for and not reached: {}; {} were looked at. To draw more: potluck sample "
        "--resume {} --set sample.steps={:.0f}\n",
        until_->standing(), until_->scope(), folder_->path().string(), steps);
    return kNotConverged;
  }

  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  CommandLine& line_;
  const ProgressReport::Style style_;
  const Ranks ranks_;
  std::optional<ResumedRun> resumed_;
  PluginSearch plugins_;
  Session session_;
  const TypedCommand command_;
  std::optional<Interrupt> interrupt_;
  std::vector<std::string> pictures_;
  Rank rank_;
  std::unique_ptr<UntilRule> until_;
  filesystem::path wanted_;  ///< where the run is to be in the end
  std::unique_ptr<RunFolder> folder_;
  RunFacts facts_;
  DrawsSchema schema_;
  std::optional<DrawsWriter> writer_;
  RunSummary summary_;
  RunProducts products_;
  double seconds_ = 0;
  bool converged_ = true;
};

int sample(CommandLine& line, const Words& words) {
  Ranks ranks = choose_ranks(line, [](const char* name) -> const char* { return std::getenv(name); });
  if (line.value("project") && !line.value("resume"))
    throw UsageError("--project must be given with --resume, got it alone");
  std::optional<ResumedRun> resumed;
  if (line.value("resume")) {
    if (only_to_be_put_in_place(line, &ranks)) return kDone;
    resumed.emplace(resumed_run(line, &ranks));
  }
  return SampleRun(line, words, std::move(ranks), std::move(resumed)).run();
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
