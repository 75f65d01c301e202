// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "tests/core/sampling/sampled.h"

namespace potluck {
namespace {

using ::testing::HasSubstr;
using testing::Keeper;
using testing::line;
using testing::normal_energy;
using testing::RowEnergy;
using testing::Sampled;
using testing::sampled;

const std::atomic<bool> kGoOn{false};

RunOptions mala(const std::string& step_size, int64_t chains, int64_t warmup, int64_t steps, int64_t thin) {
  RunOptions options;
  options.method = "mala";
  options.values = option_values("mala", {{"step_size", step_size}});
  options.chains = chains;
  options.warmup = warmup;
  options.steps = steps;
  options.thin = thin;
  options.threads = 2;
  return options;
}

TEST(RunTest, TunesMalaToItsAcceptanceAndSamplesTheTarget) {
  const RowEnergy energy = normal_energy(line("x", 10), 4);
  const Sampled result = sampled(energy, mala("auto", 1024, 400, 200, 200));
  EXPECT_NEAR(result.summary.acceptance, 0.574, 0.03);
  double sum = 0;
  for (const double x : result.positions.back()) sum += x * x;
  // 10 240 independent coordinates N(0, 1/4): SE of the variance (1/4) sqrt(2/10240) = .0035.
  EXPECT_NEAR(sum / 10240, 0.25, 6 * 0.0035);
}

TEST(RunTest, GivesTheSameBitsForAnyNumberOfThreadsAndChains) {
  const RowEnergy energy = normal_energy(line("x", 3, 0, INFINITY), 1, Precision::kFloat32);
  RunOptions options = mala("0.3", 700, 30, 60, 20);
  const Sampled reference = sampled(energy, options);
  for (const int threads : {1, 5}) {
    options.threads = threads;
    EXPECT_EQ(sampled(energy, options).positions, reference.positions);
  }
  for (const int64_t chains : {1, 7}) {
    options.chains = chains;
    const Sampled few = sampled(energy, options);
    for (size_t draw = 0; draw < few.positions.size(); ++draw) {
      for (int64_t i = 0; i < chains * 3; ++i) ASSERT_EQ(few.positions[draw][i], reference.positions[draw][i]);
    }
  }
}

TEST(RunTest, TunedDrawsDoNotDependOnChainsBeyondTheCohort) {
  const RowEnergy energy = normal_energy(line("x", 3), 1);
  const Sampled many = sampled(energy, mala("auto", 900, 60, 20, 20));
  const Sampled cohort = sampled(energy, mala("auto", 256, 60, 20, 20));
  for (int64_t i = 0; i < 256 * 3; ++i) ASSERT_EQ(cohort.positions[0][i], many.positions[0][i]);
  const Sampled fewer = sampled(energy, mala("auto", 600, 60, 20, 20));
  for (int64_t i = 0; i < 600 * 3; ++i) ASSERT_EQ(fewer.positions[0][i], many.positions[0][i]);
}

TEST(RunTest, GivesTheSameBitsHoweverTheStepsAreCutIntoDraws) {
  const RowEnergy energy = normal_energy(line("x", 2), 1);
  const Sampled often = sampled(energy, mala("0.5", 16, 10, 40, 1)),
                seldom = sampled(energy, mala("0.5", 16, 10, 40, 20));
  EXPECT_EQ(often.positions[19], seldom.positions[0]);
  EXPECT_EQ(often.positions[39], seldom.positions[1]);
}

TEST(RunTest, KeepsHeldCoordinatesBitForBitAndCachesOneEvaluationAStep) {
  const RowEnergy energy = normal_energy(line("x", 3), 1);
  Held held;
  held.mask = {0, 1, 0};
  held.value = {0, 0.1, 0};
  const Sampled result = sampled(energy, mala("0.5", 5, 10, 10, 1), {held});
  for (const auto& draw : result.positions) {
    for (int chain = 0; chain < 5; ++chain) EXPECT_EQ(draw[chain * 3 + 1], 0.1);
    EXPECT_NE(draw[0], draw[3]);
  }
  EXPECT_EQ(energy.calls(), 1 + 20);  // one tile: the start, then one a step
}

// A chain whose state fails is frozen with its step and energies; the others' bits do not change.
TEST(RunTest, FreezesOnlyTheChainThatFails) {
  const auto row = [](const double* x, double* g) {
    g[0] = x[0];
    return 0.5 * x[0] * x[0];
  };
  const auto failing = [](const double* x, double* g) {
    g[0] = x[0];
    return x[0] > 3.2 ? NAN : 0.5 * x[0] * x[0];
  };
  RunOptions options;
  options.method = "langevin";
  options.values = option_values("langevin", {{"step_size", "0.1"}});
  options.chains = 300;
  options.warmup = 0;
  options.steps = 100;
  options.thin = 100;
  options.seed = 4;
  const Sampled sound = sampled(RowEnergy(line("x"), row), options);
  const Sampled broken = sampled(RowEnergy(line("x"), failing), options);
  ASSERT_GT(broken.summary.frozen_count, 0);
  ASSERT_LT(broken.summary.frozen_count, 50);
  std::vector<bool> frozen(300);
  for (const FrozenChain& one : broken.summary.frozen) {
    frozen[one.chain] = true;
    EXPECT_TRUE(std::isnan(one.expert_energy[0]));
    EXPECT_LT(one.step, 100);
    EXPECT_GT(broken.positions[0][one.chain], 3.2);
  }
  for (int chain = 0; chain < 300; ++chain) {
    if (!frozen[chain]) {
      EXPECT_EQ(sound.positions[0][chain], broken.positions[0][chain]);
    }
  }
}

TEST(RunTest, RejectsAndCountsProposalsThatAreNotNumbersAndRejectsInfinityQuietly) {
  for (const double wall : {double{INFINITY}, double{NAN}}) {
    const RowEnergy energy(line("x"), [wall](const double* x, double* g) {
      g[0] = x[0];
      return x[0] > 1 ? wall : 0.5 * x[0] * x[0];
    });
    Keeper keeper(1, Precision::kFloat64);
    Observer* observers[] = {&keeper};
    const RunOptions options = mala("0.5", 200, 0, 50, 10);
    const auto start = given_start({{0.0}}, 1, energy.variables(), "zero");
    const RunSummary summary = run({&energy, {{}}, 1}, *start, options, observers, kGoOn);
    EXPECT_EQ(summary.frozen_count, 0);
    EXPECT_EQ(summary.sums.nan_proposals > 0, std::isnan(wall));
    for (const auto& draw : keeper.positions) {
      for (const double x : draw) EXPECT_LE(x, 1);
    }
  }
}

TEST(RunTest, DrawsStartsWithoutDensityAgainAndThenGivesUp) {
  const RowEnergy half(line("x"), [](const double* x, double* g) {
    g[0] = x[0];
    return x[0] < 0 ? INFINITY : 0.5 * x[0] * x[0];
  });
  const Sampled result = sampled(half, mala("0.5", 300, 0, 10, 10));
  EXPECT_THAT(result.summary.start, HasSubstr("starts without density were drawn again"));
  const RowEnergy nowhere(line("x"), [](const double*, double* g) {
    g[0] = 0;
    return INFINITY;
  });
  try {
    sampled(nowhere, mala("0.5", 3, 0, 10, 10));
    FAIL();
  } catch (const NumericalError& error) {
    EXPECT_STREQ(
        error.what(),
        "3 of 3 chains found no start with density in 100 attempts (first: chain 0; starts: uniform in bounded "
        "supports, standard normal elsewhere). Give a start that lies where all experts have density: "
        "sample.start");
  }
}

TEST(RunTest, DoesNotDrawGivenStartsAgain) {
  const RowEnergy half(line("x"), [](const double* x, double* g) {
    g[0] = x[0];
    return x[0] < 0 ? INFINITY : 0.5 * x[0] * x[0];
  });
  const auto start = given_start({{1, -1}}, 2, half.variables(), "2 positions of start.npy");
  const std::atomic<bool> stop = false;
  try {
    run({&half, {{}}, 1}, *start, mala("0.5", 4, 0, 10, 10), {}, stop);
    FAIL();
  } catch (const NumericalError& error) {
    EXPECT_STREQ(error.what(),
                 "2 of 4 chains begin where the target has no density: its energy is infinite there, or beyond what "
                 "the run's precision can hold (first: chain 1; starts: 2 positions of start.npy). Give positions "
                 "where all experts have density");
  }
}

TEST(RunTest, SaysThatAGradientFailed) {
  const RowEnergy steep(line("x"), [](const double*, double* g) {
    g[0] = std::nan("");
    return 2.0;
  });
  try {
    sampled(steep, mala("0.5", 2, 0, 10, 10));
    FAIL();
  } catch (const NumericalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("(first: chain 0, expert 'row' = 2, with a gradient that is not finite)"));
  }
}

TEST(RunTest, SaysWhichChainAndExpertWhenAllFail) {
  const RowEnergy energy(line("x"), [](const double* x, double* g) {
    g[0] = -1e200 * x[0];
    return x[0] * x[0] > 1e100 ? NAN : 0.0;
  });
  RunOptions options;
  options.method = "langevin";
  options.values = option_values("langevin", {{"step_size", "0.5"}});
  options.chains = 2;
  options.warmup = 0;
  options.steps = 10;
  try {
    sampled(energy, options);
    FAIL();
  } catch (const NumericalError& error) {
    EXPECT_STREQ(
        error.what(),
        "step 0: all 2 chains became non-finite (first: chain 0, expert 'row' = nan). Let chains begin elsewhere "
        "(sample.start), or lower step_size (now 0.5)");
  }
}

TEST(RunTest, RefusesOptionsThatDoNotFit) {
  const RowEnergy energy = normal_energy(line("x"), 1);
  const auto text = [&](RunOptions options, double temperature = 1) -> std::string {
    try {
      sampled(energy, options, {{}}, temperature);
    } catch (const SettingError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(text(mala("0.5", 0, 0, 10, 1)), "sample.chains must be >= 1, got 0");
  EXPECT_EQ(text(mala("0.5", 1, 0, 10, 3)), "sample.steps must be a multiple of sample.thin (3), got 10. Use 12");
  EXPECT_EQ(text(mala("auto", 1, 0, 10, 1)),
            "sample.warmup must be >= 20 where step_size is auto, got 0. Raise it, or give a step_size");
  RunOptions hmc = mala("0.5", 1, 0, 10, 1);
  hmc.method = "hmc";
  hmc.values = option_values("hmc", {{"step_size", "0.5"}});
  EXPECT_EQ(text(hmc),
            "sample.warmup must be >= 20 where trajectory_length is auto, got 0. Raise it, or give a "
            "trajectory_length");
  hmc.values = option_values("hmc", {{"step_size", "0.5"}, {"trajectory_length", "1"}});
  EXPECT_EQ(text(hmc), "accepted");
  EXPECT_EQ(text(mala("0.5", 1, 0, 10, 1), -1), "sample.temperature must be > 0, got -1");
  RunOptions wrong = mala("0.5", 1, 0, 10, 1);
  wrong.method = "malla";
  EXPECT_EQ(text(wrong),
            "sample.method must be one of adjusted_mclmc, baoab, ebm_practice, ghmc, gibbs, hmc, langevin, "
            "leimkuhler_matthews, mala, mclmc, obabo, parallel_tempering; got 'malla'. Did you mean 'mala'?");
}

TEST(RunTest, RefusesHardWallsForUnadjustedMethods) {
  RowEnergy energy = normal_energy(line("x"), 1);
  energy.set_hard_walls();
  RunOptions options;
  options.method = "langevin";
  options.values = option_values("langevin", {{"step_size", "0.1"}});
  EXPECT_THROW(sampled(energy, options), SettingError);
}

TEST(RunTest, StopsAtTheEndOfABlockWhenAsked) {
  const RowEnergy energy = normal_energy(line("x"), 1);
  std::atomic<bool> stop{false};
  struct Stopper final : Observer {
    explicit Stopper(std::atomic<bool>& flag) : flag_(flag) {}
    void drew(const Draw& draw) override { flag_ = draw.index == 4; }
    std::atomic<bool>& flag_;
  } stopper(stop);
  Observer* observers[] = {&stopper};
  const RunSummary summary =
      run({&energy, {{}}, 1}, *default_start(energy.variables()), mala("0.5", 2, 0, 100, 2), observers, stop);
  EXPECT_TRUE(summary.interrupted);
  EXPECT_EQ(summary.draws, 5);
  EXPECT_EQ(summary.steps_done, 10);
  EXPECT_EQ(summary.why_stopped, "interrupted");
}

// A flat energy accepts every proposal: the noise of a step stays at the width of the support, 5, and the law uniform.
// The metric's scale is the standard deviation, s^2 = 25/12, so that eps stays at 25/2 / s^2.
TEST(RunTest, TuningAFlatEnergyKeepsItsStepsWithinTheSupport) {
  const RowEnergy energy(
      line("x", 1, -2, 3),
      [](const double*, double* g) {
        g[0] = 0;
        return 0.0;
      },
      Precision::kFloat32);
  const Sampled result = sampled(energy, mala("auto", 4096, 200, 20, 20));
  EXPECT_NEAR(result.summary.step_size, 6, 0.3);
  double sum = 0;
  for (const double x : result.positions[0]) sum += (x - 0.5) * (x - 0.5);
  // Variance 25/12, its SE from 4096 draws: the fourth moment of a uniform gives 25/12 sqrt(0.8 / 4096).
  EXPECT_NEAR(sum / 4096, 25.0 / 12, 6 * 25.0 / 12 * std::sqrt(0.8 / 4096));
}

// The leapfrog's energy error is of the third order in the step: its square falls by 2^6 as the step is halved.
TEST(RunTest, TheEnergyErrorOfMclmcFallsWithItsStepSize) {
  const RowEnergy energy = normal_energy(line("x", 3), 1);
  const auto error = [&](const std::string& step_size) {
    RunOptions options = mala("0.5", 256, 100, 400, 400);
    options.method = "mclmc";
    options.values = option_values("mclmc", {{"step_size", step_size}});
    return sampled(energy, options).summary.sums.energy_error.mean();
  };
  EXPECT_NEAR(std::log2(error("0.2") / error("0.1")), 6, 1);
  EXPECT_LT(error("0.1"), 1e-6);
}

/// The mean over chains must be `expected` within 6 standard errors of a mean over `independent` draws of deviation sd.
bool is_mean_of(const StepSum& found, double expected, double sd, double independent) {
  return std::abs(found.mean() - expected) < 6 * sd / std::sqrt(independent);
}

// E|g|^2 = trace P = 4 * 10 for N(0, 1/4) in 10 coordinates, whatever exact method draws: g_j = 4 x_j has variance 4,
// |g|^2 = 4 chi^2_10 has deviation 4 sqrt(20). A step counts once, so one step of exact chains is 4096 draws.
TEST(RunTest, TheGradientOfAGaussianHasTheTraceOfItsPrecision) {
  const RowEnergy energy = normal_energy(line("x", 10), 4);
  for (const char* name : {"mala", "hmc", "ghmc", "adjusted_mclmc"}) {
    RunOptions options = mala("auto", 4096, 200, 5, 5);
    options.method = name;
    options.values = option_values(name, {{"step_size", "auto"}});
    const StepSum found = sampled(energy, options).summary.sums.gradient_square;
    EXPECT_EQ(found.count, 4096 * 5) << name;
    EXPECT_TRUE(is_mean_of(found, 40, 4 * std::sqrt(20.0), 4096)) << name << ' ' << found.mean();
    // The twins: a coordinate less, and a step that counts twice.
    EXPECT_FALSE(is_mean_of(found, 36, 4 * std::sqrt(20.0), 4096)) << name;
    EXPECT_FALSE(is_mean_of({2 * found.sum, found.count}, 40, 4 * std::sqrt(20.0), 4096)) << name;
  }
}

// The step x' = x - eps 4 x + sqrt(2 eps) z is stationary at variance (1/4) / (1 - 2 eps): E|g|^2 = 160 of it.
TEST(RunTest, TheGradientOfAnUnadjustedStepIsThatOfItsBiasedLaw) {
  const RowEnergy energy = normal_energy(line("x", 10), 4);
  RunOptions options = mala("0.1", 4096, 100, 1, 1);
  options.method = "langevin";
  options.values = option_values("langevin", {{"step_size", "0.1"}});
  const StepSum found = sampled(energy, options).summary.sums.gradient_square;
  const double expected = 40 / (1 - 2 * 0.1);
  EXPECT_TRUE(is_mean_of(found, expected, expected * std::sqrt(0.2), 4096)) << found.mean();
  EXPECT_FALSE(is_mean_of(found, 40, expected * std::sqrt(0.2), 4096));
}

// On a flat box of width 1 the uniform law is that of the step, and a point leaves it by a step of sigma z, sigma small
// beside 1, with probability 2 E[(sigma z)+] = sigma sqrt(2 / pi): a share of the coordinates that have the faces.
TEST(RunTest, TheShareReflectedOnABoxIsThatOfTheNoise) {
  const RowEnergy energy(line("x", 4, 0, 1), [](const double*, double* g) {
    for (int j = 0; j < 4; ++j) g[j] = 0;
    return 0.0;
  });
  const double sigma = 0.1, step = sigma * sigma / 2;
  for (const char* name : {"langevin", "mala"}) {
    RunOptions options = mala(std::to_string(step), 8192, 0, 2, 2);
    options.method = name;
    options.values = option_values(name, {{"step_size", std::to_string(step)}});
    std::vector<Held> held(1);
    held[0] = {{0, 1, 0, 0}, {0, 0.5, 0, 0}};
    const StepSum found = sampled(energy, options, held).summary.sums.reflected;
    EXPECT_EQ(found.count, 8192 * 2 * 3) << name;
    const double p = sigma * std::sqrt(2 / M_PI), sd = std::sqrt(p * (1 - p));
    EXPECT_TRUE(is_mean_of(found, p, sd, 8192 * 3)) << name << ' ' << found.mean();
    EXPECT_FALSE(is_mean_of(found, p * 3 / 4, sd, 8192 * 3)) << name;  // as if the held one counted
  }
  EXPECT_EQ(sampled(normal_energy(line("x", 3), 1), mala("0.1", 8, 0, 2, 2)).summary.sums.reflected.count, 0);
}

TEST(RunTest, SumsOverStepsHaveTheSameBitsForAnyNumberOfThreads) {
  const RowEnergy energy = normal_energy(line("x", 3, 0, INFINITY), 1, Precision::kFloat32);
  RunOptions options = mala("0.3", 700, 30, 60, 20);
  const RunSummary one = sampled(energy, options).summary;
  options.threads = 5;
  const RunSummary other = sampled(energy, options).summary;
  EXPECT_GT(one.sums.reflected.sum, 0);
  EXPECT_EQ(one.sums.reflected.sum, other.sums.reflected.sum);
  EXPECT_EQ(one.sums.gradient_square.sum, other.sums.gradient_square.sum);
  EXPECT_EQ(one.sums.energy_error.sum, other.sums.energy_error.sum);
}

TEST(RunTest, StopsBetweenDrawsThatAreFarApart) {
  std::atomic<bool> stop{false};
  std::atomic<int64_t> rows{0};
  const RowEnergy energy(line("x"), [&](const double* x, double* g) {
    if (++rows > 100000) stop = true;
    g[0] = x[0];
    return 0.5 * x[0] * x[0];
  });
  const RunSummary summary =
      run({&energy, {{}}, 1}, *default_start(energy.variables()), mala("0.5", 2, 0, 1000000, 1000000), {}, stop);
  EXPECT_TRUE(summary.interrupted);
  EXPECT_EQ(summary.draws, 0);
  EXPECT_LT(rows, 200000);
}

}  // namespace
}  // namespace potluck
