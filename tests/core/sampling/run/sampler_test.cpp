// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/methods/method_choice.h"
#include "tests/core/energies.h"

namespace potluck::testing {
namespace {

struct Case {
  std::string method;
  OptionWords words;
  bool walls = false;  ///< that are transformed
};

/// Every sort of run that a sampler looks after: tuned, with trajectories, in coordinates of its own, in ladders.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"mala", {}},
      {"langevin", {{"step_size", "0.01"}}},
      {"hmc", {}},
      {"hmc", {{"metric", "dense"}}},
      {"mala", {}, true},
      {"hmc", {{"metric", "dense"}}, true},
      {"parallel_tempering", {{"replicas", "3"}, {"hottest", "5"}}},
  };
  return all;
}

/// A normal law of two numbers, run as a case says.
class Subject {
 public:
  explicit Subject(const Case& one) : energy_(normal_energy(variable(one.walls), 4)) {
    options.method = one.method;
    options.values = option_values(one.method, one.words);
    options.chains = 24;
    options.warmup = 80;
    options.steps = 60;
    options.thin = 6;
    options.threads = 2;
  }

  Target target() const { return {&energy_, {{}}, 1}; }
  std::unique_ptr<Start> start() const { return default_start(energy_.variables()); }
  Keeper keeper() const { return {2, energy_.precision()}; }

  RunOptions options;

 private:
  static Variable variable(bool transformed) {
    if (!transformed) return line("x", 2);
    Variable variable = line("x", 2, 0);
    variable.walls = Walls::kTransform;
    return variable;
  }

  decltype(normal_energy(Variable(), 1)) energy_;
};

using Draws = std::vector<std::vector<double>>;

Draws run_draws(const Subject& subject) {
  Keeper keeper = subject.keeper();
  Observer* observers[] = {&keeper};
  const std::atomic<bool> go_on{false};
  run(subject.target(), *subject.start(), subject.options, observers, go_on);
  return keeper.positions;
}

class SamplerTest : public ::testing::TestWithParam<size_t> {
 protected:
  const Subject subject_{cases()[GetParam()]};
};

TEST_P(SamplerTest, SteppedByHandHasTheBitsOfARun) {
  Keeper keeper = subject_.keeper();
  Observer* observers[] = {&keeper};
  const Target target = subject_.target();
  Sampler sampler(target, subject_.options, observers);
  sampler.start(*subject_.start());
  while (sampler.steps() < sampler.warm_up_steps()) sampler.step(7);
  EXPECT_TRUE(sampler.warming_up());
  for (int draw = 0; draw < 10; ++draw) {
    for (int left = 6; left > 0;) left -= static_cast<int>(sampler.step(std::min(left, 4)));
    sampler.draw();
  }
  EXPECT_FALSE(sampler.warming_up());
  EXPECT_EQ(sampler.steps(), 60);
  EXPECT_EQ(sampler.summary().draws, 10);
  EXPECT_EQ(keeper.positions, run_draws(subject_));
}

TEST_P(SamplerTest, GoesOnFromWhatItSavedInTheWarmUpAndBehindIt) {
  const Target target = subject_.target();
  const Draws whole = run_draws(subject_);
  Sampler first(target, subject_.options);
  first.start(*subject_.start());
  while (first.steps() < 30) first.step(1);

  Sampler second(target, subject_.options);
  second.restore(first.save());
  EXPECT_EQ(second.steps(), 30);
  while (second.warming_up() && second.steps() < second.warm_up_steps()) second.step(50);
  second.step(6);
  second.draw();

  Keeper keeper = subject_.keeper();
  Observer* observers[] = {&keeper};
  Sampler third(target, subject_.options, observers);
  third.restore(second.save());
  EXPECT_EQ(third.draws(), 1);
  while (third.draws() < 10) third.step(6), third.draw();
  EXPECT_EQ(keeper.positions, Draws(whole.begin() + 1, whole.end()));
}

INSTANTIATE_TEST_SUITE_P(Runs, SamplerTest, ::testing::Range(size_t{0}, cases().size()));

// Draws need not be equally far apart: what is counted of each is counted over the steps before it.
TEST(SamplerTest, CountsTheStepsBeforeEachDraw) {
  const Subject subject({"mala", {{"step_size", "0.05"}, {"metric", "identity"}}});
  Keeper keeper = subject.keeper();
  Observer* observers[] = {&keeper};
  const Target target = subject.target();
  Sampler sampler(target, subject.options, observers);
  sampler.start(*subject.start());
  while (sampler.steps() < sampler.warm_up_steps()) sampler.step(100);
  for (const int64_t steps : {1, 40, 3}) sampler.step(steps), sampler.draw();
  for (const std::vector<double>& acceptance : keeper.acceptances)
    EXPECT_THAT(acceptance, ::testing::Each(::testing::AllOf(::testing::Gt(0.0), ::testing::Le(1.0))));
  const RunSummary summary = sampler.summary();
  EXPECT_EQ(summary.steps_done, 44);
  EXPECT_EQ(summary.sums.energy_error.count, 44.0 * 24);
}

TEST(SamplerTest, SummaryMayBeAskedForMoreThanOnce) {
  const Subject subject({"mala", {}});
  const Target target = subject.target();
  Sampler sampler(target, subject.options);
  sampler.start(*subject.start());
  while (sampler.steps() < sampler.warm_up_steps()) sampler.step(100);
  sampler.step(10);
  sampler.draw();
  const RunSummary first = sampler.summary(), second = sampler.summary();
  EXPECT_EQ(first.notes, second.notes);
  EXPECT_EQ(first.acceptance, second.acceptance);
  EXPECT_EQ(first.sums.gradient_square.count, second.sums.gradient_square.count);
  EXPECT_EQ(first.blocks.size(), second.blocks.size());
}

TEST(SamplerTest, RefusesWhatARunRefuses) {
  Subject subject({"mala", {}});
  subject.options.chains = 0;
  const Target target = subject.target();
  try {
    const Sampler sampler(target, subject.options);
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "sample.chains must be >= 1, got 0");
  }
}

}  // namespace
}  // namespace potluck::testing
