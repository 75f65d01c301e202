// SPDX-License-Identifier: Apache-2.0
// Values, steps, saved states and errors of schedules: one fixture has the model that sees each level.
#include "core/sampling/run/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/sampling/run/option_errors.h"
#include "core/sampling/run/run.h"
#include "core/sampling/run/sampler.h"
#include "tests/core/blurred_energy.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using testing::BlurredEnergy;
using ::testing::ElementsAre;
using testing::given_noise;
using testing::Keeper;
using testing::line;
using testing::RowEnergy;

/// Wells at -1 and 1, the hill between them 12 high.
auto wells() {
  return RowEnergy(
      line("x"),
      [](const double* x, double* g) {
        const double apart = x[0] * x[0] - 1;
        g[0] = 48 * x[0] * apart;
        return 12 * apart * apart;
      },
      Precision::kFloat64);
}

/// Every chain in the right well.
class RightWell final : public Start {
 public:
  std::string description() const override { return "the right well"; }
  bool exact() const override { return false; }
  void draw(uint32_t, int64_t, int64_t rows, int, double* const* position) const override {
    for (int64_t row = 0; row < rows; ++row) position[0][row] = 1;
  }
};

/// A temperature that falls from `from` in so many steps.
Schedule hotter(double from, int64_t levels) {
  Schedule schedule;
  schedule.temperature = from;
  schedule.levels = levels;
  return schedule;
}

/// Noise, variable 1, that falls from `from`.
Schedule noisier(double from, int64_t levels, int64_t steps) {
  Schedule schedule;
  schedule.given = {{1, from}};
  schedule.levels = levels;
  schedule.steps = steps;
  return schedule;
}

RunOptions options_of(const std::string& method_name, const Schedule& schedule, int64_t chains) {
  RunOptions options;
  options.method = method_name;
  options.values = option_values(method_name);
  options.anneal = schedule;
  options.chains = chains;
  options.warmup = 60;
  options.steps = 20;
  options.thin = 20;
  options.threads = 2;
  return options;
}

std::vector<double> last_positions(const RunOptions& options) {
  const auto energy = wells();
  Keeper keeper(1, energy.precision());
  Observer* observers[] = {&keeper};
  run({&energy, {{}}, 1}, RightWell(), options, observers, std::atomic<bool>{false});
  return keeper.positions.back();
}

double share_in_the_left_well(const std::string& method, const Schedule& schedule, int64_t chains) {
  double left = 0;
  for (const double x : last_positions(options_of(method, schedule, chains))) left += x < 0;
  return left / static_cast<double>(chains);
}

TEST(ScheduleTest, FallsGeometrically) {
  const Schedule schedule = hotter(16, 4);
  EXPECT_DOUBLE_EQ(schedule.value(0, 16, 1), 16);
  EXPECT_DOUBLE_EQ(schedule.value(1, 16, 1), 8);
  EXPECT_DOUBLE_EQ(schedule.value(3, 16, 1), 2);
  EXPECT_DOUBLE_EQ(schedule.value(2, 16, 4), 8);
  EXPECT_DOUBLE_EQ(schedule.value(1, -16, -1), -8);
  EXPECT_EQ(schedule.value(4, 16, 0.1), 0.1);  // to the bit
  EXPECT_FALSE(Schedule{}.any());
}

// 128 = 2^7 and 1 = 1^7: half the way of seventh roots is 1.5^7.
TEST(ScheduleTest, KarrasGoesByEqualStepsOfTheSeventhRoot) {
  Schedule schedule = noisier(128, 2, 1);
  schedule.spacing = Spacing::kKarras;
  EXPECT_EQ(schedule.value(0, 128, 1), 128);
  EXPECT_DOUBLE_EQ(schedule.value(1, 128, 1), std::pow(1.5, 7));
  EXPECT_DOUBLE_EQ(schedule.value(1, 128, 0), 1);
  EXPECT_DOUBLE_EQ(schedule.value(1, -128, 0), -1);
  EXPECT_EQ(schedule.value(2, 128, 0), 0);
}

TEST(ScheduleTest, LinearGoesByEqualSteps) {
  Schedule schedule = noisier(3, 4, 1);
  schedule.spacing = Spacing::kLinear;
  EXPECT_EQ(schedule.value(0, 3, -1), 3);
  EXPECT_EQ(schedule.value(1, 3, -1), 2);
  EXPECT_EQ(schedule.value(3, 3, -1), 0);
  EXPECT_EQ(schedule.value(4, 3, -1), -1);
}

