// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "tests/compose/allocations.h"
#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;

TEST(PlanTest, AProductAddsEnergiesAndGradients) {
  // N(0,1) N(2,1): E = x^2/2 + (x-2)^2/2, E' = 2x - 2
  const auto plan = make_plan(
      composition({real_line("x", 1)}, product({{normal(0, {0}, {1}), 1}, {normal(0, {2}, {1}), 1}})), in_double());
  const Evaluated at = evaluate(*plan, {{0, 1, 3}}, 3);
  EXPECT_EQ(at.energy, (std::vector<double>{2, 1, 5}));
  EXPECT_EQ(at.gradient[0], (std::vector<double>{-2, 0, 4}));
  EXPECT_EQ(at.expert, (std::vector<double>{0, 0.5, 4.5, 2, 0.5, 0.5}));
}

TEST(PlanTest, Float32AgreesWithFloat64AndEnergiesStayDouble) {
  const Composition two = composition(
      {real_line("x", 2)}, product({{normal(0, {0, 1}, {1, 0.5, 0.5, 2}), 1.5}, {normal(0, {2, 0}, {1}), -0.25}}));
  PlanOptions narrow = in_double();
  narrow.precision = Precision::kFloat32;
  const std::vector<std::vector<double>> x = {{0.5, -1, 2, 0.25}};  // exact in float32
  const Evaluated wide = evaluate(*make_plan(two, in_double()), x, 2), at = evaluate(*make_plan(two, narrow), x, 2);
  EXPECT_EQ(at.energy, wide.energy);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(at.gradient[0][i], wide.gradient[0][i], 1e-5);
}

TEST(PlanTest, ALeafUsedTwiceEqualsWeightTwoAndIsEvaluatedOnce) {
  const NodePointer one = normal(0, {1}, {3});
  const NodePointer same = normal(0, {1}, {3});  // another node that says the same
  const auto twice = make_plan(composition({real_line("x", 1)}, product({{one, 1}, {same, 1}})), in_double());
  const auto heavy = make_plan(composition({real_line("x", 1)}, product({{one, 2}})), in_double());
  evaluate_calls() = 0;
  const Evaluated a = evaluate(*twice, {{0.3, -2}}, 2);
  EXPECT_EQ(evaluate_calls(), 1);
  EXPECT_EQ(twice->evaluations(), (std::vector<int64_t>{1}));
  EXPECT_EQ(twice->leaves()[0].used, 2);
  const Evaluated b = evaluate(*heavy, {{0.3, -2}}, 2);
  EXPECT_EQ(a.energy, b.energy);
  EXPECT_EQ(a.gradient, b.gradient);
}

TEST(PlanTest, DifferentSettingsWeightsOrInputsAreDistinctLeaves) {
  const auto plan = make_plan(composition({real_line("x", 1), real_line("y", 1)}, product({{normal(0, {1}, {3}), 1},
                                                                                           {normal(0, {1}, {2}), 1},
                                                                                           {normal(1, {1}, {3}), 1},
                                                                                           {normal(0, {1}, {3}), 1}})),
                              in_double());
  evaluate_calls() = 0;
  evaluate(*plan, {{0.3}, {1}}, 1);
  EXPECT_EQ(evaluate_calls(), 3);
}

TEST(PlanTest, EachDistinctLeafIsEvaluatedOncePerCallAlsoUnderNestedMixtures) {
  const NodePointer a = normal(0, {0}, {1}), b = normal(0, {4}, {2});
  const NodePointer mixed = mixture({{a, 0.5, {}}, {b, 0.5, {}}});
  const auto plan = make_plan(
      composition({real_line("x", 1)}, product({{mixed, 1}, {mixture({{mixed, 1, {}}, {a, 2, {}}}), 0.5}, {b, 1}})),
      in_double());
  evaluate_calls() = 0;
  for (int call = 1; call <= 3; ++call) {
    evaluate(*plan, {{0.3, 1, 2}}, 3);
    EXPECT_EQ(evaluate_calls(), 2 * call);
  }
  EXPECT_EQ(plan->evaluations(), (std::vector<int64_t>{3, 3}));
}

TEST(PlanTest, TemperingByTEqualsDividing) {
  const NodePointer one = normal(0, {1, 2}, {3});
  const auto tempered = make_plan(composition({real_line("x", 2)}, node("cool", Temper{one, 0.4})), in_double());
  const auto plain = make_plan(composition({real_line("x", 2)}, one), in_double());
  const Evaluated a = evaluate(*tempered, {{0.3, -2}}, 1), b = evaluate(*plain, {{0.3, -2}}, 1);
  EXPECT_NEAR(a.energy[0], b.energy[0] / 0.4, 1e-13);
  for (size_t i = 0; i < 2; ++i) EXPECT_NEAR(a.gradient[0][i], b.gradient[0][i] / 0.4, 1e-13);
}

