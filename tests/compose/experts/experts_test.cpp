// SPDX-License-Identifier: Apache-2.0
#include "compose/experts/experts.h"

#include <gtest/gtest.h>

#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

/// x of four numbers, of which the second stands at 0.1 and the last at 7.
Composition two_held(NodePointer target) {
  Composition given = composition({real_line("x", 4)}, std::move(target));
  given.held.resize(1);
  given.held[0].mask = {0, 1, 0, 1};
  given.held[0].value = {0, 0.1, 0, 7};
  return given;
}

Slot slot_of_target(const Composition& composition, const PlanOptions& options, size_t input = 0) {
  const Experts experts(composition, options);
  return experts.model(std::get<Leaf>(composition.target->kind)).setup().slots[input];
}

TEST(ExpertsTest, AModelIsToldWhichOfItsNumbersAreHeldAndWhere) {
  const Composition whole_x = two_held(normal(0, {0, 0, 0, 0}, {1}));
  const Slot slot = slot_of_target(whole_x, in_double());
  EXPECT_EQ(slot.held, (std::vector<uint8_t>{0, 1, 0, 1}));
  EXPECT_EQ(slot.value, (std::vector<double>{0, 0.1, 0, 7}));

  // As the rows have them: in the run's precision.
  PlanOptions narrow = in_double();
  narrow.precision = Precision::kFloat32;
  EXPECT_EQ(slot_of_target(whole_x, narrow).value[1], static_cast<double>(0.1f));
}

TEST(ExpertsTest, AViewIsToldOfItsOwnNumbers) {
  const Composition view = two_held(leaf(gauss(), {part(0, 2, {3, 0})}, {{0, 0}, {1}}));
  const Slot slot = slot_of_target(view, in_double());
  EXPECT_EQ(slot.held, (std::vector<uint8_t>{1, 0}));
  EXPECT_EQ(slot.value, (std::vector<double>{7, 0}));
  const Composition free = two_held(leaf(gauss(), {part(0, 2, {2, 0})}, {{0, 0}, {1}}));
  EXPECT_TRUE(slot_of_target(free, in_double()).held.empty());
  EXPECT_TRUE(slot_of_target(free, in_double()).value.empty());
}

TEST(ExpertsTest, ALiteralIsKnownBeforehand) {
  const Composition half =
      composition({real_line("x", 2)}, leaf(linear(), {whole(0, 2), literal({0.5})}, {{1, 1}, {1}}));
  EXPECT_TRUE(slot_of_target(half, in_double()).held.empty());
  EXPECT_EQ(slot_of_target(half, in_double(), 1).held, (std::vector<uint8_t>{1}));
  EXPECT_EQ(slot_of_target(half, in_double(), 1).value, (std::vector<double>{0.5}));
}

TEST(ExpertsTest, WhereAChainHasSeveralRowsNothingIsKnownOfARow) {
  const NodePointer parts = leaf(gauss(), {part(0, 2, {0, 1, 2, 3})}, {{0, 0}, {1}}, "part", 2);
  const Composition each = two_held(node("each", Each{parts, "halves", 2}));
  const Experts experts(each, in_double());
  EXPECT_TRUE(experts.model(std::get<Leaf>(parts->kind)).setup().slots[0].held.empty());
}

// Before the warm-up it has other values than the one that is given.
TEST(ExpertsTest, ANumberThatMovesIsNotAnnounced) {
  const NodePointer stretching = leaf(stretched(), {whole(0, 2), whole(1, 1)});
  Composition one = composition({real_line("x", 2), real_line("z", 1)}, stretching);
  one.held[1] = {{1}, {0.5}};
  EXPECT_EQ(slot_of_target(one, in_double(), 1).held, (std::vector<uint8_t>{1}));
  one.sample.anneal.given = {{1, 3}};
  one.sample.anneal.levels = 10;
  EXPECT_TRUE(slot_of_target(one, in_double(), 1).held.empty());
  EXPECT_TRUE(slot_of_target(one, in_double(), 1).value.empty());
}

// A given number that wears noise before the warm-up has other values there.
TEST(ExpertsTest, GivenNumbersThatWearNoiseAreNotHeld) {
  Composition noisy = two_held(normal(0, {0, 0, 0, 0}, {1}));
  noisy.sample.anneal.levels = 10;
  noisy.sample.anneal.blurred = {{1, 1, 0, 0}};
  EXPECT_EQ(slot_of_target(noisy, in_double()).held, (std::vector<uint8_t>{0, 1, 0, 1}));
  noisy.sample.anneal.noisy_given = true;
  EXPECT_EQ(slot_of_target(noisy, in_double()).held, (std::vector<uint8_t>{0, 0, 0, 1}));
  noisy.sample.anneal.blurred = {{1, 1, 1, 1}};
  EXPECT_TRUE(slot_of_target(noisy, in_double()).held.empty());
}

// One model for both would take the numbers of one leaf for those of the other.
TEST(ExpertsTest, LeavesThatHoldOtherNumbersHaveModelsOfTheirOwn) {
  const auto over = [](std::vector<int32_t> index) {
    return leaf(gauss(), {part(0, 1, std::move(index))}, {{0}, {1}});
  };
  const NodePointer free = over({0}), other_free = over({2}), held = over({1}), held_elsewhere = over({3});
  const Composition all = two_held(product({{free, 1}, {other_free, 1}, {held, 1}, {held_elsewhere, 1}}));
  const Experts experts(all, in_double());
  const auto model = [&](const NodePointer& one) { return &experts.model(std::get<Leaf>(one->kind)); };
  EXPECT_EQ(model(free), model(other_free));
  EXPECT_NE(model(free), model(held));
  EXPECT_NE(model(held), model(held_elsewhere));
}

}  // namespace
}  // namespace potluck::testing
