// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/virial.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/error.h"

namespace potluck {
namespace {

constexpr int64_t kChains = 4096;

/// Unadjusted Langevin at temperature T: x' = x - eps g(x) + sqrt(2 eps T) z in two coordinates, of which the second
/// does not count. `burn_in` steps are not added.
template <typename Gradient>
Virial unadjusted(double step_size, double temperature, double start_sd, Gradient gradient, int64_t steps,
                  int64_t burn_in, uint32_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  Virial virial(kChains, {0.3, 0}, {1, 0});
  for (int64_t chain = 0; chain < kChains; ++chain) {
    double x = start_sd * normal(engine);
    for (int64_t step = 0; step < burn_in + steps; ++step) {
      const double row[] = {x, 1}, slope[] = {gradient(x), 1e6};
      if (step >= burn_in) virial.add(chain, row, slope);
      x += -step_size * slope[0] + std::sqrt(2 * step_size * temperature) * normal(engine);
    }
  }
  return virial;
}

/// On N(0, 1/lambda), from its exact law: variance (T/lambda) / (1 - eps lambda / 2).
Virial on_gaussian(double step_size, double lambda, double temperature, uint32_t seed) {
  return unadjusted(
      step_size, temperature, std::sqrt(temperature / lambda / (1 - step_size * lambda / 2)),
      [lambda](double x) { return lambda * x; }, 60, 0, seed);
}

TEST(VirialTest, FindsTheTemperatureOfUnadjustedLangevinAtAnyStep) {
  for (const double lambda : {0.1, 1.0, 3.0}) {  // eps lambda up to 1.5: a variance four times too large
    const VirialEstimate found = on_gaussian(0.5, lambda, 1, 3).estimate(0.5);
    EXPECT_LT(std::abs(found.z(1)), 6) << found.temperature;
    EXPECT_LT(found.standard_error, 0.02);
    EXPECT_EQ(found.chains, kChains);
    EXPECT_EQ(virial_verdict(found, 1), "");
  }
  // The broken twins: the identity of exact kernels, 1 / (1 - .75) = 4; and noise of T = 1.21.
  EXPECT_GT(on_gaussian(0.5, 3, 1, 3).estimate(0).z(1), 12);
  EXPECT_NEAR(on_gaussian(0.5, 3, 1, 3).estimate(0).temperature, 4, 0.2);
  for (const double lambda : {0.1, 1.0, 3.0}) EXPECT_GT(on_gaussian(0.5, lambda, 1.21, 4).estimate(0.5).z(1), 12);
}

TEST(VirialTest, HoldsForUnadjustedLangevinOnOtherEnergies) {
  // E = x^2/2 + sin(2x)/2, stationary after 200 steps of .3.
  const auto gradient = [](double x) { return x + std::cos(2 * x); };
  const VirialEstimate found = unadjusted(0.3, 1, 1, gradient, 50, 200, 5).estimate(0.3);
  EXPECT_LT(std::abs(found.z(1)), 6) << found.temperature;
  EXPECT_GT(unadjusted(0.3, 1.21, 1, gradient, 50, 200, 5).estimate(0.3).z(1), 12);
}

TEST(VirialTest, HoldsForExactDrawsOfSkewedEnergies) {
  // E = e^y - y: y is the logarithm of an exponential variable; at temperature T that of a gamma(1/T) one times T.
  const auto draw = [](double temperature, uint32_t seed) {
    std::mt19937_64 engine(seed);
    std::gamma_distribution<double> gamma(1 / temperature, temperature);
    Virial virial(kChains, {-0.5772}, {1});
    for (int64_t chain = 0; chain < kChains; ++chain) {
      for (int i = 0; i < 10; ++i) {
        const double e = gamma(engine);
        const float y = static_cast<float>(std::log(e)), g = static_cast<float>(e - 1);
        virial.add(chain, &y, &g);
      }
    }
    return virial.estimate();
  };
  EXPECT_LT(std::abs(draw(1, 6).z(1)), 6);
  EXPECT_LT(std::abs(draw(0.5, 7).z(0.5)), 6);
  EXPECT_GT(draw(1.21, 8).z(1), 12);
}

TEST(VirialTest, NamesAWrongTemperature) {
  EXPECT_EQ(virial_verdict({1.21, 0.02, 1000}, 1), "the draws behave as at T = 1.21 +- 0.02, but the run is at T = 1");
  EXPECT_EQ(virial_verdict({0.00124, 0.00003, 1000}, 0.001),
            "the draws behave as at T = 0.00124 +- 0.00003, but the run is at T = 0.001");
  EXPECT_EQ(virial_verdict({1.1, 0.02, 1000}, 1), "");  // z = 5
  EXPECT_EQ(virial_verdict({5, std::nan(""), 1}, 1), "");
}

TEST(VirialTest, FewChainsDoNotAccuseMoreReadily) {
  // Student's t with 3 degrees of freedom is beyond 7 with probability .002993, the normal beyond 2.7487.
  EXPECT_NEAR((VirialEstimate{1.7, 0.1, 4}).z(1), 2.7487, 1e-3);
  EXPECT_NEAR((VirialEstimate{0.3, 0.1, 4}).z(1), -2.7487, 1e-3);
  EXPECT_NEAR((VirialEstimate{1.7, 0.1, 1000000}).z(1), 7, 1e-3);
  EXPECT_EQ((VirialEstimate{2, 1e-6, 1000000}).z(1), 37);
  EXPECT_TRUE(std::isnan((VirialEstimate{2, 0.1, 1}).z(1)));
}

TEST(VirialTest, MergingIsAddingTheDraws) {
  std::mt19937_64 engine(9);
  std::normal_distribution<double> normal;
  const auto fresh = [](int64_t chains) { return Virial(chains, {0.5, -1}, {1, 1}); };
  Virial all = fresh(3), early = fresh(3), late = fresh(3), front = fresh(1), back = fresh(2);
  for (int64_t draw = 0; draw < 20; ++draw) {
    for (int64_t chain = 0; chain < 3; ++chain) {
      const double x[] = {normal(engine), normal(engine)}, g[] = {normal(engine), normal(engine)};
      all.add(chain, x, g);
      (draw < 7 ? early : late).add(chain, x, g);
      (chain < 1 ? front : back).add(chain < 1 ? chain : chain - 1, x, g);
    }
  }
  late.merge(early);
  front.append(back);
  for (const Virial* merged : {&late, &front}) {
    EXPECT_NEAR(merged->estimate(0.1).temperature, all.estimate(0.1).temperature, 1e-14);
    EXPECT_NEAR(merged->estimate(0.1).standard_error, all.estimate(0.1).standard_error, 1e-14);
    EXPECT_EQ(merged->estimate().chains, 3);
  }
}

// Bit for bit, as sums are of the same numbers in the same order; the sixth chain, whose numbers are no numbers, is
// left out.
TEST(VirialTest, AddsAllChainsAsOneByOne) {
  constexpr int64_t kOdd = 7, kNumbers = 5;
  const std::vector<double> centre = {0.1, -0.2, 0, 3, 0.7};
  const std::vector<uint8_t> counts = {1, 1, 0, 1, 1}, left_out = {0, 0, 0, 0, 0, 1, 0};
  Virial each(kOdd, centre, counts), all(kOdd, centre, counts), moved(kOdd, centre, counts);
  std::mt19937_64 engine(8);
  std::normal_distribution<double> normal;
  for (int draw = 0; draw < 3; ++draw) {
    std::vector<double> x(kOdd * kNumbers), g(kOdd * kNumbers);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = i / kNumbers == 5 ? std::nan("") : normal(engine), g[i] = normal(engine);
    const std::vector<float> x32(x.begin(), x.end()), g32(g.begin(), g.end());
    for (int64_t chain = 0; chain < kOdd; ++chain) {
      const int64_t at = chain * kNumbers;
      if (left_out[static_cast<size_t>(chain)] != 0) continue;
      each.add(chain, &x[at], &g[at]);
      each.add(chain, &x32[at], &g32[at]);
    }
    all.add_all(left_out.data(), x.data(), g.data());
    all.add_all(left_out.data(), x32.data(), g32.data());
    moved.add_all(left_out.data(), x.data(), x.data());
    moved.add_all(left_out.data(), x32.data(), g32.data());
  }
  EXPECT_EQ(all.estimate(0.1).temperature, each.estimate(0.1).temperature);
  EXPECT_EQ(all.estimate(0.1).standard_error, each.estimate(0.1).standard_error);
  EXPECT_EQ(all.estimate(0.1).chains, kOdd - 1);
  EXPECT_NE(moved.estimate(0.1).temperature, each.estimate(0.1).temperature);  // other gradients are seen
}

TEST(VirialTest, LeavesOutChainsThatAreNotFinite) {
  Virial virial(4, {0}, {1});
  for (int64_t chain = 0; chain < 3; ++chain) {  // the fourth has no draw
    const double x = chain == 1 ? std::nan("") : 1.0 + static_cast<double>(chain), g = 1;
    virial.add(chain, &x, &g);
  }
  EXPECT_EQ(virial.estimate().chains, 2);
  EXPECT_DOUBLE_EQ(virial.estimate().temperature, 2);
  EXPECT_TRUE(std::isnan(Virial(4, {0}, {0}).estimate().temperature));
}

TEST(VirialTest, MergesItsLikeOnly) {
  Virial virial(2, {0}, {1});
  try {
    virial.merge(Virial(2, {1}, {1}));
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "Virial: what is merged must have the same centre and coordinates, got others");
  }
  try {
    virial.merge(Virial(3, {0}, {1}));
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "Virial: what is merged must be of the same 2 chains, got 3");
  }
}

}  // namespace
}  // namespace potluck
