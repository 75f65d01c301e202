// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "tests/models/model_suite.h"

namespace potluck::test {
namespace {

std::vector<ModelCase> cases() {
  return {{.name = "UnitSquare",
           .model = "uniform_box",
           .slots = {reals({2})},
           .points_least = 0.05,
           .points_most = 0.95,
           .abilities = POTLUCK_INTEGRABLE | POTLUCK_HARD_WALLS,
           .no_abilities = POTLUCK_BOUNDED_ON_BOXES,
           .least_energy = 0,
           .log_z = 0.0,
           .grid_points = 500,
           .grid_least = 0,
           .grid_most = 1,
           .draws = true},
          {.name = "ABoxOfDifferentSides",
           .model = "uniform_box",
           .slots = {reals({3})},
           .settings = {{"least", {"2", "0", "1"}}, {"most", {"4", "4", "4"}}},
           .points_least = 2.1,
           .points_most = 2.2,
           .abilities = POTLUCK_INTEGRABLE | POTLUCK_HARD_WALLS,
           .log_z = std::log(24.0),
           .draws = true},
          // No wall lies inside a support that the box covers.
          {.name = "CoveringItsSupport",
           .model = "uniform_box",
           .slots = {{{1}, 0, {0}, {1}}},
           .settings = {{"least", {"-1"}}, {"most", {"1"}}},
           .points_least = -0.9,
           .points_most = 0.9,
           .abilities = POTLUCK_INTEGRABLE,
           .no_abilities = POTLUCK_HARD_WALLS,
           .log_z = std::log(2.0),
           .draws = true}};
}
INSTANTIATE_TEST_SUITE_P(UniformBox, ModelSuite, testing::ValuesIn(cases()), case_name);

TEST(UniformBoxTest, OutsideTheEnergyIsInfiniteOnAFaceItIsZeroAndNanStaysNan) {
  for (Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    const Model model = create(cases()[0], precision);
    const Evaluation found = evaluate(model, {5, {{0.5, 1.25, 0, 1, -0.25, 0.5, 0.5, NAN, INFINITY, 0.5}}});
    EXPECT_EQ(found.energy[0], INFINITY);
    EXPECT_EQ(found.energy[1], 0);
    EXPECT_EQ(found.energy[2], INFINITY);
    EXPECT_TRUE(std::isnan(found.energy[3]));
    EXPECT_EQ(found.energy[4], INFINITY);
  }
}

TEST(UniformBoxTest, DrawsStayInsideInSinglePrecisionAndAroundHeldCoordinatesOnlyIfThoseAre) {
  const Model model = create(cases()[1], Precision::kFloat32);
  Batch given = random_points(cases()[1], model, 2000, 1);
  const auto draws = draw(model, given, 3);
  EXPECT_THAT(evaluate(model, *draws).energy, testing::Each(0.0));
  given.values[0][0] = 1.5;  // outside [2, 4]
  EXPECT_FALSE(draw(model, given, 3, {{1, 0, 0}}).has_value());
  EXPECT_TRUE(draw(model, given, 3, {{0, 0, 1}}).has_value());
}

TEST(UniformBoxTest, AnEmptyIntervalIsRefused) {
  EXPECT_EQ(
      refusal({.model = "uniform_box", .slots = {reals({2})}, .settings = {{"least", {"0", "3"}}, {"most", {"2"}}}}),
      "model 'uniform_box' (potluck.uniform_box " POTLUCK_VERSION
      ") refused x [2]: setting 'most' must be above 'least' by a finite width, got 2 above 3 at coordinate 1");
}

}  // namespace
}  // namespace potluck::test
