// SPDX-License-Identifier: Apache-2.0
// A draw is stored while the chains move on: nothing is lost, nothing comes twice, and what is stored is what was
// drawn.
#include "core/sampling/run/recorder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
using testing::line;
using testing::normal_energy;
using testing::RowEnergy;
using ::testing::ThrowsMessage;

constexpr int64_t kChains = 600;  // several tiles
constexpr int64_t kNumbers = 3;
constexpr int64_t kWarmup = 60;

RunOptions options_of(const std::string& name, const OptionWords& words, int threads) {
  RunOptions options;
  options.method = name;
  options.values = option_values(name, words);
  options.chains = kChains;
  options.warmup = kWarmup;
  options.steps = 24;
  options.thin = 3;
  options.threads = threads;
  return options;
}

RunOptions mala(int threads = 2) { return options_of("mala", {{"step_size", "0.3"}}, threads); }

/// All bits of a draw of one variable of float64.
std::string bits_of(const Draw& draw) {
  std::string bits;
  const auto chains = static_cast<size_t>(draw.chains);
  const auto add = [&](const void* from, size_t bytes) { bits.append(static_cast<const char*>(from), bytes); };
  add(&draw.index, sizeof draw.index);
  add(&draw.step, sizeof draw.step);
  add(draw.position[0], chains * kNumbers * sizeof(double));
  for (const double* numbers : {draw.energy, draw.expert_energy, draw.acceptance})
    add(numbers, chains * sizeof(double));
  for (const uint8_t* marks : {draw.frozen, draw.diverged}) add(marks, chains);
  return bits;
}

/// Writes down what it is told, in that order, and the bits of draws as they are shown and as they are stored.
class Diary final : public Observer {
 public:
  void drew(const Draw& draw) override {
    note("drew", draw.index);
    shown.push_back(bits_of(draw));
    if (when_drawn) when_drawn(draw.index);
  }
  void record(const Draw& draw) override {
    note("stored", draw.index);
    if (when_stored) when_stored(draw.index);
    stored.push_back(bits_of(draw));
  }
  void checkpointed(std::span<const std::byte>, int64_t draws) override { note("checkpoint after", draws); }

  std::vector<std::string> entries, shown, stored;
  std::function<void(int64_t)> when_drawn, when_stored;

 private:
  // Two calls at once would be found here by the sanitizers, and by lost entries.
  void note(const std::string& what, int64_t number) { entries.push_back(fmt::format("{} {}", what, number)); }
};

RunSummary run_with(const Energy& energy, const RunOptions& options, Diary& diary, const std::atomic<bool>& stop = {}) {
  Observer* observers[] = {&diary};
  return run({&energy, {{}}, 1}, *default_start(energy.variables()), options, observers, stop);
}

/// A diary of so many draws, of a run that ended with its checkpoint or with an error.
enum class End { kCheckpoint, kError };
std::vector<std::string> each_drawn_and_stored(int64_t draws, End end) {
  std::vector<std::string> entries;
  for (int64_t draw = 0; draw < draws; ++draw) {
    entries.push_back(fmt::format("drew {}", draw));
    entries.push_back(fmt::format("stored {}", draw));
  }
  if (end == End::kCheckpoint) entries.push_back(fmt::format("checkpoint after {}", draws));
  return entries;
}

void sleep_a_little(int64_t) { std::this_thread::sleep_for(std::chrono::milliseconds(3)); }

