// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/convergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "core/files/formats/npy.h"
#include "tests/core/files/scratch.h"
#include "tests/core/python.h"

namespace potluck {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Draws {
  std::vector<double> values;
  int64_t chains = 0;
  int64_t draws = 0;
  operator ChainValues() const { return {values, chains, draws}; }
};

/// x' = rho x + sqrt(1 - rho^2) z from its stationary law: variance 1, autocorrelation rho^t.
Draws autoregressive(double rho, int64_t chains, int64_t draws, uint32_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  Draws all{{}, chains, draws};
  for (int64_t c = 0; c < chains; ++c) {
    double x = normal(engine);
    for (int64_t d = 0; d < draws; ++d) {
      all.values.push_back(x);
      x = rho * x + std::sqrt(1 - rho * rho) * normal(engine);
    }
  }
  return all;
}

Draws changed(Draws draws, const std::function<double(double, int64_t, int64_t)>& change) {
  for (int64_t c = 0; c < draws.chains; ++c) {
    for (int64_t d = 0; d < draws.draws; ++d) {
      double& value = draws.values[static_cast<size_t>(c * draws.draws + d)];
      value = change(value, c, d);
    }
  }
  return draws;
}

TEST(ConvergenceTest, AgreesWithArviz) {
  const Draws slow = autoregressive(0.9, 4, 1000, 1);
  std::map<std::string, Draws> cases;
  cases["slow"] = slow;
  cases["long"] = autoregressive(0.9, 4, 100000, 2);
  cases["antithetic"] = autoregressive(-0.7, 3, 501, 3);  // odd: the middle draw is left out
  cases["independent"] = autoregressive(0, 64, 100, 4);
  cases["shortest"] = autoregressive(0.5, 2, 4, 5);
  cases["short"] = autoregressive(0.5, 3, 11, 6);
  cases["stuck"] = changed(slow, [](double x, int64_t c, int64_t) { return c == 2 ? 1.5 : x; });
  cases["apart"] = changed(slow, [](double x, int64_t c, int64_t) { return c == 0 ? x + 3 : x; });
  cases["wide"] = changed(slow, [](double x, int64_t c, int64_t) { return c == 0 ? 4 * x : x; });  // the folded one
  cases["trend"] = changed(slow, [](double x, int64_t, int64_t d) { return x + 0.002 * static_cast<double>(d); });
  cases["ties"] = changed(slow, [](double x, int64_t, int64_t) { return std::round(x); });
  cases["two_values"] = changed(slow, [](double x, int64_t, int64_t) { return x > 1.9 ? 1.0 : 0.0; });
  cases["heavy"] = changed(slow, [](double x, int64_t, int64_t) { return std::exp(3 * x); });
  cases["small"] = changed(slow, [](double x, int64_t, int64_t) { return 1e-3 * x + 1e3; });

  const Scratch scratch;
  std::string names;
  for (const auto& [name, draws] : cases) {
    write_npy(scratch / (name + ".npy"), Array::of({draws.chains, draws.draws}, draws.values));
    names += " '" + (scratch / (name + ".npy")).string() + "'";
  }
  ASSERT_EQ(run_python("diagnostics/arviz_numbers.py", names, scratch / "answers.json"), 0);
  const auto answers = nlohmann::json::parse(bytes_of_file(scratch / "answers.json"));
  for (const auto& [name, draws] : cases) {
    const Convergence all = diagnose(draws);
    const std::map<std::string, std::vector<double>> ours = {{"mean", {all.mean}},
                                                             {"sd", {all.sd}},
                                                             {"rhat", {all.rhat, rhat(draws)}},
                                                             {"ess_bulk", {all.ess_bulk, ess_bulk(draws)}},
                                                             {"ess_tail", {all.ess_tail, ess_tail(draws)}},
                                                             {"ess_mean", {ess_mean(draws)}},
                                                             {"mcse_mean", {all.mcse_mean, mcse_mean(draws)}},
                                                             {"mcse_sd", {all.mcse_sd, mcse_sd(draws)}}};
    for (const auto& [what, numbers] : ours) {
      if (draws.draws < kLeastDrawsForEss && (what.starts_with("ess") || what.starts_with("mcse"))) continue;
      const double theirs = answers.at(name).at(what);
      for (const double number : numbers) EXPECT_NEAR(number, theirs, 1e-6 * std::abs(theirs)) << name << ' ' << what;
    }
  }
}

TEST(ConvergenceTest, DoesNotDependOnTheUnit) {
  // ArviZ takes squares that differ by less than 1e-15 as equal, whatever their size.
  const Draws draws = autoregressive(0.5, 4, 100, 12);
  const Draws small = changed(draws, [](double x, int64_t, int64_t) { return std::ldexp(x, -40); });
  EXPECT_EQ(ess_mean(small), ess_mean(draws));
  EXPECT_EQ(mcse_mean(small), std::ldexp(mcse_mean(draws), -40));
  EXPECT_NEAR(mcse_sd(small), std::ldexp(mcse_sd(draws), -40), std::ldexp(1e-12, -40));
  EXPECT_EQ(rhat(small), rhat(draws));
}

TEST(ConvergenceTest, FindsTheEffectiveSampleSizeOfAutoregressiveChains) {
  // AR(1) with rho = 0.9: tau = (1 + rho) / (1 - rho) = 19; of the 5 % indicator the tail has 2.217 n / 19.
  const Draws draws = autoregressive(0.9, 4, 100000, 7);
  const double expected = 400000 / 19.0;
  EXPECT_NEAR(ess_bulk(draws), expected, 0.15 * expected);
  EXPECT_NEAR(ess_tail(draws), 2.217 * expected, 0.15 * 2.217 * expected);
  EXPECT_LT(rhat(draws), 1.01);
  // The broken twin: taking the draws as independent.
  EXPECT_GT(400000, 1.15 * expected);
}

TEST(ConvergenceTest, CountsTheDrawsOfAChainAboutItsOwnMean) {
  // tau = 3: 4000 / 3 draws a chain, however far apart the chains are.
  const Draws draws = autoregressive(0.5, 8, 4000, 13);
  const Draws apart = changed(draws, [](double x, int64_t c, int64_t) { return x + 10 * static_cast<double>(c); });
  EXPECT_NEAR(ess_within_chain(draws), 4000 / 3.0, 0.15 * 4000 / 3);
  EXPECT_NEAR(ess_within_chain(apart), ess_within_chain(draws), 1e-6);
  EXPECT_LT(ess_mean(apart) / 8, 0.01 * ess_within_chain(apart));  // the broken twin: about the mean of all
  EXPECT_EQ(ess_within_chain(Draws{std::vector<double>(40, 0.1), 4, 10}), 0);
  EXPECT_TRUE(std::isnan(ess_within_chain(autoregressive(0, 4, 3, 11))));
}

TEST(ConvergenceTest, AccusesAStuckChain) {
  const Draws stuck =
      changed(autoregressive(0, 4, 1000, 8), [](double x, int64_t c, int64_t) { return c == 1 ? 2 : x; });
  EXPECT_GT(rhat(stuck), 1.1);
  EXPECT_LT(ess_bulk(stuck), 40);
}

TEST(ConvergenceTest, GivesConstantDrawsNoEffectiveSample) {
  const Draws constant{std::vector<double>(40, 0.1), 4, 10};
  EXPECT_EQ(ess_bulk(constant), 0);
  EXPECT_EQ(ess_tail(constant), 0);
  EXPECT_TRUE(std::isnan(rhat(constant)));
  EXPECT_TRUE(std::isnan(mcse_mean(constant)));
  EXPECT_TRUE(std::isnan(mcse_sd(constant)));
}

TEST(ConvergenceTest, NamesTheChainsThatAreNotFinite) {
  Draws draws = autoregressive(0, 4, 10, 9);
  EXPECT_TRUE(chains_not_finite(draws).empty());
  draws.values[13] = kNan;
  draws.values[35] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(chains_not_finite(draws), (std::vector<int64_t>{1, 3}));
  for (const double number : {rhat(draws), ess_bulk(draws), ess_tail(draws), mcse_mean(draws), mcse_sd(draws)}) {
    EXPECT_TRUE(std::isnan(number));
  }
}

TEST(ConvergenceTest, ComparesTheHalvesOfASingleChain) {
  const Draws draws = autoregressive(0, 1, 1000, 10);
  EXPECT_LT(rhat(draws), 1.02);
  EXPECT_GT(rhat(changed(draws, [](double x, int64_t, int64_t d) { return d < 500 ? x : x + 3; })), 1.5);
}

// ArviZ tells of 4 draws a chain that stand still, as chains from exact starts may, far more effective ones than there
// are chains.
TEST(ConvergenceTest, SaysNothingOfTheEffectiveSampleOfFewerThanEightDraws) {
  for (const int64_t count : {4, 5, 6, 7}) {
    const Draws draws = autoregressive(0.999, 64, count, 14);
    EXPECT_GT(rhat(draws), 3);
    for (const double number :
         {ess_bulk(draws), ess_tail(draws), ess_mean(draws), ess_within_chain(draws), mcse_mean(draws), mcse_sd(draws)})
      EXPECT_TRUE(std::isnan(number)) << count;
  }
  EXPECT_TRUE(std::isfinite(ess_bulk(autoregressive(0.5, 64, 8, 15))));
}

TEST(ConvergenceTest, NeedsFourDraws) {
  const Draws draws = autoregressive(0, 4, 3, 11);
  EXPECT_TRUE(std::isnan(rhat(draws)));
  EXPECT_TRUE(std::isnan(ess_bulk(draws)));
}

}  // namespace
}  // namespace potluck
