// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "core/energy/transformed_energy.h"
#include "core/sampling/run/run.h"

namespace potluck {

/// The three sides of a run whose variables with `walls: transform` move in free coordinates (TransformedEnergy), while
/// whoever starts and observes it sees theirs:
///
///   target()     the energy in free coordinates; held values are the given ones
///   free(start)  starts of the user's, made free. A number on a wall has no free coordinate: it begins about a
///                thousandth inside, of the support's width, or of 1 where the other end is open, and the description
///                counts such numbers. @throws SettingError for a start outside its support.
///   observers()  one, which hands each draw on to the user's with x for u, and E(x) for E_u
///
/// Everything that is given outlives this.
class TransformedRun {
 public:
  static bool needed(const Target& target);
  /// What the constructor would refuse. @throws SettingError as TransformedEnergy
  static void check(const Target& target);

  /// @param workers  as of TransformedEnergy
  TransformedRun(const Target& target, std::span<Observer* const> observers, int workers);
  ~TransformedRun();

  const Target& target() const { return target_; }
  /// @param start outlives what is returned
  std::unique_ptr<const Start> free(const Start& start) const;
  std::span<Observer* const> observers() const { return {&observer_in_list_, 1}; }

 private:
  Target target_;
  std::unique_ptr<const TransformedEnergy> energy_;
  std::unique_ptr<Observer> observer_;
  Observer* observer_in_list_ = nullptr;
};

}  // namespace potluck
