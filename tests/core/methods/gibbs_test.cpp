// SPDX-License-Identifier: Apache-2.0
#include "core/methods/gibbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/backend/rows/labels.h"
#include "core/error.h"
#include "core/methods/block_sweep.h"
#include "core/methods/label_blocks.h"
#include "core/sampling/run/run.h"
#include "tests/core/energies.h"
#include "tests/core/labelled_line.h"

namespace potluck {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::LabelledLine;
using ::testing::ThrowsMessage;

const std::atomic<bool> kGoOn{false};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Keeps labels, numbers and what was counted of every draw, and the checkpoints.
class Keeper final : public Observer {
 public:
  void drew(const Draw& draw) override {
    const auto* label = static_cast<const int64_t*>(draw.position[0]);
    const auto* x = static_cast<const double*>(draw.position[1]);
    const int64_t numbers = 3 * draw.chains;
    labels.emplace_back(label, label + numbers);
    xs.emplace_back(x, x + numbers);
    energies.emplace_back(draw.energy, draw.energy + draw.chains);
    frozen.assign(draw.frozen, draw.frozen + draw.chains);
  }
  void checkpointed(std::span<const std::byte> state, int64_t drawn) override {
    checkpoints.push_back({{state.begin(), state.end()}, static_cast<size_t>(drawn)});
  }
  struct Checkpoint {
    std::vector<std::byte> bytes;
    size_t draws = 0;
  };
  std::vector<Checkpoint> checkpoints;
  std::vector<std::vector<int64_t>> labels;
  std::vector<std::vector<double>> xs, energies;
  std::vector<uint8_t> frozen;
};

/// Keeps the labels of all draws.
class OneLabelKeeper final : public Observer {
 public:
  void drew(const Draw& draw) override {
    const auto* label = static_cast<const int64_t*>(draw.position[0]);
    labels.insert(labels.end(), label, label + draw.chains);
  }
  std::vector<int64_t> labels;
};

struct Result {
  RunSummary summary;
  Keeper kept;
};

/// A sweep of gibbs on the labels and, where x moves, mala on x.
Result sample(const LabelledLine& energy, RunOptions options, const std::vector<Held>& held = {{}, {}},
              std::span<const std::byte> checkpoint = {}) {
  Result result;
  Observer* observers[] = {&result.kept};
  const Target target{&energy, held, 1};
  if (options.blocks.empty()) options.blocks = label_blocks(options, energy.variables(), held);
  result.summary = run(target, *default_start(energy.variables()), options, observers, kGoOn, checkpoint);
  return result;
}

RunOptions options_of(int64_t chains, int64_t warmup, int64_t steps, int64_t thin) {
  RunOptions options;
  options.values = option_values("mala");
  options.chains = chains;
  options.warmup = warmup;
  options.steps = steps;
  options.thin = thin;
  options.threads = 2;
  return options;
}

Held whole(const std::vector<double>& value) { return {std::vector<uint8_t>(value.size(), 1), value}; }

/// The draw of one row of energies.
int64_t drawn(std::vector<double> energy, double u, double temperature = 1) {
  bool failed = false;
  const int64_t label =
      formula::label_of(energy.data(), 1, static_cast<int64_t>(energy.size()), temperature, u, failed);
  EXPECT_FALSE(failed);
  return label;
}

// P = (1, 2, 1) / 4, up to 1/4 and 3/4.
TEST(GibbsTest, DrawsALabelByTheInverseOfItsCumulatedProbabilities) {
  const std::vector<double> energy = {700 + std::log(2.0), 700, 700 + std::log(2.0)};
  EXPECT_EQ(drawn(energy, 0x1p-53), 0);
  EXPECT_EQ(drawn(energy, 0.2499), 0);
  EXPECT_EQ(drawn(energy, 0.2501), 1);
  EXPECT_EQ(drawn(energy, 0.7499), 1);
  EXPECT_EQ(drawn(energy, 0.7501), 2);
  EXPECT_EQ(drawn(energy, 1 - 0x1p-53), 2);
  // At T = 1/2 P = (1, 4, 1) / 6.
  EXPECT_EQ(drawn(energy, 0.1666, 0.5), 0);
  EXPECT_EQ(drawn(energy, 0.1667, 0.5), 1);
  EXPECT_EQ(drawn(energy, 0.8334, 0.5), 2);
}

TEST(GibbsTest, NeverDrawsALabelWithoutDensity) {
  for (const double u : {0x1p-53, 0.5, 1 - 0x1p-53}) EXPECT_EQ(drawn({kInfinity, -3, kInfinity}, u), 1);
  EXPECT_EQ(drawn({kInfinity, 0, 0, kInfinity}, 1 - 0x1p-53), 2);
  EXPECT_EQ(drawn({kInfinity, kInfinity}, 0.5), formula::kNoLabel);
}

TEST(GibbsTest, SaysWhichLabelFails) {
  for (const double fails : {std::nan(""), -kInfinity}) {
    std::vector<double> energy = {1, kInfinity, fails, fails};
    bool failed = false;
    EXPECT_EQ(formula::label_of(energy.data(), 1, 4, 1, 0.5, failed), 2);
    EXPECT_TRUE(failed);
  }
}

TEST(GibbsTest, ReadsTheUniformOfItsElement) {
  const NoiseAddress at{7, variable_key("label"), 11, 13, Purpose::kLabel};
  std::vector<double> expected(5), found;
  uniforms(at, 5, expected.data());
  const uint32_t chain[] = {0, 11};
  for (int64_t element = 0; element < 5; ++element)
    found.push_back(formula::label_uniform(
        {.element = element, .seed = 7, .variable = variable_key("label"), .chain = chain}, 13, 1));
  EXPECT_EQ(found, expected);
}

TEST(GibbsTest, GivesTheSameBitsForAnyThreadsChainsAndCuts) {
  const LabelledLine energy({});
  RunOptions options = options_of(400, 80, 20, 20);
  const Keeper reference = sample(energy, options).kept;
  options.threads = 5;
  EXPECT_EQ(sample(energy, options).kept.labels.at(0), reference.labels.at(0));
  options.thin = 5;
  const Keeper cut = sample(energy, options).kept;
  EXPECT_EQ(cut.labels.at(3), reference.labels.at(0));
  EXPECT_EQ(cut.xs.at(3), reference.xs.at(0));
  options.chains = 256;  // the cohort alone
  const Keeper cohort = sample(energy, options).kept;
  EXPECT_TRUE(std::equal(cohort.labels.at(3).begin(), cohort.labels.at(3).end(), reference.labels.at(0).begin()));
  options.chains = 400;
  options.rank = {300, 100};
  const Keeper rank = sample(energy, options).kept;
  EXPECT_TRUE(std::equal(rank.labels.at(3).begin(), rank.labels.at(3).end(), reference.labels.at(0).begin() + 900));
  EXPECT_TRUE(std::equal(rank.xs.at(3).begin(), rank.xs.at(3).end(), reference.xs.at(0).begin() + 900));
}

TEST(GibbsTest, GoesOnBitForBitFromAnyStep) {
  const LabelledLine energy({});
  RunOptions options = options_of(20, 80, 20, 5);
  options.checkpoint_every = 1;
  const Keeper all = sample(energy, options).kept;
  ASSERT_EQ(all.checkpoints.size(), 80u + 20u + 1u);
  for (const Keeper::Checkpoint& from : all.checkpoints) {
    const Keeper rest = sample(energy, options, {{}, {}}, from.bytes).kept;
    const auto behind = static_cast<std::ptrdiff_t>(from.draws);
    ASSERT_TRUE(std::equal(rest.labels.begin(), rest.labels.end(), all.labels.begin() + behind, all.labels.end()));
    ASSERT_TRUE(std::equal(rest.xs.begin(), rest.xs.end(), all.xs.begin() + behind, all.xs.end()));
  }
}

// The energies of all labels at once are those of one evaluation for each.
TEST(GibbsTest, DrawsTheSameWhereAllLabelsAreEvaluatedOneAfterTheOther) {
  const RunOptions options = options_of(300, 80, 20, 5);
  const Result at_once = sample(LabelledLine({}), options), apart = sample(LabelledLine({.offers = false}), options);
  EXPECT_EQ(at_once.kept.labels, apart.kept.labels);
  EXPECT_EQ(at_once.kept.xs, apart.kept.xs);
  EXPECT_EQ(at_once.kept.energies, apart.kept.energies);
  // In a step: 3 elements of 1 or of K = 3 evaluations and one behind them; a proposal of mala and one behind it.
  EXPECT_EQ(at_once.summary.evaluations, 20 * (3 + 1 + 1 + 1));
  EXPECT_EQ(apart.summary.evaluations, 20 * (3 * 3 + 1 + 1 + 1));
}

TEST(GibbsTest, LeavesEnergiesThatBelongToTheDraw) {
  const LabelledLine energy({});
  const Keeper kept = sample(energy, options_of(50, 80, 20, 5)).kept;
  for (size_t draw = 0; draw < kept.labels.size(); ++draw)
    for (size_t chain = 0; chain < 50; ++chain)
      ASSERT_EQ(kept.energies[draw][chain], energy.energy(&kept.labels[draw][3 * chain], &kept.xs[draw][3 * chain]));
}

TEST(GibbsTest, LeavesLabelsThatAreGivenWhereTheyAre) {
  const LabelledLine energy({});
  const Held second = {{0, 1, 0}, {0, 2, 0}};
  const Keeper kept = sample(energy, options_of(300, 0, 20, 10), {second, whole({0, 0, 0})}).kept;
  int64_t seen[3] = {};
  for (size_t i = 0; i < kept.labels.back().size(); ++i) {
    if (i % 3 == 1) {
      ASSERT_EQ(kept.labels.back()[i], 2);
    }
    if (i % 3 == 0) ++seen[kept.labels.back()[i]];
  }
  EXPECT_THAT(seen, Each(::testing::Gt(0)));
  EXPECT_THAT(kept.xs.back(), Each(0));
}

TEST(GibbsTest, IsNoPartOfTheAcceptance) {
  const Result result = sample(LabelledLine({}), options_of(300, 200, 200, 10));
  EXPECT_NEAR(result.summary.acceptance, 0.574, 0.1);  // that of mala, which warm-up tunes to .574
  EXPECT_EQ(result.summary.step_size, result.summary.blocks.at(1).step_size);
  EXPECT_EQ(result.summary.blocks.at(0).step_size, 0);
  const Result alone = sample(LabelledLine({}), options_of(300, 0, 20, 10), {{}, whole({0, 0, 0})});
  EXPECT_EQ(alone.summary.acceptance, 1);
  EXPECT_EQ(alone.summary.step_size, 0);
  EXPECT_EQ(alone.summary.method, "sweep of gibbs");
  EXPECT_EQ(alone.summary.sums.energy_error.count, 0);
}

// A chain stays out of a state without density, though a label beside it leads there.
TEST(GibbsTest, StaysWhereThereIsDensity) {
  for (const bool offers : {true, false}) {
    const LabelledLine energy({.offers = offers, .forbidden = 1});
    const Keeper kept = sample(energy, options_of(300, 0, 20, 5), {{}, whole({0, 0, 0})}).kept;
    for (const std::vector<int64_t>& labels : kept.labels)
      for (size_t i = 0; i < labels.size(); i += 3) ASSERT_NE(labels[i], 1);
    EXPECT_THAT(kept.frozen, Each(0));
  }
}

TEST(GibbsTest, FreezesWhereALabelHasNoNumberForAnEnergy) {
  for (const bool offers : {true, false}) {
    const LabelledLine energy({.offers = offers, .broken = 2});
    EXPECT_THAT(
        [&] {
          sample(energy, options_of(300, 0, 20, 5), {{}, whole({0, 0, 0})});
        },
        ThrowsMessage<NumericalError>(::testing::AllOf(
            ::testing::StartsWith("step 0: all 300 chains became non-finite (first: chain 0, expert 'line' = "
                                  "nan, at label = ["),
            ::testing::HasSubstr("]). Let chains begin elsewhere (sample.start), or mend the expert: energies of all "
                                 "labels are asked for"))));
  }
  // Where numbers move too.
  EXPECT_THAT(
      [] {
        const LabelledLine one({.n = 1, .field = {0, 0}, .mean = {0, 1}, .broken = 1});
        RunOptions options = options_of(4, 20, 20, 5);
        options.blocks = label_blocks(options, one.variables(), {{}, {}});
        run(Target{&one, {{}, {}}, 1}, *default_start(one.variables()), options, {}, kGoOn);
      },
      ThrowsMessage<NumericalError>(::testing::MatchesRegex(
          "step [0-9]+: all 4 chains became non-finite \\(first: chain 0, expert 'line' = nan, at label = 1\\)\\. "
          ".*[Mm]end the expert, whose energies of all labels are asked for, or lower step_size \\(now .*\\)")));
  // The others go on: of two elements that are given nothing can be broken.
  const LabelledLine energy({.broken = 2});
  const Held first = {{1, 0, 0}, {0, 0, 0}};
  EXPECT_EQ(sample(energy, options_of(300, 0, 20, 5), {first, whole({0, 0, 0})}).summary.frozen_count, 0);
}

/// Share of label 1 in the draws of two labels whose numbers are `apart`, of equal mass: 1/2.
double share_of_two(double apart, int64_t warmup) {
  const LabelledLine energy({.n = 1, .field = {0, 0}, .mean = {0, apart}});
  RunOptions options = options_of(200, warmup, 100, 10);
  options.values = option_values("mala", {{"step_size", "0.5"}});
  double ones = 0, all = 0;
  OneLabelKeeper kept;
  Observer* observers[] = {&kept};
  options.blocks = label_blocks(options, energy.variables(), {{}, {}});
  run(Target{&energy, {{}, {}}, 1}, *default_start(energy.variables()), options, observers, kGoOn);
  for (const int64_t label : kept.labels) {
    ones += static_cast<double>(label);
    ++all;
  }
  return ones / all;
}

// Numbers begin at N(0, 1). Were a label drawn there, all chains would have label 0, whose mean is 0, and 12 is too far
// for them to change it: a draw at x = 0 has label 1 with a probability of e^-72.
TEST(GibbsTest, HoldsLabelsUntilNumbersAreWhereTheyHaveDensity) {
  EXPECT_DOUBLE_EQ(share_of_two(12, 400), 0.5);  // 100 chains of each label begin, and none changes it
  EXPECT_DOUBLE_EQ(share_of_two(12, 0), 0);      // the twin: nothing is held
  // Labels that change all the time are drawn all the same: 200 chains of 10 nearly independent draws.
  EXPECT_NEAR(share_of_two(0.5, 400), 0.5, 6 * std::sqrt(0.25 / 1000));
}

TEST(GibbsTest, HoldsLabelsOnlyWhereNumbersMoveToo) {
  const std::vector<Variable> variables = LabelledLine({}).variables();
  EXPECT_EQ(steps_of_held_labels(variables, {{}, {}}, 400), 100);
  EXPECT_EQ(steps_of_held_labels(variables, {{}, {}}, 3), 0);
  EXPECT_EQ(steps_of_held_labels(variables, {{}, whole({0, 0, 0})}, 400), 0);
  EXPECT_EQ(steps_of_held_labels(variables, {whole({0, 0, 0}), {}}, 400), 0);
}

TEST(GibbsTest, MakesBlocksForLabelsThatMove) {
  const std::vector<Variable> variables = LabelledLine({}).variables();
  MethodChoice choice;
  choice.method = "hmc";
  choice.values = option_values("hmc");
  const auto names = [](const std::vector<BlockOptions>& blocks) {
    std::vector<std::string> all;
    for (const BlockOptions& block : blocks) all.push_back(block.method + " on " + block.variables.at(0));
    return all;
  };
  EXPECT_THAT(names(label_blocks(choice, variables, {{}, {}})), ElementsAre("gibbs on label", "hmc on x"));
  EXPECT_THAT(names(label_blocks(choice, variables, {{}, whole({0, 0, 0})})), ElementsAre("gibbs on label"));
  EXPECT_THAT(names(label_blocks(choice, variables, {whole({0, 0, 0}), {}})), ElementsAre());
}

std::vector<std::string> refused(const std::string& method, const OptionWords& words = {},
                                 const std::vector<Held>& held = {{}, {}}) {
  MethodChoice choice;
  choice.method = method;
  choice.values = option_values(method, words);
  std::vector<std::string> all;
  for (const SettingError& error : label_errors(choice, LabelledLine({}).variables(), held))
    all.emplace_back(error.what());
  return all;
}

TEST(GibbsTest, RefusesMethodsThatCannotLeaveLabelsToIt) {
  EXPECT_THAT(refused("mala"), ElementsAre());
  EXPECT_THAT(refused("gibbs", {}, {{}, whole({0, 0, 0})}), ElementsAre());
  EXPECT_THAT(refused("gibbs"),
              ElementsAre("sample.method must be one that moves numbers, got gibbs, which draws labels alone: 'x' "
                          "moves too. Use mala or hmc: gibbs draws 'label' all the same"));
  EXPECT_THAT(refused("parallel_tempering"),
              ElementsAre("sample.method must be one that can move a part of the variables where gibbs draws 'label', "
                          "got 'parallel_tempering'. Use mala or hmc, or give 'label'"));
  EXPECT_THAT(refused("parallel_tempering", {}, {whole({0, 0, 0}), {}}), ElementsAre());
  EXPECT_THAT(refused("hmc", {{"metric", "dense"}}),
              ElementsAre("sample.metric must be auto or identity where gibbs draws 'label', got dense: its matrix is "
                          "of all variables together. Use auto, or give 'label'"));
}

TEST(GibbsTest, RunsRefuseLabelsThatNothingDraws) {
  const LabelledLine energy({});
  const Target target{&energy, {{}, {}}, 1};
  EXPECT_THAT([&] { check_run(target, options_of(1, 100, 1, 1)); },
              ThrowsMessage<SettingError>("sample.blocks must have one with gibbs for 'label', which is categorical "
                                          "and moves, got no blocks. label_blocks() makes them"));
  RunOptions numbers = options_of(1, 100, 1, 1);
  numbers.method = "gibbs";
  numbers.values = {};
  EXPECT_THAT(
      [&] {
        check_run({&energy, {whole({0, 0, 0}), {}}, 1}, numbers);
      },
      ThrowsMessage<SettingError>(
          "sample.method must be one that moves numbers, got gibbs, which draws labels alone: 3 numbers that "
          "are no labels move alone. Use mala or hmc"));
}

TEST(GibbsTest, SpeaksOfLabelsOnlyWhereThereAreSome) {
  Variable x;
  x.name = "x";
  const testing::RowEnergy energy = testing::normal_energy(x, 1);
  RunOptions options = options_of(1, 100, 1, 1);
  options.method = "gibbs";
  options.values = {};
  EXPECT_THAT(
      [&] {
        check_run({&energy, {{}}, 1}, options);
      },
      ThrowsMessage<SettingError>("sample.method must be one that moves numbers, got gibbs, which draws labels "
                                  "alone: 1 number that is no label moves alone. Use mala or hmc"));
}

}  // namespace
}  // namespace potluck
