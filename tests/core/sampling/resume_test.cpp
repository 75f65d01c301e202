// SPDX-License-Identifier: Apache-2.0
// One list of runs, each cut at every checkpoint.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/sampling/run/run.h"
#include "core/state_archive.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using ::testing::HasSubstr;
using testing::line;
using testing::RowEnergy;

constexpr int64_t kChains = 300;  // 256 of them are the cohort
constexpr int64_t kWarmup = 70, kSteps = 28, kThin = 7;
constexpr size_t kStepByte = 5;  // of a checkpoint: version, phase, then the step

/// A normal whose coordinates have other widths, so that the metric is not 1. Far out it is not a number.
auto ridge(double sound = INFINITY) {
  return RowEnergy(
      line("x", 3),
      [sound](const double* x, double* g) {
        double energy = 0;
        for (int j = 0; j < 3; ++j) {
          g[j] = (1 + 2 * j) * x[j];
          energy += 0.5 * g[j] * x[j];
        }
        return x[0] > sound ? NAN : energy;
      },
      Precision::kFloat32);
}

struct Checkpoint {
  std::vector<std::byte> bytes;
  size_t draws = 0;
};

/// Keeps every bit of the draws, and all checkpoints.
class Recorder final : public Observer {
 public:
  void drew(const Draw& draw) override {
    std::string& bits = draws.emplace_back();
    const auto add = [&](const void* from, size_t bytes) { bits.append(static_cast<const char*>(from), bytes); };
    const auto chains = static_cast<size_t>(draw.chains);
    add(&draw.index, sizeof draw.index);
    add(&draw.step, sizeof draw.step);
    add(draw.position[0], chains * 3 * sizeof(float));
    add(draw.energy, chains * sizeof(double));
    add(draw.expert_energy, chains * sizeof(double));
    add(draw.acceptance, chains * sizeof(double));
    add(draw.frozen, chains);
  }
  void checkpointed(std::span<const std::byte> state, int64_t drawn) override {
    checkpoints.push_back({{state.begin(), state.end()}, static_cast<size_t>(drawn)});
    if (then) then(checkpoints.size());
  }
  std::vector<std::string> draws;
  std::vector<Checkpoint> checkpoints;
  std::function<void(size_t)> then;
};

/// Everything of a summary that does not tell the time.
std::string words_of(const RunSummary& run) {
  std::string text = fmt::format("{} {} {} {} {} {} {:a} {:a} {:a} {} {} {} {} {} {:a} {:a} {:a} {}", run.method,
                                 run.start, run.exact_start, run.why_stopped, run.steps_done, run.draws, run.step_size,
                                 run.trajectory_length, run.acceptance, run.evaluations, run.warmup_evaluations,
                                 run.sums.divergences, run.sums.nan_proposals, run.frozen_count, run.acceptance_sum,
                                 run.clipped_sum, run.sums.energy_error.sum, fmt::join(run.notes, "; "));
  for (const StepSum& one : {run.sums.energy_error, run.sums.gradient_square, run.sums.reflected})
    text += fmt::format(" {:a}/{:a}", one.sum, one.count);
  text += fmt::format(" {:a} {:a}", run.energy_shares.moments().count, run.energy_shares.moments().squares);
  for (const double one : run.energy_shares.moments().products) text += fmt::format(" {:a}", one);
  for (const FrozenChain& one : run.frozen) text += fmt::format(" {}@{}", one.chain, one.step);
  return text;
}

struct Case {
  std::string method;
  bool fixed = false;
  bool cooled = false;
  bool dense = false;
};

