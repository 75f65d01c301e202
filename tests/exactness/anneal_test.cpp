// SPDX-License-Identifier: Apache-2.0
// Draws behind a schedule (sample.anneal) are draws of the target, where every number stands as it is given.
#include <gtest/gtest.h>

#include <string>

#include "tests/exactness/composed.h"

namespace potluck::testing {
namespace {

/// `model` of x and of noise that is given.
std::string scene(const std::string& settings, const std::string& noise) {
  return "variables: {x: {}, noise: {}}\n"
         "target: {model: test.blurred, settings: {" +
         settings + "}, inputs: {x: x, noise: noise}}\ngiven: [{of: noise, value: " + noise + "}]\n";
}

LastDraw drawn(const std::string& text, const std::string& sample) {
  const Composed composed(text, sample);
  return composed.run(*default_start(composed.plan().variables()));
}

// N(0, 1 + noise^2), noise = 1/2: variance 5/4. The twin's noise stops one level early, at 40^(1/30)/2 = .565, and its
// variance at 1.320.
TEST(AnnealTest, BehindItTheLawIsThatOfTheGivenNoise) {
  const std::string sample =
      "chains: 200000, steps: 60, thin: 60, step_size: 0.6, anneal: {noise: {from: 20}, levels: 30, steps: 2}";
  const LastDraw right = drawn(scene("", "1/2"), sample);
  EXPECT_LT(worst_z(right, {0}, moments(0, 1.25)), kPass);
  EXPECT_GT(right.summary.acceptance, 0.4);
  EXPECT_EQ(right.column[1], std::vector<double>(200000, 0.5));
  const LastDraw early = drawn(scene("least_noise: 0.5654", "1/2"), sample);
  EXPECT_GT(worst_z(early, {0}, moments(0, 1.25)), kReject);
}

// .3 N(-3, 1/4) + .7 N(3, 1/4): the hill between is 18 high. While the noise falls chains keep the shares of the
// modes until the modes part; without it each start falls into the nearest mode.
// Mean 3 (.7 - .3) = 1.2, variance 9 + 1/4 - 1.44 = 7.81.
TEST(AnnealTest, NoiseThatFallsGivesModesTheirShares) {
  const std::string two = "mean: [-3, 3], weight: [0.3, 0.7], deviation: 0.5";
  const std::string sample = "chains: 20000, warmup: 100, step_size: auto";
  const std::string noise = ", anneal: {noise: {from: 6}, levels: 200, steps: 5, spacing: karras}";
  EXPECT_LT(worst_z(drawn(scene(two, "0"), sample + noise), {0}, moments(1.2, 7.81)), kPass);
  EXPECT_GT(worst_z(drawn(scene(two, "0"), sample), {0}, moments(1.2, 7.81)), kReject);
}

TEST(AnnealTest, ATemperatureThatFallsBesideItLeavesTheLaw) {
  const std::string sample =
      "chains: 200000, steps: 60, thin: 60, step_size: 0.6, temperature: 2, "
      "anneal: {noise: {from: 4}, temperature: {from: 10}, levels: 20, spacing: linear}";
  // N(0, 5/4) at T = 2 has variance 5/2; the twin is judged by that of T = 1.
  const LastDraw draw = drawn(scene("", "1/2"), sample);
  EXPECT_LT(worst_z(draw, {0}, moments(0, 2.5)), kPass);
  EXPECT_GT(worst_z(draw, {0}, moments(0, 1.25)), kReject);
}

}  // namespace
}  // namespace potluck::testing
