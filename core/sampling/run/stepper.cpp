// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/stepper.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/methods/label_blocks.h"
#include "core/sampling/run/frozen_chains.h"
#include "core/sampling/start/placement.h"

namespace potluck {

namespace {

constexpr int64_t kLookedAhead = 32;  // steps whose trajectories tell how long they are now
constexpr uint32_t kCheckpointVersion = 8 + kRowSumsVersion;

/// The lower one of an even number; NaN counts as the highest.
double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end(),
                   [](double a, double b) { return a < b || (!std::isnan(a) && std::isnan(b)); });
  return *middle;
}

/// What is counted since then.
void persist_counts(StateArchive& archive, RowSum::Since since, RowSums<RunTotal>& sums) {
  for_each_row_sum(
      [&](const RowSum& about, auto& count) {
        if constexpr (std::is_integral_v<std::remove_reference_t<decltype(count)>>) {
          if (about.since != since) return;
          archive(count);
          archive.demand(StateArchive::counted(count), "counts");
        }
      },
      sums);
}

void persist_means(StateArchive& archive, RowSums<RunTotal>& sums) {
  for_each_row_sum(
      [&](const RowSum& about, auto& one) {
        if constexpr (!std::is_integral_v<std::remove_reference_t<decltype(one)>>) {
          if (about.per != RowSum::Per::kNothing) archive(one.sum, one.count);
        }
      },
      sums);
}

}  // namespace

Stepper::Stepper(const Target& target, const RunOptions& options, std::span<Observer* const> observers,
                 WhitenedEnergy* whitened)
    : target_(target), options_(options), whitened_(whitened) {
  check_run(target, options);
  method_ = make_method(options);
  method_->prepare(target);
  held_label_steps_ = steps_of_held_labels(target.energy->variables(), target.held, options.warmup);
  tuning_ = std::make_unique<CohortTuning>(target, *method_, options.warmup, whitened);
  level_steps_ = std::make_unique<LevelSteps>(target, options_, *method_, *tuning_);
  Needs needs = method_->needs();
  needs.proposal |= tuning_->tuned().needs().proposal;  // of velocities it needs no more
  chains_ = std::make_unique<RunChains>(target, options, needs, method_->replicas());
  if (chains_->replicas() > 1) set_ladder();
  recorder_ = std::make_unique<Recorder>(target, !options.blocks.empty(), *method_, observers, chains_->all(),
                                         chains_->own(), summary_);
  summary_.method = method_->description().name;
  summary_.exact_method = method_->description().exact;
  summary_.energy_shares = EnergyShares(static_cast<int64_t>(target.energy->experts().size()));
}

void Stepper::start(const Start& start) {
  set_given(level());  // chains need density at the first level, where they begin
  const Placement placement = place_at_first_level(start);
  chains_->all().begin(*method_, 0);
  summary_.start = placement.description;
  summary_.exact_start = placement.exact;
  chains_->own().read();
  summary_.start_energy = median(chains_->own().state().energy);
  if (tuning_->any()) tuning_->begin(chains_->all());
  chains_->own().read();
  begin_here();
}

Placement Stepper::place_at_first_level(const Start& start) const {
  try {
    return place(chains_->all(), start, target_.energy->variables(), options_.seed, chains_->ids(),
                 chains_->replicas());
  } catch (const NumericalError& error) {
    if (options_.anneal.given.empty()) throw;
    throw NumericalError(std::string(error.what()) +
                         ". They need density at the first level of sample.anneal, where its numbers are at `from`");
  }
}

void Stepper::restore(std::span<const std::byte> saved) {
  StateArchive archive(saved);
  persist(archive);
  archive.demand(archive.at_end(), "lengths");
  chains_->own().read();
  begin_here();
}

std::vector<std::byte> Stepper::save() {
  take_time();
  recorder_->finish();
  StateArchive archive;
  persist(archive);
  return archive.take();
}

void Stepper::set_ladder() {
  const Ladder ladder = method_->ladder();
  chains_->all().set_ladder(ladder.temperature, ladder.step_factor);
}

/// Where the cohort tunes, it is moved first and read after every step; the others take each step as it did.
int64_t Stepper::step(int64_t most) {
  if (!warming_up()) {
    advance(*method_, chains_->sampled(), most);
    step_ += most;
    return most;
  }
  begin_level();
  method_->hold_labels(step_ < held_label_steps_);
  const Method* method = untuned();
  if (!method) {
    tune();
    return 1;
  }
  int64_t left = anneals() ? options_.anneal.steps - step_ % options_.anneal.steps : warm_up_steps() - step_;
  if (step_ < held_label_steps_) left = std::min(left, held_label_steps_ - step_);
  const int64_t count = std::min(most, left);
  if (tuning_->adapting()) {  // of which the cohort is a part of its own from now on
    advance(*method, Chains::Part::kCohort, count);
    advance(*method, Chains::Part::kRest, count);
  } else {
    advance(*method, Chains::Part::kAll, count);
  }
  step_ += count;
  return count;
}

