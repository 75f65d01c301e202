// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/mixtures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;

NodePointer named(const std::string& name, const NodePointer& from) { return node(name, from->kind); }

/// 0.25 N(0, 1) + 0.75 N(4, 1/4) of a number.
NodePointer two_modes(int variable = 0, bool unnormalised = false) {
  return named("modes",
               mixture({{named("near", normal(variable, {0}, {1})), 1}, {named("far", normal(variable, {4}, {4})), 3}},
                       unnormalised));
}

/// Why the first mixture of a composite is not judged; empty: it is.
std::string unjudged(const Composition& scene) {
  const auto plan = make_plan(scene, in_double());
  return plan->mixtures().mixtures.empty() ? "no mixture" : plan->mixtures().mixtures[0].unjudged;
}

TEST(MixturesTest, TheEnergiesOfExpertsTellTheResponsibilities) {
  const auto plan = make_plan(composition({real_line("x", 1)}, two_modes()), in_double());
  const Mixtures& mixtures = plan->mixtures();
  ASSERT_EQ(mixtures.mixtures.size(), 1u);
  EXPECT_EQ(mixtures.mixtures[0].name, "modes");
  EXPECT_EQ(mixtures.mixtures[0].branches.at(1).name, "far");
  EXPECT_EQ(mixtures.mixtures[0].branches.at(1).weight, 0.75);
  EXPECT_EQ(mixtures.mixtures[0].unjudged, "");
  // At x = 3: .25 exp(-4.5) against .75 * 2 exp(-2), normalisers sqrt(2 pi) and sqrt(2 pi)/2.
  const Evaluated at = evaluate(*plan, {{3}}, 1);
  const double near = 0.25 * std::exp(-4.5), far = 1.5 * std::exp(-2.0);
  EXPECT_NEAR(Responsibilities(mixtures).of(at.expert.data(), 1).at(1), far / (near + far), 1e-12);
}

TEST(MixturesTest, ABranchMadeOfSeveralExpertsIsTold) {
  // exp(-E_1 - E_2) of disjoint numbers beside one expert of both.
  const NodePointer both = named("both", product({{normal(0, {0}, {1}), 1}, {normal(1, {0}, {1}), 1}}));
  const NodePointer apart = named("apart", product({{normal(0, {2}, {1}), 1}, {normal(1, {2}, {1}), 1}}));
  const auto plan =
      make_plan(composition({real_line("x", 1), real_line("y", 1)}, named("modes", mixture({{both, 1}, {apart, 1}}))),
                in_double());
  EXPECT_EQ(plan->mixtures().mixtures.at(0).unjudged, "");
  // At (2, 2): exp(-4) against 1.
  const Evaluated at = evaluate(*plan, {{2}, {2}}, 1);
  EXPECT_NEAR(Responsibilities(plan->mixtures()).of(at.expert.data(), 1).at(0), std::exp(-4.0) / (1 + std::exp(-4.0)),
              1e-12);
}

TEST(MixturesTest, AMixtureInsideABranchKnowsWhereItStands) {
  const auto plan =
      make_plan(composition({real_line("x", 1)},
                            named("outer", mixture({{named("wide", normal(0, {0}, {0.01})), 1}, {two_modes(), 1}}))),
                in_double());
  const Mixtures& mixtures = plan->mixtures();
  ASSERT_EQ(mixtures.mixtures.size(), 2u);
  EXPECT_EQ(mixtures.mixtures[0].name, "outer");
  EXPECT_EQ(mixtures.mixtures[1].name, "modes");
  EXPECT_EQ(mixtures.mixtures[1].parent, 0);
  EXPECT_EQ(mixtures.mixtures[1].parent_branch, 1);
  EXPECT_EQ(mixtures.mixtures[1].unjudged, "");
}

TEST(MixturesTest, IsJudgedWhereTheExpectationIsTheWeight) {
  const std::vector<Variable> x = {real_line("x", 1)}, xy = {real_line("x", 1), real_line("y", 1)};
  EXPECT_EQ(unjudged(composition(x, two_modes())), "");
  // A factor of other numbers changes nothing; one of the same does.
  EXPECT_EQ(unjudged(composition(xy, product({{two_modes(), 1}, {normal(1, {0}, {1}), 2}}))), "");
  EXPECT_EQ(unjudged(composition(x, product({{two_modes(), 1}, {normal(0, {0}, {1}), 1}}))),
            "another factor of 'product' reads x too");
  EXPECT_EQ(unjudged(composition(x, product({{two_modes(), 2}}))), "it has the weight 2 in 'product'");
  EXPECT_EQ(unjudged(composition(x, two_modes(0, true))), "its weights absorb the normalisers");
  EXPECT_EQ(unjudged(composition(x, node("warm", Temper{two_modes(), 2}))), "'warm' tempers it");
  EXPECT_EQ(unjudged(composition({interval("x", 1, -1, 5)}, two_modes())), "a support cuts x off");
  Composition hot = composition(x, two_modes());
  hot.sample.temperature = 2;
  EXPECT_EQ(unjudged(hot), "the run is at T = 2");
  Composition recipe = composition(x, two_modes());
  recipe.sample.method = "ebm_practice";
  EXPECT_EQ(unjudged(recipe), "the method runs at a temperature of its own");
}

TEST(MixturesTest, AMixtureOfWhichPartIsGivenIsNotJudged) {
  const NodePointer modes = named("modes", mixture({{named("a", normal(0, {0, 0}, {1, 0, 0, 1})), 1},
                                                    {named("b", normal(0, {3, 3}, {1, 0, 0, 1})), 1}}));
  Composition scene = composition({real_line("x", 2)}, modes);
  EXPECT_EQ(unjudged(scene), "");
  scene.held[0] = {{1, 0}, {3, 0}};
  EXPECT_THAT(unjudged(scene), HasSubstr("is given"));
}

TEST(MixturesTest, AMixtureThatStandsTwiceIsReportedByItself) {
  const NodePointer once = two_modes();
  EXPECT_EQ(unjudged(composition({real_line("x", 1)}, product({{once, 1}, {once, 1}}))), "it stands in several places");
}

}  // namespace
}  // namespace potluck::testing
