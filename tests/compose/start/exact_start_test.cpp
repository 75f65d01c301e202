// SPDX-License-Identifier: Apache-2.0
#include "compose/start/exact_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compose/plan/plan.h"
#include "tests/compose/small_models.h"
#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 200000;

/// Draws of all chains: one [chains, n] array for each variable.
std::vector<std::vector<double>> draws(const Composition& whole, const Start& start, uint32_t seed = 11) {
  std::vector<std::vector<double>> all;
  std::vector<double*> position;
  for (const Variable& variable : whole.variables) all.emplace_back(static_cast<size_t>(kChains * variable.size()));
  for (std::vector<double>& variable : all) position.push_back(variable.data());
  start.draw(seed, 0, kChains, 0, position.data());
  return all;
}

/// Standard errors that the mean of column `j` of [chains, n] is away from `mean`, and its variance from `variance`.
struct Deviation {
  double mean, variance;
};
Deviation deviation(const std::vector<double>& rows, size_t n, size_t j, double mean, double variance) {
  const double count = static_cast<double>(rows.size() / n);
  double sum = 0, squares = 0;
  for (size_t i = j; i < rows.size(); i += n) {
    sum += rows[i] - mean;
    squares += (rows[i] - mean) * (rows[i] - mean);
  }
  return {sum / count / std::sqrt(variance / count), (squares / count / variance - 1) / std::sqrt(2 / count)};
}

void hold(Composition& composition, int variable, size_t element, double value) {
  Held& held = composition.held[static_cast<size_t>(variable)];
  const size_t size = static_cast<size_t>(composition.variables[static_cast<size_t>(variable)].size());
  held.mask.resize(size, 0);
  held.value.resize(size, 0);
  held.mask[element] = 1;
  held.value[element] = value;
}

TEST(ExactStartTest, AProductOfNormalsIsDrawnFromItsJoint) {
  // N(0,1) N(2,1) -> N(1, 1/2)
  const Composition whole =
      composition({real_line("x", 1)}, product({{normal(0, {0}, {1}), 1}, {normal(0, {2}, {1}), 1}}));
  const auto start = exact_start(whole);
  ASSERT_NE(start, nullptr);
  EXPECT_TRUE(start->exact());
  EXPECT_EQ(start->description(), "exact draws of the quadratic composite");
  const auto x = draws(whole, *start);
  const Deviation right = deviation(x[0], 1, 0, 1, 0.5);
  EXPECT_LT(std::abs(right.mean), 6);
  EXPECT_LT(std::abs(right.variance), 6);
  // Twin: the same check against the law with weights ignored, N(0, 1).
  EXPECT_GT(std::abs(deviation(x[0], 1, 0, 0, 1).mean), 8);
}

TEST(ExactStartTest, TemperatureWidensAndHeldCoordinatesConditionTheDraws) {
  // N(0,[[1,.8],[.8,1]]) with x1 = 1: x2 ~ N(.8, .36), at T = 2 N(.8, .72)
  const double a = 1 / 0.36, b = -0.8 / 0.36;
  Composition whole = composition({real_line("x", 2)}, normal(0, {0, 0}, {a, b, b, a}));
  hold(whole, 0, 0, 1);
  whole.sample.temperature = 2;
  whole.sample.precision = Precision::kFloat64;
  const auto x = draws(whole, *exact_start(whole));
  for (size_t row = 0; row < 100; ++row) EXPECT_EQ(x[0][2 * row], 1);
  const Deviation right = deviation(x[0], 2, 1, 0.8, 0.72);
  EXPECT_LT(std::abs(right.mean), 6);
  EXPECT_LT(std::abs(right.variance), 6);
  EXPECT_GT(std::abs(deviation(x[0], 2, 1, 0, 2).mean), 8);  // twin: the mask dropped
}

