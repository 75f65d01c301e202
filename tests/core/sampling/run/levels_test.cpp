// SPDX-License-Identifier: Apache-2.0
// A given number that is a level of noise: the probability flow, steps in units of the level, noise on what is given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/sampling/run/option_errors.h"
#include "core/sampling/run/run.h"
#include "core/sampling/run/schedule.h"
#include "tests/core/blurred_energy.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Covariance of the pair without noise.
constexpr double kFirst = 1, kAcross = 0.8, kSecond = 1.5;

/// The precision of N(0, C + noise^2 I), C the covariance of the pair: of x with itself and with y, of y.
std::array<double, 3> precision_at(double noise) {
  const double a = kFirst + noise * noise, b = kSecond + noise * noise, determinant = a * b - kAcross * kAcross;
  return {b / determinant, -kAcross / determinant, a / determinant};
}

/// A pair of normals as noise blurs it: one variable v of two numbers, or two variables of one; and the noise.
class PairEnergy final : public testing::HostEnergy {
 public:
  explicit PairEnergy(bool apart)
      : HostEnergy(apart ? std::vector<Variable>{testing::line("x"), testing::line("y"), testing::line("noise")}
                         : std::vector<Variable>{testing::line("v", 2), testing::line("noise")},
                   {"pair"}),
        apart_(apart) {}

  void evaluate(const EnergyCall& call) const override {
    for (int64_t row = 0; row < call.rows; ++row) {
      const double x = number(call, row, 0), y = number(call, row, 1);
      const auto [own, across, other] = precision_at(static_cast<const double*>(call.position[noise()])[row]);
      call.energy[row] = (own * x * x + 2 * across * x * y + other * y * y) / 2;
      if (call.expert_energy) call.expert_energy[row] = call.energy[row];
      if (!call.gradient || !call.gradient[0]) continue;
      static_cast<double*>(call.gradient[0])[apart_ ? row : 2 * row] = own * x + across * y;
      if (!apart_) static_cast<double*>(call.gradient[0])[2 * row + 1] = across * x + other * y;
    }
  }

  /// y and noise are given.
  std::vector<Held> held(double y, double noise) const {
    const Held given{{1}, {noise}};
    if (apart_) return {{}, {{1}, {y}}, given};
    return {{{0, 1}, {0, y}}, given};
  }
  int noise() const { return apart_ ? 2 : 1; }
  std::vector<std::vector<uint8_t>> blurred() const {
    if (apart_) return {{1}, {1}, {}};
    return {{1, 1}, {}};
  }

 private:
  double number(const EnergyCall& call, int64_t row, int j) const {
    return apart_ ? static_cast<const double*>(call.position[j])[row]
                  : static_cast<const double*>(call.position[0])[2 * row + j];
  }
  bool apart_;
};

constexpr double kGiven = 1.3, kTarget = 0.1;

RunOptions options_of(const PairEnergy& energy, int64_t chains) {
  RunOptions options;
  options.method = "langevin";
  options.values = option_values("langevin", {{"step_size", "1e-12"}});
  options.anneal.given = {{energy.noise(), 5.0}};
  options.anneal.levels = 8;
  options.anneal.steps = 2;
  options.anneal.spacing = Spacing::kKarras;
  options.anneal.predictor = options.anneal.step_by_level = options.anneal.noisy_given = true;
  options.anneal.step_size = 0.3;
  options.anneal.blurred = energy.blurred();
  options.chains = chains;
  options.warmup = 0;
  options.steps = 1;
  options.threads = 2;
  return options;
}

/// Keeps positions of all variables, progress and checkpoints.
class Watcher final : public Observer {
 public:
  explicit Watcher(const PairEnergy& energy) : energy_(energy) {}
  void drew(const Draw& draw) override {
    const bool apart = energy_.noise() == 2;
    const auto* first = static_cast<const double*>(draw.position[0]);
    const auto* second = static_cast<const double*>(draw.position[1]);
    x.clear();
    y.clear();
    for (int64_t chain = 0; chain < draw.chains; ++chain) {
      x.push_back(apart ? first[chain] : first[2 * chain]);
      y.push_back(apart ? second[chain] : first[2 * chain + 1]);
    }
    for (const std::vector<double>* one : {&x, &y}) all.insert(all.end(), one->begin(), one->end());
  }
  void progressed(const Progress& progress) override {
    if (progress.warmup) step_sizes.push_back(progress.step_size);
  }
  void checkpointed(std::span<const std::byte> state, int64_t) override {
    checkpoints.emplace_back(state.begin(), state.end());
  }
  std::vector<double> x, y;  ///< of the last draw
  std::vector<double> all;   ///< of all draws
  std::vector<double> step_sizes;
  std::vector<std::vector<std::byte>> checkpoints;