RunOptions options_of(const Case& one) {
  RunOptions options;
  options.method = one.method;
  for (const SettingDescription& option : method(one.method).options) {
    const bool step = option.name == "step_size" || option.name == "step";
    const bool dense = option.name == "metric" && one.dense;
    options.values.push_back(step && one.fixed ? parse_setting(option, {"0.05"}, "x")
                             : dense           ? parse_setting(option, {"dense"}, "x")
                                               : preset_value(option, "x"));
  }
  options.chains = kChains;
  options.warmup = kWarmup;
  options.steps = kSteps;
  options.thin = kThin;
  options.threads = 2;
  options.checkpoint_every = 1;
  if (one.cooled) {
    options.anneal.temperature = 7;
    options.anneal.levels = 12;
  }
  return options;
}

RunSummary run_of(const Energy& energy, const RunOptions& options, Recorder& recorder,
                  const std::atomic<bool>& stop = {}, std::span<const std::byte> checkpoint = {}) {
  Observer* observers[] = {&recorder};
  return run({&energy, {{}}, 1}, *default_start(energy.variables()), options, observers, stop, checkpoint);
}

/// What differs between the run that `whole` recorded and one that goes on from `checkpoint`; empty: not a bit.
std::string difference(const Energy& energy, const RunOptions& options, const Recorder& whole, const std::string& words,
                       const Checkpoint& checkpoint) {
  Recorder rest;
  const RunSummary summary = run_of(energy, options, rest, {}, checkpoint.bytes);
  if (rest.draws.size() + checkpoint.draws != whole.draws.size())
    return fmt::format("{} draws after {}", rest.draws.size(), checkpoint.draws);
  for (size_t draw = 0; draw < rest.draws.size(); ++draw)
    if (rest.draws[draw] != whole.draws[checkpoint.draws + draw])
      return fmt::format("draw {}", checkpoint.draws + draw);
  return words_of(summary) == words ? "" : words_of(summary) + " for " + words;
}

class ResumeTest : public ::testing::TestWithParam<Case> {};

TEST_P(ResumeTest, GoesOnBitForBitFromAnyStep) {
  const auto energy = ridge();
  const RunOptions options = options_of(GetParam());
  Recorder whole;
  const std::string words = words_of(run_of(energy, options, whole));
  ASSERT_EQ(whole.draws.size(), kSteps / kThin);
  // One a step, and the end.
  const size_t all = whole.checkpoints.size(), drawing = static_cast<size_t>(kWarmup + options.anneal.levels);
  ASSERT_EQ(all, drawing + kSteps + 1);
  const size_t where[] = {
      0,           6,       7,           17,          35,           55,      56,     63, drawing - 12,
      drawing - 1, drawing, drawing + 6, drawing + 7, drawing + 16, all - 3, all - 1};
  for (const size_t at : where) {
    EXPECT_EQ(difference(energy, options, whole, words, whole.checkpoints[at]), "") << "checkpoint " << at;
  }
  // The twin: a checkpoint whose step counter lost one.
  for (const size_t at : {size_t{17}, drawing - 12, drawing + 16}) {
    Checkpoint broken = whole.checkpoints[at];
    int64_t step = 0;
    std::memcpy(&step, &broken.bytes[kStepByte], sizeof step);
    step -= 1;
    std::memcpy(&broken.bytes[kStepByte], &step, sizeof step);
    EXPECT_NE(difference(energy, options, whole, words, broken), "") << "checkpoint " << at;
  }
}

