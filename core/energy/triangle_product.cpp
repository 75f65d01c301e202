// SPDX-License-Identifier: Apache-2.0
#include "core/energy/triangle_product.h"

#include <algorithm>
#include <cstring>

namespace potluck {

namespace {

/// to_j = mean_j + sum over k of factor[k, j] from_k, for the j that the triangle has: j >= k, or j <= k where it is
/// transposed, which has no mean.
struct Product {
  int64_t rows, d;
  const double *mean, *factor, *from;
  double* to;
};

/// The sums of kRows rows and kVectors * kLanes columns, which stay in registers over all k.
template <bool kTransposed, int kLanes, int kVectors, int kRows>
POTLUCK_ALWAYS_INLINE void make_tile(const Product& product, int64_t row, int64_t column) {
  typedef double Numbers __attribute__((vector_size(kLanes * sizeof(double))));
  typedef int64_t Indices __attribute__((vector_size(kLanes * sizeof(int64_t))));
  constexpr int64_t kColumns = kLanes * kVectors;
  const int64_t d = product.d, end = column + kColumns;
  const double* from = product.from + row * d;
  Numbers sum[kRows][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    Numbers start{};
    if (!kTransposed) std::memcpy(&start, product.mean + column + v * kLanes, sizeof start);
    for (int r = 0; r < kRows; ++r) sum[r][v] = start;
  }
  Indices place[kVectors];  // of a column in the tile
  for (int v = 0; v < kVectors; ++v)
    for (int lane = 0; lane < kLanes; ++lane) place[v][lane] = v * kLanes + lane;

  // Where the triangle's edge runs through the tile some columns have no term.
  const auto add = [&](int64_t k, bool edge) __attribute__((always_inline)) {
    Numbers factor[kVectors];
    for (int v = 0; v < kVectors; ++v)
      std::memcpy(&factor[v], product.factor + k * d + column + v * kLanes, sizeof factor[v]);
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v) {
        const Numbers more = sum[r][v] + factor[v] * from[r * d + k];
        const Indices has = kTransposed ? place[v] <= k - column : place[v] >= k - column;
        sum[r][v] = edge ? (has ? more : sum[r][v]) : more;
      }
  };
  if (!kTransposed)
    for (int64_t k = 0; k < column; ++k) add(k, false);
  for (int64_t k = column; k < end; ++k) add(k, true);
  if (kTransposed)
    for (int64_t k = end; k < d; ++k) add(k, false);

  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      std::memcpy(product.to + (row + r) * d + column + v * kLanes, &sum[r][v], sizeof sum[r][v]);
}

/// Tiles that do not fit at the end begin earlier and make some sums again, which are the same.
template <bool kTransposed, int kLanes, int kVectors, int kRows>
POTLUCK_ALWAYS_INLINE void make_tiles(const Product& product) {
  constexpr int64_t kColumns = kLanes * kVectors;
  for (int64_t column = 0; column < product.d; column += kColumns)
    for (int64_t row = 0; row < product.rows; row += kRows)
      make_tile<kTransposed, kLanes, kVectors, kRows>(product, std::min(row, product.rows - kRows),
                                                      std::min(column, product.d - kColumns));
}

/// One number after the other.
template <bool kTransposed>
POTLUCK_ALWAYS_INLINE void make_numbers(const Product& product) {
  const int64_t d = product.d;
  for (int64_t row = 0; row < product.rows; ++row)
    for (int64_t j = 0; j < d; ++j) {
      double sum = kTransposed ? 0 : product.mean[j];
      for (int64_t k = kTransposed ? j : 0; k < (kTransposed ? d : j + 1); ++k)
        sum += product.factor[k * d + j] * product.from[row * d + k];
      product.to[row * d + j] = sum;
    }
}

/// The widest tiles that fit, up to kLanes.
template <bool kTransposed, int kLanes, int kRows>
POTLUCK_ALWAYS_INLINE void multiply(const Product& product) {
  constexpr int kVectors = 2;
  if (product.d >= kLanes * kVectors) {
    if (product.rows >= kRows) return make_tiles<kTransposed, kLanes, kVectors, kRows>(product);
    return make_tiles<kTransposed, kLanes, kVectors, 1>(product);
  }
  if constexpr (kLanes > 2)
    multiply<kTransposed, kLanes / 2, kRows>(product);
  else
    make_numbers<kTransposed>(product);
}

template <bool kTransposed>
__attribute__((noinline)) void multiply_baseline(const Product& product) {
  multiply<kTransposed, 2, 4>(product);
}
#if defined(__x86_64__)
template <bool kTransposed>
POTLUCK_FOR_AVX2 void multiply_avx2(const Product& product) {
  multiply<kTransposed, 4, 4>(product);
}
template <bool kTransposed>
POTLUCK_FOR_AVX512 void multiply_avx512(const Product& product) {
  multiply<kTransposed, 8, 8>(product);
}
#endif

template <bool kTransposed>
void multiply_on(VectorUnit unit, const Product& product) {
#if defined(__x86_64__)
  if (unit == VectorUnit::kAvx512) return multiply_avx512<kTransposed>(product);
  if (unit == VectorUnit::kAvx2) return multiply_avx2<kTransposed>(product);
#endif
  multiply_baseline<kTransposed>(product);
}

}  // namespace

void multiply_triangle(VectorUnit unit, int64_t rows, int64_t d, const double* mean, const double* by_column,
                       const double* z, double* x) {
  multiply_on<false>(unit, {rows, d, mean, by_column, z, x});
}

void multiply_transposed_triangle(VectorUnit unit, int64_t rows, int64_t d, const double* by_row, const double* g,
                                  double* h) {
  multiply_on<true>(unit, {rows, d, nullptr, by_row, g, h});
}

}  // namespace potluck
