// SPDX-License-Identifier: Apache-2.0
// Whole runs on a device made of the host, against the same runs on the CPU.
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/sampling/run/run.h"
#include "tests/cuda/host/moved_chains.h"

namespace potluck {
namespace {

using namespace testing;

/// Draws, as they are stored, and checkpoints.
class Keeper final : public Observer {
 public:
  void record(const Draw& draw) override {
    const auto* x = static_cast<const double*>(draw.position[0]);
    positions.insert(positions.end(), x, x + 4 * draw.chains);
  }
  void checkpointed(std::span<const std::byte> state, int64_t) override {
    checkpoints.emplace_back(state.begin(), state.end());
  }
  std::vector<double> positions;
  std::vector<std::vector<std::byte>> checkpoints;
};

struct Outcome {
  RunSummary summary;
  Keeper keeper;
};

Outcome sample(const std::string& name, const OptionWords& words, Device device,
               std::span<const std::byte> checkpoint = {}) {
  const CliffEnergy energy({.device = device, .most_rows = 4 * kChains});
  const Target target{&energy, {}, 1};
  RunOptions options;
  options.method = name;
  options.values = option_values(name, words);
  options.chains = kChains;
  options.warmup = 120;
  options.steps = 60;
  options.thin = 20;
  options.seed = 4;
  options.threads = 1;
  options.checkpoint_every = 70;
  Outcome outcome;
  Observer* observers[] = {&outcome.keeper};
  const std::atomic<bool> go_on{false};
  outcome.summary = run(target, *default_start(energy.variables()), options, observers, go_on, checkpoint);
  return outcome;
}

// Whole runs, tuned on the cohort: what differs is the rounding of sums. The trajectories that hmc tunes itself would
// make chaos of it, so it is given one.
TEST(HostRunTest, TunesAndSamplesAsTheCpu) {
  const std::map<std::string, OptionWords> runs = {{"adjusted_mclmc", {}},
                                                   {"baoab", {}},
                                                   {"ghmc", {}},
                                                   {"hmc", {{"trajectory_length", "0.6"}}},
                                                   {"mala", {}},
                                                   {"mclmc", {}},
                                                   {"parallel_tempering", {{"replicas", "4"}}}};
  for (const auto& [name, words] : runs) {
    const Outcome cpu = sample(name, words, kCpu), cuda = sample(name, words, kCuda);
    EXPECT_NEAR(cuda.summary.step_size, cpu.summary.step_size, 1e-6 * cpu.summary.step_size) << name;
    EXPECT_NEAR(cuda.summary.acceptance, cpu.summary.acceptance, 1e-6) << name;
    EXPECT_EQ(cuda.summary.evaluations, cpu.summary.evaluations) << name;
    EXPECT_NEAR(cuda.summary.swaps.round_trips, cpu.summary.swaps.round_trips, 0.01 * cpu.summary.swaps.round_trips)
        << name;
    EXPECT_LE(apart(cpu.keeper.positions, cuda.keeper.positions, 1e-4),
              static_cast<int64_t>(cpu.keeper.positions.size()) / 100)
        << name;
  }
}

TEST(HostRunTest, GoesOnFromACheckpointBitForBit) {
  const std::map<std::string, OptionWords> runs = {{"adjusted_mclmc", {}},
                                                   {"baoab", {}},
                                                   {"ghmc", {}},
                                                   {"hmc", {}},
                                                   {"mala", {}},
                                                   {"mclmc", {}},
                                                   {"parallel_tempering", {{"replicas", "4"}}}};
  for (const auto& [name, words] : runs) {
    const Outcome whole = sample(name, words, kCuda);
    // Of the warm-up, of the sampling, and of the end, from where nothing is drawn.
    ASSERT_EQ(whole.keeper.checkpoints.size(), 3u) << name;
    for (const std::vector<std::byte>& checkpoint : whole.keeper.checkpoints) {
      const Outcome rest = sample(name, words, kCuda, checkpoint);
      EXPECT_EQ(rest.keeper.positions.empty(), &checkpoint == &whole.keeper.checkpoints.back()) << name;
      ASSERT_LE(rest.keeper.positions.size(), whole.keeper.positions.size());
      const auto tail = whole.keeper.positions.end() - static_cast<int64_t>(rest.keeper.positions.size());
      EXPECT_EQ(rest.keeper.positions, std::vector<double>(tail, whole.keeper.positions.end())) << name;
    }
  }
}

}  // namespace
}  // namespace potluck
