// SPDX-License-Identifier: Apache-2.0
// Chains behind the cohort come in from starts far outside the target, where a step of the tuned size is rejected.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>

#include "core/chains/cpu_chains.h"
#include "core/sampling/run/whitened_run.h"
#include "core/sampling/start/placement.h"
#include "core/sampling/tuning/cohort_tuning.h"
#include "tests/core/energies.h"
#include "tests/core/sampling/sampled.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kNumbers = 20, kCohort = 256, kChains = 1280;

/// exp(-sum u^4 / 4), u = A^T x / s: s from 0.1 to 1 along the columns of an orthogonal A. The tails are so light that
/// forces grow with the cube of the distance, and standard normal starts lie ten widths out.
struct Quartic {
  Eigen::MatrixXd axes;
  Eigen::VectorXd width;
  Quartic() : width(kNumbers) {
    std::mt19937_64 source(2);
    std::normal_distribution<> normal;
    Eigen::MatrixXd drawn(kNumbers, kNumbers);
    for (int64_t i = 0; i < drawn.size(); ++i) drawn.data()[i] = normal(source);
    axes = Eigen::HouseholderQR<Eigen::MatrixXd>(drawn).householderQ();
    for (int64_t k = 0; k < kNumbers; ++k) width[k] = std::pow(10.0, static_cast<double>(k) / (kNumbers - 1) - 1);
  }
  Eigen::VectorXd u(const double* x) const {
    return (axes.transpose() * Eigen::Map<const Eigen::VectorXd>(x, kNumbers)).cwiseQuotient(width);
  }
};

const Quartic& quartic() {
  static const Quartic one;
  return one;
}

auto quartic_energy() {
  return RowEnergy(line("x", kNumbers), [](const double* x, double* g) {
    const Eigen::ArrayXd u = quartic().u(x).array();
    Eigen::Map<Eigen::VectorXd>(g, kNumbers) = quartic().axes * (u.cube() / quartic().width.array()).matrix();
    return u.square().square().sum() / 4;
  });
}

RunOptions options_of(const std::string& method_name) {
  RunOptions options;
  options.method = method_name;
  for (const SettingDescription& option : method(method_name).options)
    options.values.push_back(option.name == "metric" ? parse_setting(option, {"dense"}, "x")
                                                     : preset_value(option, "x"));
  options.chains = kChains;
  options.warmup = 500;
  options.steps = 1;
  options.threads = 2;
  return options;
}

/// The worst of u^2 along the axes, in standard errors of the chains behind the cohort: positions [kChains, n].
/// E u^2 = 2 Gamma(3/4) / Gamma(1/4).
double worst_z_behind(const std::vector<double>& x) {
  const double exact = 2 * std::tgamma(0.75) / std::tgamma(0.25);
  double worst = 0;
  for (int64_t axis = 0; axis < kNumbers; ++axis) {
    std::vector<double> squares;
    for (int64_t chain = kCohort; chain < kChains; ++chain)
      squares.push_back(std::pow(quartic().u(&x[chain * kNumbers])[axis], 2));
    worst = std::max(worst, std::fabs(z_mean(squares, exact)));
  }
  return worst;
}

/// The twin: chains behind the cohort that stay at their starts until it is done, and then move for as long, by what it
/// found at the end.
std::vector<double> warmed_up_by_the_end_alone(const RunOptions& options) {
  const auto energy = quartic_energy();
  WhitenedRun white({&energy, {{}}, 1}, {}, options.threads);
  const std::unique_ptr<Method> moved = make_method(options);
  moved->prepare(white.target());
  CohortTuning tuning(white.target(), *moved, options.warmup, &white.energy());
  ChainsOptions made;
  made.chains = kChains;
  made.threads = options.threads;
  made.needs = moved->needs();
  CpuChains chains(white.target(), made);
  std::vector<int64_t> ids;
  for (int64_t chain = 0; chain < kChains; ++chain) ids.push_back(chain);
  place(chains, *default_start(energy.variables()), energy.variables(), options.seed, ids, 1);
  chains.begin(*moved, 0);
  tuning.begin(chains);
  for (uint32_t step = 0; step < options.warmup; ++step) {
    chains.advance(*moved, Chains::Part::kCohort, {step, 1});
    tuning.observe(0, step);
  }
  tuning.finish();
  chains.advance(*moved, Chains::Part::kRest, {0, options.warmup});
  ChainsState state;
  chains.read(state);
  std::vector<double> x(kChains * kNumbers);
  const void* z[] = {state.position[0].data()};
  void* to[] = {x.data()};
  white.energy().user_positions(kChains, z, to);
  return x;
}

TEST(FarStartsTest, ChainsBehindTheCohortReachTheTarget) {
  for (const char* method : {"hmc", "ghmc", "adjusted_mclmc"}) {
    const RunOptions options = options_of(method);
    EXPECT_LT(worst_z_behind(sampled(quartic_energy(), options).positions.back()), kPass) << method;
  }
}

TEST(FarStartsTest, TheCheckRejectsChainsThatWaitForTheTunedStep) {
  for (const char* method : {"hmc", "ghmc", "adjusted_mclmc"})
    EXPECT_GT(worst_z_behind(warmed_up_by_the_end_alone(options_of(method))), kReject) << method;
}

}  // namespace
}  // namespace potluck::testing
