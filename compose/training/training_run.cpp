// SPDX-License-Identifier: Apache-2.0
#include "compose/training/training_run.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "compose/record/process_keeper.h"
#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "compose/training/phase.h"
#include "core/backend/thread_pool.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/run/checkpoint_file.h"
#include "plugins/optimisers.h"

namespace potluck {

namespace {

constexpr uint32_t kVersion = 1;
constexpr int64_t kRowsAssessed = 1024;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

TrainingAsked asked_of(const Composition& composition, const std::vector<LearnedExpert>& learned) {
  TrainingAsked asked;
  for (const LearnPhase& phase : composition.learn->phases) asked.objectives.push_back(phase.objective);
  for (const LearnedExpert& one : learned) asked.experts.push_back(one.name);
  return asked;
}

}  // namespace

/// The phases one after the other, with what a checkpoint holds.
class TrainingRun::Phases {
 public:
  using Reported = std::function<void(const TrainingReport&)>;

  Phases(TrainingRun& run, const Reported& reported, const std::atomic<bool>& stop)
      : run_(run),
        composition_(run.session_.composition()),
        reported_(reported),
        stop_(stop),
        threads_(run.session_.options().threads),
        energy_(*run.learnable_, threads_),
        make_optimiser_(open_optimisers(run.options_.optimisers)),
        keeper_(run.session_.models(), run.folder()) {}

  TrainingOutcome train() {
    restore();
    const auto phases = static_cast<int64_t>(composition_.learn->phases.size());
    for (; phase_ < phases && !stop_; ++phase_) {
      if (!current_) begin_phase();
      train_phase();
      if (!current_->trainer().done()) break;
      end_phase();
    }
    outcome_.interrupted = phase_ < phases;
    if (outcome_.interrupted) checkpoint();
    return outcome_;
  }

 private:
  void begin_phase() {
    current_ = std::make_unique<Phase>(composition_, composition_.learn->phases[static_cast<size_t>(phase_)], energy_,
                                       make_optimiser_);
  }

  void restore() {
    if (!run_.resumed_) {
      log_.emplace(run_.folder(), 0);
      return;
    }
    run_.resumed_->naming_its_checkpoint([&] {
      const Checkpoint& checkpoint = run_.resumed_->checkpoint();
      StateArchive archive(checkpoint.state);
      int64_t log_length = 0;
      std::vector<std::byte> trainer;
      archive.version(kVersion);
      archive(phase_, outcome_.updates, outcome_.seconds, log_length, trainer);
      archive.demand(phase_ >= 0 && phase_ < static_cast<int64_t>(composition_.learn->phases.size()) &&
                         log_length >= 0 && StateArchive::counted(outcome_.updates),
                     "counts of phases");
      begin_phase();
      current_->trainer().restore(trainer);
      log_.emplace(run_.folder(), log_length);
      return 0;
    });
  }

  void checkpoint() {
    StateArchive archive;
    archive.version(kVersion);
    int64_t log_length = log_->length();
    std::vector<std::byte> trainer = current_->trainer().save();
    archive(phase_, outcome_.updates, outcome_.seconds, log_length, trainer);
    write_checkpoint(run_.folder(), run_.identity_, 0, archive.take());
    current_->trainer().with_average([&] { run_.write_into_folder(); });
    saved_ = Clock::now();
  }

  void train_phase() {
    Trainer& trainer = current_->trainer();
    while (!trainer.done() && !stop_) {
      trainer.update();
      keeper_.look_now_and_then();
      if (trainer.updates() % composition_.learn->report_every == 0) report();
      if (seconds_since(saved_) > run_.options_.checkpoint_seconds) checkpoint();
    }
    if (trainer.updates() % composition_.learn->report_every != 0) report();
  }

  void end_phase() {
    Trainer& trainer = current_->trainer();
    outcome_.updates += trainer.updates();
    outcome_.seconds += trainer.seconds();
    trainer.take_average();
    current_.reset();
  }

