// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/stein_discrepancy.h"

#include <algorithm>
#include <cmath>

#include "core/comparison/pair_distances.h"
#include "core/random/philox.h"

namespace potluck {
namespace {

constexpr int64_t kRowsAPiece = 32;

/// The signs of all resamplings, [rows, 1 + resamplings]; those of resampling 0 are +1: it is the value itself.
std::vector<float> signs_of(int64_t rows, int64_t resamplings, uint32_t seed) {
  const auto count = static_cast<size_t>(1 + resamplings);
  std::vector<float> signs(static_cast<size_t>(rows) * count, 1.0f);
  for (int64_t b = 1; b <= resamplings; ++b) {
    const NoiseAddress at{.seed = seed,
                          .variable = variable_key("comparison.bootstrap"),
                          .step = static_cast<uint32_t>(b),
                          .purpose = Purpose::kShuffle};
    PhiloxWords words{};
    for (int64_t i = 0; i < rows; ++i) {
      if (i % 4 == 0) words = philox_words(at, static_cast<uint32_t>(i / 4));
      if ((words.word[i % 4] & 1u) != 0) signs[static_cast<size_t>(i) * count + static_cast<size_t>(b)] = -1.0f;
    }
  }
  return signs;
}

double stein_kernel(const double* x, const double* y, const double* score_x, const double* score_y, int64_t size,
                    double c) {
  double squared = 0, scores = 0, across = 0;  // |x - y|^2, s(x) s(y), (x - y) (s(x) - s(y))
  for (int64_t d = 0; d < size; ++d) {
    const double between = x[d] - y[d];
    squared += between * between;
    scores += score_x[d] * score_y[d];
    across += between * (score_x[d] - score_y[d]);
  }
  const double k = 1 / std::sqrt(c * c + squared), k3 = k * k * k;
  return scores * k + across * k3 + static_cast<double>(size) * k3 - 3 * squared * k3 * k * k;
}

}  // namespace

Resampled stein_discrepancy(const Rows& rows, const std::vector<double>& scores, int64_t resamplings, uint32_t seed,
                            ThreadPool& threads) {
  const int64_t n = rows.count();
  const auto count = static_cast<size_t>(1 + resamplings);
  const double c = PairDistances(rows, threads).median();
  const std::vector<float> signs = signs_of(n, resamplings, seed);
  const int64_t pieces = (n + kRowsAPiece - 1) / kRowsAPiece;
  std::vector<std::vector<double>> of_piece(static_cast<size_t>(pieces));
  threads.run(pieces, [&](int64_t piece, int) {
    std::vector<double> sums(count), of_row(count);
    const int64_t end = std::min(n, (piece + 1) * kRowsAPiece);
    for (int64_t i = piece * kRowsAPiece; i < end; ++i) {
      std::fill(of_row.begin(), of_row.end(), 0.0);
      for (int64_t j = i + 1; j < n; ++j) {
        const double u = stein_kernel(rows.row(i), rows.row(j), scores.data() + i * rows.size,
                                      scores.data() + j * rows.size, rows.size, c);
        const float* sign = signs.data() + static_cast<size_t>(j) * count;
        for (size_t b = 0; b < count; ++b) of_row[b] += u * static_cast<double>(sign[b]);
      }
      const float* own = signs.data() + static_cast<size_t>(i) * count;
      for (size_t b = 0; b < count; ++b) sums[b] += of_row[b] * static_cast<double>(own[b]);
    }
    of_piece[static_cast<size_t>(piece)] = std::move(sums);
  });
  std::vector<double> values(count);
  const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
  for (const std::vector<double>& sums : of_piece)
    for (size_t b = 0; b < count; ++b) values[b] += sums[b] / pairs;
  return resampled(values);
}

}  // namespace potluck