TEST(PlanTest, AMixtureOfOneIsItsBranchNormalised) {
  const NodePointer one = normal(0, {1}, {4});
  const auto alone = make_plan(composition({real_line("x", 1)}, one), in_double());
  const auto mixed = make_plan(composition({real_line("x", 1)}, mixture({{one, 3, {}}})), in_double());
  const auto as_is = make_plan(composition({real_line("x", 1)}, mixture({{one, 3, {}}}, true)), in_double());
  const Evaluated a = evaluate(*alone, {{0.3}}, 1), b = evaluate(*mixed, {{0.3}}, 1), c = evaluate(*as_is, {{0.3}}, 1);
  EXPECT_EQ(a.gradient, b.gradient);
  EXPECT_EQ(a.energy, c.energy);
  EXPECT_EQ(a.gradient, c.gradient);
  EXPECT_NEAR(b.energy[0] - a.energy[0], 0.5 * std::log(2 * M_PI / 4), 1e-14);  // log Z of N(1, 1/4)
}

TEST(PlanTest, AModelThatCannotAccumulateIsAddedByThePlan) {
  const auto with = [](const ModelKind& kind) {
    return make_plan(composition({real_line("x", 2)}, product({{normal(0, {0, 1}, {1}), 0.5},
                                                               {normal(0, {3, 1}, {2}, kind), 1},
                                                               {normal(0, {5, 1}, {2}, kind), -0.25}})),
                     in_double());
  };
  const Evaluated a = evaluate(*with(gauss()), {{0.25, -2}}, 1);
  const Evaluated b = evaluate(*with(gauss_that_overwrites()), {{0.25, -2}}, 1);
  EXPECT_EQ(a.energy, b.energy);
  EXPECT_EQ(a.gradient, b.gradient);
}

TEST(PlanTest, EnergiesAloneCanBeAsked) {
  const auto plan =
      make_plan(composition({real_line("x", 1)}, mixture({{normal(0, {0}, {1}), 1, {}}, {normal(0, {2}, {1}), 1, {}}})),
                in_double());
  EXPECT_EQ(evaluate(*plan, {{1}}, 1, false).energy, evaluate(*plan, {{1}}, 1).energy);
}

TEST(PlanTest, AWallUnderAMixtureLeavesNoNanInTheGradient) {
  // box() gives NaN as its gradient outside.
  const NodePointer wall = leaf(box(), {whole(0, 1)}, {{0}, {0.5}});
  const NodePointer mixed = mixture({{wall, 1, {}}, {normal(0, {0}, {1}), 1, {}}});
  const auto plan = make_plan(composition({real_line("x", 1)}, mixed), in_double());
  const Evaluated at = evaluate(*plan, {{2, 0.25}}, 2);
  EXPECT_EQ(at.gradient[0][0], 2);  // of the normal alone
  EXPECT_TRUE(plan->hard_walls());
  const auto walls = make_plan(composition({interval("x", 1, -3, 3)},
                                           mixture({{wall, 1, {}}, {leaf(box(), {whole(0, 1)}, {{1}, {0.5}}), 1, {}}})),
                               in_double());
  EXPECT_EQ(evaluate(*walls, {{-2}}, 1).energy[0], std::numeric_limits<double>::infinity());
}

TEST(PlanTest, ARowThatFailsDoesNotTouchTheOthers) {
  const NodePointer fails = leaf(constant(), {whole(0, 1)}, {{std::nan("")}});
  const auto plan =
      make_plan(composition({interval("x", 1, 0, 1)}, product({{fails, 1}, {normal(0, {0}, {1}), 1}})), in_double());
  EXPECT_TRUE(std::isnan(evaluate(*plan, {{0.5}}, 1).energy[0]));
  const auto minus =
      make_plan(composition({interval("x", 1, 0, 1)}, leaf(constant(), {whole(0, 1)}, {{-INFINITY}})), in_double());
  EXPECT_TRUE(std::isnan(evaluate(*minus, {{0.5}}, 1).energy[0]));
}

TEST(PlanTest, AZeroWeightIsNotEvaluated) {
  const NodePointer fails = leaf(constant(), {whole(0, 1)}, {{std::nan("")}});
  const auto plan =
      make_plan(composition({real_line("x", 1)},
                            product({{fails, 0}, {mixture({{fails, 0, {}}, {normal(0, {0}, {1}), 1, {}}}, true), 1}})),
                in_double());
  EXPECT_EQ(evaluate(*plan, {{2}}, 1).energy[0], 2);
  EXPECT_EQ(plan->experts(), (std::vector<std::string>{"gauss"}));
}

