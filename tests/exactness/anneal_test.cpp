// SPDX-License-Identifier: Apache-2.0
// Draws behind a schedule (sample.anneal) are draws of the target, where every number stands as it is given.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "compose/start/start_choice.h"
#include "core/error.h"
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

/// With the start that the file has.
LastDraw drawn_from_auto(const std::string& text, const std::string& sample) {
  const Composed composed(text, sample);
  return composed.run(*make_start(composed.composition(), composed.plan().known()));
}

// As above, by flow and two moves of Langevin at each level, from the Gaussian part at the first. The twin's model
// takes every level below .57 for .57.
TEST(AnnealTest, BehindThePredictorTheLawIsThatOfTheGivenNoise) {
  const std::string sample =
      "chains: 200000, steps: 60, thin: 60, step_size: 0.6, "
      "anneal: {noise: {from: 20}, levels: 30, steps: 2, spacing: karras, predictor: true}";
  const LastDraw right = drawn_from_auto(scene("", "1/2"), sample);
  EXPECT_EQ(right.summary.start, "normal, with the Gaussian part of the composite at noise = 20");
  EXPECT_LT(worst_z(right, {0}, moments(0, 1.25)), kPass);
  EXPECT_GT(worst_z(drawn_from_auto(scene("least_noise: 0.5654", "1/2"), sample), {0}, moments(0, 1.25)), kReject);
}

// .3 N(-3, 1/4) + .7 N(3, 1/4), as above, in 60 evaluations before the warm-up where there were 1200. Behind the levels
// chains stay in their modes, so that their shares are what the flow has brought. The twins: without flow, and a model
// that takes every level below 2 for 2, so that the flow is that of another law where the modes part.
TEST(AnnealTest, ThePredictorGivesModesTheirShares) {
  const std::string two = "mean: [-3, 3], weight: [0.3, 0.7], deviation: 0.5";
  const auto sample = [](const std::string& predictor) {
    return "chains: 20000, warmup: 100, step_size: auto, anneal: {noise: {from: 20}, levels: 30, steps: 1, spacing: "
           "karras, step_size: 0.2, predictor: " +
           predictor + "}";
  };
  EXPECT_LT(worst_z(drawn_from_auto(scene(two, "0"), sample("true")), {0}, moments(1.2, 7.81)), kPass);
  EXPECT_GT(worst_z(drawn_from_auto(scene(two, "0"), sample("false")), {0}, moments(1.2, 7.81)), kReject);
  EXPECT_GT(worst_z(drawn_from_auto(scene(two + ", least_noise: 2", "0"), sample("true")), {0}, moments(1.2, 7.81)),
            kReject);
}

/// A law to the power `first`, over another one.
std::string quotient(const std::string& first, const std::string& second) {
  return "variables: {x: {}, noise: {}}\n"
         "energies:\n"
         "  a: {model: test.blurred, settings: {mean: 1}, inputs: {x: x, noise: noise}}\n"
         "  b: {model: test.blurred, settings: {deviation: 2}, inputs: {x: x, noise: noise}}\n"
         "target: {product: [{energy: a, weight: " +
         first + "}, {energy: b, weight: " + second + "}]}\ngiven: [{of: noise, value: 1/2}]\n";
}

// N(1, 5/4)^2 / N(0, 17/4): precision 2/1.25 - 1/4.25 = 1.3647, mean (2/1.25)/1.3647 = 1.1724. No ceiling is needed, as
// the curvatures add up to more than 0.
TEST(AnnealTest, AnExpertOfNegativeWeightNeedsNoCeilingWhereTheRestConfines) {
  const double precision = 2 / 1.25 - 1 / 4.25, mean = 2 / 1.25 / precision;
  const std::string sample =
      "chains: 200000, steps: 60, thin: 60, step_size: 0.5, "
      "anneal: {noise: {from: 20}, levels: 30, steps: 2, spacing: karras, predictor: true}";
  const LastDraw right = drawn_from_auto(quotient("2", "-1"), sample);
  EXPECT_LT(worst_z(right, {0}, moments(mean, 1 / precision)), kPass);
  EXPECT_GT(worst_z(right, {0}, moments(mean, 1 / (precision + 0.05))), kReject);
}

std::string refusal_of(const std::string& text) {
  try {
    const Composed composed(text, "step_size: 0.5");
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(AnnealTest, AnExpertOfNegativeWeightIsRefusedWhereTheRestConfinesTooLittle) {
  // 1/1.25 - 4/4.25 = -.141
  const std::string text = refusal_of(quotient("1", "-4"));
  EXPECT_NE(text.find("the Gaussian parts of the experts, at their weights, add up to a curvature of -0.141176 on x, "
                      "which must be above 0. Raise the weights of experts that confine these numbers, lower those "
                      "below 0, bound the supports"),
            std::string::npos)
      << text;
  EXPECT_EQ(refusal_of(quotient("1", "-3")), "");
}

}  // namespace
}  // namespace potluck::testing