TEST_P(ResumeTest, AnInterruptLeavesACheckpointToGoOnFrom) {
  const auto energy = ridge();
  RunOptions options = options_of(GetParam());
  Recorder whole;
  const std::string words = words_of(run_of(energy, options, whole));
  const size_t all = whole.checkpoints.size();
  for (const size_t at : {size_t{10}, all - 20}) {
    std::atomic<bool> stop{false};
    Recorder cut;
    cut.then = [&](size_t count) { stop = count >= at; };
    const RunSummary summary = run_of(energy, options, cut, stop);
    EXPECT_TRUE(summary.interrupted);
    EXPECT_EQ(summary.why_stopped, cut.checkpoints.size() <= 11 ? "interrupted in the warm-up" : "interrupted");
    ASSERT_EQ(cut.checkpoints.size(), at + 1);  // and the last
    EXPECT_EQ(difference(energy, options, whole, words, cut.checkpoints.back()), "") << "checkpoint " << at;
  }
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const MethodDescription& one : methods()) {
    if (one.labels) continue;  // tests/core/methods/gibbs_test.cpp
    cases.push_back({one.name, false});
    cases.push_back({one.name, true});
  }
  for (const char* method : {"hmc", "ghmc", "mala"}) cases.push_back({method, false, false, true});
  for (const char* method : {"hmc", "mclmc", "langevin"})
    for (const bool fixed : {false, true}) cases.push_back({method, fixed, true});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(AllMethods, ResumeTest, ::testing::ValuesIn(all_cases()), [](const auto& one) {
  return one.param.method + (one.param.fixed ? "_fixed" : "_auto") + (one.param.cooled ? "_cooled" : "") +
         (one.param.dense ? "_dense" : "");
});

// What froze, and what was rejected for not being a number, is counted across the cut.
TEST(ResumeTest, KeepsFrozenChainsAndWhatWasCounted) {
  const auto energy = ridge(2.4);
  for (const char* method : {"langevin", "mala"}) {
    const RunOptions options = options_of({method, false});
    Recorder whole;
    const RunSummary summary = run_of(energy, options, whole);
    EXPECT_GT(summary.frozen_count + summary.sums.nan_proposals, 0);
    const size_t all = whole.checkpoints.size();
    for (const size_t at : {all / 4, all / 2, all - 3})
      EXPECT_EQ(difference(energy, options, whole, words_of(summary), whole.checkpoints[at]), "") << at;
  }
}

// Keeps what it is told, and holds the first process up at a call, so that its seconds are known to be many.
class Clockwatcher final : public Observer {
 public:
  explicit Clockwatcher(size_t slow = 0) : slow_(slow) {}
  void progressed(const Progress& progress) override {
    told.push_back(progress);
    if (told.size() == slow_) std::this_thread::sleep_for(std::chrono::duration<double>(kHeldUp));
  }
  void checkpointed(std::span<const std::byte> state, int64_t) override {
    checkpoints.emplace_back(state.begin(), state.end());
  }
  static constexpr double kHeldUp = 0.2;
  std::vector<Progress> told;
  std::vector<std::vector<std::byte>> checkpoints;

 private:
  size_t slow_;
};

RunSummary watched(const Energy& energy, const RunOptions& options, Clockwatcher& watcher,
                   std::span<const std::byte> checkpoint = {}) {
  Observer* observers[] = {&watcher};
  return run({&energy, {{}}, 1}, *default_start(energy.variables()), options, observers, {}, checkpoint);
}

// Where a process was killed, its seconds count from the last checkpoint, and rates are those of the next process.
TEST(ResumeTest, SecondsAreOfAllProcessesAndRatesOfThisOne) {
  const auto energy = ridge();
  RunOptions options = options_of({"hmc", false});
  options.thin = 1;
  Clockwatcher whole(5), held_in_sampling(kWarmup + 5);
  watched(energy, options, whole);
  watched(energy, options, held_in_sampling);

  Clockwatcher rest;
  const RunSummary warmed = watched(energy, options, rest, whole.checkpoints[9]);  // after 10 steps of the warm-up
  ASSERT_EQ(rest.told.size(), static_cast<size_t>(kWarmup - 10 + kSteps));
  const Progress& first = rest.told[0];
  EXPECT_TRUE(first.warmup);
  EXPECT_EQ(first.done, 11);
  EXPECT_EQ(first.done_here, 1);
  EXPECT_GE(first.seconds - first.seconds_here, Clockwatcher::kHeldUp);
  EXPECT_GE(warmed.warmup_seconds, Clockwatcher::kHeldUp + rest.told[0].seconds_here);
  const Progress& drawing = rest.told[kWarmup - 10];
  EXPECT_FALSE(drawing.warmup);
  EXPECT_EQ(drawing.done_here, 1);
  EXPECT_EQ(drawing.seconds, drawing.seconds_here);  // nobody else has drawn

  Clockwatcher end;
  const RunSummary drawn = watched(energy, options, end, held_in_sampling.checkpoints[kWarmup + 9]);
  EXPECT_EQ(end.told[0].done, 11);
  EXPECT_EQ(end.told[0].done_here, 1);
  EXPECT_GE(end.told[0].seconds - end.told[0].seconds_here, Clockwatcher::kHeldUp);
  EXPECT_GE(drawn.sampling_seconds, Clockwatcher::kHeldUp);
  EXPECT_LT(drawn.warmup_seconds, drawn.sampling_seconds);
  EXPECT_EQ(end.told.back().done_here, kSteps - 10);
  EXPECT_EQ(end.told.back().steps_a_second(), static_cast<double>(kSteps - 10) / end.told.back().seconds_here);
}

