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
    energies.emplace_back(draw.energy, draw.energy + draw.chains);
  }
  void checkpointed(std::span<const std::byte> state, int64_t) override {
    checkpoints.emplace_back(state.begin(), state.end());
  }
  std::vector<double> positions;
  std::vector<std::vector<double>> energies;
  std::vector<std::vector<std::byte>> checkpoints;
};

struct Outcome {
  RunSummary summary;
  Keeper keeper;
};

Outcome run_of(const CliffEnergy& energy, std::vector<Held> held, const RunOptions& options,
               std::span<const std::byte> checkpoint) {
  Outcome outcome;
  Observer* observers[] = {&outcome.keeper};
  const std::atomic<bool> go_on{false};
  outcome.summary =
      run({&energy, std::move(held), 1}, *default_start(energy.variables()), options, observers, go_on, checkpoint);
  return outcome;
}

RunOptions options_of(const std::string& name, const OptionWords& words) {
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
  return options;
}

Outcome sample(const std::string& name, const OptionWords& words, Device device,
               std::span<const std::byte> checkpoint = {}) {
  return run_of(CliffEnergy({.device = device, .most_rows = 4 * kChains}), {}, options_of(name, words), checkpoint);
}

/// x moves, and y is given: one number that is annealed from 5 to 1/2, with a checkpoint in every step.
Outcome annealed(const std::string& name, Device device, std::span<const std::byte> checkpoint = {}) {
  const CliffEnergy energy({.device = device, .numbers_of_y = 1, .most_rows = 4 * kChains});
  RunOptions options = options_of(name, {{"step_size", "0.1"}});
  options.anneal.given = {{1, 5.0}};
  options.anneal.levels = 6;
  options.anneal.steps = 4;
  options.warmup = 0;
  options.checkpoint_every = 1;
  return run_of(energy, {{}, {{1}, {0.5}}}, options, checkpoint);
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

TEST(HostRunTest, AnnealsAGivenNumberAsTheCpuAndGoesOnWithinALevel) {
  for (const char* name : {"langevin", "mala", "baoab"}) {
    const Outcome cpu = annealed(name, kCpu), cuda = annealed(name, kCuda);
    EXPECT_EQ(apart(cpu.keeper.positions, cuda.keeper.positions, 1e-9), 0) << name;
    EXPECT_EQ(cuda.summary.warmup_evaluations, cpu.summary.warmup_evaluations) << name;
    EXPECT_EQ(cuda.keeper.energies, cpu.keeper.energies) << name;
    for (const size_t at : {1, 3, 6, 23, 24, 40}) {
      const Outcome rest = annealed(name, kCuda, cuda.keeper.checkpoints[at]);
      EXPECT_EQ(rest.keeper.energies.back(), cuda.keeper.energies.back()) << name << at;
    }
  }
}

/// The same down a level of noise, by the flow, with steps in units of the level and noise on the second number of x,
/// which is given; the first and the last number are not blurred.
Outcome flowing(const std::string& name, Device device, std::span<const std::byte> checkpoint = {}) {
  const CliffEnergy energy({.device = device, .faces = true, .numbers_of_y = 1, .most_rows = 4 * kChains});
  RunOptions options = options_of(name, {});
  options.anneal.given = {{1, 1.0}};
  options.anneal.levels = 6;
  options.anneal.steps = 4;
  options.anneal.predictor = options.anneal.step_by_level = options.anneal.noisy_given = true;
  options.anneal.blurred = {{0, 1, 1, 0}, {}};
  options.warmup = 20;
  options.checkpoint_every = 1;
  return run_of(energy, {{{0, 1, 0, 0}, {0, 0.25, 0, 0}}, {{1}, {0.5}}}, options, checkpoint);
}

TEST(HostRunTest, FollowsTheFlowAsTheCpuAndGoesOnWithinALevel) {
  for (const char* name : {"langevin", "mala"}) {
    const Outcome cpu = flowing(name, kCpu), cuda = flowing(name, kCuda);
    EXPECT_LE(apart(cpu.keeper.positions, cuda.keeper.positions, 1e-6),
              static_cast<int64_t>(cpu.keeper.positions.size()) / 100)
        << name;
    EXPECT_EQ(cuda.summary.warmup_evaluations, cpu.summary.warmup_evaluations) << name;
    for (size_t i = 1; i < cuda.keeper.positions.size(); i += 4) EXPECT_EQ(cuda.keeper.positions[i], 0.25);
    for (const size_t at : {1, 3, 6, 23, 24, 40}) {
      const Outcome rest = flowing(name, kCuda, cuda.keeper.checkpoints[at]);
      EXPECT_EQ(rest.keeper.energies.back(), cuda.keeper.energies.back()) << name << at;
    }
  }
}

}  // namespace
}  // namespace potluck
