// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/parameter_store.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/compose/small_learners.h"
#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

std::vector<std::string> names(const ParameterStore& store) {
  std::vector<std::string> all;
  for (const StoredParameter& stored : store.arrays()) all.push_back(stored.name);
  return all;
}

TEST(ParameterStoreTest, ArraysAreNamedByTheirExpert) {
  const NodePointer garment = leaf(learner(), {whole(0, 2)}, {{0, 0}, {1}}, "garment");
  const auto plan =
      make_plan(composition({real_line("x", 2)}, product({{garment, 1}, {normal(0, {0, 0}, {1}), 1}})), in_double());
  const ParameterStore& store = plan->parameters();
  EXPECT_EQ(names(store),
            (std::vector<std::string>{"garment.mean", "garment.log_precision", "garment.wave", "garment.shift"}));
  ASSERT_EQ(store.experts().size(), 1u);
  EXPECT_EQ(store.experts()[0].name, "garment");
  EXPECT_EQ(store.experts()[0].model, "learner (small 1.0.0)");
  EXPECT_TRUE(store.is_learned(0));
  EXPECT_FALSE(store.is_learned(3));  // a buffer
  EXPECT_EQ(store.arrays()[0].array.shape, (std::vector<int64_t>{2}));
  EXPECT_EQ(store.arrays()[0].array.type, POTLUCK_FLOAT64);
}

TEST(ParameterStoreTest, LeavesOfOneDefinitionHaveOneSetWhateverTheyRead) {
  const auto bound = [](Binding z, const std::string& name) {
    return leaf(stretched_learner(), {whole(0, 2), std::move(z)}, {}, name);
  };
  // Two models, since a model is told of its literals; what they learn is the same.
  Composition both = composition({real_line("x", 2), real_line("y", 1)},
                                 product({{bound(whole(1, 1), "free"), 1}, {bound(literal({0.5}), "fixed"), 1}}));
  both.integrable = true;
  const auto plan = make_plan(both, in_double());
  ParameterStore& store = plan->parameters();
  EXPECT_EQ(names(store), (std::vector<std::string>{"free.a", "free.b"}));
  // E = |x|^2/2 (e^(b - a y) + e^(b - a/2))
  const std::vector<double> a = {2}, b = {0};
  store.set_numbers(0, a);
  store.set_numbers(1, b);
  store.changed();
  EXPECT_NEAR(evaluate(*plan, {{1, 1}, {0}}, 1).energy[0], 1 + std::exp(-1), 1e-14);
}

TEST(ParameterStoreTest, OtherSettingsOrShapesAreOtherExperts) {
  const NodePointer one = leaf(learner(), {whole(0, 2)}, {{0, 0}, {1}}, "net");
  const NodePointer wider = leaf(learner(), {whole(1, 3)}, {{0, 0, 0}, {1}}, "net");
  const auto plan =
      make_plan(composition({real_line("x", 2), real_line("y", 3)}, product({{one, 1}, {wider, 1}})), in_double());
  const ParameterStore& store = plan->parameters();
  ASSERT_EQ(store.experts().size(), 2u);
  EXPECT_EQ(store.experts()[1].name, "net#2");
  EXPECT_EQ(store.arrays()[4].name, "net#2.mean");
}

// Each of these models is born with another value: without the store their energies differ.
TEST(ParameterStoreTest, ModelsOfAllWorkersHaveTheSameValues) {
  PlanOptions options = in_double();
  options.workers = 3;
  const auto plan = make_plan(composition({real_line("x", 2)}, normal(0, {0.5, 0}, {1}, learner_alone())), options);
  const auto energy = [&](int worker) { return evaluate(*plan, {{0.3, 0.1}}, 1, true, worker).energy[0]; };
  EXPECT_NE(energy(0), energy(1));
  EXPECT_NE(energy(0), energy(2));
  const double before = energy(0);
  ParameterStore& store = plan->parameters();
  EXPECT_EQ(energy(0), before);
  EXPECT_EQ(energy(1), before);
  EXPECT_EQ(energy(2), before);

  const std::vector<double> mean = {2, -1};
  store.set_numbers(0, mean);
  store.changed();
  EXPECT_NE(energy(0), before);
  EXPECT_EQ(energy(1), energy(0));
  EXPECT_EQ(energy(2), energy(0));
  EXPECT_EQ(store.numbers(0), mean);
}

TEST(ParameterStoreTest, WhatIsReadCanBeWrittenBack) {
  PlanOptions options = in_double();
  options.precision = Precision::kFloat32;
  const auto plan = make_plan(composition({real_line("x", 2)}, normal(0, {0.1, 0}, {1}, learner())), options);
  ParameterStore& store = plan->parameters();
  EXPECT_EQ(store.numbers(0), (std::vector<double>{static_cast<double>(0.1f), 0}));
  const std::vector<std::byte> kept = store.read(0);
  const std::vector<double> other = {3, 4};
  store.set_numbers(0, other);
  EXPECT_EQ(store.numbers(0), other);
  store.write(0, kept);
  EXPECT_EQ(store.read(0), kept);
  try {
    const std::vector<double> short_one = {3};
    store.set_numbers(0, short_one);
    FAIL() << "nothing thrown";
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "parameter 'learner.mean' must have 8 bytes, got 4. Give 2 numbers of its type");
  }
}

TEST(ParameterStoreTest, AnExpertThatIsNotInThePlanHasNone) {
  const auto plan = make_plan(composition({real_line("x", 2)}, normal(0, {0, 0}, {1})), in_double());
  EXPECT_TRUE(plan->parameters().experts().empty());
  EXPECT_TRUE(plan->parameters().arrays().empty());
}

}  // namespace
}  // namespace potluck::testing
