// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/label_readers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compose/plan/plan.h"
#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

/// Three labels of three categories.
Variable labels() {
  Variable variable;
  variable.name = "labels";
  variable.categories = 3;
  variable.shape = {3};
  return variable;
}

/// Reads x, and label `element` of the three. E = |x - means[label]|^2 / 2
NodePointer reader(std::vector<double> means, int32_t element) {
  return leaf(labelled(), {whole(0, 2), part(1, 1, {element})}, {std::move(means)});
}

Composition of_three(NodePointer target) { return composition({real_line("x", 2), labels()}, std::move(target)); }

const std::vector<std::vector<double>> kState = {{0.5, -1, 2, 0.25}, {0, 1, 2, 2, 0, 1}};

TEST(LabelReadersTest, EveryElementHasItsOwn) {
  const auto plan =
      make_plan(of_three(product({{reader({0, 1, 2}, 0), 1}, {reader({3, 4, 5}, 1), 2}, {reader({1, 1, 0}, 1), 1}})),
                in_double());
  ASSERT_TRUE(plan->offers_category_energies(1));
  for (int64_t element = 0; element < 3; ++element) {
    evaluate_calls() = 0;
    const std::vector<double> found = category_energies(*plan, kState, 2, 1, element);
    // Those that do not read the element.
    EXPECT_EQ(evaluate_calls(), element == 0 ? 2 : element == 1 ? 1 : 3);
    for (int64_t k = 0; k < 3; ++k) {
      std::vector<std::vector<double>> state = kState;
      for (size_t row = 0; row < 2; ++row) state[1][3 * row + static_cast<size_t>(element)] = static_cast<double>(k);
      const Evaluated one = evaluate(*plan, state, 2, false);
      for (size_t row = 0; row < 2; ++row) EXPECT_EQ(found[static_cast<size_t>(k) * 2 + row], one.energy[row]);
    }
  }
}

TEST(LabelReadersTest, CountARequestForAllLabelsAsOneEvaluation) {
  const auto plan = make_plan(of_three(product({{reader({0, 1, 2}, 0), 1}, {normal(0, {0, 0}, {1}), 1}})), in_double());
  category_energies(*plan, kState, 2, 1, 0);
  EXPECT_EQ(plan->evaluations(), (std::vector<int64_t>{1, 1}));
}

TEST(LabelReadersTest, OfferNothingWhereAReaderHasAnotherShape) {
  const auto offers = [](NodePointer target) {
    return make_plan(of_three(std::move(target)), in_double())->offers_category_energies(1);
  };
  EXPECT_TRUE(offers(reader({0, 1, 2}, 0)));
  // One of several parts, each with a label of its own.
  const NodePointer parts = leaf(labelled(), {part(0, 1, {0, 1}), part(1, 1, {0, 1})}, {{0, 1, 2}}, "", 2);
  EXPECT_FALSE(offers(node("each", Each{parts, "x", 2})));
  // log Z of a label, which is a function of the state: the mixture normalises its branches.
  EXPECT_FALSE(offers(mixture({{reader({0, 1, 2}, 0), 1, {}}, {normal(0, {0, 0}, {1}), 1, {}}})));
  EXPECT_TRUE(offers(mixture({{reader({0, 1, 2}, 0), 1, {}}, {normal(0, {0, 0}, {1}), 1, {}}}, true)));
}

TEST(LabelReadersTest, AskNothingWhereLabelsAreGiven) {
  Composition given = of_three(reader({0, 1, 2}, 0));
  given.held[1] = {{1, 1, 1}, {0, 1, 2}};
  EXPECT_FALSE(make_plan(given, in_double())->offers_category_energies(1));
  given.held[1].mask[2] = 0;
  EXPECT_TRUE(make_plan(given, in_double())->offers_category_energies(1));
}

}  // namespace
}  // namespace potluck::testing
