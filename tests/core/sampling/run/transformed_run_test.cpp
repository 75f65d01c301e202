// SPDX-License-Identifier: Apache-2.0
// Runs whose variables have `walls: transform`, as whoever starts and observes them sees them.
#include "core/sampling/run/transformed_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using ::testing::EndsWith;
using testing::Keeper;
using testing::normal_energy;
using testing::RowEnergy;

const std::atomic<bool> kGoOn{false};

Variable walled(double least, double most, int64_t n) {
  Variable variable = testing::line("x", n, least, most);
  variable.walls = Walls::kTransform;
  return variable;
}

RunOptions mala(const std::string& step_size, int64_t chains, int64_t steps) {
  RunOptions options;
  options.method = "mala";
  options.values = {parse_setting(method("mala").options[0], {step_size}, "x"),
                    preset_value(method("mala").options[1], "x")};
  options.chains = chains;
  options.warmup = 0;
  options.steps = steps;
  options.thin = steps;
  options.threads = 2;
  return options;
}

struct Result {
  RunSummary summary;
  std::vector<double> x, energy;
};

Result sample(const Energy& energy, const Start& start, const RunOptions& options, std::vector<Held> held = {{}},
              double temperature = 1) {
  Keeper keeper(energy.variables()[0].size(), energy.precision());
  Observer* observers[] = {&keeper};
  Result result;
  result.summary = run({&energy, std::move(held), temperature}, start, options, observers, kGoOn);
  result.x = keeper.positions.back();
  result.energy = keeper.energies.back();
  return result;
}

std::string refusal(const Energy& energy, const Start& start, const RunOptions& options) {
  try {
    sample(energy, start, options);
  } catch (const SettingError& error) {
    return error.what();
  }
  return "accepted";
}

// With steps of nothing the draws are the starts: what goes in free comes out as it was, but for rounding.
TEST(TransformedRunTest, StartsAndDrawsAreInTheUsersCoordinates) {
  for (const auto& [least, most] : {std::pair{0.0, 1.0}, {-4.0, INFINITY}, {-INFINITY, 3.0}}) {
    for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
      const RowEnergy energy = normal_energy(walled(least, most, 2), 1, precision);
      const std::vector<double> at = {0.2, 0.75, 0.5, 0.999, 0.031, 0.4};
      const auto start = given_start({at}, 3, energy.variables(), "three places");
      const Result result = sample(energy, *start, mala("1e-34", 6, 1));
      const double close = precision == Precision::kFloat32 ? 1e-6 : 1e-14;
      for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(result.x[i], at[i % 6], close) << least << ' ' << most;
      EXPECT_EQ(result.summary.start, "three places");
    }
  }
}

TEST(TransformedRunTest, DrawsLieInsideAndTheirEnergyIsThatOfTheExperts) {
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    const RowEnergy energy = normal_energy(walled(0, 1, 3), 5, precision);
    const Result result = sample(energy, *default_start(energy.variables()), mala("1", 500, 40), {{}}, 2);
    for (size_t chain = 0; chain < 500; ++chain) {
      double expected = 0;
      for (size_t j = 0; j < 3; ++j) {
        const double x = result.x[chain * 3 + j];
        EXPECT_GT(x, 0);
        EXPECT_LT(x, 1);
        expected += 2.5 * x * x;
      }
      EXPECT_NEAR(result.energy[chain], expected, 1e-12);
    }
  }
}

TEST(TransformedRunTest, HeldCoordinatesComeOutBitForBitAlsoOnAWall) {
  const RowEnergy energy = normal_energy(walled(0, 1, 4), 1);
  Held held;
  held.mask = {1, 0, 1, 1};
  held.value = {0.1, 0, 0, 1};
  // What a start says of held coordinates is not read.
  const auto start = given_start({{-7, 0.5, NAN, 9}}, 1, energy.variables(), "elsewhere");
  const Result result = sample(energy, *start, mala("0.5", 50, 20), {held});
  for (size_t chain = 0; chain < 50; ++chain) {
    EXPECT_EQ(result.x[chain * 4], 0.1);
    EXPECT_EQ(result.x[chain * 4 + 2], 0);
    EXPECT_EQ(result.x[chain * 4 + 3], 1);
    if (chain == 0) continue;
    EXPECT_NE(result.x[chain * 4 + 1], result.x[1]);
  }
}

