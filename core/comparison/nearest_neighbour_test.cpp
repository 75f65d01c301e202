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

double fisher_tail(int64_t hits, int64_t first, int64_t second, int64_t called) {
  const auto log_choose = [](int64_t of, int64_t count) {
    const auto n = static_cast<double>(of), k = static_cast<double>(count);
    return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  };
  double sum = 0;
  for (int64_t k = std::min(first, called); k >= std::max(hits, called - second); --k)  // the smallest first
    sum += std::exp(log_choose(first, k) + log_choose(second, called - k) - log_choose(first + second, called));
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
  std::vector<uint8_t> called_first(judged.size());
  threads.run(found.judged, [&](int64_t one, int) {
    const auto place = static_cast<size_t>(one);
    called_first[place] = is_called_first(distances, first, judged[place], mixed, found.neighbours) ? 1 : 0;
  });
  int64_t called = 0, hits = 0;  // rows that are called first, and those of them that are
  for (size_t one = 0; one < judged.size(); ++one) {
    called += called_first[one];
    hits += judged[one] < first ? called_first[one] : 0;
  }
  const int64_t of_each = found.judged / 2;
  // Right are the hits, and those of the second sample that are not called first.
  const auto accuracy_of = [&](int64_t k) {
    return static_cast<double>(2 * k + of_each - called) / static_cast<double>(found.judged);
  };
  found.accuracy = accuracy_of(hits);
  found.standard_error = 1 / (2 * std::sqrt(static_cast<double>(found.judged)));
  found.p = fisher_tail(hits, of_each, of_each, called);
  int64_t accepted = std::min(of_each, called);  // the most hits that are not too many
  while (accepted > 0 && fisher_tail(accepted, of_each, of_each, called) <= kTestLevel) --accepted;
  found.level = accuracy_of(accepted);
  return found;
}

}  // namespace potluck
