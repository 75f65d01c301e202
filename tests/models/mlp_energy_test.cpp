// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/preconditioned_case.h"

namespace potluck::test {
namespace {

constexpr int64_t kSize = 6;

ProbeSetup small() { return {{{"hidden", "5, 4"}}, {continuous_slot({2, 3}), continuous_slot({}), label_slot(3)}, {}}; }
ModelProbe mlp_energy(const ProbeSetup& setup) { return ModelProbe("potluck.mlp_energy", "mlp_energy", setup); }

double energy_by_loops(const Parameters& p, const Numbers& x, double noise, int label) {
  return preconditioned_energy(p, x, noise, label, [&](const Numbers& u, const Numbers& features) {
    const Numbers first = modulated(p, "layer_0", dense(p.at("layer_0_weight"), u), 5, features);
    const Numbers second = modulated(p, "layer_1", dense(p.at("layer_1_weight"), first), 4, features);
    return dense(p.at("last_weight"), second)[0];
  });
}

TEST(MlpEnergyTest, IsThePreconditionedEnergyOfItsNetwork) {
  ModelProbe probe = mlp_energy(small());
  make_general(probe);
  const Parameters p(probe.model());
  const Numbers x = some_numbers(5 * kSize, 2), noise = {0.05, 0.3, 1, 4, 0}, label = {0, 2, -1, 1, 2};
  const Numbers energy = probe.energies({x, noise, label});
  for (size_t b = 0; b < 5; ++b) {
    const auto first = x.begin() + static_cast<int64_t>(b) * kSize;
    const double expected = energy_by_loops(p, {first, first + kSize}, noise[b], static_cast<int>(label[b]));
    EXPECT_NEAR(energy[b], expected, 1e-11 * (1 + std::abs(expected))) << b;
  }
}

TEST(MlpEnergyTest, AnInputThatIsLeftOutIsTheFixedNoiseOrNoLabel) {
  ProbeSetup setup = small();
  setup.settings["fixed_noise"] = "0.4";
  for (size_t i : {1, 2}) setup.slots[i] = left_out();
  ModelProbe probe = mlp_energy(setup);
  make_general(probe);
  const Numbers x = some_numbers(kSize, 3);
  const double expected = energy_by_loops(Parameters(probe.model()), x, 0.4, -1);
  EXPECT_NEAR(probe.energies({x, {}, {}})[0], expected, 1e-11 * (1 + std::abs(expected)));
}

TEST(MlpEnergyTest, RefusesAFixedNoiseBesideTheInputThatSaysIt) {
  ProbeSetup setup = small();
  setup.settings["fixed_noise"] = "0.4";
  EXPECT_THAT(refusal("potluck.mlp_energy", "mlp_energy", setup),
              testing::HasSubstr(
                  "setting 'fixed_noise' must be left out where the input 'noise' is bound, got 0.4. Remove it, or "
                  "leave 'noise' out"));
  setup.slots[1] = left_out();
  EXPECT_EQ(mlp_energy(setup).energies({Numbers(kSize), {}, {0}}).size(), 1u);
}

TEST(MlpEnergyTest, GradientsAreThoseOfTheEnergy) {
  ModelProbe probe = mlp_energy(small());
  make_general(probe);
  const std::vector<Numbers> at = {some_numbers(3 * kSize, 4), {0.3, 1, 2}, {0, -1, 2}};
  // Central differences: h^2 E''' / 6 with h = 1e-4, and a curvature that changes within noises of .3.
  EXPECT_LT(probe.worst_gradient_error(at, 0), 1e-7);
  EXPECT_LT(probe.worst_gradient_error(at, 1), 1e-5);
  const Numbers along = some_numbers(3 * kSize, 6), cotangent = {1, -0.5, 2}, along_noise = {0.4, -1, 0.2};
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, {}, {along, {}, {}}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {along, along_noise, {}}), 1e-5);
}

TEST(MlpEnergyTest, RefusesWeightsOfAnotherArchitecture) {
  ModelProbe trained = mlp_energy(small());
  const Parameters p(trained.model());
  ProbeSetup setup = small();
  for (const ModelParameter& each : p.arrays()) setup.weights.push_back(weight(each.name, each.shape, p.at(each.name)));
  const std::vector<Numbers> at = {some_numbers(2 * kSize, 7), {0.2, 1}, {0, -1}};
  EXPECT_EQ(mlp_energy(setup).energies(at), trained.energies(at));
  setup.settings["hidden"] = "5, 7";
  EXPECT_THAT(
      refusal("potluck.mlp_energy", "mlp_energy", setup),
      testing::HasSubstr("weights 'layer_1_weight' must have the shape [7, 5] of this architecture, got [4, 5]"));
}

// Also where no number of rows or of numbers in a row is a power of two.
TEST(MlpEnergyTest, RowsStandAlone) {
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    ProbeSetup setup = small();
    setup.precision = precision;
    expect_rows_alone(mlp_energy(setup), 37);
  }
}

}  // namespace
}  // namespace potluck::test
