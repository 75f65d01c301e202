// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "core/backend/tiles.h"
#include "core/chains/chains.h"
#include "core/chains/own_chains.h"
#include "core/error.h"
#include "core/methods/method_options.h"
#include "core/sampling/run/frozen_chains.h"
#include "core/sampling/run/option_errors.h"
#include "core/sampling/run/recorder.h"
#include "core/sampling/run/transformed_run.h"
#include "core/sampling/run/whitened_run.h"
#include "core/sampling/start/placement.h"
#include "core/sampling/tuning/cohort_tuning.h"

namespace potluck {

namespace {

constexpr int64_t kMostInABlock = 50;  // steps between two looks at `stop`
constexpr int64_t kLookedAhead = 32;   // steps whose trajectories tell how long they are now
constexpr uint32_t kCheckpointVersion = 6;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

int workers_of(const RunOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The lower one of an even number; NaN counts as the highest.
double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end(),
                   [](double a, double b) { return a < b || (!std::isnan(a) && std::isnan(b)); });
  return *middle;
}

/// One run: its chains, its method and what it has counted so far. A run warms up and then samples, both in steps, and
/// all that changes in them is named in persist().
class Runner {
 public:
  /// @param whitened the target's energy, where the metric is dense
  Runner(const Target& target, const RunOptions& options, std::span<Observer* const> observers,
         const std::atomic<bool>& stop, WhitenedEnergy* whitened)
      : target_(target), options_(options), observers_(observers), stop_(stop), whitened_(whitened) {
    check_run(target, options);
    method_ = make_method(options);
    method_->prepare(target);
    tuning_ = std::make_unique<CohortTuning>(target, *method_, options.warmup, whitened);
    replicas_ = method_->replicas();
    layout_chains();
    recorder_ = std::make_unique<Recorder>(target, options, *method_, observers, *chains_, *own_, summary_);
    summary_.method = method_->description().name;
    summary_.exact_method = method_->description().exact;
    summary_.energy_shares = EnergyShares(static_cast<int64_t>(target.energy->experts().size()));
  }

  RunSummary run(const Start& start, std::span<const std::byte> checkpoint) {
    if (checkpoint.empty()) {
      const Placement placement = place(*chains_, start, variables(), options_.seed, ids_, replicas_);
      chains_->begin(*method_, 0);
      summary_.start = placement.description;
      summary_.exact_start = placement.exact;
      own_->read();
      summary_.start_energy = median(own_->state().energy);
      if (tuning_->any()) tuning_->begin(*chains_);
    } else {
      StateArchive archive(checkpoint);
      persist(archive);
    }
    own_->read();
    check_frozen();
    tell_beginning();
    if (phase_ != Phase::kSampling) warm_up();
    if (!summary_.interrupted) sample_and_record();
    hand_out_checkpoint();
    close();
    return std::move(summary_);
  }

 private:
  enum class Phase : uint8_t { kWarmUp, kSampling };

  const std::vector<Variable>& variables() const { return target_.energy->variables(); }

  /// Rows of the cohort, which every rank that tunes recomputes, then those of the rank behind it. A chain has a row
  /// for every replica, the first of which is recorded.
  void layout_chains() {
    count_ = options_.rank.count > 0 ? options_.rank.count : options_.chains;
    const int64_t first = options_.rank.first * replicas_, end = first + count_ * replicas_;
    const int64_t cohort = std::min(options_.chains * replicas_, cohort_size(replicas_));
    const int64_t rest = std::max(first, cohort);
    ChainsOptions chains;
    chains.chains = cohort + std::max<int64_t>(0, end - rest);
    chains.rest = rest;
    chains.ladder = replicas_;
    chains.seed = options_.seed;
    chains.threads = workers_of(options_);
    chains.needs = method_->needs();
    chains.needs.proposal |= tuning_->tuned().needs().proposal;  // of velocities it needs no more
    chains_ = make_chains(target_, chains);
    for (int64_t i = 0; i < chains.chains; ++i) ids_.push_back(i < cohort ? i : rest + i - cohort);
    const int64_t mine = first < cohort ? first : cohort;
    own_ = std::make_unique<OwnChains>(*chains_, mine, count_, replicas_, target_.energy->experts().size());
    owned_ = mine > 0 && mine == cohort ? Chains::Part::kRest : Chains::Part::kAll;
    if (replicas_ > 1) set_ladder();
  }

