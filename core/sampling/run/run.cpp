// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "core/methods/label_blocks.h"
#include "core/methods/method.h"
#include "core/sampling/run/option_errors.h"
#include "core/sampling/run/sampler.h"
#include "core/sampling/run/transformed_run.h"
#include "core/sampling/run/whitened_run.h"

namespace potluck {

namespace {

constexpr int64_t kMostInABlock = 50;  // steps between two looks at `stop`

/// The loop of a run: how far to step before the next look around, when to draw, to report, to hand out a checkpoint
/// and to end.
class RunLoop {
 public:
  RunLoop(Sampler& sampler, const RunOptions& options, std::span<Observer* const> observers,
          const std::atomic<bool>& stop)
      : sampler_(sampler), options_(options), observers_(observers), stop_(stop) {}

  RunSummary run() {
    tell_beginning();
    warm_up();
    if (!interrupted_) sample();
    hand_out_checkpoint();
    RunSummary summary = sampler_.summary();
    summary.interrupted = interrupted_;
    summary.stopped_by_rule = !rule_.empty();
    summary.why_stopped = why_stopped();
    return summary;
  }

 private:
  void warm_up() {
    while (sampler_.warming_up() && sampler_.steps() < sampler_.warm_up_steps()) {
      if (interrupted()) return;
      step(sampler_.warm_up_steps() - sampler_.steps());
      report();
      offer_checkpoint();
    }
    if (!sampler_.warming_up()) return;
    sampler_.end_warm_up();
    tell_beginning();
  }

  void sample() {
    try {
      draw_until_it_ends();
    } catch (...) {
      sampler_.finish_draw();  // of what came before
      throw;
    }
    sampler_.finish_draw();
  }

  void draw_until_it_ends() {
    // Where a run that the rule had ended was cut short before it was closed, it ends here again.
    if (rule_holds()) return;
    while (sampler_.steps() < options_.steps) {
      const int64_t to_draw = options_.thin - sampler_.steps() % options_.thin;
      if (interrupted()) return;
      step(to_draw);
      const bool drawn = sampler_.steps() % options_.thin == 0;
      if (drawn) {
        sampler_.draw();
        report();
        sampler_.fail_where_all_are_frozen();
      }
      offer_checkpoint();
      if (drawn && rule_holds()) return;
    }
  }

  /// To the next look around, at most `most` steps.
  void step(int64_t most) {
    most = std::min(most, kMostInABlock);
    if (options_.checkpoint_every > 0) most = std::min(most, options_.checkpoint_every - since_checkpoint_);
    since_checkpoint_ += sampler_.step(most);
  }

  /// Asks the rule behind a draw.
  bool rule_holds() {
    if (!options_.until || sampler_.draws() == 0 || sampler_.steps() % options_.thin != 0) return false;
    const auto why = options_.until->reached(sampler_.draws(), sampler_.steps());
    if (why) rule_ = *why;
    return why.has_value();
  }

  bool interrupted() { return interrupted_ = stop_.load(); }

  void tell_beginning() {
    const Beginning beginning = sampler_.beginning();
    for (Observer* observer : observers_) observer->began(beginning);
  }

  void report() {
    const Progress progress = sampler_.progress();
    for (Observer* observer : observers_) observer->progressed(progress);
  }

  void offer_checkpoint() {
    if (options_.checkpoint_every > 0 && since_checkpoint_ >= options_.checkpoint_every) hand_out_checkpoint();
  }

  void hand_out_checkpoint() {
    since_checkpoint_ = 0;
    const std::vector<std::byte> bytes = sampler_.save();
    for (Observer* observer : observers_) observer->checkpointed(bytes, sampler_.draws());
  }

  std::string why_stopped() const {
    if (interrupted_) return sampler_.warming_up() ? "interrupted in the warm-up" : "interrupted";
    return rule_.empty() ? fmt::format("all {} steps done", options_.steps) : rule_;
  }

  Sampler& sampler_;
  const RunOptions& options_;
  std::span<Observer* const> observers_;
  const std::atomic<bool>& stop_;
  int64_t since_checkpoint_ = 0;
  bool interrupted_ = false;
  std::string rule_;  ///< that ended the run, in its words
};

void check_labels(const Target& target, const RunOptions& options) {
  const std::vector<Variable>& variables = target.energy->variables();
  const std::vector<int> labels = moving_labels(variables, target.held);
  if (labels.empty() || !options.blocks.empty()) return;
  throw SettingError("sample.blocks",
                     fmt::format(" must have one with gibbs for '{}', which is categorical and moves, got no blocks. "
                                 "label_blocks() makes them",
                                 variables[static_cast<size_t>(labels.front())].name));
}

}  // namespace

void check_run(const Target& target, const RunOptions& options) {
  const std::vector<SettingError> errors = option_errors(options, target.temperature);
  if (!errors.empty()) throw SettingError(errors.front());
  const std::vector<SettingError> too_many = size_errors(options, target.energy->variables());
  if (!too_many.empty()) throw SettingError(too_many.front());
  const std::vector<SettingError> unfit =
      schedule_errors(options.anneal, target.energy->variables(), target.held, target.energy->precision());
  if (!unfit.empty()) throw SettingError(unfit.front());
  check_labels(target, options);
  const std::unique_ptr<Method> method = make_method(options);
  method->check(target);
  TransformedRun::check(target);
  if (method->tuning().dense) WhitenedRun::check(target);
}

RunSummary run(const Target& target, const Start& start, const RunOptions& options,
               std::span<Observer* const> observers, const std::atomic<bool>& stop,
               std::span<const std::byte> checkpoint) {
  Sampler sampler(target, options, observers);
  if (checkpoint.empty())
    sampler.start(start);
  else
    sampler.restore(checkpoint);
  return RunLoop(sampler, options, observers, stop).run();
}

}  // namespace potluck
