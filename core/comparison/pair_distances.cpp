// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/pair_distances.h"

#include <algorithm>
#include <cmath>

namespace potluck {
namespace {

constexpr int64_t kRowsAPiece = 16;

/// |a - b|^2. Four sums, whose order is fixed, so that the processor need not wait for each addition.
double squared_distance(const double* a, const double* b, int64_t size) {
  double sums[4] = {0, 0, 0, 0};
  int64_t i = 0;
  for (; i + 4 <= size; i += 4) {
    for (int64_t lane = 0; lane < 4; ++lane) {
      const double between = a[i + lane] - b[i + lane];
      sums[lane] += between * between;
    }
  }
  for (; i < size; ++i) sums[0] += (a[i] - b[i]) * (a[i] - b[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

PairDistances::PairDistances(const Rows& rows, ThreadPool& threads)
    : count_(rows.count()), distances_(static_cast<size_t>(count_ * count_)) {
  // A piece writes the rows of its own above the diagonal, and their mirror image: no number is written twice.
  threads.run((count_ + kRowsAPiece - 1) / kRowsAPiece, [&](int64_t piece, int) {
    const int64_t end = std::min(count_, (piece + 1) * kRowsAPiece);
    for (int64_t i = piece * kRowsAPiece; i < end; ++i)
      for (int64_t j = i + 1; j < count_; ++j) {
        const auto distance = static_cast<float>(std::sqrt(squared_distance(rows.row(i), rows.row(j), rows.size)));
        distances_[static_cast<size_t>(i * count_ + j)] = distance;
        distances_[static_cast<size_t>(j * count_ + i)] = distance;
      }
  });
}

double PairDistances::median() const {
  std::vector<float> apart;
  apart.reserve(static_cast<size_t>(count_ * (count_ - 1) / 2));
  for (int64_t i = 0; i < count_; ++i)
    for (int64_t j = i + 1; j < count_; ++j)
      if (const float distance = row(i)[j]; distance > 0) apart.push_back(distance);
  if (apart.empty()) return 1;
  const auto middle = apart.begin() + static_cast<std::ptrdiff_t>(apart.size() / 2);
  std::nth_element(apart.begin(), middle, apart.end());
  return static_cast<double>(*middle);
}

}  // namespace potluck
