// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/backend/thread_pool.h"
#include "core/comparison/pair_distances.h"

namespace potluck {

/// What a test by resampling finds: a number of two samples, held against its law where both are of one law.
struct Resampled {
  double value = 0;
  double level = 0;  ///< p <= kTestLevel exactly where value > level
  double p = 1;      ///< (1 + b) / (1 + P), b of the P resampled numbers at or above the value: never 0
};

/// The probability with which each test may accuse samples of one law.
inline constexpr double kTestLevel = 0.05;
/// Fewer than these have no level.
inline constexpr int64_t kLeastPermutations = 19;

/// @param values  [1 + P], that of the samples first, then those that were resampled; P >= kLeastPermutations
Resampled resampled(const std::vector<double>& values);

/// Which of the n + m pooled rows are called the first sample: as they are, and in P random relabellings. Where both
/// samples are of one law, all of them are equally likely, so that p holds whatever that law is (Pitman 1937).
/// Relabelling p takes the first n of the order of purpose kShuffle, name `comparison.permutation`, step p, chain 0.
class Relabellings {
 public:
  Relabellings(int64_t first, int64_t second, int64_t permutations, uint32_t seed);

  int64_t first() const { return first_; }
  int64_t second() const { return second_; }
  int64_t count() const { return static_cast<int64_t>(members_.size()); }  ///< 1 + P
  /// The rows that are the first sample, ascending, [n].
  const std::vector<int32_t>& members(int64_t relabelling) const { return members_[static_cast<size_t>(relabelling)]; }

 private:
  int64_t first_, second_;
  std::vector<std::vector<int32_t>> members_;
};

/// For each relabelling, the unbiased difference of mean values of a function f of the distance of two rows:
///
///   mean of f over pairs within the first + mean of f over pairs within the second - 2 mean of f over pairs across
///
/// @param f  writes f of `count` distances
/// @returns [1 + P]. The bits do not depend on the number of threads.
using DistanceFunction = std::function<void(const float* distances, int64_t count, double* values)>;
std::vector<double> mean_differences(const PairDistances& distances, const Relabellings& relabellings,
                                     const DistanceFunction& f, ThreadPool& threads);

}  // namespace potluck