// Moving 600 chains takes microseconds: an observer that sleeps is slower, one that does not is faster.
TEST(RecorderTest, StoresWhatWasDrawnWhoeverIsFaster) {
  const auto open = normal_energy(line("x", kNumbers), 2);
  Variable walled = line("x", kNumbers, 0, 1);
  walled.walls = Walls::kTransform;
  const auto closed = normal_energy(walled, 2);
  struct Case {
    const Energy& energy;
    std::string method;
    OptionWords words;
  };
  const std::vector<Case> cases = {{open, "mala", {{"step_size", "0.3"}}},
                                   {open, "hmc", {{"metric", "dense"}}},
                                   {open, "parallel_tempering", {{"replicas", "3"}}},
                                   {closed, "mala", {{"step_size", "0.3"}}}};
  for (const Case& one : cases) {
    Diary alone;
    const RunSummary summary = run_with(one.energy, options_of(one.method, one.words, 1), alone);
    EXPECT_EQ(alone.entries, each_drawn_and_stored(8, End::kCheckpoint)) << one.method;
    EXPECT_EQ(alone.stored, alone.shown) << one.method;
    for (const bool slow : {false, true}) {
      Diary diary;
      if (slow) diary.when_stored = sleep_a_little;
      const RunSummary other = run_with(one.energy, options_of(one.method, one.words, 3), diary);
      EXPECT_EQ(diary.entries, alone.entries) << one.method << slow;
      EXPECT_EQ(diary.stored, alone.shown) << one.method << slow;
      EXPECT_EQ(diary.shown, alone.shown) << one.method << slow;
      EXPECT_EQ(other.sums.gradient_square.sum, summary.sums.gradient_square.sum) << one.method << slow;
      EXPECT_EQ(other.acceptance_sum, summary.acceptance_sum) << one.method << slow;
      ASSERT_EQ(other.virial.size(), summary.virial.size());
      for (size_t v = 0; v < summary.virial.size(); ++v)
        EXPECT_EQ(other.virial[v].estimate.temperature, summary.virial[v].estimate.temperature) << one.method << slow;
    }
  }
}

// An observer that waits for the chains to move sees it, as another thread moves them; the last draw has none after it.
TEST(RecorderTest, ChainsMoveOnWhileADrawIsStored) {
  const auto energy = normal_energy(line("x", kNumbers), 2);
  Diary diary;
  int64_t moved = 0;
  int64_t before = 0;
  diary.when_drawn = [&](int64_t) { before = energy.calls(); };
  diary.when_stored = [&](int64_t draw) {
    if (draw == 7) return;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (energy.calls() == before && std::chrono::steady_clock::now() < until) sleep_a_little(0);
    moved += energy.calls() > before ? 1 : 0;
  };
  run_with(energy, mala(), diary);
  EXPECT_EQ(moved, 7);
}

TEST(RecorderTest, AnErrorInStoringEndsTheRunBehindEarlierDraws) {
  const auto energy = normal_energy(line("x", kNumbers), 2);
  for (const int threads : {1, 2}) {
    Diary diary;
    diary.when_stored = [](int64_t draw) {
      if (draw == 3) throw FileError("the disk is full");
    };
    EXPECT_THAT([&] { run_with(energy, mala(threads), diary); }, ThrowsMessage<FileError>("the disk is full"));
    EXPECT_EQ(diary.entries,
              each_drawn_and_stored(4, End::kError));  // no draw follows, and the fourth is not tried again
    EXPECT_EQ(diary.stored, std::vector<std::string>(diary.shown.begin(), diary.shown.begin() + 3));
  }
  // The last draw has no steps after it.
  Diary diary;
  diary.when_stored = [](int64_t draw) {
    if (draw == 7) throw FileError("the disk is full");
  };
  EXPECT_THROW(run_with(energy, mala(), diary), FileError);
  EXPECT_EQ(diary.stored.size(), 7u);
}

TEST(RecorderTest, ADrawThatAnObserverRefusesIsNotStored) {
  const auto energy = normal_energy(line("x", kNumbers), 2);
  Diary diary;
  diary.when_drawn = [](int64_t draw) {
    if (draw == 2) throw std::runtime_error("not this one");
  };
  EXPECT_THAT([&] { run_with(energy, mala(), diary); }, ThrowsMessage<std::runtime_error>("not this one"));
  EXPECT_THAT(diary.entries, ElementsAre("drew 0", "stored 0", "drew 1", "stored 1", "drew 2"));
}

