// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/nested_rhat.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/error.h"

namespace potluck {
namespace {

constexpr int64_t kSuperchains = 16, kChains = 16;

/// One draw a chain, [256 chains, 1]: standard normal about the centre of the chain.
template <typename Centre>
std::vector<double> single_draws(std::mt19937_64& engine, Centre centre) {
  std::normal_distribution<double> normal;
  std::vector<double> values;
  for (int64_t chain = 0; chain < kSuperchains * kChains; ++chain) values.push_back(centre(chain) + normal(engine));
  return values;
}

TEST(NestedRhatTest, IsTheFormulaOfThePaper) {
  // Two superchains of two chains of two draws. Chain means 1, 3 and 5, 7; superchain means 2 and 6: B = 8. The chain
  // means of a superchain have variance 2, the draws of a chain 2: W = 4.
  const std::vector<double> values = {0, 2, 2, 4, 4, 6, 6, 8};
  EXPECT_DOUBLE_EQ(nested_rhat({values, 4, 2}, neighbouring_superchains(4, 2)), std::sqrt(3.0));
  // One draw a chain, 0, 2 and 4, 6: means 1 and 5, B = 8, W = 2.
  const std::vector<double> single = {0, 2, 4, 6};
  EXPECT_DOUBLE_EQ(nested_rhat({single, 4, 1}, neighbouring_superchains(4, 2)), std::sqrt(5.0));
  // Every chain its own superchain: B between chain means, W within, R-hat's formula but for 1/N.
  EXPECT_DOUBLE_EQ(nested_rhat({single, 2, 2}), std::sqrt(5.0));
}

TEST(NestedRhatTest, SeesSuperchainsInSeparateModes) {
  // Modes at -3 and 3: B = 9 * 16/15 + 1/16, W = 1, hence sqrt(10.66) = 3.27.
  std::mt19937_64 engine(1);
  const auto superchain = neighbouring_superchains(256, kChains);
  const auto apart = single_draws(engine, [](int64_t chain) { return chain / kChains % 2 == 0 ? -3.0 : 3.0; });
  EXPECT_GT(nested_rhat({apart, 256, 1}, superchain), 1.5);
  EXPECT_NEAR(nested_rhat({apart, 256, 1}, superchain), 3.27, 0.6);
  // The broken twin: chains of both modes in every superchain.
  std::vector<int64_t> mixed;
  for (int64_t chain = 0; chain < 256; ++chain) mixed.push_back(chain % kSuperchains);
  EXPECT_LT(nested_rhat({apart, 256, 1}, mixed), 1.1);
}

TEST(NestedRhatTest, HasItsLawWhereSingleDrawsAreIndependent) {
  // 16 B / W ~ F(15, 240): mean of nested R-hat^2 1 + (240/238)/16, standard deviation .0238.
  std::mt19937_64 engine(2);
  const auto superchain = neighbouring_superchains(256, kChains);
  const int64_t repeats = 10000;
  double sum = 0, most = 0;
  for (int64_t repeat = 0; repeat < repeats; ++repeat) {
    const double found = nested_rhat({single_draws(engine, [](int64_t) { return 0.0; }), 256, 1}, superchain);
    sum += found * found;
    most = std::max(most, found);
  }
  const double mean = sum / static_cast<double>(repeats), bound = 6 * 0.0238 / std::sqrt(repeats);
  EXPECT_NEAR(mean, 1 + 240.0 / 238 / 16, bound);
  EXPECT_LT(most, 1.5);
  // The broken twin divides by the number of superchains for one less.
  EXPECT_GT(std::abs(1 + (mean - 1) * 15 / 16 - (1 + 240.0 / 238 / 16)), 2 * bound);
}

TEST(NestedRhatTest, HasAThresholdOfOneEffectiveDrawAChain) {
  EXPECT_DOUBLE_EQ(nested_rhat_threshold(16, 1, 0), std::sqrt(1 + 1 / 16.0));
  EXPECT_DOUBLE_EQ(nested_rhat_threshold(16), std::sqrt(1.0725));
  EXPECT_NEAR(nested_rhat_threshold(1, 100), 1.01, 1e-4);  // R-hat's
}

TEST(NestedRhatTest, TakesSuperchainsOfDifferentSizes) {
  // A frozen chain left out. Chains of one draw 0, 2, 4 | 10, 12: means 2 and 11, B = 40.5; squares 8 + 2 over 3.
  const std::vector<double> values = {0, 2, 4, 10, 12};
  const std::vector<int64_t> superchain = {7, 7, 7, 3, 3};
  EXPECT_DOUBLE_EQ(nested_rhat({values, 5, 1}, superchain), std::sqrt(1 + 40.5 / (10.0 / 3)));
}

TEST(NestedRhatTest, IsNotANumberWhereNothingCanBeSaid) {
  const std::vector<double> values = {0, 2, 4, 6};
  EXPECT_TRUE(std::isnan(nested_rhat({values, 4, 1})));  // a single draw of every superchain
  EXPECT_TRUE(std::isnan(nested_rhat({values, 1, 4})));  // one superchain
  EXPECT_TRUE(std::isnan(nested_rhat({std::vector<double>(4, 1.0), 2, 2})));
  EXPECT_TRUE(std::isnan(nested_rhat({std::vector<double>{0, 1, 2, std::nan("")}, 2, 2})));
  EXPECT_TRUE(std::isnan(nested_rhat({{}, 2, 0})));
  // Chains that stand still in different places.
  EXPECT_TRUE(std::isinf(nested_rhat({std::vector<double>{1, 1, 2, 2}, 2, 2})));
}

TEST(NestedRhatTest, NeedsASuperchainForEveryChain) {
  try {
    nested_rhat({std::vector<double>{0, 1, 2, 3}, 4, 1}, neighbouring_superchains(3, 1));
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "nested_rhat: superchain must have one number a chain, 4, got 3");
  }
}

}  // namespace
}  // namespace potluck
