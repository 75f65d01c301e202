// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/nearest_neighbour_test.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/comparison/permutations.h"
#include "core/learning/data/shuffle.h"
#include "core/random/philox.h"

namespace potluck {
namespace {

std::vector<int64_t> order_of(int64_t count, uint32_t step, uint32_t seed) {
  return shuffled(
      count,
      {.seed = seed, .variable = variable_key("comparison.classifier"), .step = step, .purpose = Purpose::kShuffle});
}

/// Whether most of the k training rows that are nearest to `row` are of the first sample.
bool is_called_first(const PairDistances& distances, int64_t first, int64_t row, const std::vector<int64_t>& training,
                     int64_t k) {
  std::vector<std::pair<float, int64_t>> near;  // distance, place in the order of the training rows
  for (size_t place = 0; place < training.size(); ++place)
    near.emplace_back(distances.row(row)[training[place]], static_cast<int64_t>(place));
  std::nth_element(near.begin(), near.begin() + (k - 1), near.end());
  const auto votes = std::count_if(near.begin(), near.begin() + k,
                                   [&](const auto& one) { return training[static_cast<size_t>(one.second)] < first; });
  return 2 * votes > k;
}

}  // namespace

double fair_coin_tail(int64_t right, int64_t tosses) {
  double sum = 0;
  const auto all = static_cast<double>(tosses);
  for (int64_t i = tosses; i >= right; --i) {  // the smallest first
    const auto one = static_cast<double>(i);
    sum += std::exp(std::lgamma(all + 1) - std::lgamma(one + 1) - std::lgamma(all - one + 1) - all * std::log(2.0));
  }
  return std::min(1.0, sum);
}

ClassifierTest nearest_neighbour_test(const PairDistances& distances, int64_t first, uint32_t seed,
                                      ThreadPool& threads) {
  const int64_t second = distances.count() - first, each = std::min(first, second);
  const std::vector<int64_t> order_first = order_of(first, 0, seed), order_second = order_of(second, 1, seed);
  std::vector<int64_t> training, judged;
  for (int64_t i = 0; i < each; ++i) {
    std::vector<int64_t>& to = i < each / 2 ? training : judged;
    to.push_back(order_first[static_cast<size_t>(i)]);
    to.push_back(first + order_second[static_cast<size_t>(i)]);
  }
  std::vector<int64_t> mixed;
  for (const int64_t i : order_of(static_cast<int64_t>(training.size()), 2, seed))
    mixed.push_back(training[static_cast<size_t>(i)]);

  ClassifierTest found;
  found.judged = static_cast<int64_t>(judged.size());
  found.neighbours = static_cast<int64_t>(std::sqrt(static_cast<double>(mixed.size())));
  if (found.neighbours % 2 == 0) --found.neighbours;
  std::vector<uint8_t> is_right(judged.size());
  threads.run(found.judged, [&](int64_t one, int) {
    const int64_t row = judged[static_cast<size_t>(one)];
    const bool called_first = is_called_first(distances, first, row, mixed, found.neighbours);
    is_right[static_cast<size_t>(one)] = called_first == (row < first) ? 1 : 0;
  });
  const int64_t right = std::count(is_right.begin(), is_right.end(), uint8_t{1});
  const auto tosses = static_cast<double>(found.judged);
  found.accuracy = static_cast<double>(right) / tosses;
  found.standard_error = 1 / (2 * std::sqrt(tosses));
  found.p = fair_coin_tail(right, found.judged);
  int64_t fewest = found.judged + 1;  // right that are too many
  while (fewest > 0 && fair_coin_tail(fewest - 1, found.judged) <= kTestLevel) --fewest;
  found.level = static_cast<double>(fewest - 1) / tosses;
  return found;
}

}  // namespace potluck
