// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "tests/models/model_suite.h"

namespace potluck::test {
namespace {

constexpr uint64_t kKnown = POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;

std::vector<ModelCase> cases() {
  return {{.name = "OneNumber",
           .model = "log_gamma",
           .slots = {reals({})},
           .abilities = kKnown,
           .no_abilities = POTLUCK_HARD_WALLS,
           .least_energy = 1,  // k - k log k at k = 1
           .log_z = 0.0,       // log Gamma(1)
           .grid_points = 9000,
           .grid_least = -40,
           .grid_most = 6,
           .draws = true},
          {.name = "AShapeEach",
           .model = "log_gamma",
           .slots = {reals({2})},
           .settings = {{"shape", {"2.5", "7"}}},
           .abilities = kKnown,
           .least_energy = 9.5 - 2.5 * std::log(2.5) - 7 * std::log(7.0),
           .log_z = std::lgamma(2.5) + std::lgamma(7.0),
           .grid_points = 900,
           .grid_least = -20,
           .grid_most = 6,
           .draws = true},
          {.name = "Row", .model = "log_gamma", .slots = {reals({1000})}, .abilities = kKnown, .draws = true}};
}
INSTANTIATE_TEST_SUITE_P(LogGamma, ModelSuite, testing::ValuesIn(cases()), case_name);

TEST(LogGammaTest, MeanAndVarianceAreDigammaAndTrigamma) {
  const Model model = create(cases()[0], Precision::kFloat64);
  const GridIntegral exact = integrate(cases()[0], model, random_points(cases()[0], model, 1, 1));
  EXPECT_NEAR(exact.mean[0], -std::numbers::egamma, 1e-9);                        // digamma(1)
  EXPECT_NEAR(exact.variance[0], std::numbers::pi * std::numbers::pi / 6, 1e-9);  // trigamma(1)
}

TEST(LogGammaTest, FarRightTheEnergyIsInfiniteAndFarLeftItIsTheLine) {
  const Model model = create(cases()[0], Precision::kFloat64);
  const Evaluation found = evaluate(model, {3, {{800, -900, NAN}}});
  EXPECT_EQ(found.energy[0], INFINITY);
  EXPECT_EQ(found.energy[1], 900);
  EXPECT_EQ(found.gradient[0][1], -1);
  EXPECT_TRUE(std::isnan(found.energy[2]));
}

}  // namespace
}  // namespace potluck::test