 private:
  const PairEnergy& energy_;
};

Watcher drawn(const PairEnergy& energy, const RunOptions& options, std::span<const std::byte> checkpoint = {}) {
  Watcher watcher(energy);
  Observer* observers[] = {&watcher};
  run({&energy, energy.held(kGiven, kTarget), 1}, *default_start(energy.variables()), options, observers,
      std::atomic<bool>{false}, checkpoint);
  return watcher;
}

struct Law {
  double mean = 0, variance = 1;
};

/// The law of x behind the levels, which is normal: it begins standard normal, every move is linear in (x, y, z), and y
/// has new noise at each level. With g = P_xx x + P_xy w, w the noisy y of variance s^2 about it, a move
/// x <- x + a g + n z takes A = 1 + a P_xx, B = a P_xy:
///
///   mean <- A mean + B y,  V <- A^2 V + 2 A B c + B^2 s^2 + n^2,  c <- A c + B s^2,  c = Cov(x, w)
Law law_of(const Schedule& schedule) {
  Law law;
  const auto noise = [&](int64_t level) { return schedule.value(level, schedule.given[0].from, kTarget); };
  for (int64_t level = 0; level < schedule.levels; ++level) {
    const double sigma = noise(level), worn = schedule.noisy_given ? sigma * sigma : 0;
    const auto [own, across, other] = precision_at(sigma);
    double together = 0;
    const auto move = [&, own = own, across = across](double amount, double fresh) {
      const double kept = 1 + amount * own, pull = amount * across;
      law.mean = kept * law.mean + pull * kGiven;
      law.variance = kept * kept * law.variance + 2 * kept * pull * together + pull * pull * worn + fresh;
      together = kept * together + pull * worn;
    };
    const double eta = *schedule.step_size;
    for (int64_t step = 0; step < schedule.steps; ++step)
      move(-eta * sigma * sigma, sigma * sigma * (2 * eta - eta * eta));
    if (schedule.predictor) move((noise(level + 1) - sigma) * sigma, 0);
  }
  return law;
}

/// The largest |z| of mean and variance of normal draws.
double worst_z(const std::vector<double>& x, const Law& law) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, square = 0;
  for (const double one : x) mean += one / n;
  for (const double one : x) square += (one - law.mean) * (one - law.mean) / n;
  return std::max(std::fabs(mean - law.mean) / std::sqrt(law.variance / n),
                  std::fabs(square - law.variance) / (law.variance * std::sqrt(2 / n)));
}

// To the last level's predictor the law is known in closed form. Few levels forget little: each part of a level that is
// left out or done otherwise is seen, 17 standard errors away or more.
TEST(LevelsTest, ChainsHaveTheLawOfFlowMovesAndNoisyGivens) {
  for (const bool apart : {false, true}) {
    const PairEnergy energy(apart);
    RunOptions options = options_of(energy, 100000);
    const Watcher eight = drawn(energy, options);
    EXPECT_LT(worst_z(eight.x, law_of(options.anneal)), 6) << apart;
    options.anneal.given[0].from = 2;
    options.anneal.levels = 2;
    options.anneal.steps = 1;
    const Law law = law_of(options.anneal);
    const Watcher right = drawn(energy, options);
    EXPECT_LT(worst_z(right.x, law), 6) << apart;
    RunOptions still = options, clean = options, short_steps = options, early = options;
    still.anneal.predictor = false;
    clean.anneal.noisy_given = false;
    short_steps.anneal.step_size = 0.25;
    early.anneal.given[0].from = 1.4;
    for (const RunOptions& twin : {still, clean, short_steps, early}) {
      EXPECT_GT(worst_z(drawn(energy, twin).x, law), 8) << apart;
      EXPECT_LT(worst_z(drawn(energy, twin).x, law_of(twin.anneal)), 6) << apart;
    }
  }
}

TEST(LevelsTest, GivenNumbersAreTheirValuesInDrawsBitForBit) {
  for (const bool apart : {false, true}) {
    const PairEnergy energy(apart);
    const Watcher right = drawn(energy, options_of(energy, 700));
    for (const double y : right.y) EXPECT_EQ(std::bit_cast<uint64_t>(y), std::bit_cast<uint64_t>(kGiven));
  }
}

