// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "core/backend/chains.h"
#include "core/error.h"
#include "core/sampling/step_size_tuner.h"
#include "core/sampling/transformed_run.h"

namespace potluck {

namespace {

constexpr int kMostAttempts = 100;     // redraws of a start without density
constexpr int64_t kMostInABlock = 50;  // steps between two looks at `stop`
constexpr int64_t kReportedFrozen = 100;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

int64_t count_frozen(const std::vector<uint8_t>& frozen) {
  return std::count_if(frozen.begin(), frozen.end(), [](uint8_t f) { return f != 0; });
}

/// Mean over the chains that are not frozen, in the order of the chains; NaN where all are.
double mean_of_moving(const std::vector<double>& sums, const std::vector<uint8_t>& frozen, int64_t steps) {
  double sum = 0;
  int64_t moving = 0;
  for (size_t chain = 0; chain < sums.size(); ++chain) {
    if (frozen[chain]) continue;
    sum += sums[chain];
    ++moving;
  }
  return moving > 0 && steps > 0 ? sum / static_cast<double>(moving * steps) : std::nan("");
}

void check_at_least(const char* what, int64_t value, int64_t least) {
  if (value < least) throw SettingError(fmt::format("sample.{} must be >= {}, got {}", what, least, value));
}

int workers_of(const RunOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// One run: its chains, its method and what it has counted so far.
class Runner {
 public:
  Runner(const Target& target, const RunOptions& options, std::span<Observer* const> observers,
         const std::atomic<bool>& stop)
      : target_(target), options_(options), observers_(observers), stop_(stop) {
    check_run(target, options);
    method_ = make_method(options.method, options.values);
    chains_ = make_chains(target, options.chains, options.seed, workers_of(options), method_->proposes());
    summary_.method = options.method;
  }

  RunSummary run(const Start& start) {
    place(start);
    const Clock::time_point warmup_began = Clock::now();
    if (method_->wanted_acceptance()) {
      tune();
    } else {
      warm_up(options_.warmup);
    }
    summary_.warmup_seconds = seconds_since(warmup_began);
    summary_.step_size = method_->step_size();
    chains_->read(state_);  // what was counted so far belongs to the warm-up
    const Clock::time_point sampling_began = Clock::now();
    if (!summary_.interrupted) sample(sampling_began);
    summary_.sampling_seconds = seconds_since(sampling_began);
    close();
    return std::move(summary_);
  }

 private:
  const std::vector<Variable>& variables() const { return target_.energy->variables(); }

  /// Draws starts; a chain whose start has no density (+infinity) is drawn again.
  void place(const Start& start) {
    summary_.exact_start = start.exact();
    std::vector<int64_t> again(options_.chains);
    for (int64_t chain = 0; chain < options_.chains; ++chain) again[chain] = chain;
    int attempt = 0;
    int64_t redrawn = 0;
    for (; !again.empty() && attempt < kMostAttempts; ++attempt) {
      draw_starts(start, again, attempt);
      chains_->evaluate();
      chains_->read(state_);
      std::vector<int64_t> without_density;
      for (const int64_t chain : again) {
        if (state_.energy[chain] == INFINITY) without_density.push_back(chain);
      }
      redrawn += static_cast<int64_t>(without_density.size());
      again = std::move(without_density);
    }
    if (!again.empty()) {
      throw NumericalError(fmt::format(
          "{} of {} chains found no start with density in {} attempts (first: chain {}; starts: {}). Give a start that "
          "lies where all experts have density: sample.start",
          again.size(), options_.chains, kMostAttempts, again.front(), start.description()));
    }
    summary_.start = start.description();
    if (redrawn > 0) {
      summary_.start += fmt::format("; {} starts without density were drawn again", redrawn);
      summary_.exact_start = false;
    }
    chains_->freeze_failed(0);
    chains_->read(state_);
    fail_where_all_frozen();
  }

  void draw_starts(const Start& start, const std::vector<int64_t>& which, int attempt) {
    constexpr int64_t kBatch = 1024;
    std::vector<std::vector<double>> position;
    std::vector<double*> pointers;
    for (const Variable& variable : variables()) position.emplace_back(kBatch * variable.size());
    for (std::vector<double>& one : position) pointers.push_back(one.data());
    for (size_t i = 0; i < which.size();) {
      size_t rows = 1;  // neighbouring chains are drawn together
      while (rows < kBatch && i + rows < which.size() && which[i + rows] == which[i] + static_cast<int64_t>(rows))
        ++rows;
      start.draw(options_.seed, which[i], static_cast<int64_t>(rows), attempt, pointers.data());
      chains_->write(which[i], static_cast<int64_t>(rows), pointers.data());
      i += rows;
    }
  }

  /// Noise as wide as the widest support already draws anew everywhere; where a variable has no bounds a step may be
  /// anything that float32 still adds to positions of size one.
  double most_step_size() const {
    double widest = 0;
    for (const Variable& variable : variables()) {
      if (!variable.categorical()) widest = std::max(widest, variable.most - variable.least);
    }
    return std::isfinite(widest) ? widest * widest / (2 * target_.temperature) : 1e10;
  }

  /// The cohort finds the step size, one observation a step; then the others warm up with it.
  void tune() {
    StepSizeTuner tuner(method_->step_size(), *method_->wanted_acceptance(), options_.warmup, most_step_size());
    const Clock::time_point began = Clock::now();
    std::vector<double> sums;
    std::vector<uint8_t> frozen;
    for (int64_t step = 0; step < options_.warmup; ++step) {
      if (interrupted()) return;
      method_->set_step_size(tuner.current());
      chains_->advance(*method_, Chains::Part::kCohort, {static_cast<uint32_t>(step), 1});
      chains_->take_cohort_acceptance(sums, frozen);
      const double acceptance = mean_of_moving(sums, frozen, 1);
      tuner.observe(acceptance);
      report({.warmup = true,
              .done = step + 1,
              .total = options_.warmup,
              .acceptance = acceptance,
              .step_size = tuner.current(),
              .seconds = seconds_since(began),
              .frozen = count_frozen(frozen)});
    }
    method_->set_step_size(tuner.tuned());
    if (options_.chains <= kCohortChains) return;
    for (int64_t step = 0; step < options_.warmup; step += kMostInABlock) {
      if (interrupted()) return;
      const int64_t count = std::min(kMostInABlock, options_.warmup - step);
      chains_->advance(*method_, Chains::Part::kRest, {static_cast<uint32_t>(step), count});
      report({.warmup = true,
              .done = step + count,
              .total = options_.warmup,
              .acceptance = std::nan(""),
              .step_size = method_->step_size(),
              .seconds = seconds_since(began),
              .frozen = count_frozen(frozen)});
    }
  }

  /// Warm-up without tuning.
  void warm_up(int64_t steps) {
    const Clock::time_point began = Clock::now();
    for (int64_t step = 0; step < steps; step += kMostInABlock) {
      if (interrupted()) return;
      const int64_t count = std::min(kMostInABlock, steps - step);
      chains_->advance(*method_, Chains::Part::kAll, {static_cast<uint32_t>(step), count});
      std::vector<double> sums;
      std::vector<uint8_t> frozen;
      chains_->take_cohort_acceptance(sums, frozen);
      report({.warmup = true,
              .done = step + count,
              .total = steps,
              .acceptance = method_->proposes() ? mean_of_moving(sums, frozen, count) : 1,
              .step_size = method_->step_size(),
              .seconds = seconds_since(began),
              .frozen = count_frozen(frozen)});
    }
  }

  /// Moves all chains by `thin` steps; false where the run was interrupted on the way.
  bool advance_to_draw(int64_t first) {
    for (int64_t done = 0; done < options_.thin; done += kMostInABlock) {
      if (interrupted()) return false;
      const int64_t count = std::min(kMostInABlock, options_.thin - done);
      chains_->advance(*method_, Chains::Part::kAll, {static_cast<uint32_t>(first + done), count});
    }
    return true;
  }

  void sample(Clock::time_point began) {
    double acceptance_sum = 0, clipped_sum = 0;
    std::vector<double> acceptance(options_.chains);
    for (int64_t step = 0; step < options_.steps; step += options_.thin) {
      if (!advance_to_draw(options_.warmup + step)) break;
      chains_->read(state_);
      summary_.steps_done = step + options_.thin;
      const double mean = method_->proposes() ? mean_of_moving(state_.acceptance, state_.frozen, options_.thin) : 1.0;
      for (int64_t chain = 0; chain < options_.chains; ++chain) {
        acceptance[chain] = method_->proposes() ? state_.acceptance[chain] / static_cast<double>(options_.thin) : 1.0;
        clipped_sum += state_.clipped[chain] / static_cast<double>(options_.thin);
      }
      Draw draw;
      draw.index = summary_.draws;
      draw.step = summary_.steps_done;
      draw.chains = options_.chains;
      for (const std::vector<std::byte>& one : state_.position) draw.position.push_back(one.data());
      draw.energy = state_.energy.data();
      draw.expert_energy = state_.expert_energy.data();
      draw.acceptance = acceptance.data();
      draw.frozen = state_.frozen.data();
      for (Observer* observer : observers_) observer->drew(draw);
      ++summary_.draws;
      acceptance_sum += mean;
      report({.warmup = false,
              .done = summary_.steps_done,
              .total = options_.steps,
              .acceptance = mean,
              .step_size = method_->step_size(),
              .seconds = seconds_since(began),
              .frozen = count_frozen(state_.frozen)});
      fail_where_all_frozen();
    }
    if (summary_.draws > 0) {
      summary_.acceptance = acceptance_sum / static_cast<double>(summary_.draws);
      clipped_ = clipped_sum / static_cast<double>(summary_.draws * options_.chains);
    }
  }

  void close() {
    summary_.why_stopped = summary_.interrupted ? "interrupted" : fmt::format("all {} steps done", options_.steps);
    for (const uint32_t count : state_.nan_proposals) summary_.nan_proposals += count;
    note_frozen();
    summary_.notes =
        method_->notes({.temperature = target_.temperature, .acceptance = summary_.acceptance, .clipped = clipped_});
    if (!target_.energy->rows_alone()) {
      summary_.notes.push_back(
          "an expert says that its rows depend on their company: the same seed gives other bits with another number of "
          "chains");
    }
  }

  void note_frozen() {
    summary_.frozen.clear();
    summary_.frozen_count = count_frozen(state_.frozen);
    const size_t experts = target_.energy->experts().size();
    for (int64_t chain = 0; chain < options_.chains; ++chain) {
      if (!state_.frozen[chain]) continue;
      if (static_cast<int64_t>(summary_.frozen.size()) == kReportedFrozen) break;
      FrozenChain one{.chain = chain, .step = state_.frozen_step[chain], .expert_energy = {}};
      for (size_t e = 0; e < experts; ++e) {
        one.expert_energy.push_back(state_.expert_energy[e * options_.chains + chain]);
      }
      summary_.frozen.push_back(std::move(one));
    }
  }

  /// @throws NumericalError "step 1734: 256 of 256 chains became non-finite (first: chain 17, expert 'critic' = inf)…"
  void fail_where_all_frozen() {
    note_frozen();
    if (summary_.frozen_count < options_.chains) return;
    const FrozenChain& first = summary_.frozen.front();
    std::string experts;
    for (size_t e = 0; e < first.expert_energy.size(); ++e) {
      if (e > 0) experts += ", ";
      experts += fmt::format("expert '{}' = {:g}", target_.energy->experts()[e], first.expert_energy[e]);
    }
    throw NumericalError(
        fmt::format("step {}: all {} chains became non-finite (first: chain {}, {}). Lower step_size (now {:g})",
                    first.step, options_.chains, first.chain, experts, method_->step_size()));
  }

  bool interrupted() { return summary_.interrupted = stop_.load(); }

  void report(const Progress& progress) const {
    for (Observer* observer : observers_) observer->progressed(progress);
  }

  const Target& target_;
  const RunOptions& options_;
  std::span<Observer* const> observers_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Chains> chains_;
  ChainsState state_;
  RunSummary summary_;
  double clipped_ = 0;
};

}  // namespace

void check_run(const Target& target, const RunOptions& options) {
  check_at_least("chains", options.chains, 1);
  check_at_least("warmup", options.warmup, 0);
  check_at_least("steps", options.steps, 1);
  check_at_least("thin", options.thin, 1);
  check_at_least("threads", options.threads, 0);
  if (!(target.temperature > 0) || !std::isfinite(target.temperature)) {
    throw SettingError(fmt::format("sample.temperature must be > 0, got {:g}", target.temperature));
  }
  if (options.warmup + options.steps > int64_t{UINT32_MAX}) {
    throw SettingError(
        fmt::format("sample.warmup + sample.steps must be <= {}, got {}", UINT32_MAX, options.warmup + options.steps));
  }
  if (options.steps % options.thin != 0) {
    throw SettingError(fmt::format("sample.steps must be a multiple of sample.thin ({}), got {}. Use {}", options.thin,
                                   options.steps, (options.steps / options.thin + 1) * options.thin));
  }
  const std::unique_ptr<Method> method = make_method(options.method, options.values);
  method->check(*target.energy, target.temperature);
  TransformedRun::check(target);
  if (method->wanted_acceptance() && options.warmup < 20) {
    throw SettingError(fmt::format(
        "sample.warmup must be >= 20 where step_size is auto, got {}. Raise it, or give a step_size", options.warmup));
  }
}

RunSummary run(const Target& target, const Start& start, const RunOptions& options,
               std::span<Observer* const> observers, const std::atomic<bool>& stop) {
  if (!TransformedRun::needed(target)) return Runner(target, options, observers, stop).run(start);
  check_run(target, options);  // before the walls are out of sight
  const TransformedRun free(target, start, observers, workers_of(options));
  return Runner(free.target(), options, free.observers(), stop).run(free.start());
}

}  // namespace potluck
