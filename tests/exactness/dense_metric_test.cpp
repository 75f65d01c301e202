// SPDX-License-Identifier: Apache-2.0
// The dense metric: kernels in whitened coordinates keep the law of x, and warm-up finds the axes of a rotated normal.
#include "core/sampling/tuning/dense_metric.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>

#include "core/chains/cpu_chains.h"
#include "core/sampling/tuning/adaptation.h"
#include "tests/core/energies.h"
#include "tests/core/sampling/sampled.h"
#include "tests/exactness/effort.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

// N(0, [1, 0.9; 0.9, 1]), whose precision is [1, -0.9; -0.9, 1] / 0.19.
constexpr double kCorrelation = 0.9, kRest = 1 - kCorrelation * kCorrelation;

RowEnergy<double (*)(const double*, double*)> correlated() {
  return {line("x", 2), [](const double* x, double* g) {
            g[0] = (x[0] - kCorrelation * x[1]) / kRest;
            g[1] = (x[1] - kCorrelation * x[0]) / kRest;
            return (g[0] * x[0] + g[1] * x[1]) / 2;
          }};
}

/// A factor that is not the covariance's: whatever it is, the law stays.
const std::vector<double> kMean = {0.3, -0.2}, kFactor = {1.2, 0, 0.7, 0.5};

struct Distance {
  double d = 0, z_variance = 0, z_product = 0, acceptance = 0;
};

