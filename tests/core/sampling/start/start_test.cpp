// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/start/start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

// 10^5 labels of three categories: a frequency has a standard error of sqrt(2/9 / 10^5) = .0015.
TEST(StartTest, LabelsAreUniformOverTheirCategories) {
  Variable label = line("label");
  label.categories = 3;
  constexpr int64_t kRows = 100000;
  for (const auto& start : {default_start({label}), uniform_start({label}), normal_start({label})}) {
    std::vector<double> labels(kRows);
    double* const position[] = {labels.data()};
    start->draw(7, 0, kRows, 0, position);
    for (const double k : {0.0, 1.0, 2.0})
      EXPECT_NEAR(static_cast<double>(std::count(labels.begin(), labels.end(), k)) / kRows, 1.0 / 3, 6 * 0.0015) << k;
    // The noise has the variable's name, the chain's number and the attempt.
    std::vector<double> again(10);
    double* const some[] = {again.data()};
    start->draw(7, 20, 10, 0, some);
    EXPECT_TRUE(std::equal(again.begin(), again.end(), labels.begin() + 20));
    start->draw(7, 20, 10, 1, some);
    EXPECT_FALSE(std::equal(again.begin(), again.end(), labels.begin() + 20));
  }
}

// So that no label is left out where there are chains enough, each element in an order of its own.
TEST(StartTest, StartsOneAfterTheOtherHaveAllLabels) {
  Variable label = line("label", 2);
  label.categories = 3;
  std::set<std::pair<double, double>> pairs;
  for (const int64_t superchain : {1, 4}) {
    const auto start = superchain == 1 ? default_start({label})
                                       : superchain_start(default_start({label}, superchain), superchain, {label});
    for (int64_t block = 0; block < 50; ++block) {
      std::vector<double> labels(6);
      for (int64_t i = 0; i < 3; ++i) {
        double* const position[] = {labels.data() + 2 * i};
        start->draw(7, (3 * block + i) * superchain, 1, 0, position);
        pairs.insert({labels[2 * i], labels[2 * i + 1]});
      }
      for (const size_t j : {0, 1})
        EXPECT_EQ((std::set<double>{labels[j], labels[2 + j], labels[4 + j]}), (std::set<double>{0, 1, 2}));
    }
  }
  EXPECT_EQ(pairs.size(), 9u);
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