const Method* Stepper::untuned() const {
  if (warming_up() && anneals() && level_steps_->method()) return level_steps_->method();
  return warming_up() && tuning_->adapting() ? nullptr : method_.get();
}

void Stepper::end_warm_up() {
  begin_level();  // where annealing was all of it
  if (tuning_->adapting()) tuning_->finish();
  method_->hold_labels(false);
  take_time();
  phase_ = Phase::kSampling;
  step_ = 0;
  chains_->all().clear_sums();  // what was counted so far belongs to the warm-up
  recorder_->begin();
  summary_.warmup_sums = counts_since_start();
  begin_here();
}

void Stepper::draw() {
  const double steps = static_cast<double>(steps_since_draw());
  acceptance_ = recorder_->take(step_);
  if (std::isfinite(acceptance_)) accepted_ += steps * acceptance_;
}

SoFar Stepper::so_far() {
  if (warming_up()) return {};
  recorder_->finish();
  SoFar now{step_, 1, summary_.sums.divergences};
  double accepted = accepted_;
  if (const int64_t steps = steps_since_draw(); steps > 0) {
    const Recorder::Since since = recorder_->since_draw(step_);
    now.divergences += since.divergences;
    if (std::isfinite(since.acceptance)) accepted += static_cast<double>(steps) * since.acceptance;
  }
  if (step_ > 0) now.acceptance = accepted / static_cast<double>(step_);
  return now;
}

/// Energies where chains froze are those of numbers that have moved since: they are asked for anew.
void Stepper::fail_where_all_are_frozen() const {
  RankChains& own = chains_->own();
  const Schedule& anneal = options_.anneal;
  if (!anneal.given.empty() && count_frozen(own) == own.count() && own.state().frozen_step[0] < anneal_steps()) {
    set_given(own.state().frozen_step[0] / anneal.steps);
    chains_->all().evaluate();
    own.read();
  }
  fail_where_all_frozen(chains_->own(), chains_->ids(), target_, options_.anneal, method_->step_size());
}

/// A step of the warm-up. The cohort is moved by itself, so that what it finds has the bits of any rank on CUDA too.
void Stepper::tune() {
  for (size_t part = 0; part < tuning_->parts().size(); ++part) {
    const Method& method = *tuning_->parts()[part].method;
    advance(method, Chains::Part::kCohort, 1);
    advance(method, Chains::Part::kRest, 1);
    tuning_->observe(part, step_ - anneal_steps());
  }
  ++step_;
}

/// Where the next step of the warm-up is the first of a level, or the first behind the last level: sets the numbers.
void Stepper::begin_level() {
  const Schedule& anneal = options_.anneal;
  if (!anneal.any() || step_ > anneal_steps() || step_ % anneal.steps != 0) return;
  if (step_ > 0) follow_flow();
  set_temperature();
  set_given(level());
  if (step_ > 0 && !anneal.given.empty()) evaluate_anew();  // at the first level they begin there
  if (!anneals()) tuning_->restart();
  level_steps_->begin(level());
}

/// The temperature of the next step, where it moves.
void Stepper::set_temperature() {
  const Schedule& anneal = options_.anneal;
  if (!anneal.any() || !anneal.temperature) return;
  if (level() < anneal.levels) {
    chains_->all().set_ladder({anneal.value(level(), *anneal.temperature, target_.temperature)}, {1});
  } else {
    chains_->all().set_ladder({}, {});
  }
}

/// The given numbers of a level, of those that move.
void Stepper::set_given(int64_t level) const {
  const Schedule& anneal = options_.anneal;
  for (const GivenNumber& number : anneal.given) {
    const double given = target_.held[static_cast<size_t>(number.variable)].value[0];
    chains_->all().set_given(number.variable, anneal.value(level, number.from, given));
  }
  if (!anneal.any() || !anneal.noisy_given) return;
  const bool above = level < anneal.levels;
  chains_->all().blur_given(above ? noise(level) : 0, static_cast<uint32_t>(above ? level * anneal.steps : 0));
}

double Stepper::noise(int64_t level) const {
  const GivenNumber& number = options_.anneal.given[0];
  return options_.anneal.value(level, number.from, target_.held[static_cast<size_t>(number.variable)].value[0]);
}

