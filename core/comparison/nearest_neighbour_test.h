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
  double p = 1;               ///< Fisher's exact test of which rows are called what
  int64_t judged = 0;
  int64_t neighbours = 0;
};

/// The classifier two-sample test (Lopez-Paz & Oquab 2017) by the k nearest neighbours. Of each sample as many rows as
/// the smaller has take part; half of them train, the others are judged. k is the square root of the training rows,
/// rounded down to an odd number, so that no vote is a tie. Rows at the same distance are taken in a random order.
///
/// Where both samples are of one law, the judged rows might as well have changed their sides. The p-value is therefore
/// that of Fisher's exact test, given how many rows are called first. Tosses of a fair coin have nearly the same law,
/// but not the same: of as many rows of each side either an even or an odd number is right.
///
/// Which rows take part, and in which order, is that of purpose kShuffle, name `comparison.classifier`, step 0 of the
/// first sample and 1 of the second, and step 2 of the training rows.
/// @param distances  of the pooled rows  @param first  rows of the first sample; each sample has at least 4
ClassifierTest nearest_neighbour_test(const PairDistances& distances, int64_t first, uint32_t seed,
                                      ThreadPool& threads);

/// The probability that of `called` rows, taken at random from `first` + `second`, at least `hits` are of the first.
double fisher_tail(int64_t hits, int64_t first, int64_t second, int64_t called);

}  // namespace potluck