TEST(ExactStartTest, AHierarchyIsDrawnFromTheTopWithTheSameLawAsTheJoint) {
  // z ~ N(0, 1), x | z ~ N(2 z, .5^2): x ~ N(0, 4.25). As a quadratic joint, and from the top where the levels' models
  // draw but say nothing quadratic.
  const NodePointer below = leaf(linear(), {whole(0, 1), whole(1, 1)}, {{2}, {0.5}});
  class Drawn : public SmallModel {
   public:
    Drawn() { uniforms = 2; }
    double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
      gradient[0] = x[0];
      return 0.5 * x[0] * x[0];
    }
    bool log_z(const std::vector<double>&, double& value, std::vector<double>&) const override {
      value = 0.5 * std::log(2 * M_PI);
      return true;
    }
    bool draw(const std::vector<double>&, const double* u, std::vector<double>& x) const override {
      x.push_back(std::sqrt(-2 * std::log(u[0])) * std::cos(2 * M_PI * u[1]));
      return true;
    }
  };
  static const auto drawn =
      small_kind("drawn", {"x"}, 0, [](const auto&, const auto&) { return std::make_unique<Drawn>(); });
  const NodePointer tops[] = {normal(1, {0}, {1}), leaf(*drawn, {whole(1, 1)})};
  for (const NodePointer& top : tops) {
    const Composition whole =
        composition({real_line("x", 1), real_line("z", 1)}, node("deep", Hierarchy{{top, below}, false}));
    const auto start = exact_start(whole);
    ASSERT_NE(start, nullptr);
    EXPECT_EQ(start->description(),
              top == tops[0] ? "exact draws of the quadratic composite" : "exact draws of the hierarchy, from the top");
    const auto x = draws(whole, *start);
    const Deviation right = deviation(x[0], 1, 0, 0, 4.25);
    EXPECT_LT(std::abs(right.mean), 6);
    EXPECT_LT(std::abs(right.variance), 6);
    EXPECT_GT(std::abs(deviation(x[0], 1, 0, 0, 0.25).variance), 8);  // twin: the level without its parent's spread
    EXPECT_LT(std::abs(deviation(x[1], 1, 0, 0, 1).variance), 6);
  }
  // With something given below the top, only the joint can be drawn.
  Composition given =
      composition({real_line("x", 1), real_line("z", 1)}, node("deep", Hierarchy{{tops[1], below}, false}));
  hold(given, 0, 0, 1);
  EXPECT_EQ(exact_start(given), nullptr);
  given.target = node("deep", Hierarchy{{tops[0], below}, false});
  EXPECT_NE(exact_start(given), nullptr);
}

TEST(ExactStartTest, AMixtureIsDrawnByItsWeightsAndNotWhereSomethingIsGiven) {
  // .25 N(-3, 1) + .75 N(5, 1/4), energies as they are: with `unnormalised` the masses are .25 and .75/2.
  const NodePointer a = normal(0, {-3}, {1}), b = normal(0, {5}, {4});
  for (const bool unnormalised : {false, true}) {
    Composition whole = composition({real_line("x", 1)}, mixture({{a, 1, {}}, {b, 3, {}}}, unnormalised));
    const auto start = exact_start(whole);
    ASSERT_NE(start, nullptr);
    const auto x = draws(whole, *start);
    double below = 0;
    for (const double number : x[0]) below += number < 1;
    const double p = unnormalised ? 0.25 / (0.25 + 0.375) : 0.25, share = below / kChains;
    EXPECT_LT(std::abs(share - p) / std::sqrt(p * (1 - p) / kChains), 6);
    EXPECT_GT(std::abs(share - 0.5) / std::sqrt(0.25 / kChains), 8);  // twin: weights ignored
    whole.sample.temperature = 2;
    EXPECT_EQ(exact_start(whole), nullptr);
    whole.sample.temperature = 1;
    hold(whole, 0, 0, 1);
    EXPECT_EQ(exact_start(whole), nullptr);
  }
}

/// How many of `chains` starts lie within 1 of each of these places.
std::vector<int64_t> near(const Start& start, int64_t chains, const std::vector<double>& places, uint32_t seed = 3,
                          int64_t first = 0, int64_t step = 1) {
  std::vector<int64_t> counts(places.size());
  for (int64_t chain = first; chain < first + chains * step; chain += step) {
    double x = 0;
    double* position[] = {&x};
    start.draw(seed, chain, 1, 0, position);
    for (size_t i = 0; i < places.size(); ++i) counts[i] += std::abs(x - places[i]) < 1;
  }
  return counts;
}

