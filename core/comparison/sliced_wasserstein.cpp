// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/sliced_wasserstein.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/random/philox.h"

namespace potluck {
namespace {

/// A direction on the unit sphere, [size].
std::vector<double> direction_of(int64_t size, int64_t number, uint32_t seed) {
  const NoiseAddress at{.seed = seed,
                        .variable = variable_key("comparison.direction"),
                        .step = static_cast<uint32_t>(number),
                        .purpose = Purpose::kProposal};
  std::vector<double> direction;
  double squares = 0;
  for (int64_t i = 0; i < size; ++i) {
    direction.push_back(static_cast<double>(standard_normal(at, i)));
    squares += direction.back() * direction.back();
  }
  for (double& one : direction) one /= std::sqrt(squares);
  return direction;
}

/// The squared Wasserstein-2 distance of sorted numbers, each of a sample equally likely.
double squared_distance(const std::vector<double>& first, const std::vector<double>& second) {
  const size_t n = first.size(), m = second.size();
  // Steps of both quantile functions in units of 1 / (n m), in which their ends are whole numbers.
  size_t i = 0, j = 0, at = 0;
  double sum = 0;
  while (i < n && j < m) {
    const size_t end_first = (i + 1) * m, end_second = (j + 1) * n, end = std::min(end_first, end_second);
    const double between = first[i] - second[j];
    sum += static_cast<double>(end - at) * between * between;
    at = end;
    if (end == end_first) ++i;
    if (end == end_second) ++j;
  }
  return sum / (static_cast<double>(n) * static_cast<double>(m));
}

/// What one direction comes to in each relabelling, [1 + P].
std::vector<double> along(const std::vector<double>& direction, const Rows& rows,
                          const std::vector<std::vector<uint8_t>>& is_first) {
  std::vector<double> projected;
  for (int64_t i = 0; i < rows.count(); ++i)
    projected.push_back(std::inner_product(direction.begin(), direction.end(), rows.row(i), 0.0));
  std::vector<size_t> order(projected.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return projected[a] != projected[b] ? projected[a] < projected[b] : a < b; });
  std::vector<double> found;
  std::vector<double> samples[2];
  for (const std::vector<uint8_t>& first : is_first) {
    samples[0].clear();
    samples[1].clear();
    for (const size_t i : order) samples[first[i] != 0 ? 0 : 1].push_back(projected[i]);
    found.push_back(squared_distance(samples[0], samples[1]));
  }
  return found;
}

}  // namespace

Resampled sliced_wasserstein(const Rows& rows, const Relabellings& relabellings, int64_t directions, uint32_t seed,
                             ThreadPool& threads) {
  std::vector<std::vector<uint8_t>> is_first;
  for (int64_t p = 0; p < relabellings.count(); ++p) {
    is_first.emplace_back(static_cast<size_t>(rows.count()), uint8_t{0});
    for (const int32_t row : relabellings.members(p)) is_first.back()[static_cast<size_t>(row)] = 1;
  }
  std::vector<std::vector<double>> of_direction(static_cast<size_t>(directions));
  threads.run(directions, [&](int64_t number, int) {
    of_direction[static_cast<size_t>(number)] = along(direction_of(rows.size, number, seed), rows, is_first);
  });
  std::vector<double> means(static_cast<size_t>(relabellings.count()));
  for (const std::vector<double>& one : of_direction)
    for (size_t p = 0; p < means.size(); ++p) means[p] += one[p] / static_cast<double>(directions);
  return resampled(means);
}

}  // namespace potluck
