// SPDX-License-Identifier: Apache-2.0
// GHMC whose velocity does not turn back on rejection is wrong: what each check sees of it.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/methods/trajectory.h"
#include "tests/core/energies.h"
#include "tests/exactness/exact_kernel.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1000000;

/// Three leapfrogs; `flip` false is the twin.
class ThreeLeapfrogs final : public Method {
 public:
  ThreeLeapfrogs(double h, double kept, bool flip) : h_(h), kept_(kept), flip_(flip) {}
  const MethodDescription& description() const override { return method("ghmc"); }
  Needs needs() const override { return {.proposal = true, .velocity = true, .proposal_velocity = true}; }
  double step_size() const override { return h_; }
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override {
    named("ghmc", {{"step_size", "1"}})->begin(group, kernels, step);
  }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override {
    const Piece refresh{.amount = kept_, .noise = std::sqrt((1 - kept_ * kept_) * group.temperature)};
    for (int64_t i = 0; i < steps.count; ++i) {
      const uint32_t step = steps.first + static_cast<uint32_t>(i);
      kernels.split(group, step, State::kCurrent, State::kCurrent, {{refresh}});
      leapfrogs(group, kernels, step, std::nullopt, h_, 3);
      kernels.decide(group, step, flip_);
    }
  }

 private:
  double h_, kept_;
  bool flip_;
};

std::vector<double> normals() {
  std::mt19937_64 source(1);
  std::normal_distribution<> z;
  std::vector<double> x(kChains);
  for (double& one : x) one = z(source);
  return x;
}

// N(0,1), h = 1.2, kept .8: acceptance .906; without the flip the variance grows to 1.198.
TEST(GhmcTest, TheVarianceSeesAVelocityThatDoesNotTurnBack) {
  const auto energy = normal_energy(line("x"), 1);
  const ThreeLeapfrogs right(1.2, 0.8, true), twin(1.2, 0.8, false);
  const auto squares = [&](const Method& method, double* acceptance) {
    Walkers walkers(energy, method, normals(), 2);
    walkers.move(20);
    *acceptance = walkers.acceptance() / 20;
    std::vector<double> x2 = walkers.positions();
    for (double& one : x2) one *= one;
    return x2;
  };
  double acceptance = 0;
  EXPECT_LT(std::fabs(z_mean(squares(right, &acceptance), 1)), kPass);
  EXPECT_NEAR(acceptance, 0.906, 0.003);
  EXPECT_GT(z_mean(squares(twin, &acceptance), 1), kReject);
}

TEST(GhmcTest, TheMeanOfLogGammaSeesAVelocityThatDoesNotTurnBack) {
  const ExactTarget& target = exact_targets()[0];
  const auto energy = target.energy(1);
  const auto z = [&](bool flip) {
    const ThreeLeapfrogs method(0.88, 0.9, flip);
    Walkers walkers(*energy, method, target.draw(kChains), 2);
    walkers.move(20);
    return std::fabs(z_mean(walkers.positions(), target.marginals[0].mean));
  };
  EXPECT_LT(z(true), kPass);
  EXPECT_GT(z(false), kReject);
}

TEST(GhmcTest, TheFluxSeesAVelocityThatDoesNotTurnBack) {
  ExactTarget standard;
  standard.draw = [](int64_t) { return normals(); };
  const auto energy = normal_energy(line("x"), 1);
  EXPECT_LT(flux(standard, energy, ThreeLeapfrogs(1.2, 0.8, true)), kPass);
  EXPECT_GT(flux(standard, energy, ThreeLeapfrogs(1.2, 0.8, false)), kReject);
}

}  // namespace
}  // namespace potluck::testing
