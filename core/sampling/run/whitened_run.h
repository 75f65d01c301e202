// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "core/energy/whitened_energy.h"
#include "core/sampling/run/run.h"

namespace potluck {

/// The two sides of a run with `metric: dense`, whose chains move in whitened coordinates (WhitenedEnergy), while
/// whoever observes it sees the target's:
///
///   target()     the energy in z; held values are the given ones
///   observers()  one, which hands each draw on to the user's with x for z
///
/// Starts are x, for z = x until the warm-up knows better. Everything that is given outlives this.
class WhitenedRun {
 public:
  /// More numbers than this have no dense metric: its matrix has their square.
  static constexpr int64_t kMostNumbers = 1024;

  /// @throws SettingError where a variable that moves has a reflecting face, which would lie across z, or too many
  /// numbers move.
  static void check(const Target& target);

  /// @param workers  as of WhitenedEnergy
  WhitenedRun(const Target& target, std::span<Observer* const> observers, int workers);
  ~WhitenedRun();

  const Target& target() const { return target_; }
  WhitenedEnergy& energy() { return *energy_; }
  std::span<Observer* const> observers() const { return {&observer_in_list_, 1}; }

 private:
  Target target_;
  std::unique_ptr<WhitenedEnergy> energy_;
  std::unique_ptr<Observer> observer_;
  Observer* observer_in_list_ = nullptr;
};

}  // namespace potluck