  void set_ladder() {
    const Ladder ladder = method_->ladder();
    chains_->set_ladder(ladder.temperature, ladder.step_factor);
  }

  /// Where the cohort tunes, it is moved first and read after every step; the others take each step as it did.
  void warm_up() {
    begin_here();
    while (step_ < warm_up_steps()) {
      if (interrupted()) return;
      set_temperature();
      if (tuning_->adapting()) {
        tune();
        report_warm_up(tuning_->acceptance(), tuning_->tuned());
      } else {
        move(*method_, Chains::Part::kAll, block(warm_up_steps() - step_));
        report_warm_up(std::nan(""), *method_);
      }
    }
    set_temperature();  // where cooling was all of it
    if (tuning_->adapting()) tuning_->finish();
    take_time();
    phase_ = Phase::kSampling;
    step_ = 0;
    chains_->clear_sums();  // what was counted so far belongs to the warm-up
    recorder_->begin();
    summary_.warmup_nan_proposals = count_nan_proposals();
    tell_beginning();
  }

  void tell_beginning() const {
    Beginning beginning{summary_.start, summary_.exact_start, summary_.start_energy, std::nullopt, std::nullopt};
    if (phase_ == Phase::kSampling) {
      beginning.step_size = method_->step_size();
      beginning.warmup_nan_proposals = summary_.warmup_nan_proposals;
    }
    for (Observer* observer : observers_) observer->began(beginning);
  }

  /// A step of the warm-up. The cohort is moved by itself, so that what it finds has the bits of any rank on CUDA too.
  void tune() {
    for (size_t part = 0; part < tuning_->parts().size(); ++part) {
      const Method& method = *tuning_->parts()[part].method;
      advance(method, Chains::Part::kCohort, 1);
      advance(method, Chains::Part::kRest, 1);
      tuning_->observe(part, step_ - options_.cooling.steps);
    }
    count_steps(1);
  }

  /// Those that cool are its first.
  int64_t warm_up_steps() const { return options_.cooling.steps + options_.warmup; }

  bool cools() const { return phase_ != Phase::kSampling && step_ < options_.cooling.steps; }

  /// The temperature of the next step of the warm-up.
  void set_temperature() {
    if (!options_.cooling.any()) return;
    if (cools()) {
      chains_->set_ladder({options_.cooling.temperature(step_, target_.temperature)}, {1});
    } else if (step_ == options_.cooling.steps) {
      chains_->set_ladder({}, {});
      tuning_->restart();
    }
  }

  /// Steps to the next look around, at most `most`: one where each has its temperature.
  int64_t block(int64_t most) const {
    most = std::min(most, cools() ? 1 : kMostInABlock);
    return options_.checkpoint_every > 0 ? std::min(most, options_.checkpoint_every - since_checkpoint_) : most;
  }

  void move(const Method& method, Chains::Part part, int64_t count) {
    advance(method, part, count);
    count_steps(count);
  }

  /// Moves by a number of steps of this phase, counted from the start of the warm-up.
  void advance(const Method& method, Chains::Part part, int64_t count) {
    const StepRange steps = next_steps(count);
    chains_->advance(method, part, steps, recorder_->rest());
    const int64_t evaluations = method.evaluations(steps), rows = evaluations * chains_->rows(part);
    (phase_ == Phase::kSampling ? summary_.rows_evaluated : summary_.warmup_rows_evaluated) += rows;
    if (phase_ == Phase::kSampling) summary_.evaluations += evaluations;
    if (phase_ == Phase::kWarmUp && part != Chains::Part::kRest) summary_.warmup_evaluations += evaluations;
  }

