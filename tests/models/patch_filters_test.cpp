// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/preconditioned_case.h"

namespace potluck::test {
namespace {

constexpr int64_t kFilters = 3, kSize = 2 * 4 * 5;

/// Two channels of 4 x 5 pixels, under patches of 2 x 2.
ProbeSetup small(const std::string& potential) {
  return {{{"filters", "3"}, {"patch", "2"}, {"potential", potential}, {"precision", "0.5"}, {"mean", "0.3"}},
          {continuous_slot({2, 4, 5})},
          {}};
}
ModelProbe patch_filters(const ProbeSetup& setup) {
  return ModelProbe("potluck.patch_filters", "patch_filters", setup);
}

double phi(const std::string& potential, double y) {
  return potential == "student_t" ? std::log(1 + y * y / 2) : std::sqrt(1 + y * y) - 1;
}

/// The sum over places, filters, channels, lines and columns, as docs/models/patch_filters.md writes it.
double energy_by_loops(const Parameters& p, const Numbers& x, const std::string& potential) {
  const Numbers filters = p.at("filters"), log_alpha = p.at("log_alpha");
  double energy = 0;
  for (const double number : x) energy += 0.25 * (number - 0.3) * (number - 0.3);
  for (size_t line = 0; line < 3; ++line)
    for (size_t column = 0; column < 4; ++column)
      for (size_t k = 0; k < kFilters; ++k) {
        double answer = 0;
        for (size_t channel = 0; channel < 2; ++channel)
          for (size_t down = 0; down < 2; ++down)
            for (size_t right = 0; right < 2; ++right)
              answer += filters[8 * k + 4 * channel + 2 * down + right] *
                        x[20 * channel + 5 * (line + down) + column + right];
        energy += std::exp(log_alpha[k]) * phi(potential, answer);
      }
  return energy;
}

void make_uneven(ModelProbe& probe) {
  Parameters p(probe.model());
  p.write("filters", some_numbers(8 * kFilters, 31));
  p.write("log_alpha", {-1, 0.5, 0.2});
  probe.model().parameters_changed();
}

class PatchFiltersTest : public testing::TestWithParam<const char*> {};

TEST_P(PatchFiltersTest, SumsItsPotentialOverFiltersAndPatches) {
  ModelProbe probe = patch_filters(small(GetParam()));
  make_uneven(probe);
  const Parameters p(probe.model());
  const Numbers x = some_numbers(3 * kSize, 2), energy = probe.energies({x});
  for (size_t b = 0; b < 3; ++b) {
    const auto first = x.begin() + static_cast<int64_t>(b) * kSize;
    const double expected = energy_by_loops(p, {first, first + kSize}, GetParam());
    EXPECT_NEAR(energy[b], expected, 1e-12 * (1 + expected)) << b;
  }
}

TEST_P(PatchFiltersTest, GradientsAreThoseOfTheEnergy) {
  ModelProbe probe = patch_filters(small(GetParam()));
  make_uneven(probe);
  const std::vector<Numbers> at = {some_numbers(2 * kSize, 4)};
  EXPECT_LT(probe.worst_gradient_error(at), 1e-7);
  const Numbers along = some_numbers(2 * kSize, 6), cotangent = {1, -0.5};
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, {}, {along}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {along}), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Potentials, PatchFiltersTest, testing::Values("student_t", "smooth_l1"));

TEST(PatchFiltersModelTest, ReadsSignalsInPatchesOfOneLine) {
  ProbeSetup setup{{{"filters", "1"}, {"patch", "2"}, {"potential", "smooth_l1"}},
                   {continuous_slot({3})},
                   {weight("filters", {1, 2}, {-1, 1}), weight("log_alpha", {1}, {0})}};
  // Differences 3/4 and 4/3: sqrt(1 + 9/16) - 1 + sqrt(1 + 16/9) - 1 = 1/4 + 2/3.
  EXPECT_NEAR(patch_filters(setup).energies({{1, 1.75, 1.75 + 4.0 / 3}})[0], 0.25 + 2.0 / 3, 1e-12);
}

TEST(PatchFiltersModelTest, BeginsWithFiltersThatIgnoreTheLevelOfAPatch) {
  ProbeSetup setup{{{"filters", "5"}}, {continuous_slot({6, 6})}, {}};
  const ModelProbe probe = patch_filters(setup);
  EXPECT_NEAR(probe.energies({Numbers(36, 0.8)})[0], 0, 1e-24);
  EXPECT_GT(probe.energies({some_numbers(36, 3)})[0], 0.1);
}

TEST(PatchFiltersModelTest, IsIntegrableWhereItHasAPrecision) {
  ProbeSetup setup = small("student_t");
  EXPECT_TRUE(patch_filters(setup).model().facts().abilities & POTLUCK_INTEGRABLE);
  setup.settings["precision"] = "0";
  EXPECT_FALSE(patch_filters(setup).model().facts().abilities & POTLUCK_INTEGRABLE);
}

TEST(PatchFiltersModelTest, RefusesShapesThatHoldNoPatchAndWeightsOfOthers) {
  ProbeSetup setup{{{"patch", "5"}}, {continuous_slot({4, 8})}, {}};
  EXPECT_THAT(refusal("potluck.patch_filters", "patch_filters", setup),
              testing::HasSubstr("input 'x' must be as large as a patch of 5 or larger, got [4, 8]"));
  setup.slots = {continuous_slot({1, 2, 8, 8})};
  EXPECT_THAT(refusal("potluck.patch_filters", "patch_filters", setup),
              testing::HasSubstr("input 'x' must be a signal [n], or an image [height, width] or [channels, height, "
                                 "width], got [1, 2, 8, 8]"));
  setup.slots = {continuous_slot({8, 8})};
  setup.weights = {weight("filters", {16, 9}, Numbers(144, 0.1)), weight("log_alpha", {16}, Numbers(16, 0))};
  EXPECT_THAT(refusal("potluck.patch_filters", "patch_filters", setup),
              testing::HasSubstr("weights 'filters' must have the shape [16, 25] of this architecture, got [16, 9]"));
}

}  // namespace
}  // namespace potluck::test
