// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/lag_products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/diagnostics/autocovariance.h"
#include "core/diagnostics/convergence.h"
#include "core/error.h"

namespace potluck {
namespace {

/// x' = rho x + sqrt(1 - rho^2) z from its stationary law, plus `centre`; [chains, draws].
std::vector<double> autoregressive(double rho, int64_t chains, int64_t draws, double centre, uint32_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values;
  for (int64_t chain = 0; chain < chains; ++chain) {
    double x = normal(engine);
    for (int64_t draw = 0; draw < draws; ++draw) {
      values.push_back(centre + x);
      x = rho * x + std::sqrt(1 - rho * rho) * normal(engine);
    }
  }
  return values;
}

std::vector<LagProducts> lag_products_of(const std::vector<double>& values, int64_t chains, int64_t most_lag) {
  std::vector<LagProducts> all;
  const size_t draws = values.size() / static_cast<size_t>(chains);
  for (size_t chain = 0; chain < static_cast<size_t>(chains); ++chain) {
    LagProducts& own = all.emplace_back(most_lag);
    for (size_t draw = 0; draw < draws; ++draw) own.add(values[chain * draws + draw]);
  }
  return all;
}

TEST(LagProductsTest, GiveTheAutocovariancesOfTheDrawsKeptWhole) {
  for (const double centre : {0.0, 1e6}) {  // far from zero it keeps its digits
    const std::vector<double> values = autoregressive(0.8, 1, 300, centre, 1);
    const LagProducts products = lag_products_of(values, 1, 20)[0];
    Autocovariance whole;
    const auto expected = whole.mean_over_chains(values, 1);
    for (int64_t lag = 0; lag <= 20; ++lag) {
      EXPECT_NEAR(products.autocovariance(lag), expected[static_cast<size_t>(lag)], centre == 0 ? 1e-12 : 1e-8) << lag;
    }
    EXPECT_NEAR(products.mean(), centre, 1.5);
  }
}

TEST(LagProductsTest, AppendingIsAddingTheValues) {
  const std::vector<double> values = autoregressive(0.8, 1, 60, 10, 2);
  const LagProducts all = lag_products_of(values, 1, 8)[0];
  for (const int64_t first : {0, 1, 3, 8, 9, 30, 59, 60}) {
    for (const int64_t second : {0, 1, 5, 8, 20}) {
      LagProducts parts[] = {LagProducts(8), LagProducts(8), LagProducts(8)};
      for (int64_t i = 0; i < 60; ++i) {
        const int part = i < first ? 0 : i < first + second ? 1 : 2;
        parts[part].add(values[static_cast<size_t>(i)]);
      }
      // Either order of merging.
      LagProducts left = parts[0], right = parts[1];
      left.append(parts[1]);
      left.append(parts[2]);
      right.append(parts[2]);
      LagProducts other = parts[0];
      other.append(right);
      for (const LagProducts& merged : {left, other}) {
        ASSERT_EQ(merged.count(), 60);
        EXPECT_NEAR(merged.mean(), all.mean(), 1e-12);
        for (int64_t lag = 0; lag <= 8; ++lag) {
          EXPECT_NEAR(merged.autocovariance(lag), all.autocovariance(lag), 1e-11)
              << first << ' ' << second << ' ' << lag;
        }
      }
      // What is appended goes on as if nothing had happened.
      LagProducts longer = all;
      for (const double value : {1.0, 2.0, 3.0}) {
        left.add(value);
        longer.add(value);
      }
      EXPECT_NEAR(left.autocovariance(8), longer.autocovariance(8), 1e-11);
    }
  }
}

TEST(LagProductsTest, FindTheAutocorrelationTimeOfAutoregressiveChains) {
  // (1 + rho) / (1 - rho) = 19.
  const std::vector<double> values = autoregressive(0.9, 64, 4000, 3, 3);
  const AutocorrelationTime found = autocorrelation_time(lag_products_of(values, 64, 256));
  EXPECT_TRUE(found.complete);
  EXPECT_NEAR(found.value, 19, 0.15 * 19);
  // The broken twin has too few lags, 1 + 2 (.9 + ... + .9^8): it says less, and that it is not complete.
  const AutocorrelationTime cut = autocorrelation_time(lag_products_of(values, 64, 8));
  EXPECT_FALSE(cut.complete);
  EXPECT_LT(cut.value, 0.85 * 19);
}

TEST(LagProductsTest, WithAllLagsTheTimeIsThatOfTheEffectiveSampleSize) {
  // ess_mean() takes the halves of each chain for chains.
  const std::vector<double> values = autoregressive(0.7, 4, 200, 0, 4);
  const AutocorrelationTime found = autocorrelation_time(lag_products_of(values, 8, 100));
  EXPECT_TRUE(found.complete);
  EXPECT_NEAR(800 / found.value, ess_mean({values, 4, 200}), 1e-8);
}

TEST(LagProductsTest, SayWhereThereIsNoTime) {
  EXPECT_TRUE(std::isnan(autocorrelation_time({}).value));
  EXPECT_TRUE(std::isnan(autocorrelation_time(lag_products_of({1, 2, 3}, 1, 8)).value));        // too few
  EXPECT_TRUE(std::isnan(autocorrelation_time(lag_products_of({1, 1, 1, 1, 1}, 1, 8)).value));  // nothing varies
  EXPECT_TRUE(std::isnan(autocorrelation_time(lag_products_of({1, 2, 3, NAN, 1}, 1, 8)).value));
  EXPECT_TRUE(std::isnan(LagProducts(8).autocovariance(0)));
}

TEST(LagProductsTest, RefuseWhatDoesNotFit) {
  const auto text_of = [](auto call) {
    try {
      call();
    } catch (const SettingError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(text_of([] { LagProducts(2); }), "LagProducts: most_lag must be >= 3, got 2");
  EXPECT_EQ(text_of([] { LagProducts(3).append(LagProducts(4)); }),
            "LagProducts: what is appended must have the same most_lag 3, got 4");
  EXPECT_EQ(text_of([] {
              std::vector<LagProducts> uneven(2, LagProducts(3));
              uneven[1].add(1);
              autocorrelation_time(uneven);
            }),
            "autocorrelation_time: chains must all have 0 draws and 3 lags, got 1 draws and 3 lags");
}

}  // namespace
}  // namespace potluck