  StepRange next_steps(int64_t count) const {
    const int64_t first = phase_ == Phase::kSampling ? warm_up_steps() + step_ : step_;
    return {static_cast<uint32_t>(first), count};
  }

  /// What this phase had done before this process, from where rates are counted.
  void begin_here() {
    began_ = Clock::now();
    before_ = {step_, evaluations_of_phase(), seconds_of_phase()};
  }

  int64_t evaluations_of_phase() const {
    return phase_ == Phase::kSampling ? summary_.evaluations : summary_.warmup_evaluations;
  }

  double& seconds_of_phase() {
    return phase_ == Phase::kSampling ? summary_.sampling_seconds : summary_.warmup_seconds;
  }

  void take_time() { seconds_of_phase() = before_.seconds + seconds_since(began_); }

  void count_steps(int64_t count) {
    step_ += count;
    since_checkpoint_ += count;
  }

  void report_warm_up(double acceptance, const Method& moved) {
    report(acceptance, moved, tuning_->frozen());
    offer_checkpoint();
  }

  void sample_and_record() {
    begin_here();
    try {
      sample();
    } catch (...) {
      recorder_->finish();  // of what came before
      throw;
    }
    recorder_->finish();
  }

  void sample() {
    // Where a run that the rule had ended was cut short before it was closed, it ends here again.
    if (rule_holds()) return;
    while (step_ < options_.steps) {
      const int64_t to_draw = options_.thin - step_ % options_.thin;
      if (interrupted()) return;
      move(*method_, owned_, block(to_draw));
      if (step_ % options_.thin != 0) {
        offer_checkpoint();
        continue;
      }
      const double acceptance = recorder_->take(step_);
      report(acceptance, *method_, count_frozen(*own_));
      check_frozen();
      offer_checkpoint();
      if (rule_holds()) return;
    }
  }

  /// Asks the rule behind a draw.
  bool rule_holds() {
    if (!options_.until || summary_.draws == 0 || step_ % options_.thin != 0) return false;
    const auto why = options_.until->reached(summary_.draws, step_);
    if (!why) return false;
    summary_.why_stopped = *why;
    return summary_.stopped_by_rule = true;
  }

  void close() {
    if (summary_.interrupted) {
      summary_.why_stopped = phase_ == Phase::kSampling ? "interrupted" : "interrupted in the warm-up";
    }
    if (summary_.why_stopped.empty()) summary_.why_stopped = fmt::format("all {} steps done", options_.steps);
    own_->read();
    if (phase_ == Phase::kWarmUp) summary_.warmup_nan_proposals = count_nan_proposals();
    summary_.nan_proposals = count_nan_proposals() - summary_.warmup_nan_proposals;
    const double draws = static_cast<double>(summary_.draws);
    summary_.acceptance = summary_.draws > 0 ? summary_.acceptance_sum / draws : 1;
    summary_.step_size = method_->step_size();
    summary_.trajectory_length = method_->trajectory_length();
    summary_.virial = recorder_->virial().estimates(summary_.step_size);
    summarise_blocks();
    const double clipped = summary_.draws > 0 ? summary_.clipped_sum / (draws * static_cast<double>(count_)) : 0;
    summary_.frozen_count = count_frozen(*own_);
    summary_.frozen = frozen_chains(*own_, ids_, target_.energy->experts().size());
    if (replicas_ > 1 && summary_.draws > 0)
      summary_.swaps = recorder_->swaps().summary(method_->ladder().temperature, count_, summary_.steps_done);
    summary_.notes = method_->notes({.temperature = target_.temperature,
                                     .acceptance = summary_.acceptance,
                                     .clipped = clipped,
                                     .swaps = summary_.swaps,
                                     .frozen_replicas = count_frozen_replicas(*own_)});
    if (!target_.energy->rows_alone()) {
      summary_.notes.push_back(fmt::format(
          "an expert says that its rows depend on their company: the same seed gives other bits with another number of "
          "chains{}",
          options_.rank.count > 0 ? ", and several processes may draw others than one process" : ""));
    }
  }

