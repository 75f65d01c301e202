// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/preconditioned_case.h"

namespace potluck::test {
namespace {

constexpr int64_t kChannels = 2, kHeight = 9, kWidth = 8, kSize = kChannels * kHeight * kWidth, kLabels = 3;

/// A small network of two stages on an image whose height is odd.
ProbeSetup small() {
  return {{{"channels", "3, 4"}, {"hidden", "5"}},
          {continuous_slot({kChannels, kHeight, kWidth}), continuous_slot({}), label_slot(kLabels)},
          {}};
}
ModelProbe conv_energy(const ProbeSetup& setup) { return ModelProbe("potluck.conv_energy", "conv_energy", setup); }

/// A convolution with stride 2 and zeros around, as it is defined: weight [out, in, extent, extent], map [in, rows,
/// columns].
Numbers convolved(const Numbers& weight, const Numbers& map, int in, int rows, int columns, int extent) {
  const int out = static_cast<int>(weight.size()) / (in * extent * extent);
  const int rows_out = (rows + 1) / 2, columns_out = (columns + 1) / 2;
  Numbers result;
  for (int o = 0; o < out; ++o)
    for (int y = 0; y < rows_out; ++y)
      for (int x = 0; x < columns_out; ++x) {
        double sum = 0;
        for (int i = 0; i < in; ++i)
          for (int dy = 0; dy < extent; ++dy)
            for (int dx = 0; dx < extent; ++dx) {
              const int from_y = 2 * y + dy - extent / 2, from_x = 2 * x + dx - extent / 2;
              if (from_y < 0 || from_y >= rows || from_x < 0 || from_x >= columns) continue;
              sum += weight[static_cast<size_t>(((o * in + i) * extent + dy) * extent + dx)] *
                     map[static_cast<size_t>((i * rows + from_y) * columns + from_x)];
            }
        result.push_back(sum);
      }
  return result;
}

double energy_by_loops(const Parameters& p, const Numbers& x, double noise, int label) {
  return preconditioned_energy(p, x, noise, label, [&](const Numbers& u, const Numbers& features) {
    Numbers map = convolved(p.at("stage_0_weight"), u, kChannels, kHeight, kWidth, 5);
    map = modulated(p, "stage_0", map, 3, features);
    map = convolved(p.at("stage_1_weight"), map, 3, 5, 4, 3);
    map = modulated(p, "stage_1", map, 4, features);
    const Numbers hidden = modulated(p, "hidden", dense(p.at("hidden_weight"), map), 5, features);
    return dense(p.at("last_weight"), hidden)[0];
  });
}

constexpr int64_t kRows = 5;
const Numbers kNoise = {0.05, 0.3, 1, 4, 0}, kLabel = {0, 2, -1, 1, 2};

TEST(ConvEnergyTest, IsThePreconditionedEnergyOfItsNetwork) {
  ModelProbe probe = conv_energy(small());
  make_general(probe);
  const Parameters p(probe.model());
  const Numbers x = some_numbers(kRows * kSize, 2);
  const Numbers energy = probe.energies({x, kNoise, kLabel});
  for (int64_t b = 0; b < kRows; ++b) {
    const Numbers row(x.begin() + b * kSize, x.begin() + (b + 1) * kSize);
    const double expected =
        energy_by_loops(p, row, kNoise[static_cast<size_t>(b)], static_cast<int>(kLabel[static_cast<size_t>(b)]));
    EXPECT_NEAR(energy[static_cast<size_t>(b)], expected, 1e-11 * (1 + std::abs(expected))) << b;
  }
}

TEST(ConvEnergyTest, AnInputThatIsLeftOutIsTheFixedNoiseOrNoLabel) {
  ProbeSetup setup = small();
  const Numbers x = some_numbers(2 * kSize, 3);
  for (const bool noise : {true, false})
    for (const bool label : {true, false}) {
      setup.slots[1] = noise ? continuous_slot({}) : left_out();
      setup.settings["fixed_noise"] = noise ? "0.1" : "0.4";
      setup.slots[2] = label ? label_slot(kLabels) : left_out();
      ModelProbe probe = conv_energy(setup);
      make_general(probe);
      const Parameters p(probe.model());
      const Numbers energy =
          probe.energies({x, noise ? Numbers{0.2, 3} : Numbers(), label ? Numbers{1, 0} : Numbers()});
      for (size_t b = 0; b < 2; ++b) {
        const Numbers row(x.begin() + static_cast<int64_t>(b) * kSize, x.begin() + static_cast<int64_t>(b + 1) * kSize);
        const double expected =
            energy_by_loops(p, row, noise ? (b == 0 ? 0.2 : 3) : 0.4, label ? (b == 0 ? 1 : 0) : -1);
        EXPECT_NEAR(energy[b], expected, 1e-11 * (1 + std::abs(expected))) << noise << label << b;
      }
    }
}

TEST(ConvEnergyTest, ItsGradientsAreThoseOfTheEnergy) {
  ModelProbe probe = conv_energy(small());
  make_general(probe);
  const std::vector<Numbers> at = {some_numbers(3 * kSize, 4), {0.3, 1, 2}, {0, -1, 2}};
  // Central differences: h^2 E''' / 6 with h = 1e-4, and a curvature that changes within noises of .3.
  EXPECT_LT(probe.worst_gradient_error(at, 0), 1e-7);
  EXPECT_LT(probe.worst_gradient_error(at, 1), 1e-5);
}

TEST(ConvEnergyTest, ParameterGradientsAreThoseOfEnergiesAndScores) {
  ModelProbe probe = conv_energy(small());
  make_general(probe);
  const std::vector<Numbers> at = {some_numbers(3 * kSize, 5), {0.3, 1, 2}, {0, -1, 2}};
  const Numbers along = some_numbers(3 * kSize, 6), cotangent = {1, -0.5, 2}, along_noise = {0.4, -1, 0.2};
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, {}, {along, {}, {}}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {along, {}, {}}), 1e-6);
  // Along the noise too, which autograd differentiates twice.
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {along, along_noise, {}}), 1e-5);
}

