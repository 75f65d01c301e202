// SPDX-License-Identifier: Apache-2.0
#include "compose/record/recorded_run.h"

#include <algorithm>
#include <deque>

#include "compose/file/sample.h"
#include "compose/record/last_words.h"
#include "compose/record/process_keeper.h"
#include "compose/record/rehearsal.h"
#include "compose/record/run_course.h"
#include "compose/record/run_facts_json.h"
#include "compose/record/run_identity.h"
#include "compose/record/run_record.h"
#include "compose/record/run_recorders.h"
#include "core/files/run/checkpoint_file.h"
#include "core/files/run/picture.h"
#include "core/methods/method.h"
#include "core/version.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

// The composition's folder, else runs/NAME of its file.
filesystem::path preset_folder(const Composition& composition) {
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

/// Lets an observer of the program hear of a run.
class ProgramsObserver final : public Observer {
 public:
  ProgramsObserver(Observer& observer, ProcessKeeper& keeper) : observer_(observer), keeper_(keeper) {}

  void began(const Beginning& beginning) override {
    keeper_.let([&] { observer_.began(beginning); });
  }
  void drew(const Draw& draw) override {
    keeper_.let([&] { observer_.drew(draw); });
  }
  void record(const Draw& draw) override { observer_.record(draw); }  // while models run
  void progressed(const Progress& progress) override {
    keeper_.let([&] { observer_.progressed(progress); });
  }
  void checkpointed(std::span<const std::byte> state, int64_t draws) override {
    keeper_.let([&] { observer_.checkpointed(state, draws); });
  }

 private:
  Observer& observer_;
  ProcessKeeper& keeper_;
};

/// Asks a rule of the program.
class ProgramsRule final : public StopRule {
 public:
  ProgramsRule(StopRule& rule, ProcessKeeper& keeper) : rule_(rule), keeper_(keeper) {}

  std::optional<std::string> reached(int64_t draws, int64_t steps) override {
    return keeper_.let([&] { return rule_.reached(draws, steps); });
  }

 private:
  StopRule& rule_;
  ProcessKeeper& keeper_;
};

}  // namespace

std::unique_ptr<UntilRule> until_rule(const Session& session) {
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;
  if (!sample.until.any()) return nullptr;
  return session.placed([&] {
    return std::make_unique<UntilRule>(sample.until, composition.variables, composition.held, sample.precision,
                                       sample.chains);
  });
}

RecordedRun::RecordedRun(const Session& session, RecordedRunOptions options, std::optional<ResumedRun> resumed)
    : session_(session),
      options_(std::move(options)),
      resumed_(std::move(resumed)),
      pictures_(pictured_variables(session.composition())),
      rank_(session.placed([&] { return chains_of_rank(options_.ranks, session); })) {
  session_.check_memory(rank_.count > 0 ? rank_.count : settings().chains, /*draws=*/true);
  until_ = until_rule(session_);
  take_folder();
  open();
}

RecordedOutcome RecordedRun::run(std::span<Observer* const> more, const std::atomic<bool>& stop, StopRule* rule,
                                 const std::function<void(const std::string&)>& say) {
  draw(more, stop, rule, say);
  if (summary_.interrupted && summary_.draws == 0) {
    // Draws of an older run are worth more than the record of none.
    folder_->keep();
  } else if (!products_.not_made.empty() || (summary_.interrupted && folder_->replaces())) {
    // What was interrupted is no match for a run that may have ended.
    folder_->keep();
  } else {
    folder_->publish();
  }
  return outcome();
}

RecordedOutcome RecordedRun::outcome() {
  RecordedOutcome outcome;
  outcome.summary = std::move(summary_);
  outcome.products = std::move(products_);
  outcome.chains = {schema_.first_chain, schema_.chains};
  outcome.folder = folder_->path();
  outcome.wanted = wanted_;
  outcome.older_run_stays = folder_->replaces();
  outcome.seconds = seconds_;
  if (!converged_) outcome.unconverged = Unconverged{until_->standing(), until_->scope()};
  return outcome;
}

/// What an error leaves to go on from, or to export, is kept.
void RecordedRun::keep_what_is_there(bool drawn, const std::string& error) {
  const bool resumable = has_checkpoint(folder_->path());
  if (!drawn && !resumable) return;
  folder_->keep();
  note_failure(facts_, error);
  write_or_leave(folder_->path(), facts_);
  left_draws_ = drawn;
  left_checkpoint_ = resumable;
}