// Behind the warm-up the law is that of the target: N(C_xy y / (C_yy + s^2), C_xx + s^2 - C_xy^2 / (C_yy + s^2)), s the
// given noise. A twin that is told of 5 % more noise is seen.
TEST(LevelsTest, BehindTheWarmUpTheConditionalLawIsExact) {
  const auto conditional = [](double noise) {
    const auto [own, across, other] = precision_at(noise);
    return Law{-across / own * kGiven, 1 / own};
  };
  const PairEnergy energy(false);
  RunOptions options = options_of(energy, 100000);
  options.method = "mala";
  options.values = option_values("mala");
  options.anneal.step_size.reset();
  options.warmup = 100;
  options.steps = 20;
  options.thin = 20;
  const Watcher right = drawn(energy, options);
  EXPECT_LT(worst_z(right.x, conditional(kTarget)), 6);
  EXPECT_GT(worst_z(right.x, conditional(kTarget + 0.1)), 8);
}

RunOptions tuned_options(const PairEnergy& energy, int64_t chains) {
  RunOptions options = options_of(energy, chains);
  options.method = "mala";
  options.values = option_values("mala");
  options.anneal.step_size.reset();
  options.anneal.levels = 12;
  options.anneal.steps = 4;
  options.warmup = 30;
  return options;
}

// h = eta sigma^2 with one eta that the cohort tunes. While the noise is much wider than the pair, the best eta is the
// same at every level: that at which MALA accepts .574 of a normal law. From 400 to 8 the square falls 2500 times.
TEST(LevelsTest, AnAdjustedMethodTunesItsStepInUnitsOfTheLevel) {
  const PairEnergy energy(false);
  RunOptions options = tuned_options(energy, 256);
  options.anneal.given[0].from = 400;
  options.anneal.spacing = Spacing::kGeometric;
  options.anneal.levels = 60;
  options.checkpoint_every = 1;
  const Watcher watched = drawn(energy, options);
  ASSERT_EQ(watched.step_sizes.size(), static_cast<size_t>(60 * 4 + 30));
  int64_t seen = 0;
  for (int64_t step = 20; options.anneal.value(step / 4, 400, kTarget) > 8; ++step, ++seen) {
    const double noise = options.anneal.value(step / 4, 400, kTarget);
    EXPECT_GT(watched.step_sizes[static_cast<size_t>(step)] / (noise * noise), 0.7) << step;
    EXPECT_LT(watched.step_sizes[static_cast<size_t>(step)] / (noise * noise), 7) << step;
  }
  EXPECT_GT(seen, 80);
}

TEST(LevelsTest, AGivenStepIsInUnitsOfTheLevelAndTheWarmUpTunesFromThere) {
  const PairEnergy energy(false);
  for (const char* method : {"mala", "langevin"}) {
    RunOptions options = tuned_options(energy, 256);
    options.method = method;
    options.values = option_values(method);
    options.anneal.step_size = 0.25;
    options.checkpoint_every = 1;
    const Watcher watched = drawn(energy, options);
    ASSERT_EQ(watched.step_sizes.size(), static_cast<size_t>(12 * 4 + 30)) << method;
    for (int64_t step = 0; step < 47; ++step) {  // with the last one the next method is told
      const double noise = options.anneal.value(step / 4, 5, kTarget);
      EXPECT_DOUBLE_EQ(watched.step_sizes[static_cast<size_t>(step)], 0.25 * noise * noise) << method << step;
    }
    // What is tried second is 10 times what the warm-up begins with, and e^1.82 times that for each acceptance too many
    // or too few in mean, of which there is at most one.
    EXPECT_LT(watched.step_sizes[48] / (kTarget * kTarget), 2.5 * std::exp(1.82)) << method;
    EXPECT_GT(watched.step_sizes[48] / (kTarget * kTarget), 2.5 * std::exp(-1.82)) << method;
  }
}

TEST(LevelsTest, TheBitsAreThoseOfAnyThreadsAndRanks) {
  for (const bool apart : {false, true}) {
    const PairEnergy energy(apart);
    for (const bool tuned : {false, true}) {
      RunOptions options = tuned ? tuned_options(energy, 600) : options_of(energy, 600);
      const Watcher whole = drawn(energy, options);
      options.threads = 1;
      EXPECT_EQ(drawn(energy, options).x, whole.x);
      options.rank = {400, 200};
      EXPECT_EQ(drawn(energy, options).x, std::vector<double>(whole.x.begin() + 400, whole.x.end()));
    }
  }
}

