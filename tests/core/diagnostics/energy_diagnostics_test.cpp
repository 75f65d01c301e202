// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_diagnostics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "core/error.h"
#include "core/files/npy.h"
#include "tests/core/files/scratch.h"
#include "tests/core/python.h"

namespace potluck {
namespace {

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
  const int64_t draws = 20000;
  std::vector<double> values(3 * draws, 1.0);
  std::vector<uint8_t> narrow, anywhere;
  for (int64_t draw = 0; draw < draws; ++draw) {
    values[static_cast<size_t>(draw)] = normal(engine);
    const double v = 3 * normal(engine);
    values[static_cast<size_t>(draws + draw)] = v;
    narrow.push_back(v < -4 ? 1 : 0);
    anywhere.push_back(draw % 10 == 0 ? 1 : 0);
  }
  const auto found = divergence_shifts(values, 3, narrow);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].scalar, 1);
  EXPECT_NEAR(found[0].shift, -std::exp(-8.0 / 9) / std::sqrt(2 * M_PI) / (0.5 * std::erfc(4 / 3.0 / std::sqrt(2.0))),
              0.06);
  // 6 / sqrt(number of divergent draws): noise is within, the funnel's end is not, draws anywhere are.
  EXPECT_LT(std::abs(found[1].shift), 6 / std::sqrt(1800.0));
  EXPECT_GT(std::abs(found[0].shift), 12 / std::sqrt(1800.0));
  for (const DivergenceShift& one : divergence_shifts(values, 3, anywhere)) {
    EXPECT_LT(std::abs(one.shift), 6 / std::sqrt(2000.0));
  }
}

TEST(EnergyDiagnosticsTest, SaysNothingWithoutDivergencesOrWithNothingElse) {
  const std::vector<double> values = {1, 2, 3};
  EXPECT_TRUE(divergence_shifts(values, 1, std::vector<uint8_t>{0, 0, 0}).empty());
  EXPECT_TRUE(divergence_shifts(values, 1, std::vector<uint8_t>{1, 1, 1}).empty());
  try {
    divergence_shifts(values, 2, std::vector<uint8_t>{0, 1});
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "divergence_shifts: values must be 2 scalars of 2 draws, got 3 numbers");
  }
}

}  // namespace
}  // namespace potluck
