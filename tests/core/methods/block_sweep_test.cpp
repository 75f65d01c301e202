// SPDX-License-Identifier: Apache-2.0
#include "core/methods/block_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/methods/block_errors.h"
#include "tests/core/energies.h"
#include "tests/core/quadratic_energy.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
using testing::line;
using testing::QuadraticEnergy;

const std::atomic<bool> kGoOn{false};

/// A block whose method has its first options as written, the others at their presets.
BlockOptions block(const std::vector<std::string>& variables, const std::string& method_name,
                   const OptionWords& words = {}) {
  return {variables, method_name, option_values(method_name, words)};
}

/// x and y of variance 1 and correlation .6, and z of variance 10^-4 on its own.
QuadraticEnergy three_variables() {
  const double p = 1 / 0.64;
  return {{line("x"), line("y"), line("z")}, {{p, -0.6 * p, 0}, {-0.6 * p, p, 0}, {0, 0, 1e4}}};
}

/// Keeps every draw of every variable, and energies.
class AllKeeper final : public Observer {
 public:
  void drew(const Draw& draw) override {
    std::vector<double>& one = draws.emplace_back();
    for (const void* variable : draw.position)
      one.insert(one.end(), static_cast<const double*>(variable), static_cast<const double*>(variable) + draw.chains);
    energies.emplace_back(draw.energy, draw.energy + draw.chains);
    acceptances.emplace_back(draw.acceptance, draw.acceptance + draw.chains);
  }
  void checkpointed(std::span<const std::byte> state, int64_t drawn) override {
    checkpoints.push_back({{state.begin(), state.end()}, static_cast<size_t>(drawn)});
  }
  struct Checkpoint {
    std::vector<std::byte> bytes;
    size_t draws = 0;
  };
  std::vector<Checkpoint> checkpoints;
  std::vector<std::vector<double>> draws, energies, acceptances;
};

struct Result {
  RunSummary summary;
  AllKeeper kept;
};

Result sample(const QuadraticEnergy& energy, const RunOptions& options, std::span<const std::byte> checkpoint = {}) {
  Result result;
  Observer* observers[] = {&result.kept};
  const Target target{&energy, {{}, {}, {}}, 1};
  result.summary = run(target, *default_start(energy.variables()), options, observers, kGoOn, checkpoint);
  return result;
}

RunOptions swept(std::vector<BlockOptions> blocks, int64_t chains, int64_t warmup, int64_t steps, int64_t thin) {
  RunOptions options;
  options.blocks = std::move(blocks);
  options.chains = chains;
  options.warmup = warmup;
  options.steps = steps;
  options.thin = thin;
  options.threads = 2;
  return options;
}

const std::vector<BlockOptions> kTuned = {block({"x"}, "hmc"), block({"y"}, "baoab"), block({"z"}, "mala")};

TEST(BlockSweepTest, GivesTheSameBitsForAnyThreadsChainsAndCuts) {
  const QuadraticEnergy energy = three_variables();
  RunOptions options = swept(kTuned, 400, 80, 20, 20);
  const std::vector<double> reference = sample(energy, options).kept.draws.at(0);
  options.threads = 5;
  EXPECT_EQ(sample(energy, options).kept.draws.at(0), reference);
  options.thin = 5;
  EXPECT_EQ(sample(energy, options).kept.draws.at(3), reference);
  // The cohort alone.
  options.chains = 256;
  const std::vector<double> cohort = sample(energy, options).kept.draws.at(3);
  for (size_t v = 0; v < 3; ++v)
    for (size_t chain = 0; chain < 256; ++chain) ASSERT_EQ(cohort[v * 256 + chain], reference[v * 400 + chain]);
}

