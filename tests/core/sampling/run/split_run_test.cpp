// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/split_run.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using testing::line;
using testing::normal_energy;

RunOptions mala_of(int64_t chains) {
  RunOptions options;
  options.method = "mala";
  options.values = option_values("mala", {{"step_size", "0.3"}});
  options.chains = chains;
  return options;
}

std::vector<int64_t> firsts(const Energy& energy, int64_t chains, int64_t world) {
  std::vector<int64_t> all;
  for (const Rank& rank : split_run({&energy, {{}}, 1}, mala_of(chains), world)) all.push_back(rank.first);
  return all;
}

// Behind the cohort of 256 a cut between tiles keeps the bits of every chain; where an energy is batch invariant, any
// cut does.
TEST(SplitRunTest, CutsWhereItMakesNoDifferenceToBits) {
  auto energy = normal_energy(line("x", 2), 1);
  EXPECT_EQ(firsts(energy, 700, 3), (std::vector<int64_t>{0, 233, 466}));
  energy.set_batch_invariant(false);
  EXPECT_EQ(firsts(energy, 700, 3), (std::vector<int64_t>{0, 233, 256 + 7 * 32}));
  energy.set_preferred_rows(100);
  EXPECT_EQ(firsts(energy, 700, 3), (std::vector<int64_t>{0, 233, 256 + 2 * 100}));
}

TEST(SplitRunTest, SaysHowManyProcessesChainsAreEnoughFor) {
  auto energy = normal_energy(line("x", 2), 1);
  const auto text = [&](int64_t chains, int64_t world) {
    try {
      firsts(energy, chains, world);
    } catch (const SettingError& error) {
      return std::string(error.what());
    }
    return std::string("nothing thrown");
  };
  EXPECT_EQ(text(700, 701),
            "sample.chains must be enough for 701 processes, got 700. Use 700 processes, or more chains");
  energy.set_batch_invariant(false);
  energy.set_preferred_rows(256);
  EXPECT_EQ(text(700, 9),
            "sample.chains must be enough for 9 processes, in tiles of 256 chains behind the first 256, got 700. Use 4 "
            "processes, or more chains");
}

}  // namespace
}  // namespace potluck
