// SPDX-License-Identifier: Apache-2.0
// Swaps, tuning and figures of ladders: one fixture has the targets whose rates are known.
#include "core/methods/parallel_tempering.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/chains/cpu_chains.h"
#include "core/error.h"
#include "core/sampling/tuning/ladder_tuner.h"
#include "tests/core/sampling/sampled.h"

namespace potluck {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::Keeper;
using testing::line;
using testing::normal_energy;
using testing::RowEnergy;
using testing::Sampled;
using testing::sampled;

RunOptions tempering(const OptionWords& words, int64_t chains, int64_t warmup, int64_t steps, int64_t thin) {
  RunOptions options;
  options.method = "parallel_tempering";
  options.values = option_values(options.method, words);
  options.chains = chains;
  options.warmup = warmup;
  options.steps = steps;
  options.thin = thin;
  options.threads = 2;
  return options;
}

std::vector<double> first(const std::vector<double>& values, size_t count) {
  return {values.begin(), values.begin() + static_cast<int64_t>(count)};
}

TEST(ParallelTemperingTest, RecordsTheColdestReplicasAtTheTemperatureOfTheRun) {
  const RowEnergy energy = normal_energy(line("x", 4), 1);
  for (const char* inner : {"mala", "hmc"}) {
    const Sampled result =
        sampled(energy, tempering({{"inner", inner}, {"replicas", "4"}}, 2000, 200, 50, 50), {{}}, 2);
    ASSERT_EQ(result.positions.at(0).size(), 8000u);
    double sum = 0;
    for (const double x : result.positions[0]) sum += x * x;
    // 8000 independent coordinates N(0, 2): SE of the variance 2 sqrt(2/8000).
    EXPECT_NEAR(sum / 8000, 2, 6 * 2 * std::sqrt(2.0 / 8000)) << inner;
    if (std::string(inner) == "mala") {
      EXPECT_NEAR(result.summary.acceptance, 0.574, 0.06);
    }
    EXPECT_EQ(result.summary.swaps.temperature.front(), 2);
    EXPECT_NEAR(result.summary.swaps.temperature.back(), 20, 1e-12);
  }
}

// A Gaussian in 16 dimensions between walls that it meets only when hot: of a geometric ladder the cold pairs seldom
// swap and the hot ones nearly always.
TEST(ParallelTemperingTest, SpacesTheLadderToEqualSwapRates) {
  const RowEnergy energy = normal_energy(line("x", 16, -1, 1), 4);
  const auto spread = [&](const char* ladder) {
    const RunOptions options =
        tempering({{"replicas", "6"}, {"hottest", "10"}, {"ladder", ladder}}, 200, 500, 400, 400);
    const std::vector<double> rates = sampled(energy, options, {{}}, 0.1).summary.swaps.rate;
    const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
    return *most - *least;
  };
  EXPECT_LT(spread("auto"), 0.06);
  EXPECT_GT(spread("geometric"), 0.4) << "the target must need it for the check to mean anything";
}

TEST(LadderTunerTest, PutsTheMiddleWhereHalfOfTheBarrierIs) {
  LadderTuner tuner({1, std::exp(1.0), std::exp(2.0)});
  tuner.observe(0, 100, 80);
  EXPECT_FALSE(tuner.respace()) << "nothing is known of the second pair";
  tuner.observe(1, 100, 40);
  ASSERT_TRUE(tuner.respace());
  // Rejections .2 and .6: half of .8 is a third of the way through the second pair, log T = 1 + 1/3.
  EXPECT_NEAR(std::log(tuner.temperature()[1]), 4.0 / 3, 1e-12);
  EXPECT_EQ(tuner.temperature()[0], 1);
  EXPECT_EQ(tuner.temperature()[2], std::exp(2.0));
}

TEST(LadderTunerTest, RefusesASavedStateThatNoSwapsCanHaveLedTo) {
  const auto refused = [](std::vector<double> temperature, std::vector<int64_t> attempts,
                          std::vector<double> acceptance) {
    StateArchive saved;
    saved(temperature, attempts, acceptance);
    const std::vector<std::byte> bytes = saved.take();
    StateArchive archive(bytes);
    LadderTuner tuner({1, 2, 4});
    try {
      tuner.persist(archive);
    } catch (const FileError& error) {
      return std::string(error.what()) ==
             "a saved state must fit its run, got other rates of a ladder. Start the run anew";
    }
    return false;
  };
  EXPECT_FALSE(refused({1, 2, 4}, {30, 30}, {10, 20}));
  EXPECT_TRUE(refused({1, 2, 4}, {30, 30}, {10, std::nan("")}));
  EXPECT_TRUE(refused({1, 2, 4}, {30, -1}, {10, 20}));
  EXPECT_TRUE(refused({1, 2, 4}, {30, INT64_MAX}, {10, 20}));
  EXPECT_TRUE(refused({1, 4, 2}, {30, 30}, {10, 20}));
  EXPECT_TRUE(refused({1, 2, std::nan("")}, {30, 30}, {10, 20}));
  EXPECT_TRUE(refused({1, 2, INFINITY}, {30, 30}, {10, 20}));
  EXPECT_TRUE(refused({0, 2, 4}, {30, 30}, {10, 20}));
}

TEST(LadderTunerTest, SwapsOfEnergiesThatAreNoNumbersTellNothing) {
  LadderTuner tuner({1, 2, 4});
  tuner.observe(0, 30, std::nan(""));
  tuner.observe(1, 30, 10);
  EXPECT_FALSE(tuner.respace());
  EXPECT_EQ(tuner.temperature(), (std::vector<double>{1, 2, 4}));
}

TEST(LadderTunerTest, RaisesTheHottestAndGoesOnWithTheSlopeOfTheLastPair) {
  LadderTuner tuner({1, std::exp(1.0), std::exp(2.0)});
  EXPECT_FALSE(tuner.known());
  tuner.observe(0, 100, 80);
  tuner.observe(1, 100, 40);
  ASSERT_TRUE(tuner.known());
  // Rejections .2 and .6; the last pair rises by .6 a unit of log T.
  EXPECT_NEAR(tuner.barrier_with(std::exp(0.5)), 0.8 + 0.3, 1e-12);
  ASSERT_TRUE(tuner.respace(std::exp(0.5)));
  EXPECT_NEAR(std::log(tuner.temperature()[2]), 2.5, 1e-12);
  // Half of 1.1 is .35 above the end of the first pair: log T = 1 + .35/.6.
  EXPECT_NEAR(std::log(tuner.temperature()[1]), 1 + 0.35 / 0.6, 1e-12);
}

// Two normals at -12 and 12, sd 1/2, weights .8 and .2: at T = 10 the barrier between them is 288/10 temperatures high.
RowEnergy<double (*)(const double*, double*)> two_wells() {
  return {line("x"), [](const double* x, double* g) {
            const double left = -2 * (x[0] + 12) * (x[0] + 12) + std::log(0.8);
            const double right = -2 * (x[0] - 12) * (x[0] - 12) + std::log(0.2);
            const double most = std::max(left, right), sum = std::exp(left - most) + std::exp(right - most);
            const double share = std::exp(right - most) / sum;
            g[0] = 4 * ((1 - share) * (x[0] + 12) + share * (x[0] - 12));
            return -most - std::log(sum);
          }};
}

/// How many standard errors of independent ladders the mass at x > 0 is from .2.
double mass_score(const Sampled& result) {
  const size_t chains = result.positions.at(0).size();
  std::vector<double> share(chains, 0);
  for (const std::vector<double>& draw : result.positions)
    for (size_t c = 0; c < chains; ++c) share[c] += (draw[c] > 0) / static_cast<double>(result.positions.size());
  double mean = 0, squares = 0;
  for (const double one : share) mean += one / static_cast<double>(chains);
  for (const double one : share) squares += (one - mean) * (one - mean);
  const auto count = static_cast<double>(chains);
  return (mean - 0.2) / std::sqrt(squares / (count - 1) / count);
}

TEST(ParallelTemperingTest, ClimbsUntilReplicasCrossAndThenHasTheMassOfEveryRegion) {
  const auto energy = two_wells();
  const Sampled climbed = sampled(energy, tempering({}, 400, 2000, 2000, 10));
  EXPECT_GT(climbed.summary.swaps.temperature.back(), 25);
  EXPECT_LT(std::fabs(mass_score(climbed)), 6);
  EXPECT_THAT(climbed.summary.notes, Contains(HasSubstr("hottest: auto climbed to T = ")));
  EXPECT_THAT(climbed.summary.notes, Contains(HasSubstr(", where replicas cross between regions")));
  // The choice that was made before, which leaves every replica in the region of its start.
  const Sampled before = sampled(energy, tempering({{"hottest", "10"}}, 400, 2000, 2000, 10));
  EXPECT_EQ(before.summary.swaps.temperature.back(), 10);
  EXPECT_GT(std::fabs(mass_score(before)), 6);
}

// At T = 90 replicas cross but seldom: windows that lasted for a tenth of 4000 steps found that enough.
TEST(ParallelTemperingTest, ClimbsAsFarWhateverTheLengthOfTheWarmUp) {
  const auto energy = two_wells();
  for (const int64_t warmup : {1000, 4000})
    EXPECT_NEAR(sampled(energy, tempering({}, 64, warmup, 10, 10)).summary.swaps.temperature.back(), 270, 1e-9)
        << warmup;
  // Too short to judge: the first choice stays.
  EXPECT_NEAR(sampled(energy, tempering({}, 64, 799, 10, 10)).summary.swaps.temperature.back(), 10, 1e-12);
}

// Nothing is to be crossed; one moves slowly, in a direction that no diagonal metric shortens.
TEST(ParallelTemperingTest, DoesNotClimbInASingleRegion) {
  const RowEnergy round = normal_energy(line("x", 16), 1);
  const RowEnergy narrow(line("x", 2), [](const double* x, double* g) {
    const double along = (x[0] + x[1]) / std::sqrt(2.0), across = (x[0] - x[1]) / std::sqrt(2.0);
    g[0] = (along / 2500 + across) / std::sqrt(2.0);
    g[1] = (along / 2500 - across) / std::sqrt(2.0);
    return along * along / 5000 + across * across / 2;
  });
  for (const bool slow : {false, true}) {
    const RunOptions options = tempering({}, 100, 2000, 10, 10);
    const RunSummary summary = (slow ? sampled(narrow, options) : sampled(round, options)).summary;
    EXPECT_NEAR(summary.swaps.temperature.back(), 10, 1e-12) << slow;
    EXPECT_THAT(summary.notes, ::testing::Not(Contains(HasSubstr("hottest: auto")))) << slow;
  }
}

// 20 coordinates of which one has two wells: with 4 replicas the next ladder would not swap.
TEST(ParallelTemperingTest, StopsClimbingWhereNeighboursWouldHardlySwap) {
  const RowEnergy energy(line("x", 20), [](const double* x, double* g) {
    double value = 0;
    for (int j = 1; j < 20; ++j) {
      g[j] = x[j];
      value += x[j] * x[j] / 2;
    }
    const double apart = x[0] * x[0] - 1;
    g[0] = 800 * x[0] * apart;
    return value + 200 * apart * apart;
  });
  const RunSummary summary = sampled(energy, tempering({{"replicas", "4"}}, 100, 1000, 100, 100)).summary;
  EXPECT_THAT(summary.notes,
              Contains("hottest: auto stayed at T = 10, where replicas do not cross between regions: in a longer "
                       "ladder neighbours would swap at rates below 0.2. Raise replicas (now 4)"));
}

TEST(ParallelTemperingTest, GivesTheSameBitsForAnyNumberOfThreadsAndLadders) {
  const RowEnergy energy = normal_energy(line("x", 3, 0, INFINITY), 1, Precision::kFloat32);
  for (const char* step_size : {"0.3", "auto"}) {
    const OptionWords words = {{"replicas", "5"}, {"step_size", step_size}};
    RunOptions options = tempering(words, 150, 60, 40, 20);
    const Sampled reference = sampled(energy, options);
    for (const int threads : {1, 5}) {
      options.threads = threads;
      EXPECT_EQ(sampled(energy, options).positions, reference.positions);
    }
    options.chains = 52;  // the cohort: tiles of 255 rows
    EXPECT_EQ(sampled(energy, options).positions.at(1).size(), 52u * 3);
    options.chains = 51;
    EXPECT_EQ(sampled(energy, options).positions.at(1), first(reference.positions.at(1), 51 * 3));
  }
  // Without tuning, any number.
  const OptionWords words = {{"replicas", "5"}, {"step_size", "0.3"}, {"ladder", "geometric"}};
  const Sampled many = sampled(energy, tempering(words, 150, 0, 40, 20)),
                few = sampled(energy, tempering(words, 7, 0, 40, 20));
  EXPECT_EQ(few.positions.at(1), first(many.positions.at(1), 7 * 3));
}

TEST(ParallelTemperingTest, GivesTheSameBitsHoweverTheStepsAreCutIntoDraws) {
  const RowEnergy energy = normal_energy(line("x", 2), 1);
  const OptionWords words = {{"step_size", "0.5"}, {"swap_every", "3"}};
  const Sampled often = sampled(energy, tempering(words, 16, 20, 40, 1)),
                seldom = sampled(energy, tempering(words, 16, 20, 40, 20));
  EXPECT_EQ(often.positions[39], seldom.positions[1]);
  ASSERT_EQ(often.summary.swaps.rate.size(), seldom.summary.swaps.rate.size());
  for (size_t pair = 0; pair < often.summary.swaps.rate.size(); ++pair) {
    EXPECT_NEAR(often.summary.swaps.rate[pair], seldom.summary.swaps.rate[pair], 1e-12);
  }
  EXPECT_EQ(often.summary.swaps.round_trips, seldom.summary.swaps.round_trips);
}

TEST(ParallelTemperingTest, RanksSplitAtLaddersAndGiveTheBitsOfOneProcess) {
  const RowEnergy energy = normal_energy(line("x", 2), 1);
  const OptionWords words = {{"replicas", "6"}};
  RunOptions options = tempering(words, 100, 60, 20, 20);  // the cohort: 42 ladders
  const std::vector<double> all = sampled(energy, options).positions.at(0);
  for (const Rank rank : {Rank{0, 30}, Rank{30, 30}, Rank{60, 40}}) {
    options.rank = rank;
    const std::vector<double> part = sampled(energy, options).positions.at(0);
    EXPECT_EQ(part, std::vector<double>(all.begin() + rank.first * 2, all.begin() + (rank.first + rank.count) * 2));
  }
}

// Keeps the last checkpoint and stops the run after so many.
struct Interrupter final : Observer {
  Interrupter(int64_t after, std::atomic<bool>& flag) : after_(after), flag_(flag) {}
  void progressed(const Progress&) override { flag_ = ++seen_ >= after_; }
  void checkpointed(std::span<const std::byte> state, int64_t) override { saved.assign(state.begin(), state.end()); }
  std::vector<std::byte> saved;