TEST(BlockSweepTest, GoesOnBitForBitFromAnyStep) {
  const QuadraticEnergy energy = three_variables();
  RunOptions options = swept(kTuned, 300, 80, 20, 5);
  options.checkpoint_every = 1;
  const AllKeeper whole = sample(energy, options).kept;
  // The warm-up, the drawing, and the end.
  ASSERT_EQ(whole.checkpoints.size(), 80u + 20u + 1u);
  const auto same = [&](const AllKeeper::Checkpoint& from) {
    const AllKeeper rest = sample(energy, options, from.bytes).kept;
    return std::equal(rest.draws.begin(), rest.draws.end(), whole.draws.begin() + static_cast<int64_t>(from.draws),
                      whole.draws.end());
  };
  for (const size_t at : {0u, 6u, 17u, 35u, 55u, 63u, 78u, 79u, 80u, 86u, 99u})
    EXPECT_TRUE(same(whole.checkpoints[at])) << "checkpoint " << at;
  // The twin: the step counter lost one. It stands behind the version and the phase.
  AllKeeper::Checkpoint broken = whole.checkpoints[17];
  int64_t step = 0;
  std::memcpy(&step, &broken.bytes[5], sizeof step);
  ASSERT_EQ(step, 18);
  --step;
  std::memcpy(&broken.bytes[5], &step, sizeof step);
  EXPECT_FALSE(same(broken));
}

// z is a hundred times narrower than the others: one step size for all would be z's.
TEST(BlockSweepTest, TunesEveryBlockOnItsOwnMoves) {
  const QuadraticEnergy energy = three_variables();
  const Result result = sample(
      energy, swept({block({"x", "y"}, "mala"), block({"z"}, "mala", {{"step_size", "auto"}, {"metric", "identity"}})},
                    512, 400, 100, 1));
  ASSERT_EQ(result.summary.blocks.size(), 2u);
  EXPECT_EQ(result.summary.method, "sweep of mala");
  EXPECT_TRUE(result.summary.exact_method);
  EXPECT_EQ(result.summary.step_size, result.summary.blocks[1].step_size);
  EXPECT_GT(result.summary.blocks[0].step_size, 1000 * result.summary.blocks[1].step_size);
  EXPECT_NEAR(result.summary.acceptance, 0.574, 0.03);
  double squares = 0;
  for (size_t chain = 0; chain < 512; ++chain) squares += std::pow(result.kept.draws.back()[2 * 512 + chain], 2);
  // Of 512 chains: SE of the variance 10^-4 sqrt(2/512).
  EXPECT_NEAR(squares / 512, 1e-4, 6 * 1e-4 * std::sqrt(2.0 / 512));
}

// A block whose steps are given has them; its moves are not another block's acceptance.
TEST(BlockSweepTest, LeavesABlockWithAStepSizeAlone) {
  const QuadraticEnergy energy = three_variables();
  const Result result = sample(
      energy, swept({block({"x", "y"}, "mala", {{"step_size", "auto"}}), block({"z"}, "mala", {{"step_size", "1e-9"}})},
                    512, 400, 100, 1));
  EXPECT_EQ(result.summary.blocks[1].step_size, 1e-9);
  // The tiny steps of z are all accepted.
  EXPECT_NEAR(result.summary.acceptance, (0.574 + 1) / 2, 0.03);
}

TEST(BlockSweepTest, DrawsHaveTheEnergyOfTheirPositions) {
  const QuadraticEnergy energy = three_variables();
  const Result result = sample(energy, swept(kTuned, 64, 80, 10, 1));
  const std::vector<double>& x = result.kept.draws.back();
  for (size_t chain = 0; chain < 64; ++chain) {
    const double a = x[chain], b = x[64 + chain], c = x[128 + chain];
    EXPECT_NEAR(result.kept.energies.back()[chain], (a * a - 1.2 * a * b + b * b) / 1.28 + 5e3 * c * c, 1e-9);
  }
}

TEST(BlockSweepTest, CountsTheEvaluationsOfItsBlocksAndOneMoreForEach) {
  const BlockSweep sweep(
      {block({"x"}, "mala", {{"step_size", "0.1"}}), block({"y"}, "ghmc", {{"step_size", "0.1"}, {"leapfrogs", "3"}})});
  EXPECT_EQ(sweep.evaluations({0, 10}), 10 * (1 + 1 + 3 + 1));
  EXPECT_EQ(sweep.decisions(), 2);
}

