// SPDX-License-Identifier: Apache-2.0
// The draws of a chain are the same bits alone, in 7 and in 4096, for any threads and blocks. tests/core/sampling has
// the same through run(); here the moves themselves, with the twin whose chain ids are shifted by one.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/energies.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

std::vector<double> starts(int64_t chains) {
  std::vector<double> x;
  for (int64_t c = 0; c < chains; ++c) x.push_back(std::sin(static_cast<double>(c)));
  return x;
}

std::vector<double> moved(const Method& method, int64_t chains, const std::vector<int>& blocks) {
  const auto energy = normal_energy(line("x", 1, -2, INFINITY), 1, Precision::kFloat64);
  Walkers walkers(energy, method, starts(chains), 5);
  for (const int steps : blocks) walkers.move(steps);
  return walkers.positions();
}

class InvarianceTest : public ::testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Method> method() const {
    if (GetParam() == std::string("ebm_practice"))
      return named("ebm_practice", {{"step", "0.1"}, {"noise", "0.05"}, {"clip", "0.2"}, {"clamp", "true"}});
    return named(GetParam(), {{"step_size", "0.2"}});
  }
};

TEST_P(InvarianceTest, AChainHasTheSameBitsAloneInSevenAndInThousands) {
  const std::vector<double> many = moved(*method(), 4096, {30});
  for (const int64_t chains : {1, 7, 300}) {
    const std::vector<double> few = moved(*method(), chains, {30});
    for (int64_t c = 0; c < chains; ++c) EXPECT_EQ(few[c], many[c]) << chains << ' ' << c;
  }
}

TEST_P(InvarianceTest, BlocksDoNotMatter) {
  EXPECT_EQ(moved(*method(), 600, {30}), moved(*method(), 600, {1, 2, 7, 20}));
}

INSTANTIATE_TEST_SUITE_P(Methods, InvarianceTest, ::testing::Values("ebm_practice", "langevin", "mala"));

TEST(InvarianceTwinTest, TheCheckSeesChainIdsThatAreShiftedByOne) {
  const Twin twin(
      [](Group& group, const Kernels& kernels, uint32_t step) {
        std::vector<uint32_t> ids(group.chain, group.chain + group.rows);
        // The small tiles of a small run count from one.
        for (uint32_t& id : ids) id = id == 0 ? 0 : id + (group.rows < 16 ? 1 : 0);
        Group shifted = group;
        shifted.chain = ids.data();
        kernels.langevin(shifted, step, 0.2, std::sqrt(0.4));
        group.evaluate();
      },
      false);
  const std::vector<double> many = moved(twin, 4096, {30}), few = moved(twin, 7, {30});
  int same = 0;
  for (int c = 1; c < 7; ++c) same += few[c] == many[c];
  EXPECT_EQ(same, 0);
}

}  // namespace
}  // namespace potluck::testing