  int64_t count_nan_proposals() const {
    const std::vector<uint32_t>& all = own_->state().nan_proposals;
    return std::accumulate(all.begin(), all.end(), int64_t{0});
  }

  void summarise_blocks() {
    if (options_.blocks.empty()) return;
    const std::vector<MethodPart> parts = method_->parts();
    for (size_t b = 0; b < parts.size(); ++b) {
      summary_.blocks.push_back({.variables = options_.blocks[b].variables,
                                 .method = options_.blocks[b].method,
                                 .step_size = parts[b].method->step_size(),
                                 .trajectory_length = parts[b].method->trajectory_length()});
    }
  }

  void check_frozen() const { fail_where_all_frozen(*own_, ids_, target_.energy->experts(), method_->step_size()); }

  void offer_checkpoint() {
    if (options_.checkpoint_every > 0 && since_checkpoint_ >= options_.checkpoint_every) hand_out_checkpoint();
  }

  void hand_out_checkpoint() {
    since_checkpoint_ = 0;
    take_time();
    recorder_->finish();
    StateArchive archive;
    persist(archive);
    const std::vector<std::byte> bytes = archive.take();
    for (Observer* observer : observers_) observer->checkpointed(bytes, summary_.draws);
  }

  /// All that changes in a run.
  void persist(StateArchive& archive) {
    archive.version(kCheckpointVersion);
    archive(phase_, step_, since_checkpoint_);
    archive.demand(phase_ == Phase::kWarmUp || phase_ == Phase::kSampling, "phases");
    // A checkpoint was just handed out.
    archive.demand(StateArchive::counted(step_) && (phase_ == Phase::kSampling || step_ <= warm_up_steps()) &&
                       since_checkpoint_ == 0,
                   "numbers of steps");
    archive(summary_.start, summary_.exact_start, summary_.draws, summary_.steps_done, summary_.acceptance_sum,
            summary_.clipped_sum, summary_.divergences, summary_.evaluations, summary_.warmup_evaluations,
            summary_.rows_evaluated, summary_.warmup_rows_evaluated, summary_.warmup_seconds, summary_.sampling_seconds,
            summary_.warmup_nan_proposals, summary_.start_energy);
    for (const int64_t count :
         {summary_.draws, summary_.steps_done, summary_.divergences, summary_.evaluations, summary_.warmup_evaluations,
          summary_.rows_evaluated, summary_.warmup_rows_evaluated, summary_.warmup_nan_proposals})
      archive.demand(StateArchive::counted(count), "counts");
    recorder_->swaps().persist(archive, static_cast<size_t>(replicas_ - 1), static_cast<size_t>(count_));
    for (StepSum* one : {&summary_.energy_error, &summary_.gradient_square, &summary_.reflected}) {
      archive(one->sum, one->count);
    }
    archive(summary_.energy_shares.moments(), recorder_->virial());
    if (whitened_) persist_coordinates(archive);
    tuning_->persist(archive, *chains_);
    std::vector<std::byte> chains;
    if (!archive.reading()) chains = chains_->save();
    archive(chains);
    if (archive.reading()) {
      if (replicas_ > 1) set_ladder();
      chains_->restore(chains);
      if (phase_ == Phase::kSampling) method_->freeze();
    }
  }

  void persist_coordinates(StateArchive& archive) {
    std::vector<double> mean = whitened_->mean(), factor = whitened_->factor();
    archive(mean, factor);
    if (archive.reading()) whitened_->set(std::move(mean), std::move(factor));
  }

  bool interrupted() { return summary_.interrupted = stop_.load(); }

