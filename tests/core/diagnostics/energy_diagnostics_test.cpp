// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_diagnostics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "core/error.h"
#include "core/files/formats/npy.h"
#include "tests/core/files/scratch.h"
#include "tests/core/python.h"

namespace potluck {
namespace {

/// Total energies of exact trajectories on a Gaussian of d coordinates, each begun with a fresh momentum and a quarter
/// of a period long: the potential energy at its end is the kinetic one at its beginning.
std::vector<double> total_energies(int64_t d, double temperature, int64_t draws) {
  std::mt19937_64 engine(5);
  std::chi_squared_distribution<double> chi(static_cast<double>(d));
  std::vector<double> energies;
  double potential = temperature / 2 * chi(engine);
  for (int64_t i = 0; i < draws; ++i) {
    const double kinetic = temperature / 2 * chi(engine);
    energies.push_back(potential + kinetic);
    potential = kinetic;
  }
  return energies;
}

// Of a Gaussian Var U = d T^2 / 2, so 1. Recorded total energies agree: their lag-1 correlation is 1/2, and its
// standard error below 1 / sqrt(draws), so E-BFMI, 2 (1 - rho), is off by less than 2 / sqrt(draws) each.
TEST(EnergyDiagnosticsTest, TheTotalEnergysBfmiIsThatOfRecordedEnergies) {
  const int64_t draws = 20000;
  const double bound = 6 * 2 / std::sqrt(static_cast<double>(draws));
  for (const double temperature : {1.0, 3.0}) {
    const std::vector<double> energies = total_energies(10, temperature, draws);
    const double recorded = energy_bfmi({energies, 1, draws}).at(0);
    EXPECT_NEAR(total_energy_bfmi(10 * temperature * temperature / 2, 10, temperature), recorded, bound);
    // The twin: twice the variance.
    EXPECT_GT(std::abs(total_energy_bfmi(2 * 10 * temperature * temperature / 2, 10, temperature) - recorded), bound);
  }
  // Student's t of one degree of freedom in 10 coordinates: U = 5.5 log(1 + |x|^2), Var U = 5.5^2 (psi'(1/2) -
  // psi'(11/2)) = 30.25 (4.9348 - 0.1994) = 143.2; five degrees have 7.5^2 (psi'(5/2) - psi'(15/2)) = 19.6.
  EXPECT_NEAR(total_energy_bfmi(143.2, 10, 1), 10 / 148.2, 1e-12);
  EXPECT_LT(total_energy_bfmi(143.2, 10, 1), kLeastEbfmi);
  EXPECT_GT(total_energy_bfmi(19.6, 10, 1), kLeastEbfmi);
}

TEST(EnergyDiagnosticsTest, EbfmiAgreesWithArviz) {
  // AR(1) of rho = .9, [3, 20000]: 2 (1 - rho) = .2.
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal;
  std::vector<double> values;
  for (int64_t chain = 0; chain < 3; ++chain) {
    double x = 0;
    for (int64_t draw = 0; draw < 20000; ++draw) {
      x = 0.9 * x + std::sqrt(1 - 0.81) * normal(engine);
      values.push_back(50 + x);
    }
  }
  const std::vector<double> found = energy_bfmi({values, 3, 20000});
  ASSERT_EQ(found.size(), 3u);
  const Scratch scratch;
  write_npy(scratch / "energies.npy", Array::of({3, 20000}, values));
  ASSERT_EQ(run_python("diagnostics/arviz_numbers.py", fmt::format("'{}'", (scratch / "energies.npy").string()),
                       scratch / "answers.json"),
            0);
  const auto answers = nlohmann::json::parse(bytes_of_file(scratch / "answers.json"));
  for (size_t chain = 0; chain < 3; ++chain) {
    EXPECT_NEAR(found[chain], answers.at("energies").at("bfmi").at(chain).get<double>(), 1e-6 * found[chain]);
    EXPECT_NEAR(found[chain], 0.2, 0.03);
  }
}

TEST(EnergyDiagnosticsTest, EbfmiIsTheSumOfSquaredJumps) {
  // Energies 0, 1, 3: jumps 1 + 4; deviations from 4/3: 16/9 + 1/9 + 25/9 = 42/9.
  const std::vector<double> values = {0, 1, 3, 2, 2, 2, 1, NAN, 1};
  const std::vector<double> found = energy_bfmi({values, 3, 3});
  EXPECT_DOUBLE_EQ(found[0], 5 / (42.0 / 9));
  EXPECT_TRUE(std::isnan(found[1]));
  EXPECT_TRUE(std::isnan(found[2]));
}

TEST(EnergyDiagnosticsTest, FindsWhereDivergencesAre) {
  // Scalars: noise, the funnel's log scale v ~ N(0, 3^2), a constant. Divergent where v < -4, the narrow end: the mean
  // there is -phi(4/3) / Phi(-4/3) = -1.7979 standard deviations.
  std::mt19937_64 engine(2);
  std::normal_distribution<double> normal;
  Moments all(3), narrow(3), anywhere(3), noise(1), narrow_noise(1);
  for (int64_t draw = 0; draw < 20000; ++draw) {
    const double row[3] = {normal(engine), 3 * normal(engine), 1};
    all.add(row);
    noise.add(row);
    if (row[1] < -4) narrow.add(row);
    if (row[1] < -4) narrow_noise.add(row);
    if (draw % 10 == 0) anywhere.add(row);
  }
  const auto found = divergence_shift(all, narrow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->scalar, 1);
  EXPECT_NEAR(found->shift, -std::exp(-8.0 / 9) / std::sqrt(2 * M_PI) / (0.5 * std::erfc(4 / 3.0 / std::sqrt(2.0))),
              0.06);
  // Independent draws as they are here, each counts as a chain: the funnel's end is a place, noise and anywhere are
  // not.
  EXPECT_TRUE(is_concentrated(*found, narrow.count(), narrow.count()));
  EXPECT_FALSE(is_concentrated(*divergence_shift(noise, narrow_noise), narrow.count(), narrow.count()));
  EXPECT_FALSE(is_concentrated(*divergence_shift(all, anywhere), anywhere.count(), anywhere.count()));
  // Three chains that lie there may do so by chance.
  EXPECT_FALSE(is_concentrated(*found, 3, 300));
  // Nor do seven steps tell where most are, however far out.
  EXPECT_FALSE(is_concentrated({0, -8.5}, 7, 7));
  EXPECT_TRUE(is_concentrated({0, -8.5}, 8, 8));
}

TEST(EnergyDiagnosticsTest, SaysNothingWithoutDivergencesOrWithNothingElse) {
  Moments all(1), none(1);
  for (const double value : {1.0, 2.0, 3.0}) all.add(&value);
  EXPECT_FALSE(divergence_shift(all, none));
  EXPECT_FALSE(divergence_shift(all, all));
}

}  // namespace
}  // namespace potluck
