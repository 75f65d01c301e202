// SPDX-License-Identifier: Apache-2.0
// Compositions whose variables have `walls: transform`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/energy/transformed_energy.h"
#include "tests/compose/allocations.h"
#include "tests/compose/trees.h"
#include "tests/core/energies.h"

namespace potluck::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Variable transformed(Variable variable) {
  variable.walls = Walls::kTransform;
  return variable;
}

/// x [3] in a box, its second number given; s [2] above 1; z [2] on the real line, which x depends on.
Composition three_variables() {
  Composition whole = composition(
      {transformed(interval("x", 3, 0, 1)), transformed(interval("s", 2, 1, kInfinity)), real_line("z", 2)},
      product({{normal(0, {0.2, 0.4, 0.9}, {4}), 1},
               {leaf(quartic(), {testing::whole(1, 2)}), 1},
               {leaf(linear(), {testing::whole(0, 3), testing::whole(2, 2)}, {{1, 0.5, 0, 1, -1, 2}, {0.7}}), 2},
               {normal(2, {0, 1}, {1}), 1}}));
  whole.held[0].mask = {0, 1, 0};
  whole.held[0].value = {0, 0.25, 0};
  return whole;
}

TEST(TransformTest, GradientsOfACompositeAreThoseOfItsEnergy) {
  const Composition whole = three_variables();
  const auto plan = make_plan(whole, in_double());
  const TransformedEnergy free(*plan, whole.held, 1.7, 1);
  const std::vector<std::vector<double>> at = {{-1.3, 0.25, 0.4}, {-0.6, 0.2}, {0.3, -0.8}};
  const Evaluated here = evaluate(free, at, 1);
  constexpr double kStep = 1e-4;
  for (size_t v = 0; v < 3; ++v) {
    for (size_t j = 0; j < at[v].size(); ++j) {
      auto above = at, below = at;
      above[v][j] += kStep;
      below[v][j] -= kStep;
      const double slope = (evaluate(free, above, 1).energy[0] - evaluate(free, below, 1).energy[0]) / (2 * kStep);
      EXPECT_NEAR(here.gradient[v][j], slope, 1e-6 * (1 + std::fabs(slope))) << v << ' ' << j;
    }
  }
  // Experts are told at x, and z and the given number are what they were.
  const auto logistic = [](double u) { return 1 / (1 + std::exp(-u)); };
  const Evaluated user =
      evaluate(*plan, {{logistic(-1.3), 0.25, logistic(0.4)}, {1 + std::exp(-0.6), 1 + std::exp(0.2)}, at[2]}, 1);
  for (size_t e = 0; e < user.expert.size(); ++e) EXPECT_NEAR(here.expert[e], user.expert[e], 1e-13);
  EXPECT_NEAR(here.gradient[0][1], user.gradient[0][1], 1e-13);
  for (size_t j = 0; j < 2; ++j) EXPECT_NEAR(here.gradient[2][j], user.gradient[2][j], 1e-13);
}

TEST(TransformTest, WithoutGradientsTheEnergiesAreTheSame) {
  const Composition whole = three_variables();
  PlanOptions options = in_double();
  options.workers = 2;
  const auto plan = make_plan(whole, options);
  const TransformedEnergy free(*plan, whole.held, 1, 2);
  const std::vector<std::vector<double>> at = {{-1, 0.25, 2, 3, 0.25, 0}, {0, 1, 2, -3}, {1, 2, 3, 4}};
  EXPECT_EQ(evaluate(free, at, 2, false, 1).energy, evaluate(free, at, 2, true, 0).energy);
}

TEST(TransformTest, TheExplanationSaysWhichVariablesMoveInOtherCoordinates) {
  const auto plan = make_plan(three_variables(), in_double());
  EXPECT_THAT(plan->explanation(),
              Contains("'x' moves in logit coordinates, and T times the log of the Jacobian is taken off E"));
  EXPECT_THAT(plan->explanation(),
              Contains("'s' moves in log coordinates, and T times the log of the Jacobian is taken off E"));
  EXPECT_THAT(plan->explanation(), Not(Contains(HasSubstr("'z' moves"))));
}

TEST(TransformTest, AVariableThatIsGivenWholeMovesInNone) {
  Composition whole = three_variables();
  whole.held[1].mask = {1, 1};
  whole.held[1].value = {1, 5};  // one of them on the wall
  EXPECT_THAT(make_plan(whole, in_double())->explanation(), Not(Contains(HasSubstr("'s' moves"))));
}

TEST(TransformTest, EvaluationAllocatesNothing) {
  const RowEnergy energy = normal_energy(transformed(interval("x", 3, 0, 1)), 1);
  const TransformedEnergy free(energy, {{}}, 1, 1);
  const std::vector<double> u(12, 0.5);
  std::vector<double> values(4), gradient(12);
  std::vector<char> workspace(free.workspace_bytes(4) + 64);
  const void* position[] = {u.data()};
  void* out[] = {gradient.data()};
  EnergyCall call;
  call.rows = 4;
  call.position = position;
  call.energy = values.data();
  call.gradient = out;
  call.workspace = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) / 64 * 64);
  const int64_t before = allocations();
  free.evaluate(call);
  EXPECT_EQ(allocations(), before);
  EXPECT_NE(values[0], 0);
}

}  // namespace
}  // namespace potluck::testing