/// From the level before to the one that begins, by the gradients of the level before.
void Stepper::follow_flow() {
  if (!options_.anneal.predictor) return;
  const double before = noise(level() - 1);
  chains_->all().flow((noise(level()) - before) * before);
}

/// Energies and gradients where the chains stand, after a number that they depend on has moved.
void Stepper::evaluate_anew() {
  chains_->all().evaluate();
  chains_->all().freeze_failed(static_cast<uint32_t>(step_));
  ++summary_.warmup_evaluations;
  summary_.warmup_rows_evaluated += chains_->all().rows(Chains::Part::kAll);
}

/// Moves by a number of steps of this phase, counted from the start of the warm-up.
void Stepper::advance(const Method& method, Chains::Part part, int64_t count) {
  const StepRange steps = next_steps(count);
  chains_->all().advance(method, part, steps, recorder_->rest());
  const int64_t evaluations = method.evaluations(steps), rows = evaluations * chains_->all().rows(part);
  (warming_up() ? summary_.warmup_rows_evaluated : summary_.rows_evaluated) += rows;
  if (!warming_up()) summary_.evaluations += evaluations;
  if (warming_up() && part != Chains::Part::kRest) summary_.warmup_evaluations += evaluations;
}

StepRange Stepper::next_steps(int64_t count) const {
  return {static_cast<uint32_t>(warming_up() ? step_ : warm_up_steps() + step_), count};
}

/// What this phase had done before this process, from where rates are counted.
void Stepper::begin_here() {
  before_ = {step_, evaluations_of_phase()};
  clock_.begin(seconds_of_phase());
}

/// Of a chain in the next steps, or at the end of a phase in those that were done here.
double Stepper::gradients_a_step(const Method& moved, const Progress& progress) const {
  const int64_t ahead = std::min(kLookedAhead, progress.total - step_);
  if (ahead > 0) return static_cast<double>(moved.evaluations(next_steps(ahead))) / static_cast<double>(ahead);
  return static_cast<double>(evaluations_of_phase() - before_.evaluations) / static_cast<double>(progress.done_here);
}

Beginning Stepper::beginning() const {
  Beginning beginning{summary_.start, summary_.exact_start, summary_.start_energy, std::nullopt, std::nullopt};
  if (warming_up()) return beginning;
  if (method_->step_size() > 0) beginning.step_size = method_->step_size();
  beginning.warmup_nan_proposals = summary_.warmup_sums.nan_proposals;
  return beginning;
}

/// Of the steps since the last draw; where there are none, of those before it.
double Stepper::last_acceptance() {
  return steps_since_draw() > 0 ? recorder_->since_draw(step_).acceptance : acceptance_;
}

Progress Stepper::progress() {
  take_time();
  const Method* own = untuned();
  const bool tunes = !own;
  const Method& moved = tunes ? tuning_->tuned() : *own;
  Progress progress;
  progress.warmup = warming_up();
  progress.done = step_;
  progress.total = warming_up() ? warm_up_steps() : options_.steps;
  progress.acceptance = tunes ? tuning_->acceptance() : warming_up() ? std::nan("") : last_acceptance();
  progress.step_size = moved.step_size();
  progress.seconds = seconds_of_phase();
  progress.frozen = warming_up() ? tuning_->frozen() : count_frozen(chains_->own());
  progress.done_here = step_ - before_.steps;
  progress.seconds_here = progress.seconds - clock_.before();
  progress.chains = chains_->count();
  progress.gradients_here =
      static_cast<double>(evaluations_of_phase() - before_.evaluations) * static_cast<double>(chains_->count());
  progress.gradients_a_step = gradients_a_step(moved, progress);
  progress.leapfrogs = moved.makes_trajectories();
  return progress;
}

/// Of what is counted since then, over the chains as they were last read.
RowSums<RunTotal> Stepper::counts_since_start() const {
  RowSums<RunTotal> counts;
  for_each_row_sum(
      [](const RowSum& about, const auto& of_chains, auto& count) {
        if constexpr (std::is_integral_v<std::remove_reference_t<decltype(count)>>) {
          if (about.since == RowSum::Since::kStart)
            count = std::accumulate(of_chains.begin(), of_chains.end(), int64_t{0});
        }
      },
      chains_->own().state(), counts);
  return counts;
}