TEST(ConvEnergyTest, ItsGaussianPartIsThatOfNoiseAndData) {
  ModelProbe probe = conv_energy(small());
  make_general(probe);
  const double noise = 1.5;
  const void* const given[] = {nullptr, &noise, nullptr};
  const auto part = probe.model().gaussian_part(given);
  ASSERT_TRUE(part.has_value());
  EXPECT_EQ(part->mean, Parameters(probe.model()).at("data_mean"));
  ASSERT_EQ(part->curvature.size(), static_cast<size_t>(kSize));
  for (const double curvature : part->curvature) EXPECT_NEAR(curvature, 1 / (1.5 * 1.5 + 0.49 * (1 + 1e-6)), 1e-15);
}

TEST(ConvEnergyTest, StartsFromTheWeightsThatItWroteAndElseFromTheInitialKey) {
  ModelProbe first = conv_energy(small()), again = conv_energy(small());
  const std::vector<Numbers> at = {some_numbers(2 * kSize, 7), {0.2, 1}, {0, -1}};
  EXPECT_EQ(first.energies(at), again.energies(at));
  make_general(first);
  ProbeSetup setup = small();
  const Parameters p(first.model());
  for (const ModelParameter& each : p.arrays()) setup.weights.push_back(weight(each.name, each.shape, p.at(each.name)));
  EXPECT_EQ(conv_energy(setup).energies(at), first.energies(at));
  EXPECT_NE(conv_energy(small()).energies(at), first.energies(at));

  // A literal label: the weights say how many there are.
  setup.slots[2].categories = 0;
  setup.slots[2].held = {1};
  setup.slots[2].value = {2};
  EXPECT_EQ(conv_energy(setup).energies(at), first.energies(at));
  // Without the label the energy is that of none.
  setup.slots[2] = left_out();
  EXPECT_EQ(conv_energy(setup).energies({at[0], at[1], {}})[1], first.energies(at)[1]);
}

TEST(ConvEnergyTest, RefusesWhatIsNotAnImageAndWeightsOfAnotherArchitecture) {
  const auto refused = [](const ProbeSetup& setup) { return refusal("potluck.conv_energy", "conv_energy", setup); };
  ProbeSetup setup = small();
  setup.slots[0] = continuous_slot({72});
  EXPECT_THAT(refused(setup),
              testing::HasSubstr("input 'x' must be an image [height, width] or [channels, height, width] "
                                 "of at least 8 x 8, got [72]"));
  setup.slots[0] = continuous_slot({1, 8, 7});
  EXPECT_THAT(refused(setup), testing::HasSubstr("of at least 8 x 8, got [1, 8, 7]"));
  setup = small();
  setup.slots[1] = continuous_slot({2});
  EXPECT_THAT(refused(setup), testing::HasSubstr("input 'noise' must be one number, got 2"));
  setup = small();
  setup.settings["fixed_noise"] = "0.4";
  EXPECT_THAT(refused(setup),
              testing::HasSubstr("setting 'fixed_noise' must be left out where the input 'noise' is bound, got 0.4"));
  setup = small();
  setup.slots[2].categories = 0;
  EXPECT_THAT(refused(setup), testing::HasSubstr("input 'label' must be a variable where there are no weights, since a "
                                                 "label alone does not say how many there are"));

  ModelProbe trained = conv_energy(small());
  const Parameters p(trained.model());
  setup = small();
  for (const ModelParameter& each : p.arrays()) setup.weights.push_back(weight(each.name, each.shape, p.at(each.name)));
  ProbeSetup other = setup;
  other.settings["channels"] = "3, 6";
  EXPECT_THAT(refused(other), testing::HasSubstr("weights 'stage_1_weight' must have the shape [6, 3, 3, 3] of this "
                                                 "architecture, got [4, 3, 3, 3]"));
  other = setup;
  other.slots[2].categories = 4;
  EXPECT_THAT(refused(other), testing::HasSubstr("input 'label' must have the 3 categories of the weights, got 4"));
  other = setup;
  other.slots[2].categories = 0;
  other.slots[2].held = {1};
  other.slots[2].value = {3};
  EXPECT_THAT(refused(other), testing::HasSubstr("input 'label' must be below the 3 labels of the weights, got 3"));
  other = setup;
  other.weights.pop_back();
  EXPECT_THAT(refused(other), testing::HasSubstr("weights must have an array 'last_weight', got 'data_mean', "));
  other = setup;
  for (Weight& each : other.weights)
    if (each.name == "data_scale") each = weight("data_scale", {1}, {0});
  EXPECT_THAT(refused(other), testing::HasSubstr("weights 'data_scale' must be > 0, got 0"));
}

// Also where no number of rows, channels or pixels is a power of two.
TEST(ConvEnergyTest, RowsStandAlone) {
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64})
    for (const int64_t rows : {32, 37}) {
      ProbeSetup setup = small();
      setup.slots[0] = continuous_slot({9, 9});
      setup.precision = precision;
      expect_rows_alone(conv_energy(setup), rows);
    }
}

}  // namespace
}  // namespace potluck::test
