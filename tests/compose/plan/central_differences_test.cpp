// SPDX-License-Identifier: Apache-2.0

// Models that differentiate by their parameters with cotangents only, against the same models with tangents.
#include "compose/plan/central_differences.h"

#include <gtest/gtest.h>

#include "tests/compose/plan/learning.h"
#include "tests/compose/plan/random_learners.h"

namespace potluck::testing {
namespace {

using Rows = std::vector<std::vector<double>>;

void round_to_float(Rows& numbers) {
  for (std::vector<double>& variable : numbers)
    for (double& number : variable) number = static_cast<double>(static_cast<float>(number));
}

/// |one - other| / |other|.
double relative_error(const std::vector<double>& one, const std::vector<double>& other) {
  double apart = 0, size = 0;
  for (size_t k = 0; k < one.size(); ++k) {
    apart += (one[k] - other[k]) * (one[k] - other[k]);
    size += other[k] * other[k];
  }
  return size > 0 ? std::sqrt(apart / size) : apart;
}

/// All arrays one after the other.
std::vector<double> joined(const Sums& sums) {
  std::vector<double> all;
  for (const std::vector<double>& sum : sums) all.insert(all.end(), sum.begin(), sum.end());
  return all;
}

/// The largest error of gradients along tangents in random trees whose learner knows no tangents, against the same
/// trees with the learner `exact` in float64.
double worst_error(const ModelKind& exact, Precision precision) {
  double worst = 0;
  unsigned learned = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    const auto with = make_plan(random_learners(exact, seed), in_double());
    PlanOptions options = in_double();
    options.precision = precision;
    const auto without = make_plan(random_learners(learner_first_order(), seed), options);
    if (with->parameters().arrays().empty()) continue;
    ++learned;
    std::mt19937 random(31000 + seed);
    Rows state = any_state(random);
    Weighing weighing = {any_numbers(random, kRows), any_direction(random, state)};
    round_to_float(state);
    round_to_float(weighing.tangent);
    worst = std::max(worst, relative_error(joined(gradient(*without, state, kRows, weighing)),
                                           joined(gradient(*with, state, kRows, weighing))));
  }
  EXPECT_GT(learned, 50u);
  return worst;
}

// h^2/6 of a fourth derivative that is some times the first, h = 1.2e-5: 1e-10; the rounding of dE/dp over h is alike.
TEST(CentralDifferencesTest, AreTheTangentsOfRandomTrees) {
  EXPECT_LT(worst_error(learner(), Precision::kFloat64), 1e-8);
}

// In float32 h = .01: 2e-5, and the same again for rounding, in sums of which parts may cancel.
TEST(CentralDifferencesTest, AreTheTangentsOfRandomTreesInFloat32) {
  EXPECT_LT(worst_error(learner(), Precision::kFloat32), 5e-3);
}

TEST(CentralDifferencesTest, TheSameChecksRejectAForgottenCurvature) {
  EXPECT_GT(worst_error(learner_broken(), Precision::kFloat64), 1e-2);
  EXPECT_GT(worst_error(learner_broken(), Precision::kFloat32), 1e-2);
}

/// The largest error of an array's sums, of a learner whose mean, width and wave are in units of `unit`, as are x.
double error_in_units(double unit, Precision precision) {
  const auto of = [&](const ModelKind& kind, Precision wanted) {
    PlanOptions options = in_double();
    options.precision = wanted;
    const auto plan =
        make_plan(composition({real_line("x", 2)}, normal(0, {unit, -unit}, {1 / (unit * unit)}, kind)), options);
    plan->parameters().set_numbers(2, std::vector<double>{0.8 / unit, 0.3});
    plan->parameters().changed();
    std::mt19937 random(3);
    Rows state = {any_numbers(random, 2 * kRows)};
    Weighing weighing = {{}, {any_numbers(random, 2 * kRows)}};
    for (double& number : state[0]) number *= unit;
    for (double& number : weighing.tangent[0]) number *= 1e3 * unit;
    round_to_float(state);
    round_to_float(weighing.tangent);
    return gradient(*plan, state, kRows, weighing);
  };
  const Sums found = of(learner_first_order(), precision), exact = of(learner(), Precision::kFloat64);
  double worst = 0;
  for (size_t a = 0; a < exact.size(); ++a) worst = std::max(worst, relative_error(found[a], exact[a]));
  return worst;
}

TEST(CentralDifferencesTest, TakeStepsOfTheSizeOfTheData) {
  for (const double unit : {1e-4, 1.0, 1e4}) {
    EXPECT_LT(error_in_units(unit, Precision::kFloat64), 1e-8) << unit;
    EXPECT_LT(error_in_units(unit, Precision::kFloat32), 2e-3) << unit;
  }
}

TEST(CentralDifferencesTest, ARowThatDoesNotMoveAddsNothing) {
  const auto plan =
      make_plan(composition({real_line("x", 2)}, normal(0, {0, 0}, {1}, learner_first_order())), in_double());
  const Rows state = {{0.3, 0.1, -0.2, 0.4}};
  EXPECT_EQ(gradient(*plan, state, 2, {{}, {{0, 0, 0, 0}}}), zero_sums(*plan));
  const Sums both = gradient(*plan, state, 2, {{0, 2}, {{0, 0, 0, 0}}});
  EXPECT_EQ(both, gradient(*plan, state, 2, {{0, 2}, {}}));
}

}  // namespace
}  // namespace potluck::testing