 private:
  int64_t after_, seen_ = 0;
  std::atomic<bool>& flag_;
};

// Interrupted before and after every spacing of the ladder, in the warm-up of the rest, and while drawing.
TEST(ParallelTemperingTest, ResumesWithTheBitsAndCountsOfAnUninterruptedRun) {
  const RowEnergy energy = normal_energy(line("x", 3), 1);
  const Target target{&energy, {{}}, 1};
  const auto start = default_start(energy.variables());
  const RunOptions options = tempering({{"replicas", "5"}, {"inner", "hmc"}}, 60, 80, 40, 2);
  const Sampled whole = sampled(energy, options);
  ASSERT_GT(whole.summary.swaps.round_trips, 0);
  for (const int64_t after : {3, 9, 33, 65, 79, 81, 85, 95}) {
    std::atomic<bool> stop{false};
    Interrupter interrupter(after, stop);
    Keeper before(3, Precision::kFloat64), behind(3, Precision::kFloat64);
    Observer *first_part[] = {&before, &interrupter}, *second_part[] = {&behind};
    ASSERT_TRUE(run(target, *start, options, first_part, stop).interrupted);
    const RunSummary summary = run(target, *start, options, second_part, std::atomic<bool>{false}, interrupter.saved);
    std::vector<std::vector<double>> joined = before.positions;
    joined.insert(joined.end(), behind.positions.begin(), behind.positions.end());
    EXPECT_EQ(joined, whole.positions) << "after " << after;
    EXPECT_EQ(summary.swaps.temperature, whole.summary.swaps.temperature) << "after " << after;
    EXPECT_EQ(summary.swaps.rate, whole.summary.swaps.rate) << "after " << after;
    EXPECT_EQ(summary.swaps.round_trips, whole.summary.swaps.round_trips) << "after " << after;
    EXPECT_EQ(summary.step_size, whole.summary.step_size);
  }
}

// Interrupted within the windows in which replicas are watched, and at their ends.
TEST(ParallelTemperingTest, ResumesInTheMiddleOfAClimb) {
  const auto energy = two_wells();
  const Target target{&energy, {{}}, 1};
  const auto start = default_start(energy.variables());
  const RunOptions options = tempering({{"replicas", "3"}}, 40, 300, 20, 10);
  const Sampled whole = sampled(energy, options);
  ASSERT_GT(whole.summary.swaps.temperature.back(), 25) << "the target must need it for the check to mean anything";
  for (const int64_t after : {29, 30, 31, 47, 59, 60, 75, 179, 181, 301}) {
    std::atomic<bool> stop{false};
    Interrupter interrupter(after, stop);
    Keeper behind(1, Precision::kFloat64);
    Observer *first_part[] = {&interrupter}, *second_part[] = {&behind};
    ASSERT_TRUE(run(target, *start, options, first_part, stop).interrupted);
    const RunSummary summary = run(target, *start, options, second_part, std::atomic<bool>{false}, interrupter.saved);
    EXPECT_EQ(behind.positions.back(), whole.positions.back()) << "after " << after;
    EXPECT_EQ(summary.swaps.temperature, whole.summary.swaps.temperature) << "after " << after;
    EXPECT_EQ(summary.notes.at(1), whole.summary.notes.at(1)) << "after " << after;
  }
}

// The counters against the histories of the replicas: a replica goes round when it stands at the coldest rung again and
// was at the hottest since it last stood there.
TEST(ParallelTemperingTest, FollowsItsReplicasRoundTheLadder) {
  const RowEnergy energy = normal_energy(line("x", 2), 1);
  const RunOptions options = tempering({{"replicas", "3"}, {"step_size", "0.5"}, {"ladder", "geometric"}}, 1, 0, 1, 1);
  const auto method = make_method(options.method, options.values);
  const Target target{&energy, {{}}, 1};
  method->prepare(target);
  constexpr int64_t kLadders = 20, kReplicas = 3;
  ChainsOptions layout;
  layout.chains = kLadders * kReplicas;
  layout.ladder = kReplicas;
  layout.needs = method->needs();
  CpuChains chains(target, layout);
  chains.set_ladder(method->ladder().temperature, method->ladder().step_factor);
  chains.evaluate();
  ChainsState state;
  std::vector<int> seen(kLadders * kReplicas);  // of each replica: 1 the coldest rung, 2 then the hottest
  std::vector<uint32_t> trips(kLadders);
  bool moved = false;
  for (uint32_t step = 0; step < 60; ++step) {
    chains.advance(*method, Chains::Part::kAll, {step, 1});
    chains.read(state);
    for (int64_t ladder = 0; ladder < kLadders; ++ladder) {
      const uint32_t* replica = &state.replica[ladder * kReplicas];
      EXPECT_EQ(replica[0] + replica[1] + replica[2], 3u);
      EXPECT_NE(replica[0], replica[1]);
      moved |= replica[0] != 0;
      int& coldest = seen[ladder * kReplicas + replica[0]];
      int& hottest = seen[ladder * kReplicas + replica[2]];
      trips[ladder] += coldest == 2;
      coldest = 1;
      if (hottest == 1) hottest = 2;
    }
  }
  EXPECT_TRUE(moved);
  for (int64_t ladder = 0; ladder < kLadders; ++ladder) {
    EXPECT_EQ(state.round_trips[ladder * kReplicas], trips[ladder]);
    EXPECT_GT(trips[ladder], 0u);
    EXPECT_EQ(state.swap_attempts[ladder * kReplicas], 30u);
    EXPECT_EQ(state.swap_attempts[ladder * kReplicas + 1], 30u);
    EXPECT_EQ(state.swap_attempts[ladder * kReplicas + 2], 0u) << "the hottest has no neighbour above";
  }
}

// A hundred coordinates and two temperatures with a ratio of 1000: nothing swaps.
TEST(ParallelTemperingTest, NamesTheGapOfADisconnectedLadder) {
  const RowEnergy energy = normal_energy(line("x", 60), 1);
  const RunSummary summary =
      sampled(energy, tempering({{"replicas", "2"}, {"hottest", "1000"}}, 20, 100, 20, 20)).summary;
  EXPECT_THAT(
      summary.notes,
      Contains("2 replicas between T = 1 and 1000 swap at rates of 0.00 to 0.00, barrier 1.0; no replica came to "
               "the hottest and back"));
  EXPECT_THAT(
      summary.notes,
      Contains("the ladder is disconnected: replicas 0 and 1 (T = 1 and 1000) swap at a rate of 0.0000, so that "
               "nothing found above reaches the draws. Raise replicas (now 2), or lower hottest"));
  const RunSummary once = sampled(energy, tempering({{"step_size", "0.1"}, {"replicas", "3"}}, 4, 21, 1, 1)).summary;
  EXPECT_THAT(once.notes, Contains(HasSubstr("replicas 1 and 2 never proposed a swap")));
}

TEST(ParallelTemperingTest, SaysHowManyReplicasTheBarrierAsksFor) {
  const RowEnergy energy = normal_energy(line("x", 20), 1);
  const RunSummary summary =
      sampled(energy, tempering({{"replicas", "4"}, {"hottest", "20"}}, 100, 200, 100, 100)).summary;
  EXPECT_THAT(summary.notes, Contains(HasSubstr("only. Use about ")));
  const RunSummary enough =
      sampled(energy, tempering({{"replicas", "16"}, {"hottest", "20"}}, 100, 200, 100, 100)).summary;
  EXPECT_THAT(enough.notes, ::testing::Not(Contains(HasSubstr("only. Use about "))));
}

// Starts are standard normal in all replicas: some of the hotter ones begin where the energy is not a number.
TEST(ParallelTemperingTest, ReportsFrozenReplicasAboveTheColdest) {
  const RowEnergy energy(line("x"), [](const double* x, double* g) {
    g[0] = x[0];
    return x[0] > 2 ? NAN : 0.5 * x[0] * x[0];
  });
  const Sampled result = sampled(energy, tempering({{"step_size", "0.3"}, {"replicas", "4"}}, 200, 20, 20, 20));
  ASSERT_GT(result.summary.frozen_count, 0);
  int64_t beyond = 0;
  for (const double x : result.positions.at(0)) beyond += x > 2;
  EXPECT_EQ(beyond, result.summary.frozen_count) << "frozen rows swap with nobody";
  for (const FrozenChain& one : result.summary.frozen) EXPECT_GT(result.positions[0][one.chain], 2);
  EXPECT_THAT(result.summary.notes, Contains(HasSubstr("hotter replicas are frozen and swap no more")));
}

TEST(ParallelTemperingTest, BeginsAllReplicasOfAChainAtItsGivenStart) {
  const RowEnergy energy = normal_energy(line("x"), 1);
  const RunOptions options =
      tempering({{"step_size", "1e-20"}, {"replicas", "3"}, {"ladder", "geometric"}}, 4, 0, 4, 4);
  Keeper keeper(1, Precision::kFloat64);
  Observer* observers[] = {&keeper};
  run({&energy, {{}}, 1}, *given_start({{1, 2, 3, 4}}, 4, energy.variables(), "given"), options, observers,
      std::atomic<bool>{false});
  for (int chain = 0; chain < 4; ++chain) EXPECT_NEAR(keeper.positions.at(0)[chain], chain + 1, 1e-6);
}

TEST(ParallelTemperingTest, RefusesOptionsThatDoNotFit) {
  const RowEnergy energy = normal_energy(line("x"), 1);
  const auto text = [&](const RunOptions& options, double temperature = 1) -> std::string {
    try {
      sampled(energy, options, {{}}, temperature);
    } catch (const SettingError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(
      text(tempering({{"hottest", "1.5"}}, 1, 100, 10, 1), 2),
      "sample.hottest must be > sample.temperature (2), got 1.5. Give one at which the barriers between modes are "
      "low");
  EXPECT_EQ(text(tempering({{"step_size", "0.1"}}, 1, 10, 10, 1)),
            "sample.warmup must be >= 20 where ladder is auto, got 10. Raise it, or give a ladder");
  EXPECT_EQ(text(tempering({{"step_size", "0.1"}, {"ladder", "geometric"}}, 1, 0, 10, 1)), "accepted");
  EXPECT_EQ(text(tempering({}, 1000000000, 100, 10, 1)),
            "sample.chains must be <= 536870911 of 8 replicas, got 1000000000");
  for (const auto& [name, word, error] :
       {std::tuple{"replicas", "1", "sample.replicas must be between 2 and 64, got 1"},
        {"replicas", "65", "sample.replicas must be between 2 and 64, got 65"},
        {"swap_every", "0", "sample.swap_every must be between 1 and 4294967295, got 0"},
        {"inner", "ghmc", "sample.inner must be one of mala, hmc; got 'ghmc'. Did you mean 'hmc'?"}}) {
    try {
      tempering({{name, word}}, 1, 100, 10, 1);
      ADD_FAILURE() << name;
    } catch (const SettingError& thrown) {
      EXPECT_STREQ(thrown.what(), error);
    }
  }
}

}  // namespace
}  // namespace potluck
