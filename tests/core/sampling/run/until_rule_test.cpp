// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/until_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/error.h"

namespace potluck {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kChains = 8;

Variable numbers(int64_t n) {
  Variable variable;
  variable.name = "x";
  variable.shape = {n};
  return variable;
}

/// Shows a rule independent normal draws of n numbers; chain 0 is moved by `apart`.
class Source {
 public:
  Source(int64_t n, double apart) : n_(n), apart_(apart) {}

  void give(UntilRule& rule) {
    std::vector<double> x(static_cast<size_t>(kChains * n_)), energy(kChains);
    for (double& one : x) one = normal_(bits_);
    for (int64_t i = 0; i < n_; ++i) x[static_cast<size_t>(i)] += apart_;
    for (double& one : energy) one = normal_(bits_);
    const std::vector<uint8_t> frozen(kChains, 0);
    Draw draw;
    draw.index = drawn_++;
    draw.chains = kChains;
    draw.position = {x.data()};
    draw.energy = energy.data();
    draw.frozen = frozen.data();
    rule.drew(draw);
  }
  std::optional<std::string> show(UntilRule& rule) {
    give(rule);
    return rule.reached(drawn_, 10 * drawn_);
  }
  int64_t drawn() const { return drawn_; }

 private:
  int64_t n_, drawn_ = 0;
  double apart_;
  std::mt19937_64 bits_{7};
  std::normal_distribution<double> normal_;
};

UntilRule rule_of(const Until& until, int64_t n = 3) {
  return UntilRule(until, {numbers(n)}, {{}}, Precision::kFloat64, kChains);
}

/// How many draws a rule sees before it fires, at most `most`.
int64_t draws_until(UntilRule& rule, double apart, int64_t most) {
  Source source(3, apart);
  while (source.drawn() < most)
    if (source.show(rule)) break;
  return source.drawn();
}

TEST(UntilRuleTest, IndependentDrawsOfOneLawConvergeAtTheFirstLooks) {
  UntilRule rule = rule_of({.rhat = 1.05, .ess = 400, .mcse = {}, .seconds = {}});
  // 400 effective draws of 8 chains take 50 draws each, looks come every quarter.
  const int64_t draws = draws_until(rule, 0, 1000);
  EXPECT_GE(draws, 50 * 0.8);
  EXPECT_LE(draws, 50 * 2);
  EXPECT_THAT(rule.standing(), HasSubstr("R-hat is 1.0"));
  EXPECT_EQ(rule.scope(), "all 3 coordinates that move");
}

// The twin: one chain of eight is elsewhere.
TEST(UntilRuleTest, ChainsThatDisagreeNeverConverge) {
  UntilRule rule = rule_of({.rhat = 1.05, .ess = {}, .mcse = {}, .seconds = {}});
  EXPECT_EQ(draws_until(rule, 2, 3000), 3000);
  EXPECT_FALSE(rule.converged());
}

// 1/sqrt(n) standard deviations: .02 takes 2500 independent draws, 313 of each chain.
TEST(UntilRuleTest, TheStandardErrorIsAskedForInStandardDeviations) {
  UntilRule rule = rule_of({.rhat = {}, .ess = {}, .mcse = 0.02, .seconds = {}});
  const int64_t draws = draws_until(rule, 0, 3000);
  EXPECT_GE(draws, 313 * 0.8);
  EXPECT_LE(draws, 313 * 1.6);
}

TEST(UntilRuleTest, GoesOnAsIfItHadNotBeenInterrupted) {
  const Until until = {.rhat = 1.002, .ess = {}, .mcse = {}, .seconds = {}};
  UntilRule whole = rule_of(until);
  Source source(3, 0), again(3, 0);
  std::optional<std::string> why;
  while (!why && source.drawn() < 5000) why = source.show(whole);
  ASSERT_TRUE(why) << whole.standing();
  ASSERT_GT(source.drawn(), 30);
  UntilRule resumed = rule_of(until);
  while (again.drawn() + 1 < source.drawn()) again.give(resumed);
  resumed.resume();
  EXPECT_EQ(again.show(resumed), why);
  // The twin forgets which looks are past.
  UntilRule forgetful = rule_of({.rhat = 3, .ess = {}, .mcse = {}, .seconds = {}});
  UntilRule sound = rule_of({.rhat = 3, .ess = {}, .mcse = {}, .seconds = {}});
  Source one(3, 0), other(3, 0);
  for (int64_t i = 0; i < 21; ++i) {
    one.give(forgetful);
    other.give(sound);
  }
  sound.resume();
  EXPECT_FALSE(other.show(sound));
  EXPECT_TRUE(one.show(forgetful));
}

TEST(UntilRuleTest, ItsBufferStaysBoundedAndSpread) {
  UntilRule rule = rule_of({.rhat = 1.0000001, .ess = {}, .mcse = {}, .seconds = {}}, 100000);
  EXPECT_EQ(rule.scope(), "64 evenly spread coordinates of 100000 that move");
}

/// Shows a rule a label of three categories in every chain, never 2; chain 0 has 1 with another probability.
int64_t label_draws_until(UntilRule& rule, double of_the_first, int64_t most) {
  std::mt19937_64 bits(9);
  std::uniform_real_distribution<double> uniform;
  const std::vector<double> energy(kChains, 1);
  const std::vector<uint8_t> frozen(kChains, 0);
  int64_t drawn = 0;
  while (drawn < most) {
    std::vector<int64_t> labels;
    for (int64_t chain = 0; chain < kChains; ++chain)
      labels.push_back(uniform(bits) < (chain == 0 ? of_the_first : 0.3) ? 1 : 0);
    Draw draw;
    draw.index = drawn++;
    draw.chains = kChains;
    draw.position = {labels.data()};
    draw.energy = energy.data();
    draw.frozen = frozen.data();
    rule.drew(draw);
    if (rule.reached(drawn, drawn)) break;
  }
  return drawn;
}

TEST(UntilRuleTest, LooksAtHowOftenEachLabelIsThere) {
  Variable label = numbers(1);
  label.name = "label";
  label.categories = 3;
  const Until until = {.rhat = 1.05, .ess = {}, .mcse = {}, .seconds = {}};
  UntilRule same(until, {label}, {{}}, Precision::kFloat32, kChains);
  EXPECT_EQ(same.scope(), "all 3 coordinates that move");
  EXPECT_LE(label_draws_until(same, 0.3, 1000), 100);
  EXPECT_THAT(same.standing(), HasSubstr("(label = "));
  // The twin: a chain that sees another law.
  UntilRule apart(until, {label}, {{}}, Precision::kFloat32, kChains);
  EXPECT_EQ(label_draws_until(apart, 0.9, 1000), 1000);
}

TEST(UntilRuleTest, RefusesWhatItCouldNeverSee) {
  try {
    rule_of({.rhat = {}, .ess = 1e6, .mcse = {}, .seconds = {}});
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(
        error.what(),
        "sample.until.ess must be <= 4000 with 8 chains, as that many draws are looked at, got 1e+06. Use more "
        "chains, or mcse");
  }
}

}  // namespace
}  // namespace potluck
