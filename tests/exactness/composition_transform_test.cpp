// SPDX-License-Identifier: Apache-2.0
// Compositions whose variables have `walls: transform`, from their text to draws. n = 10^6 exact starts, 20 moves of
// MALA in float32. The twin takes the Jacobian off again: the engine's -T log|dx/du| meets +T log|dx/du| in the energy.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "compose/start/exact_start.h"
#include "core/energy/forwarding_energy.h"
#include "tests/exactness/composed.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

/// E(x) + T log|dx/du| of the free numbers of variable 0, whose u is log(x - least), or the logit on [0, 1].
class WithoutJacobian final : public ForwardingEnergy {
 public:
  explicit WithoutJacobian(const Composed& right)
      : ForwardingEnergy(right.plan()),
        temperature_(right.composition().sample.temperature),
        held_(right.composition().held[0]) {}
  size_t workspace_bytes(int64_t rows) const override { return energy_.workspace_bytes(rows); }
  void evaluate(const EnergyCall& call) const override {
    energy_.evaluate(call);
    const Variable& variable = variables()[0];
    const bool box = std::isfinite(variable.most);
    const auto* x = static_cast<const float*>(call.position[0]);
    auto* gradient = static_cast<float*>(call.gradient[0]);
    for (int64_t i = 0; i < call.rows * variable.size(); ++i) {
      if (held_.any() && held_.mask[static_cast<size_t>(i % variable.size())]) continue;
      const double below = double{x[i]} - variable.least, above = box ? variable.most - double{x[i]} : 1;
      call.energy[i / variable.size()] += temperature_ * std::log(below * above);
      gradient[i] += static_cast<float>(temperature_ * (1 / below - (box ? 1 / above : 0)));
    }
  }

 private:
  double temperature_;
  const Held& held_;
};

/// The draws of a composition keep the law that they begin with; those of its twin leave it.
RightAndBroken expect_transformed_law(const Composed& right, const Start& start, const std::vector<size_t>& columns,
                                      const Moments& expected) {
  const WithoutJacobian twin(right);
  RightAndBroken draws{right.run(start), right.run(start, kBrokenChains, 0, &twin)};
  EXPECT_LT(worst_z(draws.right, columns, expected), kPass);
  EXPECT_GT(draws.right.summary.acceptance, 0.4) << "the chains must move for the check to mean anything";
  EXPECT_EQ(draws.right.summary.frozen_count, 0);
  EXPECT_EQ(draws.right.summary.sums.nan_proposals, 0);
  EXPECT_GT(worst_z(draws.broken, columns, expected), kReject);
  return draws;
}

TEST(CompositionTransformTest, ANormalConfinedToABoxKeepsItsLaw) {
  for (const double temperature : {1.0, 2.0}) {
    const double spread = 0.08 * temperature;  // 2 T .2^2
    const auto density = [spread](double x) { return std::exp(-(x - 0.3) * (x - 0.3) / spread); };
    const TabulatedLaw law(density, 0, 1);
    if (temperature == 1) {
      EXPECT_NEAR(law.mean(), 0.3275778, 1e-7);
      EXPECT_NEAR(law.variance(), 0.0307790, 1e-7);
    }
    const Composed right(R"(
variables: {x: {shape: [1], support: [0, 1], walls: transform}}
target: {model: gaussian, settings: {mean: [0.3], variance: [0.04]}, inputs: x}
)",
                         "step_size: 0.3, temperature: " + std::to_string(temperature));
    const BoxedDensity box{{0}, {1}, 1, [density](const double* x) { return density(x[0]); }};
    const RightAndBroken draws = expect_transformed_law(right, *right.at(box.draw(kComposedChains, 6)), {0},
                                                        moments(law.mean(), law.variance()));
    EXPECT_LT(kolmogorov(draws.right.column[0], [&](double x) { return law.cdf(x); }), kPassD);
    EXPECT_GT(kolmogorov(draws.broken.column[0], [&](double x) { return law.cdf(x); }), kBrokenRejectD);
    const auto [least, most] = std::minmax_element(draws.right.column[0].begin(), draws.right.column[0].end());
    EXPECT_GT(*least, 0);
    EXPECT_LT(*most, 1);
  }
}