// ceil(2 u 10) leapfrogs, u = (k + 1/2)/32 in some order over 32 steps in a row: 10.5 at the mean.
TEST(ResumeTest, GradientsOfTrajectoriesAreCountedOverChains) {
  const auto energy = ridge();
  RunOptions options = options_of({"hmc", false});
  options.values = option_values("hmc", {{"step_size", "0.05"}, {"trajectory_length", "0.5"}});
  options.warmup = 0;
  options.thin = 1;
  options.steps = 256;
  Clockwatcher watcher;
  const RunSummary summary = watched(energy, options, watcher);
  EXPECT_NEAR(watcher.told[0].gradients_a_step, 10.5, 0.35);
  const Progress& last = watcher.told.back();
  EXPECT_TRUE(last.leapfrogs);
  EXPECT_EQ(last.gradients_here, static_cast<double>(summary.evaluations) * kChains);
  EXPECT_EQ(last.gradients_a_step, static_cast<double>(summary.evaluations) / 256);
  EXPECT_NEAR(last.gradients_a_step, 10.5, 0.1);
  options.method = "mala";
  options.values = option_values("mala");
  options.warmup = kWarmup;
  Clockwatcher mala;
  watched(energy, options, mala);
  for (const Progress& one : mala.told) {
    EXPECT_FALSE(one.leapfrogs);
    EXPECT_EQ(one.gradients_a_step, 1);
    EXPECT_EQ(one.gradients_here, static_cast<double>(one.done_here) * kChains);
  }
}

TEST(ResumeTest, AFinishedRunBuysMoreSteps) {
  const auto energy = ridge();
  RunOptions options = options_of({"mala", false});
  options.checkpoint_every = 0;
  Recorder brief;
  run_of(energy, options, brief);
  ASSERT_EQ(brief.checkpoints.size(), 1u);
  options.steps *= 2;
  Recorder whole;
  const std::string words = words_of(run_of(energy, options, whole));
  EXPECT_EQ(difference(energy, options, whole, words, brief.checkpoints[0]), "");
}

// Draws that are far apart do not push a checkpoint off.
TEST(ResumeTest, CheckpointsComeAsOftenAsAskedFor) {
  const auto energy = ridge();
  RunOptions options = options_of({"mala", true});
  options.warmup = 0;
  options.steps = options.thin = 1000;
  options.checkpoint_every = 130;
  Recorder recorder;
  run_of(energy, options, recorder);
  EXPECT_EQ(recorder.checkpoints.size(), 7u + 1u);  // 1000 / 130, and the end
  EXPECT_EQ(recorder.checkpoints[6].draws, 0u);
}

