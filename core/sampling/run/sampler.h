// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/sampling/run/run.h"
#include "core/sampling/run/run_summary.h"

namespace potluck {

class Stepper;
class TransformedRun;
class WhitenedRun;

/// Chains that are held and stepped for as long as one likes; run() is a loop over one.
///
///   Sampler sampler(target, options, observers);
///   sampler.start(start);                                  // or restore(what save() gave)
///   while (sampler.steps() < sampler.warm_up_steps()) sampler.step(100);  // tunes
///   sampler.end_warm_up();
///   for (int i = 0; i < 1000; ++i) sampler.step(10), sampler.draw();
///   RunSummary summary = sampler.summary();
///
/// What is drawn has the bits of run() with the same target, options and start, where draws are taken after the same
/// steps. Of the options `steps`, `thin`, `checkpoint_every` and `until` are left to whoever holds the sampler; `steps`
/// is what progress() counts towards.
///
/// One thread at a time may call it; it moves the chains on threads of its own. After an exception from step() or
/// draw() the chains stand between two steps: save() what was before, or throw the sampler away.
class Sampler {
 public:
  /// @param observers  see each draw and store it as of Observer, in the user's coordinates. All that is given outlives
  ///   this, but for the options, which are copied.
  /// @throws SettingError as check_run()
  explicit Sampler(const Target& target, const RunOptions& options, std::span<Observer* const> observers = {});
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Draws where the chains begin. @throws NumericalError where a chain finds no start with density, or all are frozen
  void start(const Start& start);
  /// Takes the place of start(). @throws StateError where `saved` is not of such a run, and the sampler is of no use
  void restore(std::span<const std::byte> saved);
  /// All that changes, bit for bit, once what is left to do of the last draw is done.
  std::vector<std::byte> save();

  /// Annealing and warm-up are not over.
  bool warming_up() const;
  /// Steps that annealing and warm-up have together.
  int64_t warm_up_steps() const;
  /// Steps done in the present phase: of the warm-up, or behind it.
  int64_t steps() const;
  int64_t draws() const;

  /// Moves all chains by some steps, at most `most`, which is 1 at least: fewer in the warm-up, which tunes after each
  /// step and ends with the last one. Returns how many.
  int64_t step(int64_t most);
  /// Ends the warm-up where all its steps are done, and freezes what was tuned; step() behind it does so by itself.
  void end_warm_up();
  /// Shows the state of the chains to the observers as the next draw, at least one step behind the last. They may store
  /// it while the chains move on, and have done so when save(), summary() or finish_draw() returns.
  void draw();
  void finish_draw();
  /// Behind the last draw, or behind the warm-up; 0 in the warm-up.
  int64_t steps_since_draw() const;
  /// @throws NumericalError where all chains are frozen, as last read by start(), restore() and draw()
  void fail_where_all_are_frozen() const;

  /// What is known before the end: where the chains began, and behind the warm-up what it tuned.
  Beginning beginning() const;
  /// Where things stand, for a progress line.
  Progress progress();
  /// What was counted so far, of steps, acceptance and divergences up to the last draw; what ended the run is for who
  /// ended it to add.
  RunSummary summary();
  /// Those three with the steps since the last draw.
  SoFar so_far();

 private:
  RunOptions options_;
  std::unique_ptr<TransformedRun> transformed_;  ///< where walls are transformed
  std::unique_ptr<WhitenedRun> whitened_;        ///< where the metric is dense
  std::unique_ptr<Stepper> stepper_;
};

}  // namespace potluck
