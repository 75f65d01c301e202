// SPDX-License-Identifier: Apache-2.0
#include "core/energy/annealed_energy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/core/energies.h"

namespace potluck {
namespace {

using testing::line;
using testing::RowEnergy;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Evaluated {
  double energy = 0, base = 0, target = 0;
  std::vector<double> gradient;
};

Evaluated evaluate(const Energy& energy, const std::vector<double>& x) {
  Evaluated out;
  out.gradient.resize(x.size());
  double experts[2];
  struct alignas(64) Block {
    char bytes[64];
  };
  std::vector<Block> workspace(energy.workspace_bytes(1) / sizeof(Block) + 1);
  const void* position[] = {x.data()};
  void* gradient[] = {out.gradient.data()};
  energy.evaluate({1, position, &out.energy, gradient, experts, workspace.data(), nullptr, 0});
  out.base = experts[0];
  out.target = experts[1];
  return out;
}

// E = x_0^4 + x_0 x_1
RowEnergy<double (*)(const double*, double*)> bent(Variable variable) {
  return {std::move(variable), [](const double* x, double* g) {
            g[0] = 4 * x[0] * x[0] * x[0] + x[1];
            g[1] = x[0];
            return x[0] * x[0] * x[0] * x[0] + x[0] * x[1];
          }};
}

TEST(AnnealedEnergyTest, BlendsBaseAndTarget) {
  const auto target = bent(line("x", 2));
  AnnealedEnergy energy(target, {}, 2, {.mean = 1, .scale = 3});
  energy.set_beta(0.25);
  const Evaluated at = evaluate(energy, {0.5, -2});
  EXPECT_DOUBLE_EQ(at.base, (0.25 + 9) / 18);
  EXPECT_DOUBLE_EQ(at.target, (0.0625 - 1) / 2);
  EXPECT_DOUBLE_EQ(at.energy, 0.75 * at.base + 0.25 * at.target);
  EXPECT_DOUBLE_EQ(energy.base_log_z(), std::log(2 * M_PI * 9));
}

TEST(AnnealedEnergyTest, HasTheGradientOfItsEnergy) {
  const auto target = bent(line("x", 2));
  AnnealedEnergy energy(target, {}, 2, {.mean = 1, .scale = 3});
  for (const double beta : {0.0, 0.25, 1.0}) {
    energy.set_beta(beta);
    const std::vector<double> x = {0.5, -2};
    const Evaluated at = evaluate(energy, x);
    for (size_t j = 0; j < x.size(); ++j) {
      const double h = 1e-5;
      std::vector<double> up = x, down = x;
      up[j] += h;
      down[j] -= h;
      EXPECT_NEAR(at.gradient[j], (evaluate(energy, up).energy - evaluate(energy, down).energy) / (2 * h), 1e-8);
    }
  }
}

TEST(AnnealedEnergyTest, CountsTheTargetForNothingAtTheBase) {
  const RowEnergy wall(line("x"), [](const double*, double* g) {
    g[0] = NAN;
    return kInfinity;
  });
  AnnealedEnergy energy(wall, {}, 1, {});
  const Evaluated at = evaluate(energy, {2});
  EXPECT_EQ(at.energy, 2);
  EXPECT_EQ(at.gradient[0], 2);
  EXPECT_EQ(at.target, kInfinity);
  energy.set_beta(0.5);
  EXPECT_EQ(evaluate(energy, {2}).energy, kInfinity);
}

// Uniform on [0, 2]^2: log 4. Half-normal of scale 3 above 1: E_0 = (x - 1)^2/18 and 2 log(3 sqrt(pi/2)).
TEST(AnnealedEnergyTest, HasABaseForEverySupport) {
  const auto box = bent(line("x", 2, 0, 2)), above = bent(line("x", 2, 1, kInfinity)),
             below = bent(line("x", 2, -kInfinity, 1));
  EXPECT_DOUBLE_EQ(AnnealedEnergy(box, {}, 1, {.scale = 3}).base_log_z(), std::log(4));
  EXPECT_EQ(evaluate(AnnealedEnergy(box, {}, 1, {.scale = 3}), {0.5, 1.5}).base, 0);
  EXPECT_DOUBLE_EQ(AnnealedEnergy(above, {}, 1, {.scale = 3}).base_log_z(), 2 * std::log(3 * std::sqrt(M_PI / 2)));
  EXPECT_DOUBLE_EQ(evaluate(AnnealedEnergy(above, {}, 1, {.scale = 3}), {2, 4}).base, 10.0 / 18);
  EXPECT_DOUBLE_EQ(evaluate(AnnealedEnergy(below, {}, 1, {.scale = 3}), {0, -2}).base, 10.0 / 18);
}

TEST(AnnealedEnergyTest, LeavesHeldCoordinatesOut) {
  const auto target = bent(line("x", 2));
  const AnnealedEnergy energy(target, {{.mask = {1, 0}, .value = {7, 0}}}, 1, {});
  EXPECT_DOUBLE_EQ(energy.base_log_z(), std::log(2 * M_PI) / 2);
  EXPECT_EQ(evaluate(energy, {7, 2}).base, 2);
}

}  // namespace
}  // namespace potluck
