// SPDX-License-Identifier: Apache-2.0
#include "compose/training/training_run.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "compose/record/process_keeper.h"
#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "compose/training/phase.h"
#include "compose/training/phase_reports.h"
#include "core/backend/thread_pool.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/run/checkpoint_file.h"
#include "core/files/run/event_file.h"

namespace potluck {

namespace {

constexpr uint32_t kVersion = 3;

using Clock = std::chrono::steady_clock;

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

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
        keeper_(run.session_.models(), run.folder()) {}

  TrainingOutcome train() {
    restore();
    for (; phase_ < phases() && !stop_; ++phase_) {
      if (!current_) begin_phase();
      train_phase();
      if (!current_->trainer().done()) break;
      end_phase();
    }
    outcome_.interrupted = phase_ < phases();
    if (outcome_.interrupted) {
      if (!current_) begin_phase();
      if (!reports_->doubtful() || !saved_updates_) checkpoint();
    }
    return outcome_;
  }

 private:
  int64_t phases() const { return static_cast<int64_t>(composition_.learn->phases.size()); }
  const LearnPhase& asked() const { return composition_.learn->phases[static_cast<size_t>(phase_)]; }

  void make_phase() {
    current_ = std::make_unique<Phase>(composition_, asked(), run_.session_.plan(), energy_, run_.options_.optimisers);
    reports_.emplace(composition_, *current_, phase_);
  }

  /// A phase begins with what the one before came to, which is worth keeping.
  void begin_phase() {
    make_phase();
    reports_->begin();
    if (phase_ > 0) checkpoint();
  }

  void restore() {
    if (!run_.resumed_) {
      log_.emplace(run_.folder(), 0);
      events_.emplace(run_.folder(), 0);
      return;
    }
    run_.resumed_->naming_its_checkpoint([&] {
      const Checkpoint& checkpoint = run_.resumed_->checkpoint();
      StateArchive archive(checkpoint.state);
      int64_t log_length = 0, events_length = 0;
      std::vector<std::byte> trainer;
      archive.version(kVersion);
      archive(phase_, outcome_.updates, outcome_.seconds, log_length, events_length, trainer);
      persist_of_all(archive);
      archive.demand(phase_ >= 0 && phase_ < phases() && log_length >= 0 && events_length >= 0 &&
                         StateArchive::counted(outcome_.updates),
                     "counts of phases");
      make_phase();
      reports_->persist(archive);
      current_->trainer().restore(trainer);
      saved_updates_ = current_->trainer().updates();
      log_.emplace(run_.folder(), log_length);
      events_.emplace(run_.folder(), events_length);
      return 0;
    });
  }

  void checkpoint() {
    StateArchive archive;
    archive.version(kVersion);
    int64_t log_length = log_->length(), events_length = events_->length();
    std::vector<std::byte> trainer = current_->trainer().save();
    archive(phase_, outcome_.updates, outcome_.seconds, log_length, events_length, trainer);
    persist_of_all(archive);
    reports_->persist(archive);
    write_checkpoint(run_.folder(), run_.identity_, 0, archive.take());
    current_->trainer().with_average([&] { run_.write_into_folder(trained_so_far()); });
    saved_ = Clock::now();
    saved_updates_ = current_->trainer().updates();
  }

  /// Of all phases together, beside the counts.
  void persist_of_all(StateArchive& archive) {
    bool known = outcome_.held_out_loss.has_value();
    double loss = outcome_.held_out_loss.value_or(0);
    archive(known, loss, pictures_);
    archive.demand(StateArchive::counted(pictures_), "a count of pictures");
    if (archive.reading() && known) outcome_.held_out_loss = loss;
  }

  /// The first one behind the first report. None while the loss is beyond bounds: that of before is worth more.
  bool checkpoint_is_due() const {
    if (reports_->doubtful()) return false;
    if (!saved_updates_) return reports_->updates() > 0;
    return seconds_since(saved_) > run_.options_.checkpoint_seconds;
  }

  void train_phase() {
    Training& trainer = current_->trainer();
    const int64_t report_every = trainer.takes_all_rows() ? 1 : composition_.learn->report_every;
    draw_samples_if_due();  // where Ctrl-C came while they were drawn
    while (!trainer.done() && !stop_) {
      naming_what_was_kept([&] { trainer.update(); });
      keeper_.look_now_and_then();
      draw_samples_if_due();
      if (trainer.updates() % report_every == 0) report();
      if (checkpoint_is_due()) checkpoint();
    }
    // An interrupted one goes on in the midst of a report.
    if (trainer.done() && trainer.updates() != reports_->updates()) report();
  }

  TrainedSoFar trained_so_far() const {
    const int64_t updates = current_->trainer().updates();
    return {static_cast<size_t>(phase_) + (updates > 0 ? 1 : 0), updates_of_all_phases(), outcome_.held_out_loss};
  }

  int64_t updates_of_all_phases() const { return outcome_.updates + current_->trainer().updates(); }

  /// Pictures with the average of the weights. Their time is no time of training.
  void draw_samples_if_due() {
    if (!run_.samples_) return;
    const int64_t updates = updates_of_all_phases(), due = updates / composition_.learn->samples.every;
    if (due <= pictures_) return;
    const Clock::time_point began = Clock::now();
    const ParameterStore& store = run_.session_.plan().parameters();
    TrainingSamples::Weights weights;
    current_->trainer().with_average([&] { weights = run_.samples_->weights(store); });
    try {
      const auto images = run_.samples_->draw(store, weights, updates, run_.folder(), stop_);
      keeper_.look();
      if (!images) return;
      events_->add(updates, seconds_since_1970(), {}, *images);
    } catch (const NumericalError& error) {
      ++run_.pictures_missed_;
      run_.why_missed_ = fmt::format("after update {}: {}", updates, error.what());
    }
    pictures_ = due;
    sample_seconds_ += seconds_since(began);
  }