TEST(PlanTest, ALeafAccumulatesIntoOneVariableAndBeginsAnother) {
  // After the normal x holds a gradient and z does not: E = x^2/2 + (x - 2z)^2/2 at (1, 3): (1 - 5, 10)
  const NodePointer first = normal(0, {0}, {1}), second = leaf(linear(), {whole(0, 1), whole(1, 1)}, {{2}, {1}});
  const auto plan = make_plan(composition({real_line("x", 1), interval("z", 1, -9, 9)},
                                          product({{first, 1}, {second, 1}, {normal(1, {0}, {0}), 1}})),
                              in_double());
  const Evaluated at = evaluate(*plan, {{1}, {3}}, 1);
  EXPECT_EQ(at.gradient[0][0], -4);
  EXPECT_EQ(at.gradient[1][0], 10);
}

TEST(PlanTest, AVariableThatNoExpertReadsHasAZeroGradient) {
  const auto plan = make_plan(
      composition({real_line("x", 1), interval("y", 2, 0, 1)}, product({{normal(0, {0}, {1}), 1}})), in_double());
  EXPECT_EQ(evaluate(*plan, {{1}, {0, 1}}, 1).gradient[1], (std::vector<double>{0, 0}));
}

TEST(PlanTest, OverlappingPatchesAddUp) {
  // Three patches of two over four numbers, N(0, 1) each: x_j^2/2 as often as a patch covers it, 1 2 2 1 times.
  const NodePointer patch = leaf(gauss(), {part(0, 2, {0, 1, 1, 2, 2, 3})}, {{0, 0}, {1}}, "patch", 3);
  const auto plan = make_plan(composition({real_line("x", 4)}, node("texture", Each{patch, "tiles", 3})), in_double());
  const Evaluated at = evaluate(*plan, {{1, 2, 3, 4, 0, 0, 0, 2}}, 2);
  EXPECT_EQ(at.energy, (std::vector<double>{0.5 + 4 + 9 + 8, 2}));
  EXPECT_EQ(at.expert, at.energy);
  EXPECT_EQ(at.gradient[0], (std::vector<double>{1, 4, 6, 4, 0, 0, 0, 2}));
  EXPECT_EQ(plan->leaves()[0].rows_a_chain, 3);
}

TEST(PlanTest, AModelThatIsNotThreadSafeIsCreatedForEachWorker) {
  static int created = 0;
  class Alone : public SmallModel {
   public:
    Alone() {
      abilities &= ~static_cast<uint64_t>(POTLUCK_THREAD_SAFE);
      ++created;
    }
    double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
      gradient[0] = x[0];
      return 0.5 * x[0] * x[0];
    }
  };
  static const auto kind =
      small_kind("alone", {"x"}, 0, [](const auto&, const auto&) { return std::make_unique<Alone>(); });
  PlanOptions options = in_double();
  options.workers = 3;
  const Composition whole =
      composition({real_line("x", 1)}, product({{leaf(*kind, {testing::whole(0, 1)}), 1}, {normal(0, {0}, {1}), 1}}));
  const auto plan = make_plan(whole, options);
  EXPECT_EQ(created, 3);
  EXPECT_EQ(evaluate(*plan, {{2}}, 1, true, 2).energy[0], 4);
}

TEST(PlanTest, WhatAModelRefusesIsReportedAtItsPlaceAllAtOnce) {
  Composition whole = composition({real_line("x", 2)}, nullptr);
  const auto wrong = [](int line) {
    auto made = std::make_shared<Node>(*leaf(gauss(), {testing::whole(0, 2)}, {{0}, {static_cast<double>(line)}}));
    std::get<Leaf>(made->kind).setting_places = {{"scene.yaml", line, 5}, {}};
    std::get<Leaf>(made->kind).model_place = {"scene.yaml", 1, 1};
    return made;
  };
  whole.target = product({{wrong(9), 1}, {wrong(12), 1}});
  try {
    make_plan(whole, in_double());
    FAIL();
  } catch (const CompositionError& error) {
    ASSERT_EQ(error.all().size(), 2u);
    EXPECT_EQ(to_string(error.all()[0].where), "scene.yaml:9:5");
    EXPECT_EQ(to_string(error.all()[1].where), "scene.yaml:12:5");
    EXPECT_THAT(error.all()[0].text, HasSubstr("mean must have as many numbers as x"));
  }
}

TEST(PlanTest, TheExplanationSaysWhatIsKnownAndHow) {
  Composition whole =
      composition({interval("x", 1, 0, 1)},
                  mixture({{normal(0, {0}, {1}), 1, {}}, {normal(0, {1}, {1}, gauss_unknown()), 1, 2.5}}));
  whole.sample.temperature = 2;
  const auto plan = make_plan(whole, in_double());
  EXPECT_EQ(plan->explanation(),
            (std::vector<std::string>{
                "mixture 'mixture': log Z of 'gauss' is 0.918939 (model 'gauss' says it)",
                "mixture 'mixture': log Z of 'gauss_unknown' is 2.5 (given in the file)",
                "log Z of the target, nothing given and unconfined: 0 (a mixture of normalised branches)",
                "experts are normalised on their natural domain; supports confine the finished composite",
                "integrable: all supports are bounded, and the energy is bounded below on them",
                "T = 2, acts once on the finished composite"}));
  EXPECT_EQ(plan->leaves()[1].model, "gauss_unknown (small 1.0.0)");
  EXPECT_EQ(plan->leaves()[1].weight, "depends on the state");
}