TEST(BlockSweepTest, ShowsABlockItsVariablesAloneAndNoMoreThanItNeeds) {
  const QuadraticEnergy energy = three_variables();
  Group group;
  group.target = &energy;
  double numbers[6] = {};
  for (int v = 0; v < 3; ++v) {
    Block one = block_of(v, energy.variables()[static_cast<size_t>(v)]);
    one.moving = 1;
    one.velocity = one.proposal_velocity = numbers;
    group.blocks.push_back(one);
    group.current.push_back(&numbers[v]);
    group.proposed.push_back(&numbers[3 + v]);
    group.current_gradient.push_back(numbers);
    group.proposed_gradient.push_back(numbers);
  }
  const int variables[] = {1, 2};
  const Group some = group.of_variables(variables, {.velocity = true});
  EXPECT_EQ(some.dimension, 2);
  EXPECT_EQ(some.decision_key, variable_key("y"));
  EXPECT_THAT(some.proposed, ElementsAre(&numbers[0], &numbers[4], &numbers[5]));
  EXPECT_THAT(some.proposed_gradient, ElementsAre(nullptr, numbers, numbers));
  EXPECT_THAT(some.current_gradient, ElementsAre(nullptr, numbers, numbers));
  EXPECT_EQ(some.blocks[0].velocity, numbers);
  EXPECT_EQ(some.blocks[0].proposal_velocity, nullptr);
}

std::vector<std::string> texts(const std::vector<BlockOptions>& blocks) {
  Variable label = line("label"), kind = line("kind");
  label.categories = kind.categories = 10;
  Held given;
  given.mask = {1};
  given.value = {0};
  std::vector<std::string> all;
  for (const SettingError& error :
       block_errors(blocks, {line("code"), line("image"), label, line("known"), kind}, {{}, {}, given, given, {}}))
    all.emplace_back(error.what());
  return all;
}

TEST(BlockSweepTest, RefusesBlocksThatDoNotCoverWhatMovesOnce) {
  const BlockOptions kind = block({"kind"}, "gibbs");
  EXPECT_THAT(texts({kind, block({"code"}, "mala"), block({"image"}, "hmc")}), ElementsAre());
  EXPECT_THAT(texts({block({"cod"}, "mala")}),
              ElementsAre("sample.blocks[0] must name variables, got 'cod'. Did you mean 'code'?"));
  EXPECT_THAT(texts({block({"code"}, "mala"), block({"image", "code"}, "mala")}),
              ElementsAre("sample.blocks[1] must name variables of no other block, got 'code', which is in "
                          "sample.blocks[0]. Leave it in one"));
  EXPECT_THAT(
      texts({block({"code", "label", "known"}, "mala"), block({}, "mala")}),
      ElementsAre("sample.blocks[0] must name variables that move, got 'label', which is given whole. Leave it out",
                  "sample.blocks[0] must name variables that move, got 'known', which is given whole. Leave it out",
                  "sample.blocks[1] must name at least one variable, got none"));
  EXPECT_THAT(
      texts({kind, block({"code"}, "mala")}),
      ElementsAre("sample.blocks must name every variable that moves, got no block with 'image'. Add it to one"));
  EXPECT_THAT(texts({block({"code", "image"}, "ebm_practice")}),
              ElementsAre("sample.blocks[0].method must be one that can move a part of the variables, got "
                          "'ebm_practice'. Use mala or hmc"));
  EXPECT_THAT(texts({block({"code", "image"}, "mala")}),
              ElementsAre("sample.blocks must name every variable that moves, got no block with 'kind'. Add "
                          "{variables: [kind], method: gibbs}"));
  EXPECT_THAT(texts({block({"code", "kind"}, "mala"), block({"image"}, "gibbs")}),
              ElementsAre("sample.blocks[0].method must be gibbs for 'kind', which is categorical, got 'mala'. Give it "
                          "a block of its own: {variables: [kind], method: gibbs}",
                          "sample.blocks[1].method must be one that moves numbers for 'image', got gibbs, which draws "
                          "labels alone. Use mala or hmc"));
}

TEST(BlockSweepTest, ChecksAMethodAgainstItsBlockAlone) {
  const QuadraticEnergy energy = three_variables();
  const Target target{&energy, {{}, {}, {}}, 1};
  EXPECT_NO_THROW(check_run(target, swept({block({"x", "y"}, "mclmc"), block({"z"}, "mala")}, 1, 100, 1, 1)));
  try {
    check_run(target, swept({block({"x", "y"}, "mala"), block({"z"}, "mclmc")}, 1, 100, 1, 1));
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(),
                 "sample.blocks[1].method mclmc must have at least 2 coordinates that move, got 1: a direction in one "
                 "dimension cannot turn. Use hmc");
  }
}

}  // namespace
}  // namespace potluck
