// SPDX-License-Identifier: Apache-2.0
// A chain's bits, through a whole composition: the same alone, among 7 and among 4096, on 1, 2 and 5 threads, in one
// block of steps or in many.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/exactness/composed.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 4096;
constexpr size_t kNumbers = 45;

/// Every kind of node but `each`; w is wide enough for a matrix product, whose bits could depend on the rows of a call.
std::string text() {
  Eigen::MatrixXd covariance(40, 40);
  for (int i = 0; i < 40; ++i)
    for (int j = 0; j < 40; ++j) covariance(i, j) = std::exp(-std::abs(i - j) / 5.0);
  return R"(
variables: {z: {shape: [2]}, x: {shape: [3], support: [-2, 2]}, w: {shape: [40]}}
views: {first: {of: x, slice: ["0:1"]}, start: {of: w, slice: ["0:2"]}}
energies:
  top: {mixture: [{energy: {model: gaussian, settings: {mean: [-1], variance: [0.25]}, inputs: z}, weight: 0.3},
                  {energy: {model: gaussian, settings: {mean: [1], variance: [1]}, inputs: z}, weight: 0.7}]}
  bottom: {model: linear_gaussian, settings: {matrix: [1, 0.5, -0.5, 1, 0.8, -0.3], variance: [0.25]},
           inputs: {x: x, z: z}}
  wide: {model: gaussian, settings: {covariance: )" +
         yaml(covariance) + R"(}, inputs: w}
  hole: {not: {energy: {model: gaussian, settings: {variance: [0.1]}, inputs: start}, ceiling: 3}}
target: {product: [{hierarchy: [top, bottom]}, {temper: {energy: wide, temperature: 1.5}}, hole]}
given: [{of: first, value: [0.5]}]
)";
}

std::vector<double> starts(int64_t shifted_by) {
  std::vector<double> rows(kNumbers * kChains);
  for (int64_t chain = 0; chain < kChains; ++chain)
    for (size_t j = 0; j < kNumbers; ++j) {
      const auto of_chain = static_cast<double>((chain + shifted_by) % kChains);
      rows[static_cast<size_t>(chain) * kNumbers + j] = std::sin(of_chain * 45 + static_cast<double>(j));
    }
  return rows;
}

/// Chains `chain` of a and `chain + shift` of b, for the first `count` chains, that agree in all bits.
int64_t agreeing(const LastDraw& a, const LastDraw& b, int64_t count, int64_t shift = 0) {
  int64_t agree = 0;
  for (int64_t chain = 0; chain < count; ++chain) {
    bool same = true;
    for (size_t j = 0; j < kNumbers; ++j)
      same &= a.column[j][static_cast<size_t>(chain)] == b.column[j][static_cast<size_t>(chain + shift)];
    agree += same;
  }
  return agree;
}

TEST(CompositionInvarianceTest, AChainHasItsBitsInAnyCompanyOnAnyThreadsInAnyBlocks) {
  const Composed composed(text(), "step_size: 0.05, chains: 4096");
  const auto start = composed.at(starts(0));
  const LastDraw reference = composed.run(*start, kChains, 2);
  EXPECT_GT(reference.summary.acceptance, 0.3);
  EXPECT_LT(reference.summary.acceptance, 0.99);
  for (const int64_t chains : {1, 7}) EXPECT_EQ(agreeing(composed.run(*start, chains), reference, chains), chains);
  for (const int threads : {1, 5})
    EXPECT_EQ(agreeing(composed.run(*start, kChains, threads), reference, kChains), kChains) << threads << " threads";
  const Composed in_blocks(text(), "step_size: 0.05, chains: 4096, thin: 1");
  EXPECT_EQ(agreeing(in_blocks.run(*in_blocks.at(starts(0)), kChains), reference, kChains), kChains);
  EXPECT_EQ(in_blocks.run(*in_blocks.at(starts(0)), 7).summary.draws, 20);

  // Twin: chain ids shifted by one. Chain c begins where c + 1 did, and must not move as it did.
  const LastDraw shifted = composed.run(*composed.at(starts(1)), kChains);
  EXPECT_EQ(agreeing(shifted, reference, kChains - 1, 1), 0);
}

}  // namespace
}  // namespace potluck::testing