TEST(TransformedRunTest, AStartOnAWallBeginsAThousandthInside) {
  const RowEnergy box = normal_energy(walled(0, 2, 3), 1, Precision::kFloat32);
  const Result inside = sample(box, *given_start({{0, 2, 1}}, 1, box.variables(), "corners"), mala("1e-30", 2, 1));
  EXPECT_EQ(inside.summary.start, "corners; 4 numbers on a wall were put a thousandth inside");
  EXPECT_NEAR(inside.x[0], 0.002, 1e-4);
  EXPECT_NEAR(inside.x[1], 1.998, 1e-4);
  const RowEnergy above = normal_energy(walled(5, INFINITY, 1), 1), below = normal_energy(walled(-INFINITY, 5, 1), 1);
  const auto start = given_start({{5}}, 1, above.variables(), "the wall");
  EXPECT_NEAR(sample(above, *start, mala("1e-30", 1, 1)).x[0], 5.001, 1e-4);
  EXPECT_NEAR(sample(below, *start, mala("1e-30", 1, 1)).x[0], 4.999, 1e-4);
  // 0.1f is a little more than 0.1: in a run in float32 that is on the wall, and not outside.
  const RowEnergy narrow = normal_energy(walled(-1, 0.1, 1), 1, Precision::kFloat32);
  const auto rounded = given_start({{double{0.1f}}}, 1, narrow.variables(), "rounded");
  EXPECT_THAT(sample(narrow, *rounded, mala("1e-30", 1, 1)).summary.start, EndsWith("a thousandth inside"));
}

TEST(TransformedRunTest, RefusesAStartOutsideItsSupport) {
  const RowEnergy energy = normal_energy(walled(0, INFINITY, 2), 1);
  for (const auto& [x, text] : {std::pair{-3.0, "-3"}, {double{INFINITY}, "inf"}, {double{NAN}, "nan"}}) {
    const auto start = given_start({{1, 1, 1, 1, x, 1}}, 3, energy.variables(), "a file");
    EXPECT_EQ(refusal(energy, *start, mala("0.1", 5, 1)),
              std::string("sample.start: 'x' must begin in its support [0, inf], got ") + text +
                  " in chain 2. Give positions that lie there");
  }
}

TEST(TransformedRunTest, RefusesWhatCannotBeTransformedBeforeItBegins) {
  const RowEnergy energy = normal_energy(walled(0, 1, 1), 1);
  RunOptions recipe;
  recipe.method = "ebm_practice";
  for (const SettingDescription& option : method(recipe.method).options)
    recipe.values.push_back(preset_value(option, option.name));
  EXPECT_EQ(
      refusal(energy, *default_start(energy.variables()), recipe),
      "sample.method must be another than ebm_practice where a variable has walls: transform, got it with 'x'. "
      "The Jacobian of its coordinates is for a temperature that ebm_practice does not run at: use walls: reflect");
  const RowEnergy thin = normal_energy(walled(1, 1.00000001, 1), 1, Precision::kFloat32);
  EXPECT_THROW(check_run({&thin, {{}}, 1}, mala("0.1", 1, 1)), SettingError);
}

TEST(TransformedRunTest, GivesTheSameBitsForAnyNumberOfThreads) {
  const RowEnergy energy = normal_energy(walled(-1, 1, 3), 1, Precision::kFloat32);
  RunOptions options = mala("0.3", 700, 20);
  const Result reference = sample(energy, *default_start(energy.variables()), options);
  for (const int threads : {1, 5}) {
    options.threads = threads;
    const Result other = sample(energy, *default_start(energy.variables()), options);
    EXPECT_EQ(other.x, reference.x);
    EXPECT_EQ(other.energy, reference.energy);
  }
}

// The step size is one of free coordinates, whose widths are no longer those of the supports.
TEST(TransformedRunTest, TunesInFreeCoordinates) {
  const RowEnergy energy = normal_energy(walled(0, 1e-3, 2), 1e6);
  RunOptions options = mala("auto", 512, 100);
  options.warmup = 300;
  const Result result = sample(energy, *default_start(energy.variables()), options);
  EXPECT_NEAR(result.summary.acceptance, 0.574, 0.05);
  EXPECT_GT(result.summary.step_size, 0.1);
}

}  // namespace
}  // namespace potluck