  /// Of a chain in the next steps, or at the end of a phase in those that were done here.
  double gradients_a_step(const Method& moved, const Progress& progress) const {
    const int64_t ahead = std::min(kLookedAhead, progress.total - step_);
    if (ahead > 0) return static_cast<double>(moved.evaluations(next_steps(ahead))) / static_cast<double>(ahead);
    return static_cast<double>(evaluations_of_phase() - before_.evaluations) / static_cast<double>(progress.done_here);
  }

  /// @param moved  the method that moves the chains
  void report(double acceptance, const Method& moved, int64_t frozen) {
    take_time();
    Progress progress;
    progress.warmup = phase_ == Phase::kWarmUp;
    progress.done = step_;
    progress.total = progress.warmup ? warm_up_steps() : options_.steps;
    progress.acceptance = acceptance;
    progress.step_size = moved.step_size();
    progress.seconds = seconds_of_phase();
    progress.frozen = frozen;
    progress.done_here = step_ - before_.steps;
    progress.seconds_here = progress.seconds - before_.seconds;
    progress.chains = count_;
    progress.gradients_here =
        static_cast<double>(evaluations_of_phase() - before_.evaluations) * static_cast<double>(count_);
    progress.gradients_a_step = gradients_a_step(moved, progress);
    progress.leapfrogs = moved.makes_trajectories();
    for (Observer* observer : observers_) observer->progressed(progress);
  }

  const Target& target_;
  const RunOptions& options_;
  std::span<Observer* const> observers_;
  const std::atomic<bool>& stop_;
  WhitenedEnergy* whitened_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<CohortTuning> tuning_;
  std::unique_ptr<Chains> chains_;
  int64_t replicas_ = 1;      ///< rows of a chain
  std::vector<int64_t> ids_;  ///< of all rows here
  int64_t count_ = 0;         ///< this rank's chains
  std::unique_ptr<OwnChains> own_;
  Chains::Part owned_ = Chains::Part::kAll;  ///< a rank behind the cohort leaves the cohort where its warm-up ended
  Phase phase_ = Phase::kWarmUp;
  int64_t step_ = 0;  ///< steps done in this phase
  int64_t since_checkpoint_ = 0;
  struct Done {
    int64_t steps = 0, evaluations = 0;
    double seconds = 0;
  };
  Done before_;  ///< of this phase, by other processes
  Clock::time_point began_;
  RunSummary summary_;
  std::unique_ptr<Recorder> recorder_;
};

}  // namespace

void check_run(const Target& target, const RunOptions& options) {
  const std::vector<SettingError> errors = option_errors(options, target.temperature);
  if (!errors.empty()) throw SettingError(errors.front());
  const std::vector<SettingError> too_many = size_errors(options, target.energy->variables());
  if (!too_many.empty()) throw SettingError(too_many.front());
  const std::unique_ptr<Method> method = make_method(options);
  method->check(target);
  TransformedRun::check(target);
  if (method->tuning().dense) WhitenedRun::check(target);
}

RunSummary run(const Target& target, const Start& start, const RunOptions& options,
               std::span<Observer* const> observers, const std::atomic<bool>& stop,
               std::span<const std::byte> checkpoint) {
  check_run(target, options);  // before the walls are out of sight
  if (TransformedRun::needed(target)) {
    const TransformedRun free(target, start, observers, workers_of(options));
    RunSummary summary = potluck::run(free.target(), free.start(), options, free.observers(), stop, checkpoint);
    summary.energy_shares = EnergyShares(0);  // of an energy with the log Jacobian, which is not the recorded one
    return summary;
  }
  if (!make_method(options)->tuning().dense)
    return Runner(target, options, observers, stop, nullptr).run(start, checkpoint);
  WhitenedRun white(target, observers, workers_of(options));
  return Runner(white.target(), options, white.observers(), stop, &white.energy()).run(start, checkpoint);
}

}  // namespace potluck
