// SPDX-License-Identifier: Apache-2.0
// How long trajectories are tuned to be, and where max_leapfrogs ends that.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/core/sampling/sampled.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::line;
using testing::RowEnergy;
using testing::Sampled;
using testing::sampled;

/// Normals of sd 1 and `wide`.
auto two_normals(double wide) {
  return RowEnergy(line("x", 2), [wide](const double* x, double* g) {
    g[0] = x[0];
    g[1] = x[1] / wide / wide;
    return (x[0] * g[0] + x[1] * g[1]) / 2;
  });
}

RunOptions options_of(const std::string& method, const OptionWords& words) {
  RunOptions options;
  options.method = method;
  options.values = option_values(method, words);
  options.chains = 64;
  options.warmup = 300;
  options.steps = 64;
  options.thin = 64;
  return options;
}

/// The leapfrogs of every step.
class Leapfrogs final : public Observer {
 public:
  void progressed(const Progress& progress) override {
    const double all = progress.gradients_here / static_cast<double>(progress.chains);
    if (progress.warmup) most = std::max(most, all - before_);
    before_ = all;
  }
  double most = 0;  ///< in a step of the warm-up

 private:
  double before_ = 0;
};

// The identity is the metric, and one direction is 10^4 times as wide as the one that the step size must follow.
// Squared distances grow with the time of a trajectory up to ten thousand leapfrogs, and tuning would go that far.
TEST(TrajectoryLengthTest, RunawayTuningEndsAtMaxLeapfrogs) {
  const auto energy = two_normals(1e4);
  for (const int64_t most : {64, 256}) {
    RunOptions options = options_of("hmc", {{"metric", "identity"}});
    if (most != 256)
      options.values = option_values("hmc", {{"metric", "identity"}, {"max_leapfrogs", std::to_string(most)}});
    Leapfrogs leapfrogs;
    Observer* observers[] = {&leapfrogs};
    const RunSummary summary =
        run({&energy, {{}}, 1}, *default_start(energy.variables()), options, observers, std::atomic<bool>{false});
    const double mean = static_cast<double>(most) / 2;
    EXPECT_DOUBLE_EQ(summary.trajectory_length / summary.step_size, mean);
    EXPECT_LE(leapfrogs.most, static_cast<double>(most));
    EXPECT_GT(leapfrogs.most, 0.9 * static_cast<double>(most));
    EXPECT_NEAR(static_cast<double>(summary.evaluations) / 64, mean + 0.5, 0.03 * mean);
    EXPECT_THAT(summary.notes, ElementsAre(fmt::format("max_leapfrogs ({}) held trajectories back: they have {} "
                                                       "leapfrogs at the mean. Where chains mix slowly, raise it",
                                                       most, most / 2)));
  }
}

// A bound that is not reached changes no bit, and none is needed where the metric makes both directions alike.
TEST(TrajectoryLengthTest, ABoundThatIsNotReachedChangesNoBit) {
  const auto energy = two_normals(30);
  const Sampled preset = sampled(energy, options_of("hmc", {})),
                high = sampled(energy, options_of("hmc", {{"max_leapfrogs", "1000"}})),
                low = sampled(energy, options_of("hmc", {{"max_leapfrogs", "4"}}));
  EXPECT_EQ(preset.positions, high.positions);
  EXPECT_THAT(preset.summary.notes, IsEmpty());
  EXPECT_NE(low.positions, high.positions);
}

TEST(TrajectoryLengthTest, AGivenLengthThatIsCutIsSaid) {
  const auto energy = two_normals(1);
  RunOptions options = options_of("hmc", {{"step_size", "0.01"}, {"trajectory_length", "10"}});
  options.warmup = 0;
  const Sampled cut = sampled(energy, options);
  EXPECT_LE(cut.summary.evaluations, 64 * 256);
  EXPECT_THAT(
      cut.summary.notes,
      ElementsAre("trajectories of length 10 would have 1000 leapfrogs at the mean: those of more than 256 were "
                  "cut there (max_leapfrogs). Where chains mix slowly, raise it, or give a shorter "
                  "trajectory_length"));
  options.values = option_values("hmc", {{"step_size", "0.01"}, {"trajectory_length", "1.2"}});
  EXPECT_THAT(sampled(energy, options).summary.notes, IsEmpty());
}

// sqrt(2)/.001 is 1414 leapfrogs at the mean.
TEST(TrajectoryLengthTest, AdjustedMclmcSaysWhereItIsCutToo) {
  const auto energy = two_normals(1);
  RunOptions options = options_of("adjusted_mclmc", {{"step_size", "0.001"}});
  options.warmup = 0;
  options.steps = options.thin = 4;
  options.chains = 4;
  EXPECT_THAT(sampled(energy, options).summary.notes,
              ElementsAre("trajectories of length 1.41421 would have 1414 leapfrogs at the mean: those of more than "
                          "1000 were cut there (max_leapfrogs). Where chains mix slowly, look for what keeps the step "
                          "size so small, or give a shorter trajectory_length"));
  options.values = option_values("adjusted_mclmc", {{"step_size", "0.1"}, {"max_leapfrogs", "20"}});
  const Sampled cut = sampled(energy, options);
  EXPECT_LE(cut.summary.evaluations, 4 * 20);
  EXPECT_EQ(cut.summary.notes.size(), 1u);
}

}  // namespace
}  // namespace potluck
