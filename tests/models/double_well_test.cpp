// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "tests/models/model_suite.h"

namespace potluck::test {
namespace {

constexpr uint64_t kKnown = POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;

/// Z = pi/2 e^(-b/2) (I(-1/4, b/2) + I(1/4, b/2)); I(-v) = I(v) + 2/pi sin(v pi) K(v).
double log_z_by_bessel(double b) {
  const double same = std::cyl_bessel_i(0.25, b / 2), modified = std::cyl_bessel_k(0.25, b / 2);
  const double opposite = same + 2 / std::numbers::pi * std::sin(std::numbers::pi / 4) * modified;
  return std::log(std::numbers::pi / 2 * (same + opposite)) - b / 2;
}

std::vector<ModelCase> cases() {
  return {{.name = "OneNumber",
           .model = "double_well",
           .slots = {reals({})},
           .abilities = kKnown,
           .no_abilities = POTLUCK_HARD_WALLS,
           .least_energy = 0,
           .log_z = log_z_by_bessel(2),
           .grid_points = 4000,
           .draws = true},
          {.name = "LowAndHighBarriers",
           .model = "double_well",
           .slots = {reals({2})},
           .settings = {{"barrier", {"0.01", "25"}}},
           .abilities = kKnown,
           .log_z = log_z_by_bessel(0.01) + log_z_by_bessel(25),
           .grid_points = 1500,
           .draws = true},
          {.name = "Row", .model = "double_well", .slots = {reals({300})}, .abilities = kKnown, .draws = true}};
}
INSTANTIATE_TEST_SUITE_P(DoubleWell, ModelSuite, testing::ValuesIn(cases()), case_name);

TEST(DoubleWellTest, MomentsAreThePublishedOnes) {
  const Model model = create(cases()[0], Precision::kFloat64);
  const GridIntegral exact = integrate(cases()[0], model, random_points(cases()[0], model, 1, 1));
  EXPECT_NEAR(std::exp(exact.log_z), 1.410915, 1e-6);
  EXPECT_NEAR(exact.variance[0], 0.852136, 1e-6);
  EXPECT_NEAR(exact.mean_energy, 0.545728, 1e-6);
}

TEST(DoubleWellTest, HighBarriersApproachTwoGaussians) {
  // Near a well E = 4 b y^2: Z -> 2 sqrt(pi/(4b)), up to a relative term of order 1/b.
  ModelCase high{.model = "double_well", .slots = {reals({1})}, .settings = {{"barrier", {"1e8"}}}};
  const Model model = create(high, Precision::kFloat64);
  EXPECT_NEAR(log_normaliser(model, random_points(high, model, 1, 1))->at(0),
              std::log(2 * std::sqrt(std::numbers::pi / 4e8)), 1e-8);
}

}  // namespace
}  // namespace potluck::test
