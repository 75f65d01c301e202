// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/chains/chains.h"
#include "core/state_archive.h"

namespace potluck {

/// Tells whether replicas cross between the regions of a target while they are at the hottest temperature, from a
/// window of the warm-up.
///
/// Swaps hand states from rung to rung, so that the draws at one rung come from all regions whether or not anything
/// crosses. So each replica is followed through its ladder. In each quarter of the window its place is the mean of what
/// it was at, number by number, with the mean of its rung at that step taken away and in units of the rung's standard
/// deviation. With r_k the correlation over replicas of places k quarters apart, and d_k the median of their distances,
/// replicas stay where of some number
///
///   r_3 > 0.3, beyond chance,   r_3 > 0.7 r_1   and   d_3 < 1.4 d_1.
///
/// The last two keep slow moves within one region apart, which lead further the longer they last: of a random walk d_3
/// is twice d_1. Only replicas are compared that were at the hottest rung for half of their share of the two
/// quarters between.
class CrossingWatch {
 public:
  enum class Found : uint8_t {
    kUnknown,  ///< too few ladders, or too few replicas that came to the hottest rung
    kSlow,  ///< places are remembered and change, as of slow moves within one region, or of replicas that seldom cross
    kCross,
    kStay
  };

  /// @param replicas  of a ladder. @param steps of the window, >= 4.
  CrossingWatch(int64_t replicas, int64_t steps);

  /// Whether positions are wanted in this step of the window (0, 1, ...).
  bool reads(int64_t step) const;
  /// A step of the window.
  /// @param replica    [cohort] which replica of the ladder is at each row
  /// @param frozen     [cohort]
  /// @param positions  of the step, where they are wanted; else null
  void observe(int64_t step, const std::vector<uint32_t>& replica, const std::vector<uint8_t>& frozen,
               const CohortPositions* positions);
  /// After the last step of the window.
  Found judge() const;
  /// Begins another window.
  void clear();

  /// @throws FileError where what is read is nothing that a window can have shown.
  void persist(StateArchive& archive);

 private:
  static constexpr int64_t kQuarters = 4;

  void choose(const CohortPositions& positions);
  size_t identity(int64_t row, const std::vector<uint32_t>& replica) const;
  void add_place(int64_t quarter, const std::vector<uint32_t>& replica, const std::vector<double>& value,
                 size_t number);
  double correlation(const std::vector<size_t>& of, size_t number, int64_t a, int64_t b) const;
  bool stays(const std::vector<size_t>& of, size_t number) const;
  double median_distance(const std::vector<size_t>& of, size_t number, int64_t a, int64_t b) const;
  size_t place(int64_t quarter, size_t row, size_t number) const {
    return (static_cast<size_t>(quarter) * lost_.size() + row) * numbers_ + number;
  }

  int64_t replicas_, steps_;
  size_t numbers_ = 0;                          ///< that are watched; 0 until positions were seen
  std::vector<std::vector<int64_t>> elements_;  ///< of each variable, those that are watched
  std::vector<double> places_;                  ///< [quarters, cohort, numbers] sums, by replica
  std::vector<uint8_t> lost_;                   ///< [cohort] by replica: it froze
  std::vector<int64_t> at_hottest_;             ///< [cohort] steps of the middle half, by replica
};

}  // namespace potluck