/// A batch of `rows` states of two numbers and one of them gathered, and how many calls their models had.
std::pair<Evaluated, int64_t> in_pieces(const Composition& scene, int64_t most_literal_bytes) {
  constexpr int64_t kRows = 50;
  PlanOptions options = in_double(kRows);
  options.most_literal_bytes = most_literal_bytes;
  const auto plan = make_plan(scene, options);
  std::vector<std::vector<double>> position(2);
  for (int64_t i = 0; i < kRows; ++i) {
    for (int j = 0; j < 2; ++j) position[0].push_back(0.1 * static_cast<double>(i) - 2 + j);
    position[1].push_back(0.03 * static_cast<double>(i));
  }
  const int64_t before = evaluate_calls();
  const Evaluated found = evaluate(*plan, position, kRows);
  return {found, evaluate_calls() - before};
}

// A row of a literal for each chain of a GPU may be more than it can hold: the same energies and gradients in calls of
// 16 rows, of a leaf for every part, of one that writes straight to its variables and of normalisers.
TEST(PlanTest, LongLiteralsAreGivenInPieces) {
  const NodePointer part_of = leaf(linear(), {part(0, 1, {0, 1}), literal({0.5})}, {{1}, {1}}, "part", 2),
                    each = node("each", Each{part_of, "halves", 2}),
                    straight = leaf(linear(), {whole(0, 2), literal({0.25})}, {{1, 1}, {1}}, "straight"),
                    spread = leaf(stretched(), {whole(0, 2), whole(1, 1)}, {}, "spread"),
                    parent = normal(1, {0.5}, {1}),
                    fixed = leaf(stretched(), {whole(0, 2), literal({0.7})}, {}, "fixed");
  const NodePointer mixed = mixture({{spread, 0.4, {}}, {fixed, 0.6, {}}});
  const Composition scene = composition({real_line("x", 2), real_line("z", 1)},
                                        product({{each, 1}, {straight, 0.5}, {mixed, 1}, {parent, 1}}));
  const auto [whole, calls] = in_pieces(scene, int64_t{1} << 20);
  const auto [pieces, more] = in_pieces(scene, 8);
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(more, 7 + 4 + 1 + 1 + 4);  // 100 rows, 50, and no literals, by 16
  EXPECT_EQ(pieces.energy, whole.energy);
  EXPECT_EQ(pieces.expert, whole.expert);
  EXPECT_EQ(pieces.gradient, whole.gradient);
}

TEST(PlanTest, EvaluationAllocatesNothing) {
  // The small models allocate themselves: one that does not stands for all.
  class Still : public SmallModel {
    double energy(const std::vector<double>&, std::vector<double>&) const override { return 1; }
  };
  static const auto kind =
      small_kind("still", {"x"}, 0, [](const auto&, const auto&) { return std::make_unique<Still>(); });
  static potluck_model_kind still_table = *kind->table;
  still_table.evaluate = [](const potluck_model*, const potluck_call* call, potluck_error*) {
    for (int64_t row = 0; row < call->rows; ++row) call->energy[row] = 1;
    if (call->gradient) static_cast<double*>(call->gradient[0])[0] = 1;
    return static_cast<int>(POTLUCK_OK);
  };
  static ModelKind still = *kind;
  still.table = &still_table;
  const NodePointer a = leaf(still, {testing::whole(0, 4)}), b = leaf(still, {part(0, 2, {0, 2})});
  Composition whole =
      composition({interval("x", 4, 0, 1)}, product({{a, 0.5}, {b, 1}, {mixture({{a, 1, {}}, {b, 1, {}}}, true), 1}}));
  const auto plan = make_plan(whole, in_double());
  const std::vector<double> x(16, 0.5);
  std::vector<double> energy(4), gradient(16);
  std::vector<char> workspace(plan->workspace_bytes(4) + 64);
  const void* position[] = {x.data()};
  void* out[] = {gradient.data()};
  EnergyCall call;
  call.rows = 4;
  call.position = position;
  call.energy = energy.data();
  call.gradient = out;
  call.workspace = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) / 64 * 64);
  const int64_t before = allocations();
  plan->evaluate(call);
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(energy[0], 2.5);  // .5 + 1 + 1
}

}  // namespace
}  // namespace potluck::testing
