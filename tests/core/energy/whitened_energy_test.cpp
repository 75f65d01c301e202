// SPDX-License-Identifier: Apache-2.0
#include "core/energy/whitened_energy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/energy/whitening_element.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using testing::line;
using testing::RowEnergy;

constexpr int64_t kNumbers = 5, kMoving = 4;  // number 2 is held

/// Smooth, and no two coordinates alike.
double smooth(const double* x, double* g) {
  double energy = 0;
  for (int j = 0; j < kNumbers; ++j) {
    const double next = x[(j + 1) % kNumbers], last = x[(j + kNumbers - 1) % kNumbers];
    energy += (1 + j) * (x[j] - 1) * (x[j] - 1) + 0.3 * x[j] * next;
    g[j] = 2 * (1 + j) * (x[j] - 1) + 0.3 * (next + last);
  }
  return energy;
}

auto energy_of(Precision precision) { return RowEnergy(line("x", kNumbers), smooth, precision); }

std::vector<Held> held() {
  Held one;
  one.mask = {0, 0, 1, 0, 0};
  one.value = {0, 0, 0.7, 0, 0};
  return {one};
}

const std::vector<double> kMean = {0.5, -1, 2, 0.25};
const std::vector<double> kFactor = {2, 0, 0, 0, -0.5, 0.7, 0, 0, 0.3, 0.2, 1.5, 0, 0.1, -0.6, 0.4, 0.9};

/// x by hand: of the moving numbers m + L z, the held one as it is given.
std::vector<double> by_hand(const double* z) {
  const int64_t moving[] = {0, 1, 3, 4};
  std::vector<double> x(z, z + kNumbers);
  for (int64_t j = 0; j < kMoving; ++j) {
    x[static_cast<size_t>(moving[j])] = kMean[static_cast<size_t>(j)];
    for (int64_t k = 0; k <= j; ++k)
      x[static_cast<size_t>(moving[j])] += kFactor[static_cast<size_t>(j * kMoving + k)] * z[moving[k]];
  }
  return x;
}

struct Evaluated {
  std::vector<double> energy, gradient;
};

template <class Real>
Evaluated evaluate(const Energy& energy, const std::vector<double>& z) {
  const int64_t rows = static_cast<int64_t>(z.size()) / kNumbers;
  const std::vector<Real> position(z.begin(), z.end());
  std::vector<Real> gradient(z.size());
  Evaluated out;
  out.energy.resize(static_cast<size_t>(rows));
  struct alignas(64) Block {
    char bytes[64];
  };
  std::vector<Block> workspace(energy.workspace_bytes(rows) / sizeof(Block) + 1);
  const void* in[] = {position.data()};
  void* to[] = {gradient.data()};
  EnergyCall call;
  call.rows = rows;
  call.position = in;
  call.energy = out.energy.data();
  call.gradient = to;
  call.workspace = workspace.data();
  energy.evaluate(call);
  out.gradient.assign(gradient.begin(), gradient.end());
  return out;
}

std::vector<double> states(int64_t rows) {
  std::mt19937_64 source(5);
  std::normal_distribution<> normal;
  std::vector<double> z(static_cast<size_t>(rows * kNumbers));
  for (double& one : z) one = static_cast<float>(normal(source));
  for (int64_t row = 0; row < rows; ++row) z[static_cast<size_t>(row * kNumbers + 2)] = 0.7;
  return z;
}

TEST(WhitenedEnergyTest, IsTheEnergyAtMeanPlusFactorTimesZ) {
  const auto energy = energy_of(Precision::kFloat64);
  WhitenedEnergy white(energy, held(), 1);
  EXPECT_EQ(white.dimension(), kMoving);
  const std::vector<double> z = states(9);
  const Evaluated before = evaluate<double>(white, z), plain = evaluate<double>(energy, z);
  EXPECT_EQ(before.energy, plain.energy);  // m = 0 and L = 1 at first, bit for bit
  EXPECT_EQ(before.gradient, plain.gradient);
  white.set(kMean, kFactor);
  const Evaluated at = evaluate<double>(white, z);
  for (size_t row = 0; row < 9; ++row) {
    double gradient[kNumbers];
    EXPECT_NEAR(at.energy[row], smooth(by_hand(&z[row * kNumbers]).data(), gradient), 1e-12);
  }
}

