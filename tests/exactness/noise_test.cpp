// SPDX-License-Identifier: Apache-2.0
// The noise is standard normal, and unrelated between neighbouring chains, steps and seeds and along the diagonals.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "core/backend/cpu_rows.h"
#include "core/random/philox.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int64_t kCount = 1000000;

/// 10^6 normals of one chain at one step under one seed.
using Stream = std::function<std::vector<float>(uint32_t chain, uint32_t step, uint32_t seed)>;

std::vector<float> stream(uint32_t chain, uint32_t step, uint32_t seed) {
  RowArguments a;
  a.rows = 1;
  a.n = kCount;
  a.chain = &chain;
  a.seed = seed;
  a.variable = variable_key("x");
  a.step = step;
  std::vector<float> z(kCount);
  row_kernels().normals(a, z.data());
  return z;
}

double correlation_z(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (int64_t i = 0; i < kCount; ++i) sum += double{a[i]} * double{b[i]};
  return std::fabs(sum) / std::sqrt(static_cast<double>(kCount));
}

/// The largest correlation, in standard errors, among neighbours and diagonals.
double worst_correlation(const Stream& z) {
  const uint32_t c = 5, s = 9, q = 77;
  const std::vector<float> here = z(c, s, q);
  double worst = 0;
  for (const auto& other : {z(c + 1, s, q), z(c, s + 1, q), z(c, s, q + 1)}) {
    worst = std::max(worst, correlation_z(here, other));
  }
  worst = std::max(worst, correlation_z(z(c, s + 1, q), z(c, s, q + 1)));
  worst = std::max(worst, correlation_z(z(c, s + 1, q), z(c + 1, s, q)));
  return std::max(worst, correlation_z(z(c, s, q + 1), z(c + 1, s, q)));
}

TEST(NoiseExactnessTest, IsStandardNormal) {
  const std::vector<float> z = stream(3, 8, 1);
  std::vector<double> values(z.begin(), z.end());
  const double root_n = std::sqrt(static_cast<double>(kCount));
  double sum = 0, squares = 0;
  for (const double v : values) {
    sum += v;
    squares += v * v;
  }
  EXPECT_LT(std::fabs(sum) / root_n, kPass);
  EXPECT_LT(std::fabs(squares / static_cast<double>(kCount) - 1) / std::sqrt(2.0 / static_cast<double>(kCount)), kPass);
  EXPECT_LT(kolmogorov(values, normal_cdf), kPassD);
}

TEST(NoiseExactnessTest, IsUnrelatedBetweenNeighboursAndAlongDiagonals) { EXPECT_LT(worst_correlation(stream), kPass); }

// A seed of its own for each chain, seed + chain, repeats one chain's noise in the next under the next seed.
TEST(NoiseExactnessTest, TheDiagonalsSeeSeedsThatAreAddedTo) {
  EXPECT_GT(worst_correlation([](uint32_t c, uint32_t s, uint32_t q) { return stream(0, s, q + c); }), kReject);
  EXPECT_GT(worst_correlation([](uint32_t c, uint32_t s, uint32_t q) { return stream(c, 0, q + s); }), kReject);
  EXPECT_GT(worst_correlation([](uint32_t c, uint32_t s, uint32_t q) { return stream(c + s, 0, q); }), kReject);
}

// Random123's known answers (tests/core/random) see a counter that is off by one; so does this definition.
TEST(NoiseExactnessTest, ACounterOffByOneIsAnotherStream) {
  const std::vector<float> z = stream(3, 8, 1);
  const NoiseAddress at{1, variable_key("x"), 3, 8, Purpose::kProposal};
  int same = 0, same_shifted = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    same += z[i] == standard_normal(at, i);
    same_shifted += z[i] == standard_normal(at, i + 4);
  }
  EXPECT_EQ(same, 1000);
  EXPECT_LT(same_shifted, 10);
}

}  // namespace
}  // namespace potluck::testing
