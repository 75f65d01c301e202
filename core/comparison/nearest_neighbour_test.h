// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/comparison/pair_distances.h"

namespace potluck {

/// How well a classifier tells rows apart that it was not trained on.
struct ClassifierTest {
  double accuracy = 0.5;
  double standard_error = 0;  ///< of an accuracy of 1/2: 1 / (2 sqrt(judged))
  double level = 1;           ///< p <= kTestLevel exactly where accuracy > level
  double p = 1;               ///< that of at least as many right of `judged` tosses of a fair coin
  int64_t judged = 0;
  int64_t neighbours = 0;
};

/// The classifier two-sample test (Lopez-Paz & Oquab 2017) by the k nearest neighbours. Of each sample as many rows as
/// the smaller has take part; half of them train, the others are judged. k is the square root of the training rows,
/// rounded down to an odd number, so that no vote is a tie. Rows at the same distance are taken in a random order.
///
/// The binomial law errs on the safe side: of as many rows of each sample the number that is right varies no more than
/// that of independent tosses, whatever the classifier says.
///
/// Which rows take part, and in which order, is that of purpose kShuffle, name `comparison.classifier`, step 0 of the
/// first sample and 1 of the second, and step 2 of the training rows.
/// @param distances  of the pooled rows  @param first  rows of the first sample; each sample has at least 4
ClassifierTest nearest_neighbour_test(const PairDistances& distances, int64_t first, uint32_t seed,
                                      ThreadPool& threads);

/// P(at least `right` of `tosses` tosses of a fair coin).
double fair_coin_tail(int64_t right, int64_t tosses);

}  // namespace potluck
