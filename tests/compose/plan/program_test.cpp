// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace potluck {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Value and partial derivatives of a program for one chain whose leaves have one row each.
struct Outcome {
  double value = 0;
  std::vector<double> rate;
};

Outcome run_one(const Program& program, const std::vector<double>& leaf) {
  constexpr int64_t kStride = 8;
  std::vector<double> memory(static_cast<size_t>(program.doubles_a_chain() * kStride), 1e300);
  for (size_t i = 0; i < leaf.size(); ++i)
    program.values(memory.data(), kStride, static_cast<int>(i))[0] = failed_if_minus_infinity(leaf[i]);
  program.run(memory.data(), kStride, 1, true);
  Outcome outcome;
  outcome.value = program.values(memory.data(), kStride, program.root())[0];
  for (int i = 0; i < static_cast<int>(leaf.size()); ++i)
    outcome.rate.push_back(program.rate_is_constant(i) ? program.constant_rate(i)
                                                       : program.rates(memory.data(), kStride, i)[0]);
  return outcome;
}

Program mixture_of_two(double a, double b) {
  Program program;
  const int first = program.add_leaf(1), second = program.add_leaf(1);
  program.finish(program.add_mixture({{first, std::log(a)}, {second, std::log(b)}}, 1));
  return program;
}

TEST(ProgramTest, ASumHasItsWeightsAsConstantRates) {
  Program program;
  const int a = program.add_leaf(1), b = program.add_leaf(1);
  program.finish(program.add_sum(3, {{a, 2}, {b, -0.5}}, 1));
  EXPECT_TRUE(program.rate_is_constant(a));
  const Outcome outcome = run_one(program, {1, 4});
  EXPECT_EQ(outcome.value, 3);  // 3 + 2 * 1 - 0.5 * 4
  EXPECT_EQ(outcome.rate[0], 2);
  EXPECT_EQ(outcome.rate[1], -0.5);
}

TEST(ProgramTest, AMixtureIsTheNegativeLogOfTheSum) {
  const Outcome outcome = run_one(mixture_of_two(0.25, 0.75), {1, 2});
  // 0.25 e^-1 = 0.0919699, 0.75 e^-2 = 0.1015015
  const double p = 0.25 * std::exp(-1), q = 0.75 * std::exp(-2);
  EXPECT_NEAR(outcome.value, -std::log(p + q), 1e-14);
  EXPECT_NEAR(outcome.rate[0], p / (p + q), 1e-14);
  EXPECT_NEAR(outcome.rate[1], q / (p + q), 1e-14);
}

TEST(ProgramTest, AMixtureOfHugeEnergiesNeitherOverflowsNorUnderflows) {
  for (const double shift : {-1e4, 1e4}) {
    const Outcome outcome = run_one(mixture_of_two(0.5, 0.5), {shift, shift});
    EXPECT_NEAR(outcome.value, shift, 1e-11);  // -log(e^-s / 2 + e^-s / 2) = s
    EXPECT_NEAR(outcome.rate[0], 0.5, 1e-14);
  }
}

TEST(ProgramTest, ABranchAtInfinityContributesNothing) {
  const Outcome outcome = run_one(mixture_of_two(0.5, 0.5), {kInfinity, 2});
  EXPECT_NEAR(outcome.value, 2 + std::log(2), 1e-14);
  EXPECT_EQ(outcome.rate[0], 0);
  EXPECT_EQ(outcome.rate[1], 1);
}

TEST(ProgramTest, AllBranchesAtInfinityAreInfinityWithoutRates) {
  const Outcome outcome = run_one(mixture_of_two(0.5, 0.5), {kInfinity, kInfinity});
  EXPECT_EQ(outcome.value, kInfinity);
  EXPECT_EQ(outcome.rate[0], 0);
  EXPECT_EQ(outcome.rate[1], 0);
}

TEST(ProgramTest, NotANumberAndMinusInfinityFailTheRow) {
  EXPECT_TRUE(std::isnan(run_one(mixture_of_two(0.5, 0.5), {kNan, 2}).value));
  EXPECT_TRUE(std::isnan(run_one(mixture_of_two(0.5, 0.5), {2, -kInfinity}).value));
  EXPECT_TRUE(std::isnan(run_one(mixture_of_two(0.5, 0.5), {kInfinity, kNan}).value));
  Program ceiling;
  ceiling.finish(ceiling.add_ceiling(ceiling.add_leaf(1), 1, 2, 1));
  EXPECT_TRUE(std::isnan(run_one(ceiling, {kNan}).value));
  EXPECT_TRUE(std::isnan(run_one(ceiling, {-kInfinity}).value));
}

