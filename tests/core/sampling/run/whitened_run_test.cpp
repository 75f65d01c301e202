// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/whitened_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "core/error.h"
#include "core/methods/block_errors.h"
#include "core/methods/method_options.h"
#include "tests/core/sampling/sampled.h"

namespace potluck {
namespace {

using testing::line;
using testing::RowEnergy;
using testing::sampled;
using testing::Sampled;

/// A normal of three numbers, the first two of correlation 0.99.
auto needle(Variable variable = line("x", 3), Precision precision = Precision::kFloat32) {
  return RowEnergy(
      std::move(variable),
      [](const double* x, double* g) {
        g[0] = (x[0] - 0.99 * x[1]) / 0.0199;
        g[1] = (x[1] - 0.99 * x[0]) / 0.0199;
        g[2] = x[2] - 1;
        return (g[0] * x[0] + g[1] * x[1] + g[2] * g[2]) / 2;
      },
      precision);
}

std::vector<SettingValue> dense(const std::string& name, const std::string& step_size = "auto") {
  return option_values(name, {{"metric", "dense"}, {"step_size", step_size}});
}

RunOptions options_of(const std::string& name) {
  RunOptions options;
  options.method = name;
  options.values = dense(name);
  options.chains = 300;
  options.warmup = 200;
  options.steps = 40;
  options.thin = 20;
  options.threads = 2;
  return options;
}

std::string refusal(const Target& target, const RunOptions& options) {
  try {
    check_run(target, options);
  } catch (const SettingError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(WhitenedRunTest, DrawsAreXAndTheirEnergyIsThatOfX) {
  const auto energy = needle();
  for (const char* name : {"hmc", "mala", "ghmc", "adjusted_mclmc", "mclmc"}) {
    const Sampled run = sampled(energy, options_of(name));
    double product = 0, square = 0;
    for (size_t chain = 0; chain < 300; ++chain) {
      const double* x = &run.positions.back()[chain * 3];
      const double across = x[0] - 0.99 * x[1];
      const double expected = (across * across / 0.0199 + x[1] * x[1] + (x[2] - 1) * (x[2] - 1)) / 2;
      EXPECT_NEAR(run.energies.back()[chain], expected, 1e-4 * (1 + expected)) << name;
      product += x[0] * x[1] / 300;
      square += x[1] * x[1] / 300;
    }
    // Six standard errors of 300 independent draws of variance 1.
    EXPECT_NEAR(square, 1, 6 * std::sqrt(2.0 / 300)) << name;
    EXPECT_NEAR(product, 0.99, 6 * std::sqrt(2.0 / 300)) << name;
  }
}

TEST(WhitenedRunTest, GivesTheSameBitsForAnyNumberOfThreadsAndChainsBeyondTheCohort) {
  const auto energy = needle();
  RunOptions options = options_of("hmc");
  const Sampled two = sampled(energy, options);
  options.threads = 1;
  EXPECT_EQ(sampled(energy, options).positions, two.positions);
  options.chains = 700;
  const Sampled more = sampled(energy, options);
  for (size_t draw = 0; draw < two.positions.size(); ++draw)
    for (size_t i = 0; i < two.positions[draw].size(); ++i) ASSERT_EQ(more.positions[draw][i], two.positions[draw][i]);
}

TEST(WhitenedRunTest, HeldCoordinatesComeOutBitForBit) {
  const auto energy = needle();
  Held held;
  held.mask = {0, 1, 0};
  held.value = {0, 0.7, 0};
  const Sampled run = sampled(energy, options_of("hmc"), {held});
  double mean = 0;
  for (size_t chain = 0; chain < 300; ++chain) {
    EXPECT_EQ(static_cast<float>(run.positions.back()[chain * 3 + 1]), 0.7f);
    mean += run.positions.back()[chain * 3] / 300;
  }
  EXPECT_NEAR(mean, 0.99 * 0.7, 6 * std::sqrt(0.0199 / 300));  // x0 given x1
}

// The wall is six standard deviations away. All chains are of the cohort: those behind it would begin beside the wall
// with steps that are made for the middle.
TEST(WhitenedRunTest, VariablesWithTransformedWallsAreWhitenedInTheirFreeCoordinates) {
  Variable above = line("x", 3, -6, INFINITY);
  above.walls = Walls::kTransform;
  const auto energy = needle(above, Precision::kFloat64);
  RunOptions options = options_of("hmc");
  options.chains = 256;
  options.warmup = 400;
  const Sampled run = sampled(energy, options);
  double square = 0;
  for (size_t chain = 0; chain < 256; ++chain)
    square += run.positions.back()[chain * 3] * run.positions.back()[chain * 3] / 256;
  EXPECT_NEAR(square, 1, 6 * std::sqrt(2.0 / 256));
}

TEST(WhitenedRunTest, RefusesWhatItCannotWhiten) {
  const auto walled = needle(line("x", 3, -1, 4));
  EXPECT_EQ(refusal({&walled, {{}}, 1}, options_of("hmc")),
            "sample.metric must be auto or identity where a variable has reflecting walls ('x' in [-1, 4]), got dense: "
            "walls would lie across its axes. Give the variable walls: transform, or use auto");
  const auto wide = needle(line("x", 1025));
  EXPECT_EQ(refusal({&wide, {{}}, 1}, options_of("mala")),
            "sample.metric must be auto or identity where more than 1024 numbers move (1025), got dense: its matrix "
            "would have their square. Use auto");
  const auto energy = needle();
  RunOptions options = options_of("hmc");
  options.warmup = 59;
  EXPECT_EQ(refusal({&energy, {{}}, 1}, options),
            "sample.warmup must be >= 60 where metric is dense, got 59. Raise it");
  options = options_of("ghmc");
  options.values = dense("ghmc", "0.25");
  EXPECT_EQ(refusal({&energy, {{}}, 1}, options),
            "sample.metric must be auto or identity where step_size is a number (0.25), got dense: the step size would "
            "be that of coordinates which the warm-up has yet to find. Leave step_size auto");
  BlockOptions block;
  block.variables = {"x"};
  block.method = "hmc";
  block.values = dense("hmc");
  const std::vector<SettingError> errors = block_errors({block}, energy.variables(), {{}});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_STREQ(errors[0].what(),
               "sample.blocks[0].metric must be auto or identity, got dense: its matrix is of all variables together. "
               "Use auto, or one method without blocks");
}

}  // namespace
}  // namespace potluck
