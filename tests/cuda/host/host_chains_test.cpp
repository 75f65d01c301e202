// SPDX-License-Identifier: Apache-2.0
// The CUDA backend, on a device made of the host, against the CPU.
#include <gmock/gmock.h>

#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "tests/cuda/host/moved_chains.h"

namespace potluck {
namespace {

using namespace testing;

void expect_the_numbers_of_the_cpu(Setting setting, double share) {
  for (const int64_t n : {1, 4, 7, 136}) {
    for (const int options : {0, 1, 2, 4, 8, 16, 31}) {
      setting.energy.n = n;
      setting.energy.faces = options & 1;
      setting.energy.cliffs = options & 2;
      setting.held = (options & 4) && n > 1;
      setting.metric = options & 8;
      setting.ladder = options & 16;
      setting.rest = options == 31 ? 1000 : -1;
      Moved cpu(setting, kCpu), cuda(setting, kCuda);
      cpu.advance_all();
      cuda.advance_all();
      EXPECT_EQ(apart(cpu, cuda, share), 0) << setting.method << " n " << n << " options " << options;
    }
  }
}

// Positions and velocities of moves that sum over no row have the bits of the CPU; where a decision does sum, its
// sums differ by rounding and no decision of these seeds falls otherwise.
struct Case {
  const char* method;
  OptionWords words;
  double share;  ///< of rounding in float64
};

class HostChainsTest : public ::testing::TestWithParam<Case> {};

TEST_P(HostChainsTest, HasTheNumbersOfTheCpu) {
  Setting setting{GetParam().method, GetParam().words, {}};
  setting.energy.precision = Precision::kFloat64;
  expect_the_numbers_of_the_cpu(setting, GetParam().share);
  setting.energy.precision = Precision::kFloat32;
  expect_the_numbers_of_the_cpu(setting, GetParam().share > 0 ? 2e-4 : 0);
}

INSTANTIATE_TEST_SUITE_P(
    AllMethods, HostChainsTest,
    ::testing::Values(Case{"langevin", {{"step_size", "0.02"}}, 0},
                      Case{"ebm_practice", {{"step", "0.5"}, {"noise", "0.2"}, {"clip", "0.7"}}, 0},
                      Case{"ebm_practice", {{"step", "0.5"}, {"noise", "0.2"}, {"clamp", "false"}}, 0},
                      Case{"baoab", {{"step_size", "0.1"}, {"friction", "1.5"}}, 0},
                      Case{"obabo", {{"step_size", "0.1"}, {"friction", "1.5"}}, 0},
                      Case{"leimkuhler_matthews", {{"step_size", "0.15"}}, 0}, Case{"mala", {{"step_size", "0.05"}}, 0},
                      Case{"hmc", {{"step_size", "0.1"}, {"trajectory_length", "auto"}}, 0},
                      Case{"ghmc", {{"step_size", "0.15"}, {"leapfrogs", "2"}}, 0},
                      Case{"parallel_tempering", {{"step_size", "0.05"}, {"replicas", "4"}}, 0},
                      Case{"mclmc", {{"step_size", "0.2"}}, 1e-9},
                      Case{"adjusted_mclmc", {{"step_size", "0.2"}}, 1e-9}),
    [](const auto& one) { return std::string(one.param.method) + std::to_string(one.index); });

// Steps that are far too long end as a difference of infinities, which is a divergence on both.
TEST(HostChainsTest, TrajectoriesThatOverflowDivergeAsOnTheCpu) {
  for (const bool cliffs : {false, true}) {
    for (const bool ladder : {false, true}) {
      Setting setting{"hmc", {{"step_size", "2.5"}, {"trajectory_length", "30"}}, {}};
      setting.energy.precision = Precision::kFloat32;
      setting.energy.cliffs = cliffs;
      setting.ladder = ladder;
      Moved cpu(setting, kCpu), cuda(setting, kCuda);
      cpu.advance_all();
      cuda.advance_all();
      EXPECT_EQ(apart(cpu, cuda, 2e-4), 0);
      const auto count = [](const std::vector<uint32_t>& of_chains) {
        return std::accumulate(of_chains.begin(), of_chains.end(), int64_t{0});
      };
      EXPECT_GT(count(cuda.state.divergences), 1000);  // of 300 * 13
      EXPECT_EQ(count(cuda.state.nan_proposals) > 0, cliffs);
    }
  }
}

/// Options with a step size that fits.
OptionWords words_of(const std::string& name) {
  OptionWords words = {{"step_size", "0.1"}};
  if (name == "parallel_tempering") words["replicas"] = "4";
  return words;
}

// The same comparison sees one other normal, one other step.
TEST(HostChainsTwinTest, AnotherStepIsSeen) {
  for (const char* name : {"baoab", "hmc", "mclmc", "parallel_tempering"}) {
    const Setting setting{name, words_of(name), {}};
    Moved cpu(setting, kCpu), cuda(setting, kCuda);
    cpu.advance_all();
    cuda.advance(Chains::Part::kAll, {40, 1});
    cuda.advance_all();
    EXPECT_GT(apart(cpu, cuda, 1e-6), kChains) << name;
  }
}

TEST(HostChainsGraphTest, ABlockIsCapturedWhenItComesAgainAndForgottenWithANewMetric) {
  const Setting setting{"baoab", {{"step_size", "0.1"}}, {}};
  Moved cpu(setting, kCpu), cuda(setting, kCuda);
  uint32_t step = 1;
  const auto launches_of = [&](int64_t count) {
    const int64_t before = graph_launches();
    cpu.advance(Chains::Part::kAll, {step, count});
    cuda.advance(Chains::Part::kAll, {step, count});
    step += static_cast<uint32_t>(count);
    return graph_launches() - before;
  };
  EXPECT_EQ(launches_of(5), 0);
  EXPECT_EQ(launches_of(5), 1);
  EXPECT_EQ(launches_of(5), 1);
  EXPECT_EQ(launches_of(4), 0);  // another length
  EXPECT_EQ(launches_of(1), 0);
  EXPECT_EQ(launches_of(1), 0);  // not worth it
  cpu.set_metric(1);
  cuda.set_metric(1);
  EXPECT_EQ(launches_of(5), 0);
  EXPECT_EQ(launches_of(5), 1);
  cpu.set_metric(1.2);
  cuda.set_metric(1.2);
  EXPECT_EQ(launches_of(5), 1);  // the arrays are the same
  cpu.chains->read(cpu.state);
  cuda.chains->read(cuda.state);
  EXPECT_EQ(cpu.state.position, cuda.state.position);
}

TEST(HostChainsGraphTest, AMethodWhoseStepsDifferIsNotCaptured) {
  for (const char* name : {"hmc", "parallel_tempering"}) {
    Moved cuda({name, words_of(name), {}}, kCuda);
    const int64_t before = graph_launches();
    for (uint32_t first = 1; first < 20; first += 5) cuda.advance(Chains::Part::kAll, {first, 5});
    EXPECT_EQ(graph_launches(), before) << name;
  }
}

// What HasTheNumbersOfTheCpu compares is there: replicas that went up and down their ladders, and attempts by turns.
TEST(HostChainsLadderTest, ReplicasTravel) {
  const Setting setting{"parallel_tempering", words_of("parallel_tempering"), {}};
  Moved cpu(setting, kCpu), cuda(setting, kCuda);
  for (Moved* moved : {&cpu, &cuda}) {
    moved->advance(Chains::Part::kAll, {0, 40});
    moved->chains->read(moved->state);
  }
  uint32_t trips = 0;
  for (int64_t row = 0; row < kChains; ++row) {
    const int64_t rung = row % 4;
    EXPECT_EQ(cuda.state.swap_attempts[row], rung < 3 ? 20u : 0u) << row;
    EXPECT_TRUE(rung == 0 || cuda.state.round_trips[row] == 0) << row;
    trips += cuda.state.round_trips[row];
  }
  EXPECT_GT(trips, 75u);
  EXPECT_EQ(cuda.state.round_trips, cpu.state.round_trips);
  EXPECT_EQ(cuda.state.replica, cpu.state.replica);
  for (int64_t row = 0; row < kChains; row += 4) {
    const auto at = cuda.state.replica.begin() + row;
    EXPECT_THAT(std::vector<uint32_t>(at, at + 4), ::testing::UnorderedElementsAre(0, 1, 2, 3)) << row;
  }
  // Cleared sums begin anew, and replicas stay where they are.
  const std::vector<uint32_t> replicas = cuda.state.replica;
  cuda.chains->take_cohort(cuda.reading);
  EXPECT_EQ(cuda.reading.swap_attempts[0], 20u);
  cuda.chains->read(cuda.state);
  EXPECT_EQ(cuda.state.swap_attempts[0], 0u);
  EXPECT_EQ(cuda.state.swap_acceptance[0], 0);
  EXPECT_EQ(cuda.state.swap_attempts[256], 20u);
  cuda.chains->clear_sums();
  cuda.chains->read(cuda.state);
  EXPECT_EQ(cuda.state.swap_attempts, std::vector<uint32_t>(kChains, 0u));
  EXPECT_EQ(cuda.state.swap_acceptance, std::vector<double>(kChains, 0.0));
  EXPECT_EQ(cuda.state.round_trips, std::vector<uint32_t>(kChains, 0u));
  EXPECT_EQ(cuda.state.replica, replicas);
}

// As chains cool: hotter for some blocks, of which the second is captured, then as before.
TEST(HostChainsLadderTest, ATemperatureOfAllChainsComesAndGoes) {
  for (const char* name : {"langevin", "mala", "hmc", "mclmc"}) {
    Setting setting{name, words_of(name), {}};
    setting.energy.precision = Precision::kFloat64;
    const auto moved = [&](Device device, bool heats, bool cools) {
      auto chains = std::make_unique<Moved>(setting, device);
      if (heats) chains->chains->set_ladder({3.0}, {1.0});
      for (uint32_t first : {0, 3, 6}) chains->advance(Chains::Part::kAll, {first, 3});
      if (cools) chains->chains->set_ladder({}, {});
      for (uint32_t first : {9, 12, 15}) chains->advance(Chains::Part::kAll, {first, 3});
      chains->chains->read(chains->state);
      chains->chains->read_gradients(chains->state);
      chains->chains->take_cohort(chains->reading);
      chains->chains->read_cohort(chains->positions);
      return chains;
    };
    const auto cpu = moved(kCpu, true, true);
    EXPECT_EQ(apart(*cpu, *moved(kCuda, true, true), 1e-9), 0) << name;
    // The twins: never hot, and never cold again.
    EXPECT_GT(apart(*cpu, *moved(kCuda, false, false), 1e-9), 0) << name;
    EXPECT_GT(apart(*cpu, *moved(kCuda, true, false), 1e-9), 0) << name;
  }
}

/// Blocks of steps, then another value of the variable that is held whole, then blocks again; the second of each kind
/// is replayed from a graph where the method allows it.
std::unique_ptr<Moved> moved_with(const Setting& setting, Device device, bool moves) {
  auto chains = std::make_unique<Moved>(setting, device);
  for (uint32_t first : {0, 3, 6}) chains->advance(Chains::Part::kAll, {first, 3});
  if (moves) {
    chains->chains->set_given(1, 1.5);
    chains->chains->evaluate();
    chains->chains->freeze_failed(9);
  }
  for (uint32_t first : {9, 12, 15}) chains->advance(Chains::Part::kAll, {first, 3});
  chains->chains->read(chains->state);
  chains->chains->read_gradients(chains->state);
  chains->chains->take_cohort(chains->reading);
  chains->chains->read_cohort(chains->positions);
  return chains;
}

// As a schedule moves it: y = 1.5 three times has the energy 3 * 1.5^2 / 2 in every chain.
TEST(HostChainsGivenTest, AGivenNumberMovesInEveryChainAsOnTheCpu) {
  for (const char* name : {"langevin", "mala", "hmc", "mclmc", "parallel_tempering"}) {
    for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
      Setting setting{name, words_of(name), {}};
      setting.energy.precision = precision;
      setting.held_y = true;
      const double share = precision == Precision::kFloat32 ? 2e-4 : 1e-9;
      const auto cpu = moved_with(setting, kCpu, true);
      const auto cuda = moved_with(setting, kCuda, true);
      EXPECT_EQ(apart(*cpu, *cuda, share), 0) << name;
      for (int64_t chain = 0; chain < kChains; ++chain) EXPECT_EQ(cuda->state.expert_energy[kChains + chain], 3.375);
      for (const double y : numbers(cuda->state.position[1], precision)) EXPECT_EQ(y, 1.5);
      // The twin: y stays.
      EXPECT_GT(apart(*cpu, *moved_with(setting, kCuda, false), share), kChains) << name;
    }
  }
}

TEST(HostChainsGraphTest, AGraphStaysValidWhereAGivenNumberMoves) {
  Setting setting{"baoab", {{"step_size", "0.1"}}, {}};
  setting.energy.precision = Precision::kFloat64;
  setting.held_y = true;
  Moved cuda(setting, kCuda);
  for (uint32_t first : {0, 5}) cuda.advance(Chains::Part::kAll, {first, 5});
  const int64_t before = graph_launches();
  cuda.chains->set_given(1, 1.5);
  cuda.chains->evaluate();
  cuda.advance(Chains::Part::kAll, {10, 5});
  EXPECT_EQ(graph_launches(), before + 1);
  cuda.chains->read(cuda.state);
  EXPECT_EQ(cuda.state.expert_energy[kChains], 3.375);
}

TEST(HostChainsStateTest, RestoredChainsGoOnWithTheSameBits) {
  for (const char* name : {"langevin", "baoab", "ghmc", "mclmc", "hmc", "parallel_tempering"}) {
    Setting setting{name, words_of(name), {}};
    setting.energy.cliffs = true;
    Moved first(setting, kCuda), second(setting, kCuda);
    first.advance(Chains::Part::kCohort, {1, 3});
    const std::vector<std::byte> saved = first.chains->save();
    const auto go_on = [](Moved& moved) {
      moved.advance(Chains::Part::kRest, {4, 3});
      moved.advance(Chains::Part::kCohort, {4, 2});
      moved.chains->read(moved.state);
      return moved.chains->save();
    };
    const std::vector<std::byte> expected = go_on(first);
    EXPECT_NE(go_on(second), expected) << name;  // without being restored
    second.chains->restore(saved);
    EXPECT_EQ(second.chains->save(), saved) << name;
    EXPECT_EQ(go_on(second), expected) << name;
    EXPECT_EQ(apart(first.state.expert_energy, second.state.expert_energy, 0), 0) << name;
  }
}

TEST(HostChainsStateTest, ReadingKeepsSumsAndClearingEndsThem) {
  Moved cuda({"mala", {{"step_size", "0.05"}}, {}}, kCuda);
  cuda.advance(Chains::Part::kAll, {1, 4});
  cuda.chains->read(cuda.state);
  const std::vector<double> sums = cuda.state.acceptance;
  EXPECT_GT(sums[0], 0);
  cuda.chains->read(cuda.state);
  EXPECT_EQ(cuda.state.acceptance, sums);
  cuda.chains->take_cohort(cuda.reading);
  EXPECT_EQ(cuda.reading.acceptance, std::vector<double>(sums.begin(), sums.begin() + 256));
  cuda.chains->read(cuda.state);
  EXPECT_EQ(cuda.state.acceptance[255], 0);
  EXPECT_EQ(cuda.state.acceptance[256], sums[256]);
  EXPECT_GT(cuda.state.gradient_square[0], 0);
  EXPECT_GT(cuda.state.energy_sums[2 * kChains], 0);
  cuda.chains->clear_sums();
  cuda.chains->read(cuda.state);
  for (int64_t number = 0; number < 11; ++number) {
    // The references: the energy and those of the two experts.
    const double expected = number == 0   ? cuda.state.energy[9]
                            : number == 3 ? cuda.state.expert_energy[9]
                            : number == 7 ? cuda.state.expert_energy[kChains + 9]
                                          : 0;
    EXPECT_EQ(cuda.state.energy_sums[number * kChains + 9], expected) << number;
  }
  EXPECT_EQ(cuda.state.gradient_square, std::vector<double>(kChains, 0.0));
  EXPECT_EQ(cuda.state.reflected, std::vector<double>(kChains, 0.0));
  EXPECT_EQ(cuda.state.acceptance, std::vector<double>(kChains, 0.0));
  EXPECT_EQ(cuda.state.energy_error, std::vector<double>(kChains, 0.0));
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const SettingError& error) {
    return error.what();
  }
  return "";
}

TEST(HostChainsStateTest, RefusesWhatDoesNotFit) {
  Moved small({"mala", {{"step_size", "0.05"}}, {}}, kCuda), wide({"baoab", {{"step_size", "0.05"}}, {}}, kCuda);
  // [300] chains: x[4], y[3] and their gradients, the energy, 2 expert energies, 6 sums and 11 of energies in float64,
  // 3 counters, a byte; baoab's velocities beside them.
  EXPECT_EQ(error_of([&] { small.chains->restore(wide.chains->save()); }),
            "the saved chains must have 85500 bytes, got 102300: another composition");
  CliffEnergy::Options options;
  options.device = kCuda;
  options.most_rows = 100;
  const CliffEnergy energy(options);
  ChainsOptions chains;
  chains.chains = 128;
  EXPECT_EQ(error_of([&] {
              make_chains({&energy, {}, 1}, chains);
            }),
            "an energy for 128 rows must be made, got one for 100");
  chains.ladder = 3;
  EXPECT_EQ(error_of([&] {
              make_chains({&energy, {}, 1}, chains);
            }),
            "a ladder must have at most 256 chains and divide the 128 chains, got 3");
}

}  // namespace
}  // namespace potluck