TEST(ProgramTest, NegatingInfinityWithoutACeilingFailsTheRowAlsoUnderAMixture) {
  Program program;
  const int a = program.add_leaf(1), b = program.add_leaf(1);
  const int negated = program.add_sum(0, {{a, -1}}, 1);
  program.finish(program.add_mixture({{negated, 0}, {b, 0}}, 1));
  EXPECT_TRUE(std::isnan(run_one(program, {kInfinity, 1}).value));
}

TEST(ProgramTest, APositiveWeightAtInfinityWinsOverAnythingFinite) {
  Program program;
  const int a = program.add_leaf(1), b = program.add_leaf(1);
  program.finish(program.add_sum(0, {{a, 0.1}, {b, 1}}, 1));
  EXPECT_EQ(run_one(program, {kInfinity, -1e300}).value, kInfinity);
}

TEST(ProgramTest, ACeilingBoundsTheEffectOfANegation) {
  Program program;
  program.finish(program.add_ceiling(program.add_leaf(1), 2, 3, 0.5));
  // s(x) = -w log(e^{-x/w} + e^{-c/w}) with w = 0.5, c = 3
  const auto s = [](double x) { return -0.5 * std::log(std::exp(-x / 0.5) + std::exp(-3 / 0.5)); };
  for (const double x : {-4.0, 0.0, 2.9, 3.0, 3.3, 9.0}) {
    EXPECT_NEAR(run_one(program, {x}).value, -2 * s(x), 1e-12) << x;
    EXPECT_NEAR(run_one(program, {x}).rate[0], -2 * (s(x + 1e-5) - s(x - 1e-5)) / 2e-5, 1e-8) << x;
  }
  EXPECT_EQ(run_one(program, {kInfinity}).value, -6);  // -strength * c
  EXPECT_EQ(run_one(program, {kInfinity}).rate[0], 0);
}

TEST(ProgramTest, ALeafUsedTwiceGathersBothRates) {
  Program program;
  const int a = program.add_leaf(1), b = program.add_leaf(1);
  const int mixed = program.add_mixture({{a, 0}, {b, 0}}, 1);
  program.finish(program.add_sum(0, {{mixed, 1}, {a, 3}}, 1));
  const Outcome outcome = run_one(program, {1, 1});
  EXPECT_NEAR(outcome.rate[0], 3.5, 1e-14);  // half of the mixture, and 3 of the sum
  EXPECT_NEAR(outcome.rate[1], 0.5, 1e-14);
}

TEST(ProgramTest, EachSumsThePartsOfAChainAndHandsItsRateToAll) {
  Program program;
  const int a = program.add_leaf(3), b = program.add_leaf(3);
  const int mixed = program.add_mixture({{a, 0}, {b, 0}}, 3);
  program.finish(program.add_each(mixed, 3));
  constexpr int64_t kStride = 8, kChains = 2;
  std::vector<double> memory(static_cast<size_t>(program.doubles_a_chain() * kStride), 1e300);
  for (int row = 0; row < 6; ++row) {
    program.values(memory.data(), kStride, a)[row] = row;
    program.values(memory.data(), kStride, b)[row] = 2;
  }
  program.run(memory.data(), kStride, kChains, true);
  for (int chain = 0; chain < 2; ++chain) {
    double sum = 0;
    for (int part = 0; part < 3; ++part) {
      const double x = 3 * chain + part;
      sum -= std::log(std::exp(-x) + std::exp(-2));
      EXPECT_NEAR(program.rates(memory.data(), kStride, a)[3 * chain + part], 1 / (1 + std::exp(x - 2)), 1e-14);
    }
    EXPECT_NEAR(program.values(memory.data(), kStride, program.root())[chain], sum, 1e-13);
  }
}

/// A random program over `leaves` leaves with every operator in it.
Program random_program(std::mt19937& random, int leaves) {
  std::uniform_real_distribution<double> number(-1, 1);
  Program program;
  std::vector<int> slots;
  for (int i = 0; i < leaves; ++i) slots.push_back(program.add_leaf(1));
  const auto any = [&] { return slots[random() % slots.size()]; };
  for (int i = 0; i < 8; ++i) {
    switch (random() % 3) {
      case 0:
        slots.push_back(program.add_sum(number(random), {{any(), number(random)}, {any(), number(random)}}, 1));
        break;
      case 1:
        slots.push_back(program.add_mixture({{any(), number(random)}, {any(), number(random)}, {any(), 0.5}}, 1));
        break;
      default:
        slots.push_back(program.add_ceiling(any(), number(random), number(random), 0.3 + std::abs(number(random))));
    }
  }
  program.finish(program.add_sum(0, {{slots.back(), 1}, {any(), 1}, {any(), 1}}, 1));
  return program;
}