TEST(RecorderTest, ADrawBeforeAnErrorOfTheEnergyIsStored) {
  for (const int threads : {1, 2}) {
    std::atomic<bool> fails{false};
    const RowEnergy energy(line("x", kNumbers), [&fails](const double* x, double* g) {
      if (fails) throw PluginError("the model is gone");
      double sum = 0;
      for (int64_t j = 0; j < kNumbers; ++j) sum += 0.5 * x[j] * x[j], g[j] = x[j];
      return sum;
    });
    Diary diary;
    diary.when_drawn = [&](int64_t draw) { fails = draw == 4; };
    EXPECT_THAT([&] { run_with(energy, mala(threads), diary); }, ThrowsMessage<PluginError>("the model is gone"));
    EXPECT_EQ(diary.entries, each_drawn_and_stored(5, End::kError));
    EXPECT_EQ(diary.stored, diary.shown);
  }
}

// Behind draw 4 the energy is no number: draw 5 finds all chains frozen.
TEST(RecorderTest, TheDrawInWhichAllChainsAreFrozenIsStored) {
  std::atomic<bool> fails{false};
  const RowEnergy energy(line("x", kNumbers), [&fails](const double* x, double* g) {
    double sum = 0;
    for (int64_t j = 0; j < kNumbers; ++j) sum += 0.5 * x[j] * x[j], g[j] = x[j];
    return fails ? NAN : sum;
  });
  Diary diary;
  diary.when_drawn = [&](int64_t draw) { fails = draw == 4; };
  EXPECT_THROW(run_with(energy, options_of("baoab", {{"step_size", "0.1"}}, 2), diary), NumericalError);
  EXPECT_EQ(diary.entries, each_drawn_and_stored(6, End::kError));
  EXPECT_EQ(diary.stored, diary.shown);
}

TEST(RecorderTest, AnInterruptAndAStopRuleEndTheRunWithTheirDraw) {
  const auto energy = normal_energy(line("x", kNumbers), 2);
  Diary interrupted;
  std::atomic<bool> stop{false};
  interrupted.when_drawn = [&](int64_t draw) { stop = draw == 4; };
  EXPECT_EQ(run_with(energy, mala(), interrupted, stop).steps_done, 15);
  EXPECT_EQ(interrupted.entries, each_drawn_and_stored(5, End::kCheckpoint));

  struct AfterFive final : StopRule {
    std::optional<std::string> reached(int64_t draws, int64_t) override {
      return draws == 5 ? std::optional<std::string>("five are enough") : std::nullopt;
    }
  } rule;
  RunOptions options = mala();
  options.until = &rule;
  Diary ruled;
  const int64_t before = energy.rows_evaluated();
  const RunSummary summary = run_with(energy, options, ruled);
  EXPECT_EQ(summary.steps_done, 15);
  EXPECT_EQ(ruled.entries, interrupted.entries);
  EXPECT_EQ(ruled.stored, interrupted.stored);
  // Nothing moves behind the draw that is enough: all rows for the starts, each step of the warm-up and of 15.
  EXPECT_EQ(energy.rows_evaluated() - before, kChains * (1 + kWarmup + 15));
}

TEST(RecorderTest, ACheckpointFollowsTheDrawsBeforeIt) {
  const auto energy = normal_energy(line("x", kNumbers), 2);
  RunOptions options = mala();
  options.warmup = 0;
  options.steps = 9;
  options.checkpoint_every = 3;
  Diary diary;
  run_with(energy, options, diary);
  EXPECT_THAT(diary.entries,
              ElementsAre("drew 0", "stored 0", "checkpoint after 1", "drew 1", "stored 1", "checkpoint after 2",
                          "drew 2", "stored 2", "checkpoint after 3", "checkpoint after 3"));
}

}  // namespace
}  // namespace potluck
