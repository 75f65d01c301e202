// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/permutations.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/learning/data/shuffle.h"
#include "core/random/philox.h"

namespace potluck {
namespace {

constexpr int64_t kRowsAPiece = 32;

/// What pairs of rows come to in one relabelling.
struct PairSums {
  double within = 0;    ///< pairs of the first sample, each once
  double touching = 0;  ///< for each row of the first sample its pairs with all rows
};

/// The sum of values[j] over the members j > i.
double sum_beyond(const std::vector<int32_t>& members, int64_t i, const double* values) {
  auto one =
      static_cast<size_t>(std::upper_bound(members.begin(), members.end(), static_cast<int32_t>(i)) - members.begin());
  double sums[4] = {0, 0, 0, 0};
  for (; one + 4 <= members.size(); one += 4)
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += values[members[one + lane]];
  for (; one < members.size(); ++one) sums[0] += values[members[one]];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

Resampled resampled(const std::vector<double>& values) {
  Resampled found;
  found.value = values.front();
  std::vector<double> others(values.begin() + 1, values.end());
  const auto above = std::count_if(others.begin(), others.end(), [&](double one) { return one >= found.value; });
  found.p = static_cast<double>(1 + above) / static_cast<double>(values.size());
  // The k-th largest: k is the number of values that p <= kTestLevel allows at or above, with that of the samples.
  const auto k = static_cast<std::ptrdiff_t>(std::floor(kTestLevel * static_cast<double>(values.size()) + 1e-9));
  std::nth_element(others.begin(), others.begin() + (k - 1), others.end(), std::greater<>());
  found.level = others[static_cast<size_t>(k - 1)];
  return found;
}

Relabellings::Relabellings(int64_t first, int64_t second, int64_t permutations, uint32_t seed)
    : first_(first), second_(second) {
  std::vector<int32_t> as_they_are(static_cast<size_t>(first));
  std::iota(as_they_are.begin(), as_they_are.end(), 0);
  members_.push_back(std::move(as_they_are));
  for (int64_t p = 1; p <= permutations; ++p) {
    const std::vector<int64_t> order = shuffled(first + second, {.seed = seed,
                                                                 .variable = variable_key("comparison.permutation"),
                                                                 .step = static_cast<uint32_t>(p),
                                                                 .purpose = Purpose::kShuffle});
    std::vector<int32_t> members(static_cast<size_t>(first));
    for (size_t i = 0; i < members.size(); ++i) members[i] = static_cast<int32_t>(order[i]);
    std::sort(members.begin(), members.end());
    members_.push_back(std::move(members));
  }
}

std::vector<double> mean_differences(const PairDistances& distances, const Relabellings& relabellings,
                                     const DistanceFunction& f, ThreadPool& threads) {
  const int64_t rows = distances.count(), count = relabellings.count();
  const int64_t pieces = (rows + kRowsAPiece - 1) / kRowsAPiece;
  // Which relabellings call a row first, so that a row is looked at for those alone.
  std::vector<std::vector<int32_t>> called_first(static_cast<size_t>(rows));
  for (int64_t p = 0; p < count; ++p)
    for (const int32_t row : relabellings.members(p))
      called_first[static_cast<size_t>(row)].push_back(static_cast<int32_t>(p));

  std::vector<std::vector<PairSums>> of_piece(static_cast<size_t>(pieces));
  std::vector<double> row_sums(static_cast<size_t>(rows));
  threads.run(pieces, [&](int64_t piece, int) {
    std::vector<PairSums> sums(static_cast<size_t>(count));
    std::vector<double> values(static_cast<size_t>(rows));
    const int64_t end = std::min(rows, (piece + 1) * kRowsAPiece);
    for (int64_t i = piece * kRowsAPiece; i < end; ++i) {
      f(distances.row(i), rows, values.data());
      values[static_cast<size_t>(i)] = 0;
      const double whole = std::accumulate(values.begin(), values.end(), 0.0);
      row_sums[static_cast<size_t>(i)] = whole;
      for (const int32_t p : called_first[static_cast<size_t>(i)]) {
        PairSums& of_one = sums[static_cast<size_t>(p)];
        of_one.within += sum_beyond(relabellings.members(p), i, values.data());
        of_one.touching += whole;
      }
    }
    of_piece[static_cast<size_t>(piece)] = std::move(sums);
  });

  const double all = std::accumulate(row_sums.begin(), row_sums.end(), 0.0) / 2;
  const auto n = static_cast<double>(relabellings.first()), m = static_cast<double>(relabellings.second());
  std::vector<double> found;
  for (size_t p = 0; p < static_cast<size_t>(count); ++p) {
    double first = 0, touching = 0;
    for (const std::vector<PairSums>& sums : of_piece) {
      first += sums[p].within;
      touching += sums[p].touching;
    }
    const double across = touching - 2 * first;
    const double second = all - first - across;
    found.push_back(first / (n * (n - 1) / 2) + second / (m * (m - 1) / 2) - 2 * across / (n * m));
  }
  return found;
}

}  // namespace potluck