// N(0, [[1, .8], [.8, 1]]) on the positive quadrant with x1 given: x2 ~ N(.8 x1, .36 T) above 0; x1 is bitwise as
// given, also on its wall, where it has no log.
TEST(CompositionTransformTest, AGivenNumberOfAHalfLineStaysAndTheOtherHasItsConditionalLaw) {
  for (const double given : {0.7, 0.0}) {
    constexpr double kTemperature = 2;
    const double mean = 0.8 * given;
    const auto density = [mean](double x) { return std::exp(-(x - mean) * (x - mean) / (2 * 0.36 * kTemperature)); };
    const TabulatedLaw law(density, 0, 9);  // ten standard deviations
    const Composed right(R"(
variables: {x: {shape: [2], support: [0, inf], walls: transform}}
views: {first: {of: x, slice: ["0:1"]}}
target: {model: gaussian, settings: {covariance: [1, 0.8, 0.8, 1]}, inputs: x}
given: [{of: first, value: )" +
                             std::to_string(given) + "}]\n",
                         "step_size: 0.3, temperature: 2");
    std::mt19937_64 source(7);
    std::normal_distribution<> z(mean, 0.6 * std::sqrt(kTemperature));
    std::vector<double> rows;
    for (int64_t chain = 0; chain < kComposedChains; ++chain) {
      double x = 0;
      do x = z(source);
      while (x <= 0);
      rows.insert(rows.end(), {given, x});
    }
    const RightAndBroken draws =
        expect_transformed_law(right, *right.at(rows), {1}, moments(law.mean(), law.variance()));
    EXPECT_LT(kolmogorov(draws.right.column[1], [&](double x) { return law.cdf(x); }), kPassD);
    const std::vector<double>& held = draws.right.column[0];
    EXPECT_EQ(std::count(held.begin(), held.end(), double{static_cast<float>(given)}), kComposedChains);
  }
}

// z ~ N(.5, .3^2), reflected at walls that it never meets, and x | z ~ N(z, .2^2) confined to [0, 1]: by quadrature.
TEST(CompositionTransformTest, ATransformedVariableGoesWithOneThatReflects) {
  const Composed right(R"(
variables:
  x: {shape: [1], support: [0, 1], walls: transform}
  z: {shape: [1], support: [-1, 2]}
energies:
  top: {model: gaussian, settings: {mean: [0.5], variance: [0.09]}, inputs: z}
  bottom: {model: linear_gaussian, settings: {variance: [0.04]}, inputs: {x: x, z: z}}
target: {hierarchy: [top, bottom]}
)",
                       "step_size: 0.03");
  const BoxedDensity law{{0, -1}, {1, 2}, 1, [](const double* x) {
                           const double top = (x[1] - 0.5) / 0.3, bottom = (x[0] - x[1]) / 0.2;
                           return std::exp(-(top * top + bottom * bottom) / 2);
                         }};
  expect_transformed_law(right, *right.at(law.draw(kComposedChains, 8)), {0, 1}, law.moments());
}

// Exact draws of the unconfined composite are folded in, are then starts like others, and end in the walls' law.
TEST(CompositionTransformTest, ExactDrawsOfTheUnconfinedCompositeAreStarts) {
  const Composed confined(R"(
variables: {x: {shape: [1], support: [0, 1], walls: transform}}
target: {model: gaussian, settings: {mean: [0.3], variance: [0.04]}, inputs: x}
)",
                          "step_size: 0.6, steps: 200, thin: 200, chains: 100000");
  const auto start = exact_start(confined.composition());
  ASSERT_TRUE(start);
  EXPECT_FALSE(start->exact());
  EXPECT_EQ(start->description(), "exact draws of the quadratic composite, folded into the supports");
  const LastDraw draws = confined.run(*start);
  EXPECT_LT(worst_z(draws, {0}, moments(0.3275778, 0.0307790)), kPass);
}

}  // namespace
}  // namespace potluck::testing
