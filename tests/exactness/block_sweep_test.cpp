// SPDX-License-Identifier: Apache-2.0
// Sweeps over blocks keep an exact start: 10^6 chains, 20 sweeps.
#include "core/methods/block_sweep.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <thread>

#include "core/chains/cpu_chains.h"
#include "tests/core/energies.h"
#include "tests/core/quadratic_energy.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1000000;
constexpr int64_t kSweeps = 20;

/// A Gaussian with exact draws x = L z.
struct Gaussian {
  std::unique_ptr<QuadraticEnergy> energy;
  std::vector<std::vector<double>> root;  ///< L
  double covariance(size_t i, size_t j) const {
    double sum = 0;
    for (size_t k = 0; k < root.size(); ++k) sum += root[i][k] * root[j][k];
    return sum;
  }
};

/// Variances 1, correlation .8: the precision is [[1, -.8], [-.8, 1]] / .36.
Gaussian correlated() {
  const double p = 1 / 0.36;
  return {std::make_unique<QuadraticEnergy>(std::vector{line("x"), line("y")},
                                            std::vector<std::vector<double>>{{p, -0.8 * p}, {-0.8 * p, p}}),
          {{1, 0}, {0.8, 0.6}}};
}

/// z ~ N(0, I_2), x | z ~ N(W z, I_3/4):  E = |z|^2/2 + 2 |x - W z|^2.
Gaussian hierarchy() {
  const double w[3][2] = {{1, 0.5}, {-0.5, 1}, {0.8, -0.3}};
  std::vector<std::vector<double>> precision(5, std::vector<double>(5)), root = precision;
  for (size_t i = 0; i < 2; ++i) precision[i][i] = root[i][i] = 1;
  for (size_t k = 0; k < 3; ++k) {
    for (size_t i = 0; i < 2; ++i) {
      for (size_t j = 0; j < 2; ++j) precision[i][j] += 4 * w[k][i] * w[k][j];
      precision[i][2 + k] = precision[2 + k][i] = -4 * w[k][i];
      root[2 + k][i] = w[k][i];
    }
    precision[2 + k][2 + k] = 4;
    root[2 + k][2 + k] = 0.5;
  }
  return {std::make_unique<QuadraticEnergy>(std::vector{line("z", 2), line("x", 3)}, precision), root};
}

/// The options of a block whose method has these options, the others at their presets.
BlockOptions block(const std::string& variable, const std::string& method_name, const OptionWords& words) {
  return {{variable}, method_name, option_values(method_name, words)};
}

std::unique_ptr<Method> sweep_of(const Gaussian& target, std::vector<BlockOptions> blocks) {
  auto sweep = std::make_unique<BlockSweep>(blocks);
  sweep->check({target.energy.get(), {{}, {}}});
  sweep->prepare({target.energy.get(), {{}, {}}});
  return sweep;
}

/// What 20 sweeps make of exact draws.
struct Moved {
  double acceptance = 0;               ///< of a block in a sweep, the mean over both
  std::vector<std::vector<double>> x;  ///< [coordinates][chains]
};

Moved moved(const Gaussian& target, const Method& method) {
  ChainsOptions options;
  options.chains = kChains;
  options.seed = 5;
  options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options.needs = method.needs();
  CpuChains chains({target.energy.get(), {{}, {}}}, options);
  const std::vector<Variable>& variables = target.energy->variables();
  const size_t n = target.root.size();
  std::vector<std::vector<double>> start;
  for (const Variable& variable : variables) start.emplace_back(kChains * variable.size());
  std::mt19937_64 source(3);
  std::normal_distribution<> normal;
  for (size_t chain = 0; chain < static_cast<size_t>(kChains); ++chain) {
    std::array<double, 8> z{}, x{};
    for (size_t i = 0; i < n; ++i) {
      z[i] = normal(source);
      for (size_t k = 0; k <= i; ++k) x[i] += target.root[i][k] * z[k];
    }
    size_t first = 0;
    for (size_t v = 0; v < variables.size(); ++v) {
      const auto size = static_cast<size_t>(variables[v].size());
      std::copy_n(x.data() + first, size, start[v].data() + chain * size);
      first += size;
    }
  }
  std::vector<const double*> rows;
  for (const std::vector<double>& one : start) rows.push_back(one.data());
  chains.write(0, kChains, rows.data());
  chains.evaluate();
  chains.begin(method, 0);
  chains.advance(method, Chains::Part::kAll, {0, kSweeps});
  ChainsState state;
  chains.read(state);
  Moved result;
  for (const double one : state.acceptance) result.acceptance += one / static_cast<double>(2 * kSweeps * kChains);
  for (size_t v = 0; v < variables.size(); ++v) {
    const int64_t size = variables[v].size();
    const auto* at = reinterpret_cast<const double*>(state.position[v].data());
    for (int64_t j = 0; j < size; ++j) {
      std::vector<double>& values = result.x.emplace_back();
      for (int64_t chain = 0; chain < kChains; ++chain) values.push_back(at[chain * size + j]);
    }
  }
  return result;
}

/// The largest D over the coordinates, and the largest |z| of means, variances and covariances.
struct Distance {
  double d = 0, z = 0;
};

Distance distance(const Gaussian& target, const Moved& moved) {
  Distance worst;
  std::vector<double> product(kChains);
  for (size_t i = 0; i < moved.x.size(); ++i) {
    const double deviation = std::sqrt(target.covariance(i, i));
    worst.d = std::max(worst.d, kolmogorov(moved.x[i], [&](double x) { return normal_cdf(x / deviation); }));
    worst.z = std::max(worst.z, std::fabs(z_mean(moved.x[i], 0)));
    for (size_t j = 0; j <= i; ++j) {
      for (size_t chain = 0; chain < product.size(); ++chain) product[chain] = moved.x[i][chain] * moved.x[j][chain];
      worst.z = std::max(worst.z, std::fabs(z_mean(product, target.covariance(i, j))));
    }
  }
  return worst;
}

