// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "tests/models/model_suite.h"

namespace potluck::test {
namespace {

std::vector<ModelCase> cases() {
  const uint64_t bounded = POTLUCK_BOUNDED_ON_BOXES;
  return {{.name = "Picture",
           .model = "ising_like",
           .slots = {reals({28, 28})},
           .settings = {{"coupling", {"4"}}},
           .abilities = bounded,
           .no_abilities = POTLUCK_INTEGRABLE | POTLUCK_HARD_WALLS,
           .least_energy = 0,
           .quadratic = true},
          {.name = "HeldToAMean",
           .model = "ising_like",
           .slots = {reals({4, 5})},
           .settings = {{"coupling", {"1.5"}}, {"precision", {"0.5"}}, {"mean", {"0.25"}}},
           .abilities = bounded | POTLUCK_INTEGRABLE,
           .quadratic = true,
           .draws = true},
          // P = [[2, -1], [-1, 2]] has determinant 3: log Z = log(2 pi/sqrt(3)).
          {.name = "Pair",
           .model = "ising_like",
           .slots = {reals({2})},
           .settings = {{"precision", {"1"}}},
           .abilities = bounded | POTLUCK_INTEGRABLE,
           .log_z = std::log(2 * std::numbers::pi / std::sqrt(3.0)),
           .grid_points = 500,
           .quadratic = true,
           .draws = true},
          {.name = "Planes",
           .model = "ising_like",
           .slots = {reals({3, 2, 7})},
           .settings = {{"precision", {"2"}}, {"mean", {"-1"}}},
           .abilities = bounded | POTLUCK_INTEGRABLE,
           .quadratic = true,
           .draws = true},
          // No neighbours: independent N(0, 1/2).
          {.name = "OneNumber",
           .model = "ising_like",
           .slots = {reals({})},
           .settings = {{"precision", {"2"}}},
           .abilities = bounded | POTLUCK_INTEGRABLE,
           .log_z = std::log(std::numbers::pi) / 2,
           .quadratic = true,
           .draws = true}};
}
INSTANTIATE_TEST_SUITE_P(IsingLike, ModelSuite, testing::ValuesIn(cases()), case_name);

TEST(IsingLikeTest, APairCountsOnceAndEdgesAreFree) {
  ModelCase square{.model = "ising_like", .slots = {reals({2, 2})}, .settings = {{"coupling", {"2"}}}};
  const Model model = create(square, Precision::kFloat32);
  // Differences 1-0, 3-2 across and 2-0, 3-1 down: coupling/2 (1 + 1 + 4 + 4) = 10.
  const Evaluation found = evaluate(model, {1, {{0, 1, 2, 3}}});
  EXPECT_EQ(found.energy[0], 10);
  EXPECT_THAT(found.gradient[0], testing::ElementsAre(-6, -2, 2, 6));
}

TEST(IsingLikeTest, PlanesDoNotTouch) {
  ModelCase planes{.model = "ising_like", .slots = {reals({2, 2, 2})}};
  const Model model = create(planes, Precision::kFloat64);
  EXPECT_EQ(evaluate(model, {1, {{1, 1, 1, 1, 5, 5, 5, 5}}}).energy[0], 0);
}

}  // namespace
}  // namespace potluck::test
