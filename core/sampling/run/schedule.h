// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/precision.h"
#include "core/variables/variable.h"

namespace potluck {

/// How the values of a number are spaced from where it begins to where it belongs.
enum class Spacing : uint8_t {
  kGeometric,  ///< equal factors: both ends are other than 0 and have one sign
  kKarras,     ///< equal distances of seventh roots, so that most levels are near the end: both ends have one sign, or
               ///< one of them is 0
  kLinear,     ///< equal distances
};

/// A number that the user gives, and that moves before the warm-up to the value that is given.
struct GivenNumber {
  int variable = 0;  ///< index into the target's variables: one real number, held whole
  double from = 0;   ///< its value at the first level
};

/// Numbers that move before the warm-up, level by level, to where they belong: the temperature, as in simulated
/// annealing (Kirkpatrick, Gelatt & Vecchi 1983), and given numbers that models read, such as a level of noise. Chains
/// cross from mode to mode at the first levels, while hills are low. In which mode a chain ends is decided by the
/// schedule, not by the mode's weight.
///
/// At the first step of a level its numbers are set, and where a given number moved energies and gradients are
/// evaluated anew; then the chains make the level's steps by the method of the run. Behind the last level every number
/// stands where it belongs, and the warm-up begins.
struct Schedule {
  std::optional<double> temperature;  ///< of the first level, above that of the run; none: it does not move
  std::vector<GivenNumber> given;
  int64_t levels = 0;  ///< 0: nothing moves
  int64_t steps = 1;   ///< of each level
  Spacing spacing = Spacing::kGeometric;

  // Where one given number moves, and it is a level of noise sigma that falls:
  /// At the first step of a level each chain moves along the probability flow from the level before, on the numbers
  /// that noise blurs: x <- x + (sigma' - sigma) sigma grad E(x, sigma), Karras et al. 2022, equation 4. A guess, which
  /// the steps of the level correct.
  bool predictor = false;
  /// The moves of a level have the step size eta sigma^2; behind the last level the warm-up begins from there.
  bool step_by_level = false;
  /// eta; none: tuned on the cohort over all levels where warm-up tunes the method itself, else the method's own
  /// (Method::level_step_size).
  std::optional<double> step_size;
  /// The given numbers that noise blurs are value + sigma z at every level, with new z, and the values behind the last.
  bool noisy_given = false;
  /// Which numbers it blurs, [n] per variable, 1: it does; empty: none of the variable.
  std::vector<std::vector<uint8_t>> blurred;

  /// Written in the file as `sample.cooling`, an older form of a temperature that moves: errors name its keys.
  bool cooling = false;

  bool any() const { return levels > 0; }
  /// A given number moves, and is taken for a level of noise.
  bool of_noise() const { return any() && (predictor || step_by_level || noisy_given); }
  bool moves(int variable) const;
  /// Of all levels; the largest number there is where they are more.
  int64_t steps_in_all() const;
  /// At level 0, 1, ..., levels: `from` at the first of them, `to` at the last. With r = level / levels:
  ///
  ///   geometric  to (from/to)^(1 - r)
  ///   karras     (from^(1/7) + r (to^(1/7) - from^(1/7)))^7, Karras et al. 2022, equation 5 with rho = 7
  ///   linear     from + r (to - from)
  double value(int64_t level, double from, double to) const;
};

/// The name that a composition file has for it.
const char* name_of(Spacing spacing);

/// What of the given numbers a run of these variables refuses, each text beginning with the path of what is wrong, such
/// as "sample.anneal.noise.from".
/// @param held one per variable. @param precision of the positions
std::vector<SettingError> schedule_errors(const Schedule& schedule, const std::vector<Variable>& variables,
                                          const std::vector<Held>& held, Precision precision);

}  // namespace potluck
