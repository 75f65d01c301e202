// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "tests/models/model_suite.h"

namespace potluck::test {
namespace {

constexpr uint64_t kKnown = POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES;

std::vector<ModelCase> cases() {
  return {{.name = "Unit",
           .model = "banana",
           .slots = {reals({2})},
           .abilities = kKnown,
           .no_abilities = POTLUCK_HARD_WALLS,
           .least_energy = 0,
           .log_z = std::log(std::numbers::pi),  // 2 pi s w = pi
           .draws = true},
          {.name = "Bent",
           .model = "banana",
           .slots = {reals({2})},
           .settings = {{"spread", {"0.8"}}, {"bend", {"-0.4"}}, {"width", {"0.3"}}},
           .abilities = kKnown,
           .log_z = std::log(2 * std::numbers::pi * 0.24),
           .grid_points = 1000,
           .grid_least = -12,
           .grid_most = 12,
           .draws = true}};
}
INSTANTIATE_TEST_SUITE_P(Banana, ModelSuite, testing::ValuesIn(cases()), case_name);

TEST(BananaTest, DrawsRunAlongTheParabola) {
  // x1 ~ N(0, .64) and r = x2 - b (x1^2 - s^2) ~ N(0, .09), independent of it: Var x2 = b^2 2 s^4 + w^2 = .221072.
  const Model model = create(cases()[1], Precision::kFloat64, 40000);
  const auto draws = draw(model, random_points(cases()[1], model, 40000, 1), 5);
  double squares = 0, fourth = 0;
  for (size_t b = 0; b < 40000; ++b) {
    const double x1 = draws->values[0][2 * b], r = draws->values[0][2 * b + 1] + 0.4 * (x1 * x1 - 0.64);
    squares += r * r / 40000;
    fourth += r * r * r * r / 40000;
  }
  const double error = std::sqrt((fourth - squares * squares) / 40000);
  EXPECT_NEAR(squares, 0.09, 6 * error);
  EXPECT_GT(std::abs(0.221072 - 0.09), 12 * error);  // what a straight ridge would have given
}

TEST(BananaTest, GivenTheFirstCoordinateTheSecondIsDrawnAroundTheRidgeAndNotTheOtherWayRound) {
  const Model model = create(cases()[1], Precision::kFloat64, 40000);
  Batch given = random_points(cases()[1], model, 40000, 1);
  for (size_t b = 0; b < 40000; ++b) given.values[0][2 * b] = 1.5;
  const auto draws = draw(model, given, 5, {{1, 0}});
  ASSERT_TRUE(draws.has_value());
  double mean = 0;
  for (size_t b = 0; b < 40000; ++b) mean += draws->values[0][2 * b + 1] / 40000;
  EXPECT_NEAR(mean, -0.4 * (1.5 * 1.5 - 0.64), 6 * 0.3 / 200);  // sd w = .3
  EXPECT_FALSE(draw(model, given, 5, {{0, 1}}).has_value());
}

TEST(BananaTest, OnlyPairsAreTaken) {
  EXPECT_EQ(refusal({.model = "banana", .slots = {reals({3})}}),
            "model 'banana' (potluck.banana " POTLUCK_VERSION
            ") refused x [3]: input 'x' must have 2 numbers in a row, got 3");
}

}  // namespace
}  // namespace potluck::test