/// Moves exact starts in z and looks at x = m + L z, or with the twin's L^T in the place of L.
Distance distance_after(const std::string& method, const OptionWords& words, bool transposed) {
  constexpr int kMoves = 20;
  constexpr int64_t kChains = 1000000;
  const auto energy = correlated();
  WhitenedEnergy white(energy, {{}}, static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  white.set(kMean, kFactor);
  std::mt19937_64 source(8);
  std::normal_distribution<> normal;
  std::vector<double> z(2 * kChains);
  for (int64_t chain = 0; chain < kChains; ++chain) {
    const double x = normal(source), y = kCorrelation * x + std::sqrt(kRest) * normal(source);
    z[2 * chain] = (x - kMean[0]) / kFactor[0];
    z[2 * chain + 1] = (y - kMean[1] - kFactor[2] * z[2 * chain]) / kFactor[3];
  }
  const auto kernel = named(method, words);
  Walkers walkers(white, *kernel, z, 3);
  walkers.move(kMoves);
  z = walkers.positions();
  std::vector<double> x(kChains), y(kChains), products(kChains);
  for (int64_t chain = 0; chain < kChains; ++chain) {
    const double* of = &z[2 * chain];
    x[chain] = kMean[0] + kFactor[0] * of[0] + (transposed ? kFactor[2] * of[1] : 0);
    y[chain] = kMean[1] + kFactor[3] * of[1] + (transposed ? 0 : kFactor[2] * of[0]);
    products[chain] = x[chain] * y[chain];
  }
  Distance distance;
  distance.d = std::max(kolmogorov(x, normal_cdf), kolmogorov(y, normal_cdf));
  distance.z_variance = std::max(std::fabs(z_variance(x, 1)), std::fabs(z_variance(y, 1)));
  distance.z_product = std::fabs(z_mean(products, kCorrelation));
  distance.acceptance = walkers.acceptance() / kMoves;
  return distance;
}

TEST(DenseMetricTest, KernelsInWhitenedCoordinatesKeepTheLawOfX) {
  const std::vector<std::pair<std::string, OptionWords>> kernels = {
      {"mala", {{"step_size", "0.3"}}},
      {"hmc", {{"step_size", "0.6"}, {"trajectory_length", "1.5"}}},
      {"ghmc", {{"step_size", "0.6"}, {"leapfrogs", "2"}, {"kept", "0.8"}}},
      {"adjusted_mclmc", {{"step_size", "0.8"}, {"trajectory_length", "2"}}}};
  for (const auto& [method, words] : kernels) {
    const Distance distance = distance_after(method, words, false);
    EXPECT_LT(distance.d, kPassD) << method;
    EXPECT_LT(distance.z_variance, kPass) << method;
    EXPECT_LT(distance.z_product, kPass) << method;
    EXPECT_GT(distance.acceptance, 0.3) << method;
    EXPECT_LT(distance.acceptance, 0.99) << method;
  }
}

TEST(DenseMetricTest, TheCheckRejectsATransposedFactor) {
  const Distance distance = distance_after("hmc", {{"step_size", "0.6"}, {"trajectory_length", "1.5"}}, true);
  EXPECT_GT(distance.d, kRejectD);
  EXPECT_GT(distance.z_variance, kReject);
}

constexpr int64_t kNumbers = 60;

/// A normal with variances geometric from 1/40 to 40 along the columns of an orthogonal matrix.
struct Rotated {
  Eigen::MatrixXd axes, precision;
  Eigen::VectorXd variance;
  Rotated() {
    std::mt19937_64 source(2);
    std::normal_distribution<> normal;
    Eigen::MatrixXd drawn(kNumbers, kNumbers);
    for (int64_t i = 0; i < drawn.size(); ++i) drawn.data()[i] = normal(source);
    axes = Eigen::HouseholderQR<Eigen::MatrixXd>(drawn).householderQ();
    variance.resize(kNumbers);
    for (int64_t i = 0; i < kNumbers; ++i) variance[i] = std::pow(1600.0, static_cast<double>(i) / (kNumbers - 1)) / 40;
    precision = axes * variance.cwiseInverse().asDiagonal() * axes.transpose();
  }
};

const Rotated& rotated_normal() {
  static const Rotated one;
  return one;
}

auto rotated_energy(Precision precision) {
  return RowEnergy(
      line("x", kNumbers),
      [](const double* x, double* g) {
        const Eigen::Map<const Eigen::VectorXd> at(x, kNumbers);
        Eigen::Map<Eigen::VectorXd> gradient(g, kNumbers);
        gradient = rotated_normal().precision * at;
        return gradient.dot(at) / 2;
      },
      precision);
}

RunOptions hmc(const std::string& metric) {
  RunOptions options;
  options.method = "hmc";
  options.values = option_values("hmc", {{"step_size", "auto"}, {"trajectory_length", "auto"}, {"metric", metric}});
  options.chains = 256;
  options.warmup = 500;
  options.steps = 100;
  options.threads = 2;
  return options;
}

struct Mixing {
  double leapfrogs = 0;    ///< mean of a trajectory
  double correlation = 0;  ///< between neighbouring draws along the longest axis
  double worst_z = 0;      ///< of the variance along any axis, from the spread of the chains' own
};

Mixing mixing(const std::string& metric) {
  const auto energy = rotated_energy(Precision::kFloat32);
  const RunOptions options = hmc(metric);
  const Sampled run = sampled(energy, options);
  Mixing mixing{run.summary.evaluations / static_cast<double>(options.steps), 0, 0};
  const auto draws = static_cast<int64_t>(run.positions.size());
  for (int64_t axis = 0; axis < kNumbers; ++axis) {
    std::vector<double> variance(static_cast<size_t>(options.chains), 0.0);
    double lagged = 0;
    for (int64_t chain = 0; chain < options.chains; ++chain) {
      double last = 0;
      for (int64_t draw = 0; draw < draws; ++draw) {
        const Eigen::Map<const Eigen::VectorXd> x(&run.positions[static_cast<size_t>(draw)][chain * kNumbers],
                                                  kNumbers);
        const double along = rotated_normal().axes.col(axis).dot(x);
        variance[static_cast<size_t>(chain)] += along * along / static_cast<double>(draws);
        if (draw > 0) lagged += along * last;
        last = along;
      }
    }
    const double exact = rotated_normal().variance[axis];
    mixing.worst_z = std::max(mixing.worst_z, std::fabs(z_mean(variance, exact)));
    if (axis == kNumbers - 1) mixing.correlation = lagged / static_cast<double>(options.chains * (draws - 1)) / exact;
  }
  return mixing;
}

// With the axes known a trajectory is of few leapfrogs and forgets: independent u give sin(2 tau)/(2 tau) = 0.49 at
// tau = 0.96. Without, a leapfrog is as long as the shortest axis is wide, 40 times less than the longest.
TEST(DenseMetricTest, ARotatedNormalOfConditionNumber1600MixesInAFewGradients) {
  const Mixing dense = mixing("dense");
  EXPECT_LT(dense.leapfrogs, 6);
  EXPECT_LT(dense.correlation, 0.7);
  EXPECT_LT(dense.worst_z, kPass);
  const Mixing diagonal = mixing("auto");  // the twin
  EXPECT_GT(diagonal.leapfrogs, 20);
}

}  // namespace
}  // namespace potluck::testing
