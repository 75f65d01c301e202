// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "core/energy/whitening_arithmetic.h"

namespace potluck {

namespace {

constexpr int64_t kTogether = 4;  ///< rows that share a pass over the factor

/// One pass over the factor for some rows, with the sums of a row in the order of the terms.
struct Product {
  int64_t d;
  const double* mean;  ///< where the sums of positions begin; null for gradients, which begin at 0
  const double* factor;
  const double* from;
  double* to;
};

/// to_j += factor[k, j] from_k, for k = 0, 1, ... and the j that the triangle has: j >= k of positions, j <= k of
/// gradients. The rows' sums do not meet, so that `kRows` changes no bit.
template <int64_t kRows, bool kPositions>
__attribute__((always_inline)) inline void multiply(const Product& product) {
  const int64_t d = product.d;
  for (int64_t row = 0; row < kRows; ++row) {
    if (kPositions) {
      std::copy_n(product.mean, d, product.to + row * d);
    } else {
      std::fill_n(product.to + row * d, d, 0.0);
    }
  }
  double* __restrict to = product.to;
  for (int64_t k = 0; k < d; ++k) {
    const double* __restrict factor = product.factor + k * d;
    double from[kRows];
    for (int64_t row = 0; row < kRows; ++row) from[row] = product.from[row * d + k];
    const int64_t first = kPositions ? k : 0, last = kPositions ? d : k + 1;
    for (int64_t j = first; j < last; ++j)
      for (int64_t row = 0; row < kRows; ++row) to[row * d + j] += factor[j] * from[row];
  }
}

template <bool kPositions>
__attribute__((always_inline)) inline void multiply_rows(int64_t rows, Product product) {
  const int64_t d = product.d;
  for (int64_t row = 0; row < rows; row += kTogether) {
    Product some = product;
    some.from += row * d;
    some.to += row * d;
    if (rows - row >= kTogether) {
      multiply<kTogether, kPositions>(some);
      continue;
    }
    for (int64_t one = row; one < rows; ++one, some.from += d, some.to += d) multiply<1, kPositions>(some);
  }
}

__attribute__((noinline)) void multiply_anywhere(int64_t rows, const Product& product, bool positions) {
  positions ? multiply_rows<true>(rows, product) : multiply_rows<false>(rows, product);
}

#if defined(__x86_64__)
// The same loops for processors with AVX2: nothing is contracted, so the results are the same bits.
__attribute__((noinline, target("arch=x86-64-v3"))) void multiply_avx2(int64_t rows, const Product& product,
                                                                       bool positions) {
  positions ? multiply_rows<true>(rows, product) : multiply_rows<false>(rows, product);
}
#endif

void run(int64_t rows, const Product& product, bool positions) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    return multiply_avx2(rows, product, positions);
#endif
  multiply_anywhere(rows, product, positions);
}

template <class Real>
class CpuWhiteningArithmetic final : public WhiteningArithmetic {
 public:
  std::shared_ptr<void> allocate(size_t bytes) const override {
    const auto memory = std::make_shared<std::vector<double>>((bytes + sizeof(double) - 1) / sizeof(double));
    return {memory, memory->data()};
  }

  void upload(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
  void copy(void* to, const void* from, size_t bytes, void*) const override { std::memcpy(to, from, bytes); }

  void gather(const JointShare& share, const void* values, double* joint, void*) const override {
    const auto* of = static_cast<const Real*>(values);
    for (int64_t row = 0; row < share.rows; ++row)
      for (int64_t i = 0; i < share.count; ++i)
        joint[row * share.joint + share.first + i] = static_cast<double>(of[row * share.n + share.which[i]]);
  }

  void scatter(const JointShare& share, const double* joint, void* values, void*) const override {
    auto* of = static_cast<Real*>(values);
    for (int64_t row = 0; row < share.rows; ++row)
      for (int64_t i = 0; i < share.count; ++i)
        of[row * share.n + share.which[i]] = static_cast<Real>(joint[row * share.joint + share.first + i]);
  }

  void positions(int64_t rows, int64_t d, const double* mean, const double* by_column, const double* z, double* x,
                 void*) const override {
    run(rows, {d, mean, by_column, z, x}, true);
  }

  void gradients(int64_t rows, int64_t d, const double* by_row, const double* g, double* h, void*) const override {
    run(rows, {d, nullptr, by_row, g, h}, false);
  }
};

}  // namespace

std::unique_ptr<WhiteningArithmetic> cpu_whitening_arithmetic(Precision precision) {
  if (precision == Precision::kFloat32) return std::make_unique<CpuWhiteningArithmetic<float>>();
  return std::make_unique<CpuWhiteningArithmetic<double>>();
}

}  // namespace potluck