  void end_phase() {
    // What follows may fail, on a disk that is full: nothing is to be trained again.
    checkpoint();
    Training& trainer = current_->trainer();
    outcome_.updates += trainer.updates();
    outcome_.seconds += trainer.seconds();
    trainer.take_average();
    current_.reset();
  }

  /// @throws NumericalError where the training diverges
  void report() {
    TrainingReport report = reports_->next();
    if (run_.samples_) report.sample_seconds = std::exchange(sample_seconds_, 0);
    log_->add(report);
    events_->add(outcome_.updates + report.progress.updates, seconds_since_1970(), scalars_of(report), {});
    outcome_.last = report;
    if (!report.held_out.empty()) outcome_.held_out_loss = report.held_out.front().second;
    reported_(report);
    naming_what_was_kept([&] { reports_->judge(report); });
  }

  /// Of a training that diverges: where the weights of before are.
  template <class Work>
  void naming_what_was_kept(const Work& work) const {
    try {
      work();
    } catch (const NumericalError& error) {
      std::string kept = "No weights were kept yet";
      if (saved_updates_)
        kept = fmt::format(
            "The weights of before, of update {}{}, are in {}: to begin from them, copy them to where the composition "
            "names them and add --continue",
            *saved_updates_, phases() > 1 ? fmt::format(" of phase {}", phase_ + 1) : "",
            (run_.folder() / "weights").string());
      const bool has_rate = !current_->trainer().takes_all_rows();
      const std::string rate = has_rate ? fmt::format(" (it is {:g} in the file)", asked().trainer.rate.rate) : "";
      throw NumericalError(fmt::format("{}{}. {}", error.what(), rate, kept));
    }
  }

  TrainingRun& run_;
  const Composition& composition_;
  const Reported& reported_;
  const std::atomic<bool>& stop_;
  ThreadPool threads_;
  BatchEnergy energy_;
  ProcessKeeper keeper_;
  std::optional<TrainingLog> log_;
  std::optional<EventFile> events_;
  int64_t phase_ = 0;
  std::unique_ptr<Phase> current_;
  std::optional<PhaseReports> reports_;  ///< of the current phase
  TrainingOutcome outcome_;
  int64_t pictures_ = 0;       ///< that are behind us, made or not, of those that `learn.samples` asks for
  double sample_seconds_ = 0;  ///< since the last report
  Clock::time_point saved_ = Clock::now();
  std::optional<int64_t> saved_updates_;  ///< of the phase, in the last checkpoint; none: there is none
};

TrainingRun::TrainingRun(Session& session, TrainingRunOptions options, std::optional<ResumedRun> resumed)
    : session_(session), options_(std::move(options)), resumed_(std::move(resumed)) {
  const Composition& composition = session.composition();
  ParameterStore& store = session.plan().parameters();
  learned_ = choose_experts(composition, store);
  check_weights();
  learnable_ = std::make_unique<LearnablePlan>(session.plan());
  tell_of_data(composition, learned_, store);
  weights_record_.emplace(composition, learned_, store);
  if (composition.learn->samples.every > 0) samples_.emplace(session, store);
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

/// Weights that are there are worth more than a training that was begun by mistake, and a training more than to end
/// where its weights cannot go.
void TrainingRun::check_weights() const {
  std::vector<Diagnostic> wrong;
  const auto refuse = [&](const LearnedExpert& one, std::string text) {
    wrong.push_back({session_.plan().parameters().leaf(one.expert).weights_place, std::move(text)});
  };
  for (const LearnedExpert& one : learned_) {
    const std::filesystem::path folder = std::filesystem::absolute(one.weights).parent_path();
    if (!std::filesystem::is_directory(folder))
      refuse(one, fmt::format("{} must be in a folder that is there, got {}. Make the folder", one.weights.string(),
                              folder.string()));
    else if (std::filesystem::exists(one.weights) && !resumed_ && !options_.go_on)
      refuse(one, fmt::format("{} must not be there yet, got the weights of an earlier training. Begin from them with "
                              "--continue, or move them away",
                              one.weights.string()));
  }
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

std::string TrainingRun::missing_pictures() const {
  if (pictures_missed_ == 0) return "";
  return pictures_missed_ == 1
             ? "a picture of draws could not be made, " + why_missed_
             : fmt::format("{} pictures of draws could not be made, the last {}", pictures_missed_, why_missed_);
}

std::filesystem::path TrainingRun::weights_in_folder(const LearnedExpert& expert) const {
  return folder() / "weights" / (expert.name + ".safetensors");
}

void TrainingRun::write_into_folder(const TrainedSoFar& so_far) const {
  std::filesystem::create_directories(folder() / "weights");
  for (size_t i = 0; i < learned_.size(); ++i)
    write_weights(session_.plan().parameters(), learned_[i], weights_in_folder(learned_[i]),
                  weights_record_->metadata(i, so_far));
}

/// First in the folder, where they are whatever happens to the place that the composition names.
void TrainingRun::publish_weights(TrainingOutcome& outcome) {
  const TrainedSoFar so_far{session_.composition().learn->phases.size(), outcome.updates, outcome.held_out_loss};
  write_into_folder(so_far);
  for (size_t i = 0; i < learned_.size(); ++i) {
    write_weights(session_.plan().parameters(), learned_[i], learned_[i].weights, weights_record_->metadata(i, so_far));
    outcome.weights.push_back(learned_[i].weights);
  }
}

}  // namespace potluck
