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
#include "apps/process/last_words.h"
#include "apps/process/process_keeper.h"
#include "apps/record/belonging.h"
#include "apps/record/earlier_run.h"
#include "apps/record/rehearsal.h"
#include "apps/record/run_folder.h"
#include "apps/record/run_products.h"
#include "apps/record/run_record.h"
#include "apps/record/run_recorders.h"
#include "apps/terminal/command.h"
#include "apps/terminal/progress_report.h"
#include "apps/terminal/rank_options.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/session_options.h"
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
void keep_what_is_there(RunFolder& folder, RunRecord& record, bool drawn, const std::string& error) {
  const bool resumable = has_checkpoint(folder.path());
  if (!drawn && !resumable) return;
  folder.keep();
  fail_record(record, error);
  write_or_leave(folder.path(), record);
  if (drawn)
    fmt::print(stderr, "What was drawn before the error is in {}; `potluck export` makes draws.nc of it.\n",
               folder.path().string());
  if (resumable)
    fmt::print(stderr, "To go on from the last checkpoint: potluck sample --resume {}\n", folder.path().string());
}

/// A run of the command, from its words to what it leaves.
class SampleRun {
 public:
  SampleRun(CommandLine& line, const Words& words, Ranks ranks, std::optional<EarlierRun> earlier)
      : line_(line),
        style_(line.flag("quiet") ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr)),
        ranks_(std::move(ranks)),
        earlier_(std::move(earlier)),
        plugins_(plugin_search_options(line)),
        session_(asked(), plugins_) {
    command_ = {"potluck", "sample"};
    command_.insert(command_.end(), words.begin(), words.end());
  }

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
    if (!earlier_) return asked;
    asked.estimates = estimates_of(earlier_->record());
    asked.overrides.text = piped_text(earlier_->record());
    return asked;
  }

  void take_folder() {
    wanted_ = output_folder(line_, session_.composition());
    if (ranks_.several()) wanted_ = rank_folder(wanted_, ranks_.rank);
    folder_ = earlier_ ? earlier_->take_folder() : std::make_unique<RunFolder>(wanted_, line_.flag("overwrite"));
    if (earlier_) wanted_ = folder_->wanted();
  }

  /// The record and the draws so far. The record comes first, so that what a kill leaves is known for a run. A run that
  /// goes on is touched only once its draws were found to be those of the checkpoint.
  void open() {
    record_ = open_record(session_, command_, pictures_);
    note_folder(record_, filesystem::current_path(), folder_->path());
    if (ranks_.several()) record_["rank"] = {{"rank", ranks_.rank}, {"world", ranks_.world}};
    if (earlier_) check_earlier();
    schema_ = schema_of(session_, rank_);
    if (!earlier_) write_record(folder_->path(), record_);
    rehearse_run_products(folder_->path(), schema_, pictures_);
    if (!earlier_) {
      writer_.emplace(folder_->path(), schema_);
      return;
    }
    writer_.emplace(folder_->path(), schema_, KeptDraws{earlier_->checkpoint().draws});
    folder_->clear_leftovers();
    write_record(folder_->path(), record_);
    if (until_) replay(folder_->path(), schema_, *until_);
  }

  void check_earlier() {
    earlier_->carry_over(record_);
    earlier_->check_belonging(record_, "start another run from its last positions: start: " +
                                           (earlier_->path() / "state.safetensors").string());
    session_.placed([&] { earlier_->check_steps(record_); });
    earlier_->naming_its_checkpoint([&] {
      session_.check_checkpoint({.rank = rank_, .until = nullptr, .checkpoint = earlier_->checkpoint().state});
    });
  }

  /// Draws, and makes the files of the draws. What an error leaves is kept.
  void draw() {
    LastWords last_words(folder_->path(), record_);
    DrawsRecorder draws(*writer_);
    BeginningRecorder beginning(folder_->path(), record_, last_words);
    CheckpointRecorder checkpoints(folder_->path(), belonging_of(record_), *writer_);
    ProcessKeeper keeper(session_.models(), folder_->path());
    try {
      ProgressReport progress(stderr, style_);
      std::vector<Observer*> observers = {&draws, &beginning, &checkpoints, &progress, &keeper};
      if (until_) observers.push_back(until_.get());
      Session::Part part{.rank = rank_, .until = until_.get(), .checkpoint = {}};
      if (earlier_) part.checkpoint = earlier_->checkpoint().state;
      summary_ = keeper.watch([&] { return session_.run(observers, interrupt_->flag(), part); });
      writer_->finish();
      close(progress);
      last_words.withdraw();
    } catch (const std::exception& error) {
      keep_what_is_there(*folder_, record_, draws.count() > 0 || (earlier_ && earlier_->checkpoint().draws > 0),
                         error.what());
      throw;
    }
  }

  void close(ProgressReport& progress) {
    close_record(record_, summary_);
    const bool asked_to_converge = until_ && until_->asks_for_convergence();
    if (asked_to_converge) converged_ = until_->converged();
    if (summary_.stopped_by_rule) note_rule(record_, settings().until, !asked_to_converge || !converged_);
    make_products(progress);
    add_not_made(record_, products_.not_made);
    if (asked_to_converge)
      record_["until"] = {{"reached", converged_}, {"standing", until_->standing()}, {"looked_at", until_->scope()}};
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    record_["seconds"]["in_all"] = seconds_;
    write_record(folder_->path(), record_);
  }

  void make_products(ProgressReport& progress) {
    if (ranks_.several()) {
      // What is made of all chains comes with `potluck merge`.
      if (summary_.draws > 0) products_ = make_rank_products(folder_->path(), writer_->end());
      return;
    }
    const RunFigures figures = figures_of(record_);
    if (summary_.draws > 0)
      products_ = make_run_products(
          folder_->path(), pictures_, figures, [this] { return writer_->end(); },
          [&](const std::string& text) { progress.say(text); });
    else
      products_.verdict = run_verdict(figures);
    add_verdict(record_, products_.verdict);
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
  Words command_;
  const Ranks ranks_;
  std::optional<EarlierRun> earlier_;
  PluginSearch plugins_;
  Session session_;
  std::optional<Interrupt> interrupt_;
  std::vector<std::string> pictures_;
  Rank rank_;
  std::unique_ptr<UntilRule> until_;
  filesystem::path wanted_;  ///< where the run is to be in the end
  std::unique_ptr<RunFolder> folder_;
  RunRecord record_;
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
  std::optional<EarlierRun> earlier;
  if (line.value("resume")) {
    if (only_to_be_put_in_place(line, &ranks)) return kDone;
    earlier.emplace(line, words, &ranks);
  }
  return SampleRun(line, words, std::move(ranks), std::move(earlier)).run();
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