// At the first step of a level, within one, behind the last, in the warm-up and behind it.
TEST(LevelsTest, ARunGoesOnBitForBitFromAnyStep) {
  for (const bool apart : {false, true}) {
    const PairEnergy energy(apart);
    for (const char* words : {"langevin", "langevin auto", "mala", "mala given", "mala fixed"}) {
      const std::string text = words;
      RunOptions options = tuned_options(energy, 20);
      options.method = text.substr(0, text.find(' '));
      const bool fixed = text == "langevin" || text == "mala fixed";
      options.values = option_values(options.method, fixed ? OptionWords{{"step_size", "0.01"}} : OptionWords{});
      if (text == "mala given") options.anneal.step_size = 0.2;
      options.anneal.levels = 4;
      options.anneal.steps = 3;
      options.warmup = fixed ? 0 : 20;
      options.steps = 10;
      options.thin = 5;
      options.checkpoint_every = 1;
      const Watcher whole = drawn(energy, options);
      ASSERT_EQ(whole.checkpoints.size(), static_cast<size_t>(12 + options.warmup + 10 + 1)) << text;
      for (size_t at = 0; at + 1 < whole.checkpoints.size(); ++at) {
        const Watcher rest = drawn(energy, options, whole.checkpoints[at]);
        EXPECT_TRUE(rest.all.size() <= whole.all.size() &&
                    std::equal(rest.all.rbegin(), rest.all.rend(), whole.all.rbegin()))
            << text << " checkpoint " << at;
      }
      RunOptions other = options;
      other.anneal.given[0].from = 4;
      EXPECT_NE(drawn(energy, other, whole.checkpoints[4]).all, whole.all) << text;
    }
  }
}

// ------------------------------------------------------------------------------------------------------- refusals

std::string complaint(const RunOptions& options, const PairEnergy& energy) {
  std::vector<SettingError> errors = option_errors(options, 1);
  if (errors.empty())
    errors = schedule_errors(options.anneal, energy.variables(), energy.held(kGiven, kTarget), energy.precision());
  return errors.empty() ? "" : errors.front().what();
}

TEST(LevelsTest, WhatCannotBeIsRefused) {
  const PairEnergy energy(false);
  const RunOptions good = options_of(energy, 4);
  EXPECT_EQ(complaint(good, energy), "");

  RunOptions options = good;
  options.anneal.step_size = 1.5;
  EXPECT_EQ(complaint(options, energy),
            "sample.anneal.step_size must be in (0, 1], in units of the square of the level of noise, got 1.5");

  options = good;
  options.method = "hmc";
  options.values = option_values("hmc", {{"step_size", "0.1"}, {"trajectory_length", "1"}});
  EXPECT_EQ(complaint(options, energy),
            "sample.anneal.predictor must be left out with hmc, whose step size is not in units of a level's square. "
            "Use mala or langevin");
  options.anneal.predictor = false;
  EXPECT_THAT(complaint(options, energy), HasSubstr("sample.anneal.step_size must be left out with hmc"));
  options.anneal.step_by_level = false;
  EXPECT_EQ(complaint(options, energy), "");  // noise on what is given is for any method

  options = good;
  options.anneal.given.clear();
  options.anneal.temperature = 4;
  EXPECT_EQ(complaint(options, energy),
            "sample.anneal.predictor must be left out unless exactly one given number moves, the level of noise, got 0 "
            "of them");

  options = good;
  options.anneal.given[0].from = 0.05;
  EXPECT_EQ(complaint(options, energy),
            "sample.anneal.noise.from must be above the given value, which must be >= 0, where it is a level of noise "
            "(sample.anneal.predictor), got 0.05 and 0.1");

  options = good;
  options.anneal.blurred = {{}, {}};
  EXPECT_THAT(complaint(options, energy),
              HasSubstr("sample.anneal.predictor must be left out where no expert that reads 'noise' has the law of a "
                        "number, got none"));

  // What is transformed moves in other coordinates than those that noise is added in.
  const testing::BlurredEnergy walled({.walls = true});
  RunOptions in_walls = good;
  in_walls.anneal.given = {{1, 5.0}};
  in_walls.anneal.blurred = {{1}, {}};
  const std::vector<SettingError> errors =
      schedule_errors(in_walls.anneal, walled.variables(), testing::given_noise(0.5), walled.precision());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_STREQ(errors[0].what(),
               "sample.anneal.predictor must be left out where noise blurs a variable with walls: transform, got 'x'. "
               "Use walls: reflect, or no bounds");
}

}  // namespace
}  // namespace potluck
