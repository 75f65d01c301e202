// SPDX-License-Identifier: Apache-2.0
// Microcanonical Langevin, unadjusted: small steps leave a bias below the standard errors of these checks.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/core/energies.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 200000, kNumbers = 4;

/// z of the second moments of N(0, diag(1, 2, 3, 4)^2) after 400 steps of h = .1 from exact draws.
double worst_z(const Method& method) {
  const RowEnergy energy(line("x", kNumbers), [](const double* x, double* g) {
    double sum = 0;
    for (int64_t j = 0; j < kNumbers; ++j) {
      const double s = static_cast<double>(j + 1);
      g[j] = x[j] / (s * s);
      sum += 0.5 * x[j] * g[j];
    }
    return sum;
  });
  std::mt19937_64 source(9);
  std::normal_distribution<> z;
  std::vector<double> x(kChains * kNumbers);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i % kNumbers + 1) * z(source);
  Walkers walkers(energy, method, x, 10);
  walkers.move(400);
  double worst = 0;
  for (int64_t j = 0; j < kNumbers; ++j) {
    std::vector<double> squares = column(walkers.positions(), j, kNumbers);
    for (double& one : squares) one *= one;
    worst = std::max(worst, std::fabs(z_mean(squares, static_cast<double>((j + 1) * (j + 1)))));
  }
  return worst;
}

/// Mclmc that counts one dimension more than there is.
class WrongDimension final : public Method {
 public:
  const MethodDescription& description() const override { return right_->description(); }
  Needs needs() const override { return right_->needs(); }
  double step_size() const override { return right_->step_size(); }
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override {
    right_->begin(group, kernels, step);
  }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override {
    Group wrong = group;
    wrong.dimension = group.dimension + 1;
    right_->advance(wrong, kernels, steps);
  }

 private:
  std::unique_ptr<Method> right_ = named("mclmc", {{"step_size", "0.1"}, {"decoherence_length", "2"}});
};

TEST(MclmcTest, KeepsItsTargetAtSmallSteps) {
  EXPECT_LT(worst_z(*named("mclmc", {{"step_size", "0.1"}, {"decoherence_length", "2"}})), kPass);
  EXPECT_GT(worst_z(WrongDimension()), kReject);
}

}  // namespace
}  // namespace potluck::testing