void RecordedRun::take_folder() {
  wanted_ = options_.folder.empty() ? preset_folder(session_.composition()) : options_.folder;
  if (options_.ranks.several()) wanted_ = rank_folder(wanted_, options_.ranks.rank);
  folder_ = resumed_ ? resumed_->take_folder() : std::make_unique<RunFolder>(wanted_, options_.overwrite);
  if (resumed_) wanted_ = folder_->wanted();
}

/// The record and the draws so far. The record comes first, so that what a kill leaves is known for a run. A run that
/// goes on is touched only once its draws were found to be those of the checkpoint.
void RecordedRun::open() {
  facts_ = new_run_facts(session_, options_.command, pictures_, options_.environment);
  note_folder(facts_.command, folder_->path());
  if (options_.ranks.several()) facts_.rank = RankFacts{options_.ranks.rank, options_.ranks.world};
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

void RecordedRun::check_resumed() {
  resumed_->carry_over(facts_);
  resumed_->check_identity(facts_, resumed_->how_to_start_another());
  session_.placed([&] { resumed_->check_steps(facts_); });
  resumed_->naming_its_checkpoint([&] {
    session_.check_checkpoint({.rank = rank_, .until = nullptr, .checkpoint = resumed_->checkpoint().state});
  });
}

void RecordedRun::draw(std::span<Observer* const> more, const std::atomic<bool>& stop, StopRule* rule,
                       const std::function<void(const std::string&)>& say) {
  LastWords last_words(folder_->path(), to_json(facts_));
  DrawsRecorder draws(*writer_);
  BeginningRecorder beginning(folder_->path(), facts_, last_words);
  CheckpointRecorder checkpoints(folder_->path(), run_identity(facts_), *writer_);
  ProcessKeeper keeper(session_.models(), folder_->path());
  std::deque<ProgramsObserver> programs;
  std::optional<ProgramsRule> programs_rule;
  try {
    // First the keeper: the others make files.
    std::vector<Observer*> observers = {&keeper, &draws, &beginning, &checkpoints};
    for (Observer* one : more) observers.push_back(&programs.emplace_back(*one, keeper));
    if (until_) observers.push_back(until_.get());
    if (rule) programs_rule.emplace(*rule, keeper);
    Session::Part part{.rank = rank_, .until = rule ? &*programs_rule : nullptr, .checkpoint = {}};
    if (resumed_) part.checkpoint = resumed_->checkpoint().state;
    summary_ = keeper.watch([&] { return session_.run(observers, stop, part); });
    writer_->finish();
    close(say);
    last_words.withdraw();
  } catch (const std::exception& error) {
    keeper.put_back();
    keep_what_is_there(draws.count() > 0 || (resumed_ && resumed_->checkpoint().draws > 0), error.what());
    throw;
  }
}

void RecordedRun::close(const std::function<void(const std::string&)>& say) {
  note_end(facts_, summary_);
  const bool asked_to_converge = until_ && until_->asks_for_convergence();
  if (asked_to_converge) converged_ = until_->converged();
  if (summary_.stopped_by_rule) note_rule(facts_, settings().until, !asked_to_converge || !converged_);
  make_products(say);
  add_not_made(facts_, products_.not_made);
  if (asked_to_converge) facts_.until = UntilFacts{converged_, until_->standing(), until_->scope()};
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - options_.began).count();
  facts_.end->seconds.in_all = seconds_;
  write_record(folder_->path(), facts_);
}

void RecordedRun::make_products(const std::function<void(const std::string&)>& say) {
  if (options_.ranks.several()) {
    // What is made of all chains comes with `potluck merge`.
    if (summary_.draws > 0) products_ = make_rank_products(folder_->path(), writer_->end());
    return;
  }
  const RunFigures figures = figures_of(facts_);
  if (summary_.draws > 0)
    products_ = make_run_products(
        folder_->path(), pictures_, figures, [this] { return writer_->end(); }, say);
  else
    products_.verdict = run_verdict(figures);
  note_verdict(facts_, products_.verdict);
}

}  // namespace potluck
