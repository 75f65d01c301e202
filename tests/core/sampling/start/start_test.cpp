// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/start/start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/core/energies.h"

namespace potluck {
namespace {

using testing::line;

std::vector<double> drawn(const Start& start, int64_t first, int64_t rows, int attempt = 0) {
  std::vector<double> x(static_cast<size_t>(3 * rows)), y(static_cast<size_t>(rows));
  double* const position[] = {x.data(), y.data()};
  start.draw(7, first, rows, attempt, position);
  x.insert(x.end(), y.begin(), y.end());
  return x;
}

TEST(SuperchainStartTest, NeighboursBeginAtOnePoint) {
  const std::vector<Variable> variables = {line("x", 3), line("y")};
  const auto fours = superchain_start(normal_start(variables), 4, variables);
  const std::vector<double> all = drawn(*fours, 0, 12);
  std::set<double> points;
  for (int64_t chain = 0; chain < 12; ++chain) {
    points.insert(all[static_cast<size_t>(36 + chain)]);
    for (int64_t j = 0; j < 3; ++j)
      EXPECT_EQ(all[static_cast<size_t>(3 * chain + j)], all[static_cast<size_t>(3 * (chain / 4 * 4) + j)]);
  }
  EXPECT_EQ(points.size(), 3u);
  EXPECT_FALSE(fours->exact());
  EXPECT_EQ(fours->description(), normal_start(variables)->description() + ", one for 4 neighbouring chains");
}

TEST(SuperchainStartTest, DoesNotDependOnHowRowsAreCut) {
  const std::vector<Variable> variables = {line("x", 3), line("y")};
  const auto fours = superchain_start(normal_start(variables), 4, variables);
  const std::vector<double> all = drawn(*fours, 0, 12), middle = drawn(*fours, 6, 5);
  for (size_t i = 0; i < 15; ++i) EXPECT_EQ(middle[i], all[18 + i]);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(middle[15 + i], all[42 + i]);
  EXPECT_NE(drawn(*fours, 6, 5, 1), middle);
}

}  // namespace
}  // namespace potluck