  void report() {
    Trainer& trainer = current_->trainer();
    TrainingReport report;
    report.phase = phase_;
    report.phases = static_cast<int64_t>(composition_.learn->phases.size());
    report.objective = current_->objective().name();
    report.progress = trainer.progress();
    trainer.with_average([&] { report.held_out = trainer.assess_held_out(kRowsAssessed); });
    const double seconds = report.progress.seconds - reported_seconds_;
    if (seconds > 0)
      report.updates_a_second = static_cast<double>(report.progress.updates - reported_updates_) / seconds;
    reported_seconds_ = report.progress.seconds;
    reported_updates_ = report.progress.updates;
    if (report.progress.used > 0)
      report.seconds_left = report.progress.seconds * (1 - report.progress.used) / report.progress.used;
    log_->add(report);
    outcome_.last = report;
    reported_(report);
  }

  TrainingRun& run_;
  const Composition& composition_;
  const Reported& reported_;
  const std::atomic<bool>& stop_;
  ThreadPool threads_;
  BatchEnergy energy_;
  MakeOptimiser* make_optimiser_;
  ProcessKeeper keeper_;
  std::optional<TrainingLog> log_;
  int64_t phase_ = 0;
  std::unique_ptr<Phase> current_;
  TrainingOutcome outcome_;
  Clock::time_point saved_ = Clock::now();
  double reported_seconds_ = 0;
  int64_t reported_updates_ = 0;
};

TrainingRun::TrainingRun(Session& session, TrainingRunOptions options, std::optional<ResumedRun> resumed)
    : session_(session), options_(std::move(options)), resumed_(std::move(resumed)) {
  const Composition& composition = session.composition();
  ParameterStore& store = session.plan().parameters();
  learned_ = choose_experts(composition, store);
  check_weights();
  learnable_ = std::make_unique<LearnablePlan>(session.plan());
  tell_of_data(composition, learned_, store);
  RunFacts facts = new_training_facts(session, asked_of(composition, learned_), options_.command, options_.environment);
  std::unique_ptr<RunFolder> place;
  if (resumed_) {
    place = resumed_->take_folder();
    resumed_->carry_over(facts);
    resumed_->check_identity(facts, "start another one with --output");
    place->clear_leftovers();
  } else {
    place = std::make_unique<RunFolder>(options_.folder, options_.overwrite);
    note_folder(facts.command, place->path());
  }
  identity_ = run_identity(facts);
  folder_.emplace(std::move(place), std::move(facts));
}

TrainingRun::~TrainingRun() = default;

/// Weights that are there are worth more than a training that was begun by mistake.
void TrainingRun::check_weights() const {
  if (resumed_ || options_.go_on) return;
  std::vector<Diagnostic> wrong;
  for (const LearnedExpert& one : learned_)
    if (std::filesystem::exists(one.weights))
      wrong.push_back({session_.plan().parameters().leaf(one.expert).weights_place,
                       fmt::format("{} must not be there yet, got the weights of an earlier training. Begin from them "
                                   "with --continue, or move them away",
                                   one.weights.string())});
  if (!wrong.empty()) throw CompositionError(std::move(wrong));
}

TrainingOutcome TrainingRun::run(const std::function<void(const TrainingReport&)>& reported,
                                 const std::atomic<bool>& stop) {
  try {
    TrainingOutcome outcome = Phases(*this, reported, stop).train();
    if (outcome.interrupted) {
      for (const LearnedExpert& one : learned_) outcome.weights.push_back(weights_in_folder(one));
      folder_->interrupt();
    } else {
      publish_weights(outcome);
      folder_->finish();
    }
    return outcome;
  } catch (const CheckpointError&) {
    folder_->leave(resumed_->facts());
    throw;
  } catch (const std::exception& error) {
    left_checkpoint_ = folder_->fail(error.what());
    throw;
  }
}

std::filesystem::path TrainingRun::weights_in_folder(const LearnedExpert& expert) const {
  return folder() / "weights" / (expert.name + ".safetensors");
}

void TrainingRun::write_into_folder() const {
  std::filesystem::create_directories(folder() / "weights");
  for (const LearnedExpert& one : learned_)
    write_weights(session_.plan().parameters(), one, weights_in_folder(one), {});
}

/// First in the folder, where they are whatever happens to the place that the composition names.
void TrainingRun::publish_weights(TrainingOutcome& outcome) {
  write_into_folder();
  for (const LearnedExpert& one : learned_) {
    write_weights(session_.plan().parameters(), one, one.weights, {});
    outcome.weights.push_back(one.weights);
  }
}

}  // namespace potluck