// E' is a quadratic, of which central differences are exact but for rounding. The twin's gradient is that of x.
TEST(WhitenedEnergyTest, ItsGradientIsThatOfItsEnergy) {
  const auto energy = energy_of(Precision::kFloat64);
  WhitenedEnergy white(energy, held(), 1);
  white.set(kMean, kFactor);
  const std::vector<double> z = states(1);
  const Evaluated at = evaluate<double>(white, z);
  const Evaluated twin = evaluate<double>(energy, by_hand(z.data()));
  for (const size_t j : {0u, 1u, 3u, 4u}) {
    std::vector<double> above = z, below = z;
    above[j] += 0.01;
    below[j] -= 0.01;
    const double slope = (evaluate<double>(white, above).energy[0] - evaluate<double>(white, below).energy[0]) / 0.02;
    EXPECT_NEAR(at.gradient[j], slope, 1e-9) << j;
    EXPECT_GT(std::fabs(twin.gradient[j] - slope), 1e-2) << j;
  }
}

template <class Real>
void expect_rows_that_do_not_know_their_company() {
  const auto energy = energy_of(sizeof(Real) == 4 ? Precision::kFloat32 : Precision::kFloat64);
  WhitenedEnergy white(energy, held(), 1);
  white.set(kMean, kFactor);
  const std::vector<double> z = states(11);
  const Evaluated all = evaluate<Real>(white, z);
  for (int64_t first = 0; first < 11; ++first) {
    for (int64_t rows = 1; first + rows <= 11; ++rows) {
      const Evaluated some = evaluate<Real>(white, {&z[static_cast<size_t>(first * kNumbers)],
                                                    &z[static_cast<size_t>((first + rows) * kNumbers - 1)] + 1});
      for (int64_t i = 0; i < rows; ++i)
        EXPECT_EQ(some.energy[static_cast<size_t>(i)], all.energy[static_cast<size_t>(first + i)]);
      for (int64_t i = 0; i < rows * kNumbers; ++i)
        EXPECT_EQ(some.gradient[static_cast<size_t>(i)], all.gradient[static_cast<size_t>(first * kNumbers + i)]);
    }
  }
}

TEST(WhitenedEnergyTest, ARowHasTheSameBitsInAnyBatch) {
  expect_rows_that_do_not_know_their_company<float>();
  expect_rows_that_do_not_know_their_company<double>();
}

// The element is what CUDA kernels are made of.
TEST(WhitenedEnergyTest, TheLoopsOfTheProcessorHaveTheBitsOfTheElement) {
  constexpr int64_t kRows = 9, kDimension = 37;
  std::mt19937_64 source(6);
  std::normal_distribution<> normal;
  const auto drawn = [&](int64_t count) {
    std::vector<double> values(static_cast<size_t>(count));
    for (double& one : values) one = normal(source);
    return values;
  };
  const std::vector<double> mean = drawn(kDimension), factor = drawn(kDimension * kDimension),
                            from = drawn(kRows * kDimension);
  std::vector<double> x(from.size()), h(from.size());
  const auto arithmetic = cpu_whitening_arithmetic(Precision::kFloat32);
  arithmetic->positions(kRows, kDimension, mean.data(), factor.data(), from.data(), x.data(), nullptr);
  arithmetic->gradients(kRows, kDimension, factor.data(), from.data(), h.data(), nullptr);
  for (int64_t row = 0; row < kRows; ++row) {
    const double* own = &from[static_cast<size_t>(row * kDimension)];
    for (int64_t j = 0; j < kDimension; ++j) {
      const auto at = static_cast<size_t>(row * kDimension + j);
      EXPECT_EQ(x[at], element::whitened_position(kDimension, j, mean.data(), factor.data(), own));
      EXPECT_EQ(h[at], element::whitened_gradient(kDimension, j, factor.data(), own));
    }
  }
}

TEST(WhitenedEnergyTest, UsersSeeThePositionsThatTheEnergyIsGiven) {
  std::vector<float> given;
  const RowEnergy energy(
      line("x", kNumbers),
      [&given](const double* x, double* g) {
        given.insert(given.end(), x, x + kNumbers);
        return smooth(x, g);
      },
      Precision::kFloat32);
  WhitenedEnergy white(energy, held(), 1);
  white.set(kMean, kFactor);
  const std::vector<double> z = states(7);
  evaluate<float>(white, z);
  const std::vector<float> narrow(z.begin(), z.end());
  std::vector<float> x(z.size());
  const void* from[] = {narrow.data()};
  void* to[] = {x.data()};
  white.user_positions(7, from, to);
  EXPECT_EQ(x, given);
  for (size_t row = 0; row < 7; ++row) EXPECT_EQ(x[row * kNumbers + 2], 0.7f);
}

}  // namespace
}  // namespace potluck