// The hill is half as high as the first temperature: chains forget their well, and by symmetry end in either.
TEST(ScheduleTest, ATemperatureLetsChainsLeaveTheModeTheyStartIn) {
  constexpr int64_t kChains = 2000;
  const double error = std::sqrt(0.25 / kChains);
  for (const char* method : {"mala", "hmc", "langevin", "baoab"}) {
    EXPECT_LT(std::abs(share_in_the_left_well(method, hotter(24, 400), kChains) - 0.5), 6 * error) << method;
    EXPECT_GT(std::abs(share_in_the_left_well(method, {}, kChains) - 0.5), 6 * error) << method;
  }
}

TEST(ScheduleTest, TheBitsAreThoseOfAnyThreadsAndAnyChains) {
  RunOptions options = options_of("mala", hotter(5, 30), 600);
  const std::vector<double> one = last_positions(options);
  options.threads = 1;
  EXPECT_EQ(last_positions(options), one);
  options.chains = 300;  // the cohort is full
  const std::vector<double> fewer = last_positions(options);
  EXPECT_EQ(fewer, std::vector<double>(one.begin(), one.begin() + 300));
}

// ---------------------------------------------------------------------------------------------------- given numbers

struct Annealed {
  RunSummary summary;
  std::vector<std::vector<double>> positions;
  std::vector<std::vector<std::byte>> checkpoints;
};

class CheckpointKeeper final : public Observer {
 public:
  void checkpointed(std::span<const std::byte> state, int64_t) override {
    all.emplace_back(state.begin(), state.end());
  }
  std::vector<std::vector<std::byte>> all;
};

Annealed annealed(const BlurredEnergy& energy, const RunOptions& options, double noise = 0.5,
                  std::span<const std::byte> checkpoint = {}) {
  Keeper keeper(1, energy.precision());
  CheckpointKeeper checkpoints;
  Observer* observers[] = {&keeper, &checkpoints};
  Annealed result;
  result.summary = run({&energy, given_noise(noise), 1}, *default_start(energy.variables()), options, observers,
                       std::atomic<bool>{false}, checkpoint);
  result.positions = keeper.positions;
  result.checkpoints = checkpoints.all;
  return result;
}

RunOptions noise_options(const std::string& method, int64_t chains) {
  RunOptions options = options_of(method, noisier(8, 4, 3), chains);
  if (method == "parallel_tempering") options.values = option_values(method, {{"replicas", "3"}, {"hottest", "4"}});
  options.warmup = 30;
  options.thin = 5;
  return options;
}

// 8 to 1/2 in four levels of equal factors, 2 each: and from then on 1/2.
TEST(GivenNumberTest, IsReadAtEachLevelInItsOrder) {
  for (const char* method : {"mala", "langevin", "hmc", "parallel_tempering", "ebm_practice"}) {
    BlurredEnergy energy({});
    energy.watch();
    RunOptions options = noise_options(method, 6);
    options.threads = 1;
    annealed(energy, options);
    ASSERT_EQ(energy.seen().size(), 5u) << method;
    for (size_t level = 0; level < 4; ++level)
      EXPECT_DOUBLE_EQ(energy.seen()[level], 8 / std::pow(2.0, static_cast<double>(level)));
    EXPECT_EQ(energy.seen().back(), 0.5);
  }
}

