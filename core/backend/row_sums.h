// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace potluck {

/// What a run makes of a number that every row sums up, and what run.json says of it.
struct RowSum {
  enum class Since : uint8_t {
    kDraw,   ///< the last draw: the sums begin anew with each
    kStart,  ///< the run began
  };
  /// What a row adds one number for, in a step of sampling, and a mean is over.
  enum class Per : uint8_t {
    kNothing,      ///< no mean is taken
    kStep,         ///< every step
    kEnergyError,  ///< Method::energy_errors() times a step
    kFace,         ///< every coordinate with reflecting faces that moves
  };

  Since since = Since::kDraw;
  bool drawn = true;   ///< the host reads it with every draw
  bool tuned = false;  ///< warm-up reads it of the cohort after each step, where those since kDraw begin anew
  Per per = Per::kNothing;
  bool root = false;          ///< of the mean, which then is one of squares
  const char* key = nullptr;  ///< in run.json: of a count its sum, of the others their means; null: not there

  /// The name of the mean in run.json, below `key`.
  const char* figure() const { return root ? "root_mean_square" : "mean"; }
};

/// The sums of rows, each in an array of one kind: `double*` in a Group, std::vector<double> in what the host reads. To
/// count something more, add it here, in all three places, raise kRowSumsVersion, and count it: chains keep, clear and
/// read it, ranks hand it on, checkpoints hold it, run.json has it under its key, and `potluck merge` joins it.
template <template <class> class Array>
struct RowSums {
  Array<uint32_t> nan_proposals{};   ///< proposals that were rejected because they were not numbers
  Array<uint32_t> divergences{};     ///< proposals with an energy error above kDivergence T, or that overflowed
  Array<double> acceptance{};        ///< acceptance probabilities
  Array<double> energy_error{};      ///< (energy error / T)^2
  Array<double> clipped{};           ///< over steps, the share of coordinates whose gradient was clipped
  Array<double> trajectory_slope{};  ///< ChEES slopes, see Kernels::add_trajectory_slope
  Array<double> gradient_square{};   ///< over steps, |grad E|^2 in free coordinates, of the state after a step
  Array<double> reflected{};         ///< how often a coordinate was folded back at a face
};

/// Names what is said of each sum (RowSum), in their order: `RowSums<RowSumOf>`.
template <class>
using RowSumOf = RowSum;
inline constexpr RowSums<RowSumOf> kRowSums = {
    .nan_proposals = {.since = RowSum::Since::kStart, .tuned = true, .key = "nan_proposals"},
    .divergences = {.key = "divergences"},
    .acceptance = {.tuned = true},
    .energy_error = {.tuned = true, .per = RowSum::Per::kEnergyError, .root = true, .key = "energy_error"},
    .clipped = {},
    .trajectory_slope = {.drawn = false, .tuned = true},
    .gradient_square = {.per = RowSum::Per::kStep, .root = true, .key = "gradient_norm"},
    .reflected = {.per = RowSum::Per::kFace, .key = "reflected"},
};

/// Calls `use(about, one...)` for each sum, with what is said of it and what it is in each of `sums`, in their order.
template <class Use, class... Sums>
void for_each_row_sum(Use use, Sums&... sums) {
  use(kRowSums.nan_proposals, sums.nan_proposals...);
  use(kRowSums.divergences, sums.divergences...);
  use(kRowSums.acceptance, sums.acceptance...);
  use(kRowSums.energy_error, sums.energy_error...);
  use(kRowSums.clipped, sums.clipped...);
  use(kRowSums.trajectory_slope, sums.trajectory_slope...);
  use(kRowSums.gradient_square, sums.gradient_square...);
  use(kRowSums.reflected, sums.reflected...);
}

/// Of the list above: a part of the version of checkpoints, which hold the sums in their order.
inline constexpr uint32_t kRowSumsVersion = 0;

template <class Number>
using RowArray = Number*;
template <class Number>
using HostArray = std::vector<Number>;

}  // namespace potluck
