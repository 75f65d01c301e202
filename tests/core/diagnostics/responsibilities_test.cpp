// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/responsibilities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/diagnostics/convergence.h"
#include "core/diagnostics/normal_score.h"

namespace potluck {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// 0.25 exp(-E_0) + 0.75 exp(-E_1), whose second branch is 2 E_1 + 1 in place of E_1.
Mixtures two_branches() {
  Mixtures all;
  all.experts = 2;
  all.operators.push_back({.kind = EnergyOperator::Kind::kSum, .operands = {1}, .numbers = {2}, .constant = 1});
  all.operators.push_back(
      {.kind = EnergyOperator::Kind::kMixture, .operands = {0, 2}, .numbers = {std::log(0.25), std::log(0.75)}});
  all.mixtures.push_back({"target", 1, {{"near", 0.25, 0}, {"far", 0.75, 0}}, -1, -1, ""});
  return all;
}

TEST(ResponsibilitiesTest, AreTheSharesOfTheBranches) {
  const Mixtures all = two_branches();
  Responsibilities responsibilities(all);
  // Energies 1 + log 3 and 2 * 0 + 1: shares .25/3 and .75 of the same exp(-1), hence 1/10 and 9/10.
  const double energies[] = {1 + std::log(3.0), 0};
  const std::vector<double>& found = responsibilities.of(energies, 1);
  EXPECT_NEAR(found.at(0), 0.1, 1e-15);
  EXPECT_NEAR(found.at(1), 0.9, 1e-15);
  // Numbers of several chains lie `stride` apart.
  const double of_two_chains[] = {7, 1 + std::log(3.0), 7, 0};
  EXPECT_NEAR(responsibilities.of(of_two_chains + 1, 2).at(0), 0.1, 1e-15);
}

TEST(ResponsibilitiesTest, ABranchWithoutDensityHasNone) {
  const Mixtures all = two_branches();
  Responsibilities responsibilities(all);
  const double no_far[] = {3, kInfinity}, none[] = {kInfinity, kInfinity};
  EXPECT_EQ(responsibilities.of(no_far, 1), (std::vector<double>{1, 0}));
  EXPECT_EQ(responsibilities.of(none, 1), (std::vector<double>{0, 0}));
}

TEST(ResponsibilitiesTest, AMixtureInABranchSharesWhatTheBranchHas) {
  // mixture(0.5 E_0, 0.5 mixture(0.2 E_1, 0.8 E_2)) at equal energies: 0.5; 0.5 * 0.2 and 0.5 * 0.8.
  Mixtures all;
  all.experts = 3;
  const auto mix = [](std::vector<int64_t> operands, double a) {
    return EnergyOperator{.kind = EnergyOperator::Kind::kMixture,
                          .operands = std::move(operands),
                          .numbers = {std::log(a), std::log(1 - a)}};
  };
  all.operators = {mix({1, 2}, 0.2), mix({0, 3}, 0.5)};
  all.mixtures.push_back({"target", 1, {{"a", 0.5, 0}, {"inner", 0.5, 0}}, -1, -1, ""});
  all.mixtures.push_back({"inner", 0, {{"b", 0.2, 0}, {"c", 0.8, 0}}, 0, 1, ""});
  const double energies[] = {2, 2, 2};
  const std::vector<double> found = Responsibilities(all).of(energies, 1);
  const double expected[] = {0.5, 0.5, 0.1, 0.4};
  ASSERT_EQ(found.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(found[i], expected[i], 1e-15) << i;
}

TEST(ResponsibilitiesTest, ACeilingIsFollowed) {
  // exp(+s(E)) under a ceiling of 3 and softness 1 at E = 3: s = 3 - log 2.
  Mixtures all;
  all.experts = 1;
  all.operators.push_back(
      {.kind = EnergyOperator::Kind::kCeiling, .operands = {0}, .strength = 1, .ceiling = 3, .softness = 1});
  all.operators.push_back({.kind = EnergyOperator::Kind::kMixture, .operands = {0, 1}, .numbers = {0, 0}});
  all.mixtures.push_back({"m", 1, {{"a", 0.5, 0}, {"b", 0.5, 0}}, -1, -1, ""});
  const double energy = 3, up = 3 - std::log(2.0);
  EXPECT_NEAR(Responsibilities(all).of(&energy, 1).at(1), std::exp(up) / (std::exp(up) + std::exp(-3.0)), 1e-14);
}

TEST(ResponsibilitiesTest, AWeightIsAsUncertainAsItsLogZ) {
  // Of two equal weights: 0.5 sqrt(0.5^2 0.2^2 + 0.5^2 0.1^2).
  const std::vector<WatchedBranch> branches = {{"a", 0.5, 0.2}, {"b", 0.5, 0.1}};
  EXPECT_NEAR(weight_error(branches, 0), 0.5 * std::sqrt(0.25 * 0.04 + 0.25 * 0.01), 1e-15);
  EXPECT_EQ(weight_error({{"a", 0.5, 0}, {"b", 0.5, 0}}, 1), 0);
}

TEST(ResponsibilitiesTest, ABranchThatWasNeverMetIsAsUnlikelyAsItsWeightSays) {
  // 16 independent chains miss a branch of weight .9 with probability .1^16 = exp(-36.8): sqrt(2 * 36.8) = 8.58.
  EXPECT_NEAR(branch_score(0, std::nan(""), 0.9, 0, 16), -std::sqrt(2 * 16 * std::log(10.0)), 1e-12);
  // 64 draws miss one of weight .001 as a rule.
  EXPECT_GT(branch_score(0, 0, 0.001, 0, 64), -0.4);
  EXPECT_EQ(branch_score(0.3, 0.01, 0.3, 0, 100), 0);
  // Where it was met, the standard error of the draws counts too: .05 / .02.
  EXPECT_NEAR(branch_score(0.35, 0.02, 0.3, 0, 1e6), 2.5, 1e-12);
  // A weight that is uncertain by .01 explains .05.
  EXPECT_LT(std::abs(branch_score(0.35, 1e-6, 0.3, 0.01, 1e6)), 6);
  EXPECT_TRUE(std::isnan(branch_score(std::nan(""), 0.02, 0.3, 0, 100)));
}

/// Responsibilities of the second of N(-2, 1) and N(2, 1) with weights .3 and .7, in draws of chains that change their
/// branch to an independent one in one step of ten, 64 chains of 300 draws.
class TwoModes {
 public:
  explicit TwoModes(uint64_t seed) : engine_(seed) {}

  /// @param weight of the second branch, that the chains really have
  double score(double weight, double promised) {
    constexpr int64_t kChains = 64, kDraws = 300;
    std::bernoulli_distribution second(weight), jumps(0.1);
    std::normal_distribution<double> normal;
    std::vector<double> shares;
    double sum = 0;
    for (int64_t chain = 0; chain < kChains; ++chain) {
      bool at = second(engine_);
      for (int64_t draw = 0; draw < kDraws; ++draw) {
        if (jumps(engine_)) at = second(engine_);
        const double x = (at ? 2 : -2) + normal(engine_);
        // p_2 / (p_1 + p_2) with densities .3 exp(-(x+2)^2/2) and .7 exp(-(x-2)^2/2).
        shares.push_back(0.7 / (0.7 + 0.3 * std::exp(-4 * x)));
        sum += shares.back();
      }
    }
    const ChainValues draws{shares, kChains, kDraws};
    return branch_score(sum / static_cast<double>(shares.size()), mcse_mean(draws), promised, 0,
                        std::max<double>(kChains, ess_mean(draws)));
  }

 private:
  std::mt19937_64 engine_;
};

TEST(ResponsibilitiesTest, ChainsThatMixAreNotAccusedAndOthersAre) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_LT(std::abs(TwoModes(seed).score(0.7, 0.7)), kDoubtfulScore) << seed;
    // The broken twin visits the branches in the shares .5 and .5, 20 standard errors away.
    EXPECT_LT(TwoModes(seed).score(0.5, 0.7), -kSureScore) << seed;
  }
}

}  // namespace
}  // namespace potluck
