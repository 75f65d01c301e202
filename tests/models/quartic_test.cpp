// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "tests/models/model_suite.h"

namespace potluck::test {
namespace {

constexpr uint64_t kKnown = POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;

std::vector<ModelCase> cases() {
  const double log_z = std::lgamma(0.25) - std::log(2.0);  // of exp(-x^4)
  return {{.name = "OneNumber",
           .model = "quartic",
           .slots = {reals({})},
           .abilities = kKnown,
           .no_abilities = POTLUCK_HARD_WALLS,
           .least_energy = 0,
           .log_z = log_z,
           .grid_points = 4000,
           .draws = true},
          // x = c^(-1/4) y: each coordinate's Z is c^(-1/4) times that of c = 1.
          {.name = "ACoefficientEach",
           .model = "quartic",
           .slots = {reals({2})},
           .settings = {{"coefficient", {"0.25", "3"}}},
           .abilities = kKnown,
           .log_z = 2 * log_z - std::log(0.75) / 4,
           .grid_points = 800,
           .draws = true},
          {.name = "Picture",
           .model = "quartic",
           .slots = {reals({28, 28})},
           .settings = {{"coefficient", {"2"}}},
           .abilities = kKnown,
           .log_z = 784 * (log_z - std::log(2.0) / 4),
           .draws = true}};
}
INSTANTIATE_TEST_SUITE_P(Quartic, ModelSuite, testing::ValuesIn(cases()), case_name);

TEST(QuarticTest, NormaliserAndVarianceAreThePublishedOnes) {
  ModelCase quarter{
      .name = "Quarter", .model = "quartic", .slots = {reals({1})}, .settings = {{"coefficient", {"0.25"}}}};
  const Model model = create(quarter, Precision::kFloat64);
  // log of the integral of exp(-x^4/4).
  EXPECT_NEAR(log_normaliser(model, random_points(quarter, model, 1, 1))->at(0), 0.94144893, 1e-8);
  // E[x^2] = Gamma(3/4) / Gamma(1/4) = .3379891 for exp(-x^4).
  const Model whole = create(cases()[0], Precision::kFloat64);
  ModelCase grid = cases()[0];
  EXPECT_NEAR(integrate(grid, whole, random_points(grid, whole, 1, 1)).variance[0], 0.3379891, 1e-7);
}

TEST(QuarticTest, AListOfAnotherLengthIsRefused) {
  EXPECT_EQ(refusal({.model = "quartic", .slots = {reals({3})}, .settings = {{"coefficient", {"1", "2"}}}}),
            "model 'quartic' (potluck.quartic " POTLUCK_VERSION
            ") refused x [3]: setting 'coefficient' must have 1 or 3 numbers, got 2");
  EXPECT_EQ(refusal({.model = "quartic", .slots = {reals({3})}, .settings = {{"coefficient", {"-1"}}}}),
            "coefficient[0] must be between 1e-30 and 1e+30, got -1");
}

}  // namespace
}  // namespace potluck::test
