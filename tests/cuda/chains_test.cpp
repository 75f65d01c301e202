// SPDX-License-Identifier: Apache-2.0
// Whole runs of small compositions on the device against the same runs on the CPU.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/sampling/run/run.h"
#include "tests/cuda/composed_on.h"
#include "tests/cuda/visible_device.h"

namespace potluck {
namespace {

using CudaChainsTest = testing::VisibleDeviceTest;

/// Positions of the first variable at every draw, as doubles.
class Keeper final : public Observer {
 public:
  Keeper(int64_t n, Precision precision) : n_(n), precision_(precision) {}
  void drew(const Draw& draw) override {
    for (int64_t i = 0; i < draw.chains * n_; ++i) {
      positions.push_back(precision_ == Precision::kFloat32
                              ? static_cast<double>(static_cast<const float*>(draw.position[0])[i])
                              : static_cast<const double*>(draw.position[0])[i]);
    }
  }
  void checkpointed(std::span<const std::byte> state, int64_t) override {
    checkpoints.emplace_back(state.begin(), state.end());
  }
  std::vector<double> positions;
  std::vector<std::vector<std::byte>> checkpoints;

 private:
  int64_t n_;
  Precision precision_;
};

struct Outcome {
  std::vector<double> positions;
  std::vector<std::vector<std::byte>> checkpoints;
  RunSummary summary;
};

Outcome sample(const std::string& text, Device device, int64_t checkpoint_every = 0,
               std::span<const std::byte> checkpoint = {}) {
  const testing::ComposedOn composed(text, device);
  const Composition& composition = composed.composition;
  const SampleSettings& settings = composition.sample;
  RunOptions run_options;
  run_options.method = settings.method;
  run_options.values = settings.method_values;
  run_options.chains = settings.chains;
  run_options.warmup = settings.warmup;
  run_options.steps = settings.steps;
  run_options.thin = settings.thin;
  run_options.seed = settings.seed;
  run_options.threads = 2;
  run_options.checkpoint_every = checkpoint_every;
  Keeper keeper(composition.variables[0].size(), settings.precision);
  Observer* observers[] = {&keeper};
  const std::atomic<bool> go_on{false};
  Outcome outcome;
  outcome.summary = run({composed.plan.get(), composition.held, settings.temperature},
                        *default_start(composition.variables), run_options, observers, go_on, checkpoint);
  outcome.checkpoints = std::move(keeper.checkpoints);
  outcome.positions = std::move(keeper.positions);
  return outcome;
}

using testing::kCpu, testing::kCuda;

std::string quartic(const std::string& sample) {
  return "potluck: 1\n"
         "variables:\n  x: {shape: [5], support: [-1.5, 1.5]}\n"
         "energies:\n  e: {model: quartic, inputs: x}\n"
         "target: e\n"
         "given: [{of: first, value: 0.25}]\n"
         "views:\n  first: {of: x, slice: [\"0:1\"]}\n"
         "sample: {" +
         sample + ", chains: 300, seed: 3}\n";
}

std::string mixture_of_views(const std::string& method) {
  return "potluck: 1\n"
         "variables:\n  x: {shape: [4]}\n"
         "views:\n  pairs: {of: x, patches: [2], stride: [1]}\n"
         "energies:\n"
         "  left: {model: gaussian, settings: {mean: [-2], variance: [1]}, inputs: x}\n"
         "  right: {model: gaussian, settings: {mean: [2], variance: [1]}, inputs: x}\n"
         "  either: {mixture: [{energy: left, weight: 0.25}, {energy: right, weight: 0.75}]}\n"
         "  quiet: {each: {over: pairs, energy: {model: quartic, settings: {coefficient: [0.01]}}}}\n"
         "  both: {product: [either, quiet]}\n"
         "target: both\n"
         "sample: {method: " +
         method + ", chains: 600, warmup: 300, steps: 200, thin: 200, seed: 5}\n";
}

// Moves that sum over no row. A block of 20 steps comes four times: it is launched, captured and replayed.
const std::vector<std::string> kElementwise = {
    "method: langevin, step_size: 0.01, warmup: 30, steps: 80, thin: 20",
    "method: ebm_practice, step: 1, warmup: 0, steps: 80, thin: 20",
    "method: baoab, step_size: 0.1, friction: 1.5, warmup: 30, steps: 80, thin: 20",
    "method: obabo, step_size: 0.1, friction: 1.5, warmup: 30, steps: 80, thin: 20",
    "method: leimkuhler_matthews, step_size: 0.12, warmup: 30, steps: 80, thin: 20"};

// Moves that sum over rows.
const std::vector<std::string> kSummed = {
    "method: mala, step_size: 0.05, warmup: 0, steps: 50, thin: 50",
    "method: hmc, step_size: 0.15, trajectory_length: 0.6, warmup: 0, steps: 50, thin: 50",
    "method: ghmc, step_size: 0.15, leapfrogs: 2, warmup: 0, steps: 50, thin: 50",
    "method: mclmc, step_size: 0.1, warmup: 0, steps: 50, thin: 50",
    "method: adjusted_mclmc, step_size: 0.2, warmup: 0, steps: 50, thin: 50",
    "method: parallel_tempering, step_size: 0.05, replicas: 4, ladder: geometric, warmup: 0, steps: 50, thin: 50"};

// Needs no device: what the tests below sample is sound.
TEST(CudaCompositionsTest, RunOnTheCpu) {
  std::vector<std::string> texts = {mixture_of_views("mala"), mixture_of_views("hmc")};
  for (const std::string& one : kElementwise) texts.push_back(quartic(one));
  for (const std::string& one : kSummed) texts.push_back(quartic(one));
  for (const std::string& text : texts) EXPECT_EQ(sample(text, kCpu).summary.frozen_count, 0) << text;
}

// An elementwise energy of correctly rounded operations: the same bits on both devices, faces and held values included.
TEST_F(CudaChainsTest, MovesOfAnElementwiseEnergyHaveTheBitsOfTheCpu) {
  for (const std::string& one : kElementwise) {
    for (const char* precision : {"float32", "float64"}) {
      const std::string text = quartic(fmt::format("{}, precision: {}", one, precision));
      EXPECT_EQ(sample(text, kCuda).positions, sample(text, kCpu).positions) << text;
    }
  }
}

// Their sums are made in another order, so now and then another decision may fall, and the kicks of the microcanonical
// ones differ by rounding, 1e-16 a kick, which 50 steps raise to less than 1e-7; nearly all chains agree.
TEST_F(CudaChainsTest, MovesThatSumOverRowsAgreeWithTheCpu) {
  for (const std::string& one : kSummed) {
    const std::string text = quartic(one + ", precision: float64");
    const Outcome cpu = sample(text, kCpu), cuda = sample(text, kCuda);
    ASSERT_EQ(cpu.positions.size(), cuda.positions.size());
    int64_t apart = 0;
    for (size_t i = 0; i < cpu.positions.size(); ++i) apart += std::fabs(cpu.positions[i] - cuda.positions[i]) > 1e-7;
    EXPECT_LE(apart, static_cast<int64_t>(cpu.positions.size()) / 100) << text;
    EXPECT_NEAR(cpu.summary.acceptance, cuda.summary.acceptance, 0.005) << text;
  }
}

TEST_F(CudaChainsTest, GoesOnFromACheckpointWithTheSameBits) {
  for (const char* method : {"mala", "hmc", "baoab", "ghmc, step_size: 0.1", "mclmc", "parallel_tempering"}) {
    const std::string text = mixture_of_views(method);
    const Outcome whole = sample(text, kCuda, 150);
    ASSERT_FALSE(whole.checkpoints.empty()) << method;
    for (const std::vector<std::byte>& checkpoint : whole.checkpoints) {
      const bool complete = &checkpoint == &whole.checkpoints.back();  // which has nothing left to draw
      const std::vector<double> rest = sample(text, kCuda, 0, checkpoint).positions;
      EXPECT_EQ(rest, complete ? std::vector<double>() : whole.positions) << method;
    }
  }
}

TEST_F(CudaChainsTest, TunesOnTheCohortAndSamplesAMixtureOfViews) {
  for (const char* method : {"mala", "hmc"}) {
    const std::string text = mixture_of_views(method);
    const Outcome cpu = sample(text, kCpu), cuda = sample(text, kCuda);
    EXPECT_NEAR(cuda.summary.acceptance, cpu.summary.acceptance, 0.03) << method;
    EXPECT_NEAR(cuda.summary.step_size / cpu.summary.step_size, 1, 0.1) << method;
    double cpu_mean = 0, cuda_mean = 0;
    for (const double x : cpu.positions) cpu_mean += x / static_cast<double>(cpu.positions.size());
    for (const double x : cuda.positions) cuda_mean += x / static_cast<double>(cuda.positions.size());
    EXPECT_NEAR(cpu_mean, cuda_mean, 0.3) << method;
  }
}

}  // namespace
}  // namespace potluck