// Branches at -50, 0 and 50, of standard deviation .1, with the weights 1/8, 3/8 and 1/2.
Composition three_branches() {
  return composition(
      {real_line("x", 1)},
      mixture({{normal(0, {-50}, {100}), 1, {}}, {normal(0, {0}, {100}), 3, {}}, {normal(0, {50}, {100}), 4, {}}}));
}

TEST(ExactStartTest, AsManyChainsBeginInABranchAsItsWeightSays) {
  const Composition whole = three_branches();
  const std::vector<double> places = {-50, 0, 50};
  const auto start = exact_start(whole, Strata{64});
  ASSERT_NE(start, nullptr);
  EXPECT_TRUE(start->exact());
  EXPECT_EQ(start->description(), "exact draws of the mixture, as many of each branch as its weight says");
  bool varies = false;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(near(*start, 64, places, seed), (std::vector<int64_t>{8, 24, 32})) << seed;
    // The twin: independent draws.
    varies = varies || near(*exact_start(whole), 64, places, seed) != std::vector<int64_t>{8, 24, 32};
  }
  EXPECT_TRUE(varies);
  // A part of the chains, such as the first ones, which tune the method: 16 of 1024 are 2, 6 and 8 within one.
  const auto part = near(*exact_start(whole, Strata{1024}), 16, places);
  EXPECT_NEAR(static_cast<double>(part[0]), 2, 1);
  EXPECT_NEAR(static_cast<double>(part[1]), 6, 1);
  EXPECT_NEAR(static_cast<double>(part[2]), 8, 1);
  // Weights that do not go into the number of chains: 10 (1/8, 3/8, 1/2), up or down.
  const auto few = near(*exact_start(whole, Strata{10}), 10, places);
  EXPECT_NEAR(static_cast<double>(few[0]), 1.25, 0.99);
  EXPECT_NEAR(static_cast<double>(few[1]), 3.75, 0.99);
  EXPECT_EQ(few[2], 5);
}

TEST(ExactStartTest, SuperchainsAndReplicasAreSpreadOverBranchesToo) {
  const Composition whole = three_branches();
  const std::vector<double> places = {-50, 0, 50};
  // 16 superchains of 4; a superchain's start is that of its first chain.
  EXPECT_EQ(near(*exact_start(whole, Strata{64, 1, 4}), 16, places, 3, 0, 4), (std::vector<int64_t>{2, 6, 8}));
  // 16 ladders of 5 replicas: each temperature for itself.
  for (int64_t replica = 0; replica < 5; ++replica)
    EXPECT_EQ(near(*exact_start(whole, Strata{16, 5, 1}), 16, places, 3, replica, 5), (std::vector<int64_t>{2, 6, 8}));
}

TEST(ExactStartTest, AStratifiedStartIsADrawOfTheMixtureForEveryChain) {
  // Over seeds chain 5 of 16 is in the branches with the probabilities 1/8, 3/8, 1/2.
  const auto start = exact_start(three_branches(), Strata{16});
  constexpr double kSeeds = 4000;
  std::vector<double> counts(3);
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const auto one = near(*start, 1, {-50, 0, 50}, seed, 5);
    for (size_t i = 0; i < 3; ++i) counts[i] += static_cast<double>(one[i]);
  }
  const double p[] = {0.125, 0.375, 0.5};
  for (size_t i = 0; i < 3; ++i)
    EXPECT_LT(std::abs(counts[i] / kSeeds - p[i]) / std::sqrt(p[i] * (1 - p[i]) / kSeeds), 6) << i;
  EXPECT_GT(std::abs(counts[0] / kSeeds - 0.375) / std::sqrt(0.375 * 0.625 / kSeeds), 8);  // the twin
}

TEST(ExactStartTest, MixturesWithinMixturesAreStratifiedToTheirLeaves) {
  // 1/2 of (1/4, 3/4) and 1/2: of 32 chains 4, 12 and 16.
  const NodePointer inner = mixture({{normal(0, {-50}, {100}), 1, {}}, {normal(0, {0}, {100}), 3, {}}});
  const Composition whole =
      composition({real_line("x", 1)}, mixture({{inner, 1, {}}, {normal(0, {50}, {100}), 1, {}}}));
  for (uint32_t seed = 1; seed <= 10; ++seed)
    EXPECT_EQ(near(*exact_start(whole, Strata{32}), 32, {-50, 0, 50}, seed), (std::vector<int64_t>{4, 12, 16})) << seed;
}