TEST(ResumeTest, ChainsOfSeveralRanksAreThoseOfOneProcess) {
  const auto energy = ridge();
  for (const bool dense : {false, true}) {
    RunOptions options = options_of({"hmc", false, false, dense});
    options.chains = 700;
    Recorder whole;
    run_of(energy, options, whole);
    const auto positions = [](const std::string& draw, int64_t first, int64_t count) {
      return draw.substr(16 + static_cast<size_t>(first) * 12, static_cast<size_t>(count) * 12);
    };
    const std::vector<Rank> ranks = {{0, 100}, {100, 156}, {0, 256}, {200, 312}, {256, 256}, {512, 188}};
    for (const Rank& rank : ranks) {
      options.rank = rank;
      Recorder mine;
      const std::string words = words_of(run_of(energy, options, mine));
      ASSERT_EQ(mine.draws.size(), whole.draws.size());
      for (size_t draw = 0; draw < mine.draws.size(); ++draw) {
        EXPECT_EQ(positions(mine.draws[draw], 0, rank.count), positions(whole.draws[draw], rank.first, rank.count));
        EXPECT_NE(positions(mine.draws[draw], 0, rank.count - 1),
                  positions(whole.draws[draw], rank.first + 1, rank.count - 1));
      }
      const size_t all = mine.checkpoints.size();
      for (const size_t at : {size_t{30}, all - 40, all - 10})
        EXPECT_EQ(difference(energy, options, mine, words, mine.checkpoints[at]), "") << rank.first;
    }
  }
}

TEST(ResumeTest, RefusesBytesThatAreNoCheckpointOfThisRun) {
  const auto energy = ridge();
  RunOptions options = options_of({"mala", true});
  Recorder recorder;
  run_of(energy, options, recorder);
  std::vector<std::byte> bytes = recorder.checkpoints[3].bytes;
  const auto text = [&]() -> std::string {
    try {
      Recorder ignored;
      run_of(energy, options, ignored, {}, bytes);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  bytes.resize(bytes.size() - 100);
  EXPECT_EQ(text(), "a saved state must be whole, got one that ends early. Start the run anew");
  bytes = recorder.checkpoints[3].bytes;
  bytes[0] = std::byte{99};
  EXPECT_EQ(text(), "a checkpoint must be of version 8, got 99. Start the run anew");
  bytes = recorder.checkpoints[3].bytes;
  options.chains = 3000;
  EXPECT_THAT(text(), HasSubstr("the saved chains must have "));
}

TEST(ResumeTest, RefusesCountsThatNoRunCanHave) {
  const auto energy = ridge();
  const RunOptions options = options_of({"mala", true});
  Recorder recorder;
  run_of(energy, options, recorder);
  const std::vector<std::byte>& sound = recorder.checkpoints[3].bytes;
  const auto said = [&](size_t at, int64_t value) -> std::string {
    std::vector<std::byte> bytes = sound;
    std::memcpy(&bytes[at], &value, sizeof value);
    try {
      Recorder ignored;
      run_of(energy, options, ignored, {}, bytes);
    } catch (const StateError& error) {
      return error.what();
    }
    return "accepted";
  };
  // Behind the step: what the start was called, whether it was exact, draws, steps of the last draw.
  constexpr size_t kStart = kStepByte + 8;
  uint64_t letters = 0;
  std::memcpy(&letters, &sound[kStart], sizeof letters);
  const size_t draws = kStart + 8 + letters + 1;
  const char* const other_steps = "a saved state must fit its run, got other numbers of steps. Start the run anew";
  const char* const other_counts = "a saved state must fit its run, got other counts. Start the run anew";
  EXPECT_EQ(said(kStepByte, -1), other_steps);
  EXPECT_EQ(said(kStepByte, kWarmup + 1), other_steps);
  for (const size_t at : {draws, draws + 8}) {
    EXPECT_EQ(said(at, 0), "accepted");
    EXPECT_EQ(said(at, -1), other_counts);
    EXPECT_EQ(said(at, INT64_MAX), other_counts);
  }
  EXPECT_EQ(said(draws + 8, 1), other_counts);  // in the warm-up
}

}  // namespace
}  // namespace potluck
