// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "tests/models/model_suite.h"

namespace potluck::test {
namespace {

constexpr uint64_t kKnown = POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;

std::vector<ModelCase> cases() {
  return {{.name = "Cauchy",
           .model = "student_t",
           .slots = {reals({})},
           .settings = {{"degrees_of_freedom", {"1"}}},
           .abilities = kKnown,
           .no_abilities = POTLUCK_HARD_WALLS,
           .least_energy = 0,
           .log_z = std::log(std::numbers::pi),  // the integral of 1/(1 + x^2)
           .draws = true},
          // nu = 2: Z = s sqrt(2 pi) Gamma(1)/Gamma(3/2) = 2 sqrt(2) s; nu = 4: sqrt(4 pi) Gamma(2)/Gamma(5/2) = 8/3 s.
          {.name = "Different",
           .model = "student_t",
           .slots = {reals({2})},
           .settings = {{"degrees_of_freedom", {"2", "4"}}, {"location", {"1", "-0.5"}}, {"scale", {"2", "0.1"}}},
           .abilities = kKnown,
           .log_z = std::log(std::sqrt(8.0) * 2 * 8 / 3 * 0.1),
           .draws = true},
          {.name = "ManyDegrees",
           .model = "student_t",
           .slots = {reals({1})},
           .settings = {{"degrees_of_freedom", {"30"}}, {"location", {"0.5"}}, {"scale", {"0.7"}}},
           .abilities = kKnown,
           .grid_points = 20000,
           .grid_least = -40,
           .grid_most = 41,
           .draws = true},
          {.name = "Row", .model = "student_t", .slots = {reals({500})}, .abilities = kKnown, .draws = true}};
}
INSTANTIATE_TEST_SUITE_P(StudentT, ModelSuite, testing::ValuesIn(cases()), case_name);

TEST(StudentTTest, HalfOfCauchysDrawsLieWithinOneScale) {
  const Model model = create(cases()[0], Precision::kFloat64, 40000);
  const auto draws = draw(model, random_points(cases()[0], model, 40000, 1), 5);
  double within = 0, within_twice = 0;
  for (double x : draws->values[0]) within += std::abs(x) < 1, within_twice += std::abs(2 * x) < 1;
  EXPECT_NEAR(within / 40000, 0.5, 6 * 0.5 / 200);
  EXPECT_GT(std::abs(within_twice / 40000 - 0.5), 12 * 0.5 / 200);  // the twin: (2/pi) atan(1/2) = .295
}

TEST(StudentTTest, ManyDegreesOfFreedomGiveTheGaussian) {
  ModelCase limit{.model = "student_t", .slots = {reals({1})}, .settings = {{"degrees_of_freedom", {"1e9"}}}};
  for (Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    const Model model = create(limit, precision);
    EXPECT_NEAR(log_normaliser(model, random_points(limit, model, 1, 1))->at(0), std::log(2 * std::numbers::pi) / 2,
                1e-8);
    const Evaluation found = evaluate(model, {1, {{1.5}}});
    EXPECT_NEAR(found.energy[0], 1.125, 1e-6);
    EXPECT_NEAR(found.gradient[0][0], 1.5, 1e-6);
  }
}

}  // namespace
}  // namespace potluck::test