std::string text(double number) { return std::to_string(number); }

/// Step sizes of the two blocks for a mean acceptance of both.
struct Case {
  double acceptance, first, second;
};

void expect_kept(const Gaussian& target, const Method& sweep, double acceptance) {
  const Moved after = moved(target, sweep);
  const Distance far = distance(target, after);
  EXPECT_NEAR(after.acceptance, acceptance, 0.05);
  EXPECT_LT(far.d, kPassD) << acceptance;
  EXPECT_LT(far.z, kPass) << acceptance;
}

// The conditional laws have variance .36: eps of mala is relative to that.
TEST(BlockSweepTest, ACorrelatedGaussianIsKeptByMalaAndHmcInTurn) {
  const Gaussian target = correlated();
  for (const Case& one : {Case{0.9, 0.25, 0.55}, Case{0.75, 0.45, 0.8}, Case{0.6, 0.71, 1.06}}) {
    const auto sweep = sweep_of(
        target, {block("x", "mala", {{"step_size", text(one.first)}}),
                 block("y", "hmc", {{"step_size", text(one.second)}, {"trajectory_length", text(2 * one.second)}})});
    expect_kept(target, *sweep, one.acceptance);
  }
}

TEST(BlockSweepTest, AHierarchyIsKeptBlockByBlock) {
  const Gaussian target = hierarchy();
  for (const Case& one : {Case{0.9, 0.07, 0.09}, Case{0.75, 0.13, 0.17}, Case{0.6, 0.168, 0.222}}) {
    const auto sweep = sweep_of(target, {block("z", "mala", {{"step_size", text(one.first)}}),
                                         block("x", "mala", {{"step_size", text(one.second)}})});
    expect_kept(target, *sweep, one.acceptance);
  }
}

// GHMC's velocity lives on from sweep to sweep; adjusted MCLMC has none; the sweep shows each what it needs.
TEST(BlockSweepTest, AHierarchyIsKeptByMethodsWithVelocities) {
  const Gaussian target = hierarchy();
  const auto sweep =
      sweep_of(target, {block("z", "ghmc", {{"step_size", "0.5"}, {"leapfrogs", "2"}, {"kept", "0.8"}}),
                        block("x", "adjusted_mclmc", {{"step_size", "0.5"}, {"trajectory_length", "1"}})});
  const Distance far = distance(target, moved(target, *sweep));
  EXPECT_LT(far.d, kPassD);
  EXPECT_LT(far.z, kPass);
}

/// A sweep of mala blocks with knobs that break it.
struct Faults {
  bool stale_gradient = false;  ///< no evaluation after a block has moved
  bool stale_energy = false;    ///< the block's gradient is new, its energy is that before the others moved
  bool one_key = false;         ///< all blocks decide with the same uniforms
};

std::unique_ptr<Method> broken_sweep(const std::vector<double>& step_size, const Faults& faults) {
  const auto advance = [step_size, faults](Group& group, const Kernels& kernels, uint32_t step) {
    std::vector<double> before(group.energy, group.energy + group.rows);
    for (int b = 0; b < static_cast<int>(step_size.size()); ++b) {
      const int variable[] = {b};
      Group one = group.of_variables(variable, {.proposal = true});
      if (faults.one_key) one.decision_key = group.decision_key;
      if (!faults.stale_gradient) one.evaluate();
      if (faults.stale_energy) std::copy(before.begin(), before.end(), group.energy);
      before.assign(group.energy, group.energy + group.rows);
      const double eps = step_size[static_cast<size_t>(b)];
      kernels.propose_langevin(one, step, eps, std::sqrt(2 * eps));
      one.evaluate_proposal();
      kernels.clear_ratio(one);
      kernels.add_langevin_ratio(one, eps);
      kernels.decide(one, step, false);
    }
  };
  return std::make_unique<Twin>(advance, true);
}

TEST(BlockSweepTest, EveryCheckSeesAGradientOrAnEnergyFromBeforeTheOthersMoved) {
  const Gaussian pair = correlated(), levels = hierarchy();
  const std::vector<double> pair_steps = {0.45, 0.45}, level_steps = {0.13, 0.17};
  EXPECT_LT(distance(pair, moved(pair, *broken_sweep(pair_steps, {}))).z, kPass);
  for (const Faults& faults : {Faults{.stale_gradient = true}, Faults{.stale_energy = true}}) {
    EXPECT_GT(distance(pair, moved(pair, *broken_sweep(pair_steps, faults))).z, kReject);
    EXPECT_GT(distance(levels, moved(levels, *broken_sweep(level_steps, faults))).z, kReject);
  }
}

// Given the state, a decision's uniform is uniform whatever the block before has done with it: but the state is what
// that block decided, so that one uniform for both blocks makes them one kernel that is not a product of two.
TEST(BlockSweepTest, OneUniformForTheDecisionsOfAllBlocksIsSeen) {
  const Gaussian target = correlated();
  const Distance right = distance(target, moved(target, *broken_sweep({0.6, 0.6}, {})));
  const Distance twin = distance(target, moved(target, *broken_sweep({0.6, 0.6}, {.one_key = true})));
  EXPECT_LT(right.z, kPass);
  EXPECT_GT(twin.z, kReject);
}

}  // namespace
}  // namespace potluck::testing
