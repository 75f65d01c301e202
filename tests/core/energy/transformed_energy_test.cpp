// SPDX-License-Identifier: Apache-2.0
#include "core/energy/transformed_energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/energy/transform_element.h"
#include "core/error.h"
#include "tests/core/energies.h"
#include "tests/core/labelled_line.h"

namespace potluck {
namespace {

using testing::RowEnergy;

Variable walled(double least, double most, int64_t n = 1) {
  Variable variable = testing::line("x", n, least, most);
  variable.walls = Walls::kTransform;
  return variable;
}

struct Evaluated {
  std::vector<double> energy, gradient;
};

template <class Real>
Evaluated evaluate_as(const Energy& energy, const std::vector<double>& u) {
  const int64_t rows = static_cast<int64_t>(u.size()) / energy.variables()[0].size();
  const std::vector<Real> position(u.begin(), u.end());
  std::vector<Real> gradient(u.size());
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

Evaluated evaluate(const Energy& energy, const std::vector<double>& u) {
  return energy.precision() == Precision::kFloat32 ? evaluate_as<float>(energy, u) : evaluate_as<double>(energy, u);
}

// sum (x_j - 1)^2 plus a product of neighbours: smooth on all supports below.
double smooth(const double* x, double* g, int n) {
  double energy = 0;
  for (int j = 0; j < n; ++j) {
    const double next = x[(j + 1) % n], last = x[(j + n - 1) % n];
    energy += (x[j] - 1) * (x[j] - 1) + 0.3 * x[j] * next;
    g[j] = 2 * (x[j] - 1) + 0.3 * (next + last);
  }
  return energy;
}

// The error of a central difference is (h^2/6) d3E/du3, so that halving h divides it by four.
TEST(TransformedEnergyTest, ItsGradientIsThatOfItsEnergyInDouble) {
  for (const auto& [least, most] :
       {std::pair{0.0, INFINITY}, {-3.0, INFINITY}, {-INFINITY, 2.0}, {0.0, 1.0}, {-1.5, 4.0}}) {
    const RowEnergy energy(walled(least, most, 3), [](const double* x, double* g) { return smooth(x, g, 3); });
    for (const double temperature : {1.0, 2.5}) {
      const TransformedEnergy free(energy, {{}}, temperature, 1);
      const std::vector<double> u = {-2.1, 0.3, 1.4};
      const Evaluated at = evaluate(free, u);
      for (size_t j = 0; j < u.size(); ++j) {
        double error[2];
        for (const int halved : {0, 1}) {
          const double h = halved ? 0.005 : 0.01;
          std::vector<double> above = u, below = u;
          above[j] += h;
          below[j] -= h;
          error[halved] =
              (evaluate(free, above).energy[0] - evaluate(free, below).energy[0]) / (2 * h) - at.gradient[j];
        }
        EXPECT_LT(std::fabs(error[0]), 1e-2 * (1 + std::fabs(at.gradient[j]))) << least << ' ' << most << ' ' << j;
        EXPECT_NEAR(error[0] / error[1], 4, 0.2) << least << ' ' << most << ' ' << j;
      }
    }
  }
}

TEST(TransformedEnergyTest, Float32AgreesWithFloat64) {
  for (const auto& [least, most] : {std::pair{0.5, INFINITY}, {-INFINITY, 2.0}, {-1.0, 1.0}}) {
    const auto row = [](const double* x, double* g) { return smooth(x, g, 3); };
    const RowEnergy wide(walled(least, most, 3), row), narrow(walled(least, most, 3), row, Precision::kFloat32);
    const std::vector<double> u = {-2.5, 0.25, 1.5, 0.125, -0.75, 3};
    const Evaluated a = evaluate(TransformedEnergy(wide, {{}}, 2, 1), u);
    const Evaluated b = evaluate(TransformedEnergy(narrow, {{}}, 2, 1), u);
    for (size_t row_index = 0; row_index < 2; ++row_index)
      EXPECT_NEAR(a.energy[row_index], b.energy[row_index], 2e-5 * (1 + std::fabs(a.energy[row_index])));
    for (size_t i = 0; i < u.size(); ++i)
      EXPECT_NEAR(a.gradient[i], b.gradient[i], 1e-5 * (1 + std::fabs(a.gradient[i])));
  }
}

// E = 0: E_u is -T log|dx/du|, which is T|u| far out, also where s(u) has long been 0 or 1 and exp(u) is 0.
TEST(TransformedEnergyTest, IsRightWhereXRoundsOntoAWall) {
  for (const Precision precision : {Precision::kFloat64, Precision::kFloat32}) {
    for (const auto& [least, most] : {std::pair{0.0, 1.0}, {-5.0, 3.0}, {0.0, INFINITY}, {7.0, INFINITY}}) {
      double lowest = INFINITY, highest = -INFINITY;
      const RowEnergy flat(
          walled(least, most),
          [&](const double* x, double* g) {
            lowest = std::min(lowest, x[0]);
            highest = std::max(highest, x[0]);
            g[0] = 0;
            return 0.0;
          },
          precision);
      const TransformedEnergy free(flat, {{}}, 3, 1);
      const bool box = std::isfinite(most);
      const std::vector<double> sizes = {20, 50, 120, 700, 800, 5000, 1e5};
      for (const double size : sizes) {
        const Evaluated at = evaluate(free, {-size, size});
        // log s(-20) = -20 - log(1 + e^-20)
        EXPECT_NEAR(at.energy[0], 3 * (size + (box ? 2 * std::log1p(std::exp(-size)) : 0)), 1e-12 * size);
        EXPECT_EQ(static_cast<float>(at.gradient[0]),
                  box && size < 40 ? static_cast<float>(-3 * std::tanh(size / 2)) : -3);
        if (box) {
          EXPECT_EQ(at.energy[1], at.energy[0]);
          EXPECT_EQ(at.gradient[1], -at.gradient[0]);
        } else if (size >= 800) {  // no number is as large as e^800
          EXPECT_EQ(at.energy[1], INFINITY);
        }
      }
      EXPECT_GT(lowest, least);
      EXPECT_LT(highest, most);
      EXPECT_TRUE(std::isfinite(highest));
    }
  }
}

// E = x - (k - 1) log x with k < 1 falls without end towards the wall, where x can no longer be told from 0.
TEST(TransformedEnergyTest, AnEnergyWithoutABoundAtTheWallStaysFinite) {
  for (const Precision precision : {Precision::kFloat64, Precision::kFloat32}) {
    const RowEnergy energy(
        walled(0, INFINITY),
        [](const double* x, double* g) {
          g[0] = 1 + 0.9 / x[0];
          return x[0] + 0.9 * std::log(x[0]);
        },
        precision);
    const TransformedEnergy free(energy, {{}}, 1, 1);
    // E_u = e^u - 0.1 u, but below the least number its E no longer falls: it is then larger, never smaller.
    const double end = precision == Precision::kFloat32 ? -87 : -708;
    for (const double u : {-1.0, -40.0, end})
      EXPECT_NEAR(evaluate(free, {u}).energy[0], std::exp(u) - 0.1 * u, 1e-5 * -u);
    for (const double u : {end - 10, 2 * end, 100 * end}) {
      const Evaluated at = evaluate(free, {u});
      EXPECT_TRUE(std::isfinite(at.energy[0]));
      EXPECT_GE(at.energy[0], -0.1 * u);
      EXPECT_LT(at.gradient[0], 0);
    }
  }
}

TEST(TransformedEnergyTest, NotANumberStaysNotANumber) {
  const RowEnergy energy = testing::normal_energy(walled(0, 1), 1);
  const TransformedEnergy free(energy, {{}}, 1, 1);
  EXPECT_TRUE(std::isnan(evaluate(free, {NAN}).energy[0]));
}

TEST(TransformedEnergyTest, LeavesHeldCoordinatesAsTheyAre) {
  std::vector<double> seen;
  const RowEnergy energy(walled(0, 1, 3), [&](const double* x, double* g) {
    seen.assign(x, x + 3);
    g[0] = 10;
    g[1] = 20;
    g[2] = 30;
    return 0.0;
  });
  Held held;
  held.mask = {1, 0, 1};
  held.value = {0.1, 0, 1};
  const TransformedEnergy free(energy, {held}, 2, 1);
  const Evaluated at = evaluate(free, {0.1, 0, 1});
  EXPECT_EQ(seen, (std::vector<double>{0.1, 0.5, 1}));
  EXPECT_EQ(at.gradient, (std::vector<double>{10, 20 * 0.25, 30}));
  EXPECT_NEAR(at.energy[0], 2 * 2 * std::log(2.0), 1e-15);  // -T log s(0) s(-0) of the only free one
  EXPECT_FALSE(free.variables()[0].has_face());
}

TEST(TransformedEnergyTest, LeavesAVariableThatIsHeldWholeOrReflectsAlone) {
  const RowEnergy energy = testing::normal_energy(walled(0, 1), 1);
  Held held;
  held.mask = {1};
  held.value = {0.5};
  const TransformedEnergy whole(energy, {held}, 1, 1);
  EXPECT_TRUE(whole.variables()[0].has_face());
  EXPECT_EQ(evaluate(whole, {0.5}).energy[0], 0.125);
  EXPECT_FALSE(is_transformed(testing::line("x", 1, 0, 1), {}));
  EXPECT_FALSE(is_transformed(walled(-INFINITY, INFINITY), {}));
}

// Rows are cut into chunks with others or alone: the bits do not show it.
TEST(TransformedEnergyTest, ARowsBitsDoNotDependOnTheOthers) {
  for (const int64_t n : {1, 3, 5, 64}) {
    const RowEnergy energy = testing::normal_energy(walled(-1, 2, n), 1, Precision::kFloat32);
    Held held;
    if (n > 1) {
      held.mask.resize(static_cast<size_t>(n));
      held.mask[1] = 1;
      held.value.assign(static_cast<size_t>(n), 0.5);
    }
    const TransformedEnergy free(energy, {held}, 1.5, 1);
    std::mt19937 source(1);
    std::normal_distribution<> z(0, 3);
    std::vector<double> u(static_cast<size_t>(200 * n));
    for (double& one : u) one = z(source);
    const Evaluated all = evaluate(free, u);
    for (int64_t row = 0; row < 200; ++row) {
      const Evaluated alone = evaluate(free, {u.begin() + row * n, u.begin() + (row + 1) * n});
      ASSERT_EQ(alone.energy[0], all.energy[static_cast<size_t>(row)]);
      for (int64_t j = 0; j < n; ++j)
        ASSERT_EQ(alone.gradient[static_cast<size_t>(j)], all.gradient[static_cast<size_t>(row * n + j)]);
    }
  }
}

// At T = 1.5 the Jacobian counts, and is the same for every label.
TEST(TransformedEnergyTest, HasTheEnergiesOfAllLabelsThatItsEnergyHas) {
  const testing::LabelledLine line({.walled = true});
  const TransformedEnergy energy(line, {{}, {}}, 1.5, 1);
  ASSERT_TRUE(energy.offers_category_energies(0));
  EXPECT_FALSE(energy.offers_category_energies(1));
  std::vector<int64_t> label = {0, 1, 2, 2, 2, 0};
  const std::vector<double> u = {-3, 0.5, 1, 0, 2, -0.25};
  const void* position[] = {label.data(), u.data()};
  struct alignas(64) Block {
    char bytes[64];
  };
  std::vector<Block> workspace(energy.workspace_bytes(2) / sizeof(Block) + 1);
  std::vector<double> at_once(6), one(2);
  energy.category_energies({{.rows = 2, .position = position, .workspace = workspace.data()}, 0, 1, at_once.data()});
  for (int64_t k = 0; k < 3; ++k) {
    label[1] = label[4] = k;
    energy.evaluate({.rows = 2, .position = position, .energy = one.data(), .workspace = workspace.data()});
    EXPECT_EQ(at_once[static_cast<size_t>(2 * k)], one[0]);
    EXPECT_EQ(at_once[static_cast<size_t>(2 * k + 1)], one[1]);
  }
}

TEST(TransformedEnergyTest, RefusesWallsWithNothingBetweenThem) {
  const RowEnergy energy = testing::normal_energy(walled(1, 1.00000001), 1, Precision::kFloat32);
  try {
    TransformedEnergy(energy, {{}}, 1, 1);
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(),
                 "the support of 'x' must have float32 numbers between its ends, and between those a distance that is "
                 "one, to be transformed, got [1, 1.0000000099999999]. Use precision: float64, another unit for it, or "
                 "walls: reflect");
  }
  EXPECT_NO_THROW(transform_of(walled(1, 1.00000001), {}, Precision::kFloat64));
  EXPECT_THROW(transform_of(walled(-1.7e308, 1.7e308), {}, Precision::kFloat64), SettingError);
}

TEST(TransformElementTest, ExponentialAndLogarithmAreThoseOfTheLibrary) {
  std::mt19937_64 source(2);
  std::uniform_real_distribution<> wide(-708, 709), unit(0, 1), power(-60, 0);
  constexpr double kUlp = std::numeric_limits<double>::epsilon();
  for (int i = 0; i < 100000; ++i) {
    const double x = wide(source), q = i % 2 ? unit(source) : std::exp2(power(source));
    ASSERT_NEAR(element::exponential(x) / std::exp(x), 1, 2 * kUlp) << x;
    ASSERT_NEAR(element::log_one_plus(q) / std::log1p(q), 1, 3 * kUlp) << q;
  }
  EXPECT_EQ(element::exponential(0), 1);
  EXPECT_EQ(element::exponential(-800), 0);
  EXPECT_EQ(element::exponential(800), INFINITY);
  EXPECT_EQ(element::log_one_plus(0), 0);
  EXPECT_NEAR(element::log_one_plus(1), std::log(2.0), kUlp);
}

TEST(TransformElementTest, FreeCoordinatesGoThereAndBack) {
  for (const auto& [least, most] : {std::pair{0.0, 1.0}, {-5.0, 3.0}, {2.0, INFINITY}, {-INFINITY, -1.0}}) {
    const Transform transform = *transform_of(walled(least, most), {}, Precision::kFloat64);
    const auto arithmetic = cpu_transform_arithmetic(Precision::kFloat64);
    for (const double share : {1e-9, 0.2, 0.5, 0.9}) {
      const double x =
          std::isfinite(least) ? (std::isfinite(most) ? least + (most - least) * share : least + share) : most - share;
      const double u = free_coordinate(transform, x);
      double back = 0, log_slope = 0;
      arithmetic->user_positions({transform, 1, 1, nullptr, &u}, &back, &log_slope, nullptr);
      const double wall = std::isfinite(least) ? least : most;
      EXPECT_NEAR((back - wall) / (x - wall), 1, 1e-6) << least << ' ' << share;  // 1e-9 from -5 has 7 digits
    }
  }
}

}  // namespace
}  // namespace potluck
