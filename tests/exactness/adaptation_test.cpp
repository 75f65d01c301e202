// SPDX-License-Identifier: Apache-2.0
// What warm-up finds: a 50-dimensional normal with variances geometric from 1 to 100, 256 chains, 500 warm-up steps.
#include "core/sampling/tuning/adaptation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>

#include "core/chains/cpu_chains.h"
#include "core/methods/method_options.h"
#include "tests/core/energies.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kNumbers = 50, kChains = 256, kWarmup = 500;

double variance(int64_t j) { return std::pow(100.0, static_cast<double>(j) / (kNumbers - 1)); }

/// A chain that starts at x0 = 2 10^6 has `elsewhere` as the energy of every proposal.
auto target(double elsewhere = 0) {
  return RowEnergy(line("x", kNumbers), [elsewhere](const double* x, double* g) {
    double energy = 0;
    for (int64_t j = 0; j < kNumbers; ++j) {
      g[j] = x[j] / variance(j);
      energy += 0.5 * x[j] * g[j];
    }
    if (x[0] < 1e6) return energy;
    for (int64_t j = 0; j < kNumbers; ++j) g[j] = 0;
    return x[0] != 2e6 ? elsewhere : 0.0;
  });
}

struct Tuned {
  double step_size, acceptance, variance_ratio;
  double energy_error;  ///< variance a coordinate and step
  double trajectory_length;
};

/// Warms up and measures the acceptance over 300 frozen steps, in the chains that started well.
template <class Target_>
Tuned tuned(const std::string& name, const Target_& energy, bool poison, int64_t chains = kChains) {
  const auto method = named(name, {});
  const Target aim{&energy, {{}}, 1};
  method->prepare(aim);
  ChainsOptions options;
  options.chains = chains;
  options.seed = 11;
  options.threads = 2;
  options.needs = method->needs();
  CpuChains all(aim, options);
  std::vector<double> start(chains * kNumbers);
  for (size_t i = 0; i < start.size(); ++i) start[i] = std::sin(static_cast<double>(i)) * 3;
  if (poison) start[(chains - 1) * kNumbers] = 2e6;
  const double* position[] = {start.data()};
  all.write(0, chains, position);
  all.evaluate();
  all.freeze_failed(0);
  all.begin(*method, 0);
  std::vector<uint32_t> nan_proposals;
  Adaptation adaptation({method.get()}, all, 1, kNumbers, kWarmup, 1e5);
  for (int64_t step = 0; step < kWarmup; ++step) {
    all.advance(*method, Chains::Part::kCohort, {static_cast<uint32_t>(step), 1});
    adaptation.observe(step, nan_proposals);
  }
  adaptation.finish();
  method->freeze();
  all.clear_sums();
  all.advance(*method, Chains::Part::kAll, {kWarmup, 300});
  ChainsState state;
  all.read(state);
  double sum = 0;
  const int64_t sound = poison ? chains - 1 : chains;
  double squares = 0;
  for (int64_t chain = 0; chain < sound; ++chain) {
    sum += state.acceptance[chain] / 300;
    squares += state.energy_error[chain] / (300 * kNumbers);
  }
  const std::vector<double>& scale = adaptation.scale().at(0);
  const double ratio = scale.back() / scale.front();
  return {method->step_size(), sum / static_cast<double>(sound), ratio * ratio, squares / static_cast<double>(sound),
          method->trajectory_length()};
}

TEST(AdaptationTest, FindsMalasStepSizeAndMetric) {
  const Tuned found = tuned("mala", target(), false);
  EXPECT_NEAR(found.acceptance, 0.574, 0.03);
  EXPECT_GT(found.variance_ratio, 70);
  EXPECT_LT(found.variance_ratio, 140);
}

TEST(AdaptationTest, FindsTheStepSizesOfTheOtherExactMethods) {
  for (const auto& [name, acceptance] : {std::pair{"ghmc", 0.9}, {"adjusted_mclmc", 0.9}}) {
    const Tuned found = tuned(name, target(), false);
    EXPECT_NEAR(found.acceptance, acceptance, 0.03) << name;
    EXPECT_GT(found.variance_ratio, 70) << name;
    EXPECT_LT(found.variance_ratio, 140) << name;
  }
}

// Its mean is harmonic: the plain one lies above.
TEST(AdaptationTest, FindsTheStepSizeOfHmc) {
  const Tuned found = tuned("hmc", target(), false);
  EXPECT_GT(found.acceptance, 0.651);
  EXPECT_LT(found.acceptance, 0.85);
  EXPECT_GT(found.variance_ratio, 70);
  EXPECT_LT(found.variance_ratio, 140);
}

// The metric makes all frequencies 1. There C = 1 - sin(4 tau)/(4 tau) has its first peak at 1.02 per third root of tau
// (at 0.79 per tau, and from the next one on above 2). Whole leapfrogs make the mean time tau + h/2; what is rejected,
// and is so more often the longer the trajectory, takes a little off.
TEST(AdaptationTest, FindsTheTrajectoryLengthOfHmc) {
  const Tuned found = tuned("hmc", target(), false);
  EXPECT_NEAR(found.trajectory_length + found.step_size / 2, 1.02, 0.15);
}

TEST(AdaptationTest, FindsTheStepSizeOfMclmcByItsEnergyError) {
  const Tuned found = tuned("mclmc", target(), false);
  // It grows with the sixth power of the step size, which is found within a fifth.
  EXPECT_NEAR(std::log(found.energy_error / 5e-4) / 6, 0, 0.2);
  EXPECT_GT(found.variance_ratio, 70);
  EXPECT_LT(found.variance_ratio, 140);
}

// 255 chains and one whose proposals are never numbers, against the 255 alone.
TEST(AdaptationTest, APoisonedChainChangesNothingForTheOthers) {
  const Tuned alone = tuned("mala", target(), false, kChains - 1);
  const Tuned beside = tuned("mala", target(NAN), true);
  EXPECT_NEAR(beside.step_size / alone.step_size, 1, 1e-6);
  EXPECT_NEAR(beside.variance_ratio / alone.variance_ratio, 1, 1e-6);
  // The twin: the chain takes part in the means, as one does that is rejected for +infinity.
  const Tuned counted = tuned("mala", target(INFINITY), true);
  EXPECT_GT(std::fabs(counted.step_size / alone.step_size - 1), 1e-3);
}

}  // namespace
}  // namespace potluck::testing