TEST(ExactStartTest, BranchesWithAnotherLogZAreDrawnByTheirWeightsAndNotExact) {
  const Composition whole =
      composition({real_line("x", 1)}, mixture({{normal(0, {-50}, {100}), 1, {}}, {normal(0, {50}, {100}), 3, 1.5}}));
  EXPECT_EQ(exact_start(whole), nullptr);
  const auto start = branch_start(whole, Strata{64});
  ASSERT_NE(start, nullptr);
  EXPECT_FALSE(start->exact());
  EXPECT_EQ(start->description(), "draws of the mixture's branches, as many of each branch as its weight says");
  EXPECT_EQ(near(*start, 64, {-50, 50}), (std::vector<int64_t>{16, 48}));
  // What has exact draws has those.
  EXPECT_TRUE(branch_start(three_branches(), Strata{64})->exact());
}

TEST(ExactStartTest, DrawsAreFoldedIntoSupportsAndThenNotExact) {
  const Composition whole = composition({interval("x", 1, 0, 1)}, normal(0, {0.3}, {25}));
  const auto start = exact_start(whole);
  ASSERT_NE(start, nullptr);
  EXPECT_FALSE(start->exact());
  EXPECT_EQ(start->description(), "exact draws of the quadratic composite, folded into the supports");
  const auto x = draws(whole, *start);
  EXPECT_TRUE(std::all_of(x[0].begin(), x[0].end(), [](double number) { return number >= 0 && number <= 1; }));
}

TEST(ExactStartTest, AStartDependsOnSeedChainAndAttemptOnly) {
  const Composition whole = composition({real_line("x", 2)}, normal(0, {0, 1}, {1}));
  const auto start = exact_start(whole);
  std::vector<double> all(8), one(2), again(2);
  double* position[] = {all.data()};
  start->draw(3, 10, 4, 0, position);
  position[0] = one.data();
  start->draw(3, 12, 1, 0, position);
  EXPECT_EQ(one, (std::vector<double>{all[4], all[5]}));
  position[0] = again.data();
  start->draw(3, 12, 1, 1, position);
  EXPECT_NE(again, one);
  start->draw(4, 12, 1, 0, position);
  EXPECT_NE(again, one);
}

TEST(ExactStartTest, NothingIsClaimedForWhatCannotBeDrawn) {
  EXPECT_EQ(exact_start(composition({real_line("x", 1)}, leaf(quartic(), {whole(0, 1)}))), nullptr);
  EXPECT_EQ(exact_start(composition({real_line("x", 1), real_line("y", 1)}, normal(0, {0}, {1}))), nullptr);
}

// log Z, integrability, the explanation and the start all need the forms of both leaves.
TEST(ExactStartTest, ModelsSayOnceHowTheyAreQuadratic) {
  const Composition whole =
      composition({real_line("x", 2)}, product({{normal(0, {0, 0}, {1}), 1}, {normal(0, {2, 1}, {1}), 1}}));
  const int64_t before = quadratic_calls();
  const auto plan = make_plan(whole, {});
  plan->explanation();
  const int64_t of_the_plan = quadratic_calls() - before;
  ASSERT_NE(exact_start(whole, {}, plan->known()), nullptr);
  EXPECT_EQ(of_the_plan, 2);
  EXPECT_EQ(quadratic_calls() - before, 2);
}

TEST(ExactStartTest, TakesTheModelsThatAPlanHasCreated) {
  const Composition whole = composition({real_line("x", 1)}, normal(0, {0}, {1}));
  const int64_t before = models_created();
  const auto plan = make_plan(whole, {});
  EXPECT_EQ(models_created() - before, 1);
  const auto start = exact_start(whole, {}, plan->known());
  EXPECT_EQ(models_created() - before, 1);
  // Without them it creates its own, and draws the same.
  const auto alone = exact_start(whole);
  EXPECT_EQ(models_created() - before, 2);
  EXPECT_EQ(draws(whole, *start), draws(whole, *alone));
}

}  // namespace
}  // namespace potluck::testing