TEST(ProgramTest, RatesOfRandomProgramsAgreeWithCentralDifferences) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> number(-2, 2);
  constexpr double kStep = 1e-5;
  for (int trial = 0; trial < 200; ++trial) {
    const Program program = random_program(random, 4);
    std::vector<double> leaf(4);
    for (double& x : leaf) x = number(random);
    const Outcome outcome = run_one(program, leaf);
    for (size_t i = 0; i < leaf.size(); ++i) {
      std::vector<double> above = leaf, below = leaf;
      above[i] += kStep;
      below[i] -= kStep;
      const double difference = (run_one(program, above).value - run_one(program, below).value) / (2 * kStep);
      EXPECT_NEAR(outcome.rate[i], difference, 1e-7 * (1 + std::abs(difference))) << "trial " << trial << " leaf " << i;
    }
  }
}

/// Slopes of the value and of the rates of leaves along a direction of the leaves' energies.
Outcome slopes_of(const Program& program, const std::vector<double>& leaf, const std::vector<double>& direction) {
  constexpr int64_t kStride = 8;
  std::vector<double> memory(static_cast<size_t>(program.doubles_a_chain() * kStride), 1e300), slope = memory;
  for (size_t i = 0; i < leaf.size(); ++i) {
    program.values(memory.data(), kStride, static_cast<int>(i))[0] = leaf[i];
    program.values(slope.data(), kStride, static_cast<int>(i))[0] = direction[i];
  }
  program.run(memory.data(), kStride, 1, true);
  program.run_slopes(memory.data(), slope.data(), kStride, 1);
  Outcome outcome;
  outcome.value = program.values(slope.data(), kStride, program.root())[0];
  for (int i = 0; i < static_cast<int>(leaf.size()); ++i)
    outcome.rate.push_back(program.rate_is_constant(i) ? 0 : program.rates(slope.data(), kStride, i)[0]);
  return outcome;
}

/// A mixture of a ceiling and a leaf, with a leaf that is used in three places.
Program of_everything() {
  Program program;
  const int a = program.add_leaf(1), b = program.add_leaf(1), c = program.add_leaf(1);
  const int limited = program.add_ceiling(a, 1.5, 1, 0.7);
  const int sum = program.add_sum(0.5, {{limited, 1}, {b, 2}}, 1);
  const int mixed = program.add_mixture({{sum, -1}, {c, -0.5}, {a, 0.2}}, 1);
  program.finish(program.add_sum(0, {{mixed, 0.8}, {a, 0.3}}, 1));
  return program;
}

TEST(ProgramTest, SlopesAreCentralDifferencesOfValuesAndRates) {
  const Program program = of_everything();
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  constexpr double kStep = 1e-5;
  double slopes_of_rates = 0;
  for (int point = 0; point < 100; ++point) {
    std::vector<double> at, direction, above, below;
    for (int i = 0; i < 3; ++i) {
      at.push_back(2 * normal(random));
      direction.push_back(normal(random));
      above.push_back(at.back() + kStep * direction.back());
      below.push_back(at.back() - kStep * direction.back());
    }
    const Outcome slopes = slopes_of(program, at, direction);
    const Outcome high = run_one(program, above), low = run_one(program, below);
    EXPECT_NEAR(slopes.value, (high.value - low.value) / (2 * kStep), 1e-8);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(slopes.rate[i], (high.rate[i] - low.rate[i]) / (2 * kStep), 1e-8);
      slopes_of_rates = std::max(slopes_of_rates, std::abs(slopes.rate[i]));
    }
  }
  EXPECT_GT(slopes_of_rates, 0.1);  // what a program without them would be off by
}

TEST(ProgramTest, WhatHasNoShareHasNoSlopeWhateverItsDirection) {
  const Outcome outcome = slopes_of(mixture_of_two(0.5, 0.5), {kInfinity, 2}, {kNan, 3});
  EXPECT_EQ(outcome.value, 3);
  EXPECT_EQ(outcome.rate[0], 0);
  EXPECT_EQ(outcome.rate[1], 0);
  Program ceiling;
  ceiling.finish(ceiling.add_ceiling(ceiling.add_leaf(1), 2, 3, 0.5));
  EXPECT_EQ(slopes_of(ceiling, {kInfinity}, {kNan}).value, 0);
  EXPECT_EQ(slopes_of(ceiling, {kInfinity}, {kNan}).rate[0], 0);
}

}  // namespace
}  // namespace potluck