// Without noise the law has no width, and its energy is no number: -8 to 8 passes 0 at the third level.
TEST(GivenNumberTest, WhereAllFailTheLevelAndItsNumbersAreNamed) {
  RunOptions options = noise_options("mala", 4);
  options.values = option_values("mala", {{"step_size", "0.5"}});
  options.anneal.spacing = Spacing::kLinear;
  const auto text = [&](double mean, double from, double to) -> std::string {
    const BlurredEnergy of({.mean = {mean}, .deviation = 0});
    options.anneal.given = {{1, from}};
    try {
      run({&of, given_noise(to), 1}, *default_start(of.variables()), options, {}, std::atomic<bool>{false});
    } catch (const NumericalError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(text(0, 8, -8),
            "step 6 at level 3 of 4 of sample.anneal (noise = 0): all 4 chains became non-finite (first: chain 0, "
            "expert 'blurred' = nan). Let the numbers of anneal begin elsewhere (from), or lower step_size (now 0.5)");
  // At 100 a law this narrow has no density near 0, where chains begin, though the wider one of the last level has.
  const std::string far = text(100, 1e-3, 50);
  EXPECT_THAT(far, ::testing::StartsWith("4 of 4 chains found no start with density in 100 attempts"));
  EXPECT_THAT(far, ::testing::EndsWith("sample.start. They need density at the first level of sample.anneal, where its "
                                       "numbers are at `from`"));
}

// In coordinates of the run's own a given number is what it is: where walls are transformed, its own too, and where
// the metric is dense.
TEST(GivenNumberTest, IsReadAsItIsInOtherCoordinates) {
  for (const bool walls : {false, true}) {
    BlurredEnergy energy({.walls = walls});
    energy.watch();
    RunOptions options = noise_options("hmc", 6);
    options.values = option_values("hmc", {{"metric", "dense"}});
    options.warmup = 200;
    options.threads = 1;
    annealed(energy, options);
    ASSERT_EQ(energy.seen().size(), 5u);
    EXPECT_DOUBLE_EQ(energy.seen()[0], 8);
    EXPECT_DOUBLE_EQ(energy.seen()[3], 1);
    EXPECT_EQ(energy.seen()[4], 0.5);
  }
}

TEST(GivenNumberTest, MovesTogetherWithTheTemperature) {
  BlurredEnergy energy({});
  energy.watch();
  RunOptions options = noise_options("mala", 6);
  options.threads = 1;
  options.anneal.temperature = 10;
  const Annealed both = annealed(energy, options);
  EXPECT_EQ(energy.seen().size(), 5u);
  options.anneal.temperature.reset();
  EXPECT_NE(annealed(energy, options).positions, both.positions);
}

// Where a number moves the energies that belong to the states are computed anew: once a level, but for the first, where
// the chains begin.
TEST(GivenNumberTest, CostsAnEvaluationALevel) {
  const BlurredEnergy energy({});
  RunOptions options = noise_options("mala", 6);
  const int64_t moving = annealed(energy, options).summary.warmup_evaluations;
  EXPECT_EQ(moving, 4 * 3 + 30 + 4);
  options.anneal = {};
  EXPECT_EQ(annealed(energy, options).summary.warmup_evaluations, 30);
}

// Where every proposal is rejected no step computes an energy of the state: it is that of the last level by the
// evaluation behind it alone.
TEST(GivenNumberTest, TheEnergiesOfDrawsAreThoseOfWhereItBelongs) {
  const BlurredEnergy energy({});
  RunOptions options = noise_options("mala", 40);
  options.values = option_values("mala", {{"step_size", "1e6"}});
  options.warmup = 0;
  Keeper keeper(1, energy.precision());
  Observer* observers[] = {&keeper};
  const RunSummary summary = run({&energy, given_noise(0.5), 1}, *default_start(energy.variables()), options, observers,
                                 std::atomic<bool>{false});
  EXPECT_EQ(summary.acceptance, 0);
  for (size_t chain = 0; chain < 40; ++chain) {
    const double x = keeper.positions[0][chain];
    EXPECT_NEAR(keeper.energies[0][chain], 0.5 * std::log(1.25) + x * x / 2.5, 1e-12);
  }
}

TEST(GivenNumberTest, TheBitsAreThoseOfAnyThreadsAnyChainsAndAnyRanks) {
  const BlurredEnergy energy({.mean = {-2, 2}, .weight = {0.3, 0.7}});
  for (const char* method : {"mala", "hmc"}) {
    RunOptions options = noise_options(method, 600);
    const auto whole = annealed(energy, options).positions;
    options.threads = 1;
    EXPECT_EQ(annealed(energy, options).positions, whole) << method;
    options.chains = 300;
    const auto fewer = annealed(energy, options).positions;
    options.chains = 600;
    options.rank = {400, 200};
    const auto part = annealed(energy, options).positions;
    ASSERT_EQ(part.size(), whole.size());
    for (size_t draw = 0; draw < whole.size(); ++draw) {
      EXPECT_EQ(fewer[draw], std::vector<double>(whole[draw].begin(), whole[draw].begin() + 300)) << method;
      EXPECT_EQ(part[draw], std::vector<double>(whole[draw].begin() + 400, whole[draw].end())) << method;
    }
  }
}

/// Draws that a run goes on with from a checkpoint: the last of all draws.
bool goes_on(const BlurredEnergy& energy, const RunOptions& options, const Annealed& whole,
             std::span<const std::byte> checkpoint) {
  const Annealed rest = annealed(energy, options, 0.5, checkpoint);
  return rest.positions.size() <= whole.positions.size() &&
         std::equal(rest.positions.rbegin(), rest.positions.rend(), whole.positions.rbegin()) &&
         rest.summary.warmup_evaluations == whole.summary.warmup_evaluations;
}

/// Method, its options, and steps of the warm-up.
struct Resumed {
  const char* method;
  OptionWords words;
  int64_t warmup;
};

// At the first step of a level, within one, behind the last, in the warm-up and behind it.
TEST(GivenNumberTest, ARunGoesOnBitForBitFromAnyStep) {
  const BlurredEnergy energy({.mean = {-2, 2}, .weight = {0.3, 0.7}});
  for (const Resumed& one : std::vector<Resumed>{
           {"mala", {}, 30},
           {"mala", {{"step_size", "0.1"}}, 0},
           {"hmc", {}, 30},
           {"hmc", {{"step_size", "0.1"}, {"trajectory_length", "1"}}, 0},
           {"langevin", {{"step_size", "0.1"}}, 0},
           {"baoab", {}, 30},
           {"parallel_tempering", {{"replicas", "3"}, {"hottest", "4"}}, 30},
       }) {
    RunOptions options = noise_options(one.method, 20);
    options.values = option_values(one.method, one.words);
    options.warmup = one.warmup;
    options.checkpoint_every = 1;
    if (std::string(one.method) != "parallel_tempering") options.anneal.temperature = 3;
    const Annealed whole = annealed(energy, options);
    ASSERT_EQ(whole.checkpoints.size(), static_cast<size_t>(12 + one.warmup + 20 + 1));
    for (size_t at = 0; at < whole.checkpoints.size(); ++at)
      EXPECT_TRUE(goes_on(energy, options, whole, whole.checkpoints[at])) << one.method << " checkpoint " << at;
    // The twin: noise that began elsewhere goes on with other levels.
    options.anneal.given[0].from = 7;
    EXPECT_FALSE(goes_on(energy, options, whole, whole.checkpoints[3])) << one.method;
  }
}

TEST(GivenNumberTest, ASamplerCountsTheLevelsAsWarmUp) {
  const BlurredEnergy energy({});
  const RunOptions options = noise_options("mala", 6);
  const Target target{&energy, given_noise(0.5), 1};
  Sampler sampler(target, options);
  EXPECT_EQ(sampler.warm_up_steps(), 4 * 3 + 30);
  sampler.start(*default_start(energy.variables()));
  while (sampler.steps() < 42) sampler.step(5);
  EXPECT_TRUE(sampler.warming_up());
  sampler.step(1);
  EXPECT_FALSE(sampler.warming_up());
}

/// Density within |x| <= width alone, which is given.
class BoxEnergy final : public testing::HostEnergy {
 public:
  BoxEnergy() : HostEnergy({line("x"), line("width")}, {"box"}) {}
  bool hard_walls() const override { return true; }
  void evaluate(const EnergyCall& call) const override {
    for (int64_t row = 0; row < call.rows; ++row) {
      const bool inside = std::fabs(static_cast<const double*>(call.position[0])[row]) <=
                          static_cast<const double*>(call.position[1])[row];
      call.energy[row] = inside ? 0 : INFINITY;
      if (call.expert_energy) call.expert_energy[row] = call.energy[row];
      if (call.gradient && call.gradient[0]) static_cast<double*>(call.gradient[0])[row] = 0;
    }
  }
};

// Width 100 and then 1/2: chains that begin between are without density from step 3 on, and say so.
TEST(GivenNumberTest, ChainsThatALevelLeavesWithoutDensityFreezeThere) {
  const BoxEnergy energy;
  RunOptions options = options_of("mala", noisier(100, 1, 3), 400);
  options.values = option_values("mala", {{"step_size", "1e-9"}});
  options.warmup = 0;
  const RunSummary summary =
      run({&energy, given_noise(0.5), 1}, *default_start(energy.variables()), options, {}, std::atomic<bool>{false});
  // Starts are standard normal: P(|x| > 1/2) = .617.
  EXPECT_NEAR(static_cast<double>(summary.frozen_count) / 400, 0.617, 6 * std::sqrt(0.617 * 0.383 / 400));
  ASSERT_FALSE(summary.frozen.empty());
  EXPECT_EQ(summary.frozen[0].step, 3u);
  EXPECT_EQ(summary.frozen[0].expert_energy, std::vector<double>{INFINITY});
}

// ------------------------------------------------------------------------------------------------------- refusals

std::string complaint(const std::string& method, const Schedule& schedule, double temperature) {
  const std::vector<SettingError> errors = option_errors(options_of(method, schedule, 4), temperature);
  return errors.empty() ? "" : errors.front().what();
}

TEST(ScheduleTest, IsRefusedWhereItCannotBe) {
  EXPECT_EQ(complaint("mala", hotter(3, 10), 1), "");
  EXPECT_EQ(complaint("mala", hotter(3, 10), 3),
            "sample.anneal.temperature.from must be above sample.temperature (3), got 3. Raise it, or leave "
            "temperature out");
  EXPECT_EQ(complaint("mala", hotter(INFINITY, 10), 1),
            "sample.anneal.temperature.from must be above sample.temperature (1), got inf. Raise it, or leave "
            "temperature out");
  EXPECT_EQ(complaint("parallel_tempering", hotter(3, 10), 1),
            "sample.anneal.temperature must be left out with parallel_tempering, got 10 levels: its hot replicas do "
            "the same in every step");
  EXPECT_EQ(complaint("ebm_practice", hotter(3, 10), 1),
            "sample.anneal.temperature must be left out with ebm_practice, got 10 levels: its own options set its "
            "temperature");
  EXPECT_EQ(complaint("parallel_tempering", noisier(3, 10, 1), 1), "");
  EXPECT_EQ(complaint("ebm_practice", noisier(3, 10, 1), 1), "");
  EXPECT_EQ(complaint("mala", hotter(3, int64_t{UINT32_MAX}), 1),
            "sample.anneal.levels * sample.anneal.steps + sample.warmup + sample.steps must be <= 4294967295, got "
            "4294967375: the noise counts that far. Take fewer steps");
  Schedule many = hotter(3, int64_t{1} << 40);
  many.steps = int64_t{1} << 40;
  EXPECT_EQ(complaint("mala", many, 1),
            "sample.anneal.levels * sample.anneal.steps + sample.warmup + sample.steps must be <= 4294967295, got more "
            "than 2^63: the noise counts that far. Take fewer steps");
  EXPECT_EQ(complaint("mala", noisier(3, 10, 0), 1), "sample.anneal.steps must be >= 1, got 0");
  EXPECT_EQ(complaint("mala", noisier(3, -1, 1), 1), "sample.anneal.levels must be >= 0, got -1");
  Schedule nothing;
  nothing.levels = 10;
  EXPECT_EQ(complaint("mala", nothing, 1),
            "sample.anneal must have a number that moves (temperature, or a variable that is given), got none. Add "
            "such as temperature: {from: 20}");
}

// The older form has its own keys.
TEST(ScheduleTest, OfACoolingErrorsNameItsKeys) {
  const auto cooling = [](double from, int64_t steps) {
    Schedule schedule = hotter(from, steps);
    schedule.cooling = true;
    return schedule;
  };
  EXPECT_EQ(complaint("mala", cooling(3, 10), 3),
            "sample.cooling.from must be above sample.temperature (3), got 3. Raise it, or leave cooling out");
  EXPECT_EQ(complaint("mala", cooling(INFINITY, 10), 1),
            "sample.cooling.from must be above sample.temperature (1), got inf. Raise it, or leave cooling out");
  EXPECT_EQ(complaint("parallel_tempering", cooling(3, 10), 1),
            "sample.cooling must be left out with parallel_tempering, got 10 steps: its hot replicas do the same in "
            "every step");
  EXPECT_EQ(complaint("ebm_practice", cooling(3, 10), 1),
            "sample.cooling must be left out with ebm_practice, got 10 steps: its own options set its temperature");
  EXPECT_EQ(complaint("mala", cooling(3, int64_t{UINT32_MAX}), 1),
            "sample.cooling.steps + sample.warmup + sample.steps must be <= 4294967295, got 4294967375: the "
            "noise counts that far. Take fewer steps");
}

/// What is wrong with noise that begins at `from` and is given as `to`.
std::string wrong_with(double from, double to, Spacing spacing, double least = -INFINITY,
                       Precision precision = Precision::kFloat64) {
  Schedule schedule = noisier(from, 10, 1);
  schedule.spacing = spacing;
  const std::vector<SettingError> errors =
      schedule_errors(schedule, {line("x"), line("noise", 1, least)}, given_noise(to), precision);
  return errors.empty() ? "" : errors.front().what();
}

TEST(GivenNumberTest, GoesFromWhereItsSpacingReaches) {
  EXPECT_EQ(wrong_with(20, 0.5, Spacing::kGeometric), "");
  EXPECT_EQ(wrong_with(-20, -0.5, Spacing::kGeometric), "");
  EXPECT_EQ(wrong_with(20, 0, Spacing::kKarras), "");
  EXPECT_EQ(wrong_with(-3, 2, Spacing::kLinear), "");
  EXPECT_EQ(wrong_with(20, 0, Spacing::kGeometric),
            "sample.anneal.noise.from and the given value must be other than 0 with spacing: geometric, got 20 and 0. "
            "Use spacing: karras or linear");
  EXPECT_EQ(wrong_with(-20, 0.5, Spacing::kGeometric),
            "sample.anneal.noise.from must have the sign of the given value (0.5) with spacing: geometric, got -20. "
            "Use spacing: linear");
  EXPECT_EQ(wrong_with(-20, 0.5, Spacing::kKarras),
            "sample.anneal.noise.from must have the sign of the given value (0.5) with spacing: karras, got -20. Use "
            "spacing: linear");
  EXPECT_EQ(wrong_with(0.5, 0.5, Spacing::kLinear),
            "sample.anneal.noise.from must differ from the given value (0.5), got 0.5. Leave 'noise' out of "
            "sample.anneal");
  EXPECT_EQ(wrong_with(INFINITY, 0.5, Spacing::kLinear), "sample.anneal.noise.from must be a finite number, got inf");
  EXPECT_EQ(wrong_with(-1, 0.5, Spacing::kLinear, 0),
            "sample.anneal.noise.from must be in the support of 'noise', [0, inf], got -1");
}

TEST(GivenNumberTest, HasANumberAtEveryLevel) {
  EXPECT_EQ(wrong_with(1.7e308, -1.7e308, Spacing::kLinear),
            "sample.anneal.noise.from must be less than 1.79769e+308 away from the given value (-1.7e+308) with "
            "spacing: linear, got 1.7e+308");
  EXPECT_EQ(wrong_with(1e308, 1e-308, Spacing::kGeometric),
            "sample.anneal.noise.from must be a factor of less than 1.79769e+308 away from the given value (1e-308) "
            "with spacing: geometric, got 1e+308");
  EXPECT_EQ(wrong_with(1.7e308, 0, Spacing::kKarras), "");
  EXPECT_EQ(wrong_with(1e39, 1, Spacing::kLinear), "");
  EXPECT_EQ(wrong_with(1e39, 1, Spacing::kLinear, -INFINITY, Precision::kFloat32),
            "sample.anneal.noise.from must be a number of float32, got 1e+39. Use precision: float64");
  for (const Spacing spacing : {Spacing::kGeometric, Spacing::kKarras, Spacing::kLinear}) {
    Schedule schedule = noisier(1.7e308, 10, 1);
    schedule.spacing = spacing;
    for (int64_t level = 0; level <= 10; ++level) EXPECT_TRUE(std::isfinite(schedule.value(level, 1.7e308, 10)));
  }
}

TEST(GivenNumberTest, IsOneRealNumberThatIsGivenWhole) {
  const auto wrong = [](const Variable& noise, const Held& held) {
    const std::vector<SettingError> errors =
        schedule_errors(noisier(20, 10, 1), {line("x"), noise}, {{}, held}, Precision::kFloat64);
    return errors.empty() ? "" : std::string(errors.front().what());
  };
  Variable labels;
  labels.name = "label";
  labels.categories = 10;
  EXPECT_EQ(wrong(labels, {{1}, {3}}),
            "sample.anneal.label must be a real number, got a variable of 10 categories. Leave it out");
  EXPECT_EQ(wrong(line("image", 4), {{1, 1, 1, 1}, {1, 1, 1, 1}}),
            "sample.anneal.image must be a variable of one number, got shape [4]. Let the models read a number of its "
            "own");
  EXPECT_EQ(wrong(line("noise"), {}),
            "sample.anneal.noise must be given, got a variable that is drawn. Add {of: noise, value: NUMBER} to given, "
            "with the value that it moves to");
  // A run refuses the same before it begins.
  const BlurredEnergy energy({});
  try {
    check_run({&energy, {{}, {}}, 1}, noise_options("mala", 4));
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_EQ(error.path(), "sample.anneal.noise");
  }
}

}  // namespace
}  // namespace potluck