RunSummary Stepper::summary() {
  recorder_->finish();
  RankChains& own = chains_->own();
  own.read();
  RunSummary summary = summary_;
  const RowSums<RunTotal> since_start = counts_since_start();
  if (warming_up()) summary.warmup_sums = since_start;
  for_each_row_sum(
      [](const RowSum& about, const auto& all, const auto& before, auto& after) {
        if constexpr (std::is_integral_v<std::remove_reference_t<decltype(after)>>) {
          if (about.since == RowSum::Since::kStart) after = all - before;
        }
      },
      since_start, summary.warmup_sums, summary.sums);
  const double draws = static_cast<double>(summary.draws);
  summary.acceptance = summary.draws > 0 ? summary.acceptance_sum / draws : 1;
  summary.step_size = method_->step_size();
  summary.trajectory_length = method_->trajectory_length();
  summary.virial = recorder_->virial().estimates(summary.step_size);
  summarise_blocks(summary);
  const double clipped = summary.draws > 0 ? summary.clipped_sum / (draws * static_cast<double>(chains_->count())) : 0;
  summary.frozen_count = count_frozen(own);
  summary.frozen = frozen_chains(own, chains_->ids(), target_.energy->experts().size());
  if (chains_->replicas() > 1 && summary.draws > 0)
    summary.swaps = recorder_->swaps().summary(method_->ladder().temperature, chains_->count(), summary.steps_done);
  summary.notes = method_->notes({.temperature = target_.temperature,
                                  .acceptance = summary.acceptance,
                                  .clipped = clipped,
                                  .swaps = summary.swaps,
                                  .frozen_replicas = count_frozen_replicas(own)});
  if (!target_.energy->rows_alone()) {
    summary.notes.push_back(
        std::string("an expert does not promise that a chain's energy is independent of the chains beside it: the same "
                    "seed may give other bits with another number of chains") +
        (options_.rank.count > 0 ? ", and several processes may draw others than one process" : ""));
  }
  return summary;
}

void Stepper::summarise_blocks(RunSummary& summary) const {
  if (options_.blocks.empty()) return;
  const std::vector<MethodPart> parts = method_->parts();
  for (size_t b = 0; b < parts.size(); ++b) {
    summary.blocks.push_back({.variables = options_.blocks[b].variables,
                              .method = options_.blocks[b].method,
                              .step_size = parts[b].method->step_size(),
                              .trajectory_length = parts[b].method->trajectory_length()});
  }
}

void Stepper::persist(StateArchive& archive) {
  archive.version(kCheckpointVersion);
  archive(phase_, step_);
  archive.demand(phase_ == Phase::kWarmUp || phase_ == Phase::kSampling, "phases");
  archive.demand(StateArchive::counted(step_) && (!warming_up() || step_ <= warm_up_steps()), "numbers of steps");
  archive(summary_.start, summary_.exact_start, summary_.draws, summary_.steps_done, summary_.acceptance_sum,
          summary_.clipped_sum);
  persist_counts(archive, RowSum::Since::kDraw, summary_.sums);
  archive(summary_.evaluations, summary_.warmup_evaluations, summary_.rows_evaluated, summary_.warmup_rows_evaluated,
          summary_.warmup_seconds, summary_.sampling_seconds);
  persist_counts(archive, RowSum::Since::kStart, summary_.warmup_sums);
  archive(summary_.start_energy);
  for (const int64_t count : {summary_.draws, summary_.steps_done, summary_.evaluations, summary_.warmup_evaluations,
                              summary_.rows_evaluated, summary_.warmup_rows_evaluated})
    archive.demand(StateArchive::counted(count), "counts");
  archive.demand(summary_.steps_done <= (warming_up() ? 0 : step_), "counts");
  recorder_->swaps().persist(archive, static_cast<size_t>(chains_->replicas() - 1),
                             static_cast<size_t>(chains_->count()));
  persist_means(archive, summary_.sums);
  archive(summary_.energy_shares.moments(), recorder_->virial());
  if (whitened_) persist_coordinates(archive);
  tuning_->persist(archive, chains_->all());
  archive(acceptance_, accepted_);
  archive.demand(accepted_ >= 0 && std::isfinite(accepted_), "acceptances");
  std::vector<std::byte> chains;
  if (!archive.reading()) chains = chains_->all().save();
  archive(chains);
  if (archive.reading()) {
    if (chains_->replicas() > 1) set_ladder();
    chains_->all().restore(chains);
    set_temperature();
    set_given(level());
    level_steps_->go_on(level());
    if (!warming_up()) method_->freeze();
  }
}

void Stepper::persist_coordinates(StateArchive& archive) {
  std::vector<double> mean = whitened_->mean(), factor = whitened_->factor();
  archive(mean, factor);
  if (archive.reading()) whitened_->set(std::move(mean), std::move(factor));
}

}  // namespace potluck
