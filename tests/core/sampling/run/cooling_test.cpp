// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/cooling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/sampling/run/option_errors.h"
#include "core/sampling/run/run.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using ::testing::HasSubstr;
using testing::Keeper;
using testing::line;
using testing::RowEnergy;

/// Wells at -1 and 1, the hill between them 12 high.
auto wells() {
  return RowEnergy(
      line("x"),
      [](const double* x, double* g) {
        const double apart = x[0] * x[0] - 1;
        g[0] = 48 * x[0] * apart;
        return 12 * apart * apart;
      },
      Precision::kFloat64);
}

/// Every chain in the right well.
class RightWell final : public Start {
 public:
  std::string description() const override { return "the right well"; }
  bool exact() const override { return false; }
  void draw(uint32_t, int64_t, int64_t rows, int, double* const* position) const override {
    for (int64_t row = 0; row < rows; ++row) position[0][row] = 1;
  }
};

RunOptions options_of(const std::string& method_name, const Cooling& cooling, int64_t chains) {
  RunOptions options;
  options.method = method_name;
  options.values = option_values(method_name);
  options.cooling = cooling;
  options.chains = chains;
  options.warmup = 60;
  options.steps = 20;
  options.thin = 20;
  options.threads = 2;
  return options;
}

std::vector<double> last_positions(const RunOptions& options) {
  const auto energy = wells();
  Keeper keeper(1, energy.precision());
  Observer* observers[] = {&keeper};
  run({&energy, {{}}, 1}, RightWell(), options, observers, std::atomic<bool>{false});
  return keeper.positions.back();
}

double share_in_the_left_well(const std::string& method, const Cooling& cooling, int64_t chains) {
  double left = 0;
  for (const double x : last_positions(options_of(method, cooling, chains))) left += x < 0;
  return left / static_cast<double>(chains);
}

TEST(CoolingTest, FallsGeometrically) {
  const Cooling cooling{16, 4};
  EXPECT_DOUBLE_EQ(cooling.temperature(0, 1), 16);
  EXPECT_DOUBLE_EQ(cooling.temperature(1, 1), 8);
  EXPECT_DOUBLE_EQ(cooling.temperature(3, 1), 2);
  EXPECT_DOUBLE_EQ(cooling.temperature(2, 4), 8);
  EXPECT_FALSE(Cooling{}.any());
}

// The hill is half as high as the first temperature: chains forget their well, and by symmetry end in either.
TEST(CoolingTest, LetsChainsLeaveTheModeTheyStartIn) {
  constexpr int64_t kChains = 2000;
  const double error = std::sqrt(0.25 / kChains);
  for (const char* method : {"mala", "hmc", "langevin", "baoab"}) {
    EXPECT_LT(std::abs(share_in_the_left_well(method, {24, 400}, kChains) - 0.5), 6 * error) << method;
    EXPECT_GT(std::abs(share_in_the_left_well(method, {}, kChains) - 0.5), 6 * error) << method;
  }
}

TEST(CoolingTest, TheBitsAreThoseOfAnyThreadsAndAnyChains) {
  RunOptions options = options_of("mala", {5, 30}, 600);
  const std::vector<double> one = last_positions(options);
  options.threads = 1;
  EXPECT_EQ(last_positions(options), one);
  options.chains = 300;  // the cohort is full
  const std::vector<double> fewer = last_positions(options);
  EXPECT_EQ(fewer, std::vector<double>(one.begin(), one.begin() + 300));
}

TEST(CoolingTest, IsRefusedWhereItCannotBe) {
  const auto complaint = [](const std::string& method, const Cooling& cooling, double temperature) {
    const std::vector<SettingError> errors = option_errors(options_of(method, cooling, 4), temperature);
    return errors.empty() ? "" : std::string(errors.front().what());
  };
  EXPECT_EQ(complaint("mala", {3, 10}, 1), "");
  EXPECT_EQ(complaint("mala", {3, 10}, 3),
            "sample.cooling.from must be above sample.temperature (3), got 3. Raise it, or leave cooling out");
  EXPECT_EQ(complaint("mala", {INFINITY, 10}, 1),
            "sample.cooling.from must be above sample.temperature (1), got inf. Raise it, or leave cooling out");
  EXPECT_EQ(complaint("parallel_tempering", {3, 10}, 1),
            "sample.cooling must be left out with parallel_tempering, got 10 steps: its hot replicas do the same in "
            "every step");
  EXPECT_EQ(complaint("ebm_practice", {3, 10}, 1),
            "sample.cooling must be left out with ebm_practice, got 10 steps: its own options set its temperature");
  EXPECT_EQ(complaint("mala", {3, int64_t{UINT32_MAX}}, 1),
            "sample.cooling.steps + sample.warmup + sample.steps must be <= 4294967295, got 4294967375: the "
            "noise counts that far");
}

}  // namespace
}  // namespace potluck
