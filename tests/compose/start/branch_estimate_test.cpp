// SPDX-License-Identifier: Apache-2.0
#include "compose/start/branch_estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "compose/experts/experts.h"
#include "compose/known/normaliser.h"
#include "compose/start/exact_start.h"
#include "compose/tree/content_key.h"
#include "compose/tree/coordinates.h"
#include "core/error.h"
#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LogZEstimation few(bool on_support = false) {
  LogZEstimation how;
  how.on_support = on_support;
  how.annealing.particles = 1024;
  return how;
}

Mixture::Branch asked(NodePointer energy, const LogZEstimation& how, double weight = 0.5) {
  return {std::move(energy), weight, {}, how, {"scene.yaml", 9, 4}};
}

/// x^4, summed over a whole variable of n numbers; nobody says its log Z.
NodePointer fourth(int64_t n) { return leaf(quartic(), {whole(0, n)}, {}, "fourth"); }

/// The integral of exp(-x^4) over the real line, 2 Gamma(5/4), and over [0, 1].
const double kOnLine = 2 * std::tgamma(1.25);
constexpr double kOnUnit = 0.8448385947571262;

LogZEstimate only_estimate(const Composition& composition) {
  const auto branches = branches_to_estimate(composition, in_double());
  EXPECT_EQ(branches.size(), 1u);
  return estimate_log_z(composition, branches.at(0), in_double(), 2);
}

TEST(BranchEstimateTest, IsTheIntegralOverTheNaturalDomainOrTheSupport) {
  for (const bool on_support : {false, true}) {
    const Composition composition =
        testing::composition({interval("x", 3, 0, 1)}, mixture({asked(fourth(3), few(on_support))}));
    const LogZEstimate found = only_estimate(composition);
    EXPECT_GT(found.standard_error, 0);
    EXPECT_LT(found.standard_error, 0.05);
    const double right = 3 * std::log(on_support ? kOnUnit : kOnLine),
                 wrong = 3 * std::log(on_support ? kOnLine : kOnUnit);
    // The spread of 8 repeats is a t law of 7 degrees of freedom: 12.7 stands for 6 of a normal one.
    EXPECT_LT(std::abs(found.log_z - right), 12.7 * found.standard_error) << on_support;
    EXPECT_GT(std::abs(found.log_z - wrong), 12.7 * found.standard_error) << on_support;
  }
}

TEST(BranchEstimateTest, IsTheSameForAnyThreadsAndAnotherForAnotherSeed) {
  Composition composition = testing::composition({real_line("x", 2)}, mixture({asked(fourth(2), few())}));
  const auto branches = branches_to_estimate(composition, in_double());
  const double one = estimate_log_z(composition, branches.at(0), in_double(), 1).log_z;
  EXPECT_EQ(estimate_log_z(composition, branches.at(0), in_double(), 3).log_z, one);
  LogZEstimation other = few();
  other.annealing.seed = 2;
  composition.target = mixture({asked(fourth(2), other)});
  EXPECT_NE(only_estimate(composition).log_z, one);
}

/// Mean of the squares of numbers.
double mean_square(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double one : numbers) sum += one * one;
  return sum / static_cast<double>(numbers.size());
}

TEST(BranchEstimateTest, LeavesDrawsOfTheBranch) {
  for (const bool on_support : {false, true}) {
    const Composition composition =
        testing::composition({interval("x", 3, 0, 1)}, mixture({asked(fourth(3), few(on_support))}));
    const auto draws = only_estimate(composition).draws;
    ASSERT_NE(draws, nullptr);
    EXPECT_EQ(draws->rows, 1024);
    const std::vector<double>& x = draws->numbers.at("x");
    ASSERT_EQ(x.size(), 3 * 1024u);
    // E x^2 = Gamma(3/4) / Gamma(1/4) = .338 on the line, E x^4 = 1/4; on [0, 1] .2683 by quadrature, and x^2 varies
    // less than if x were uniform, by 1/5 - 1/9. Half of the particles are effective at least.
    const double error = std::sqrt((on_support ? 1.0 / 5 - 1.0 / 9 : 0.25 - 0.338 * 0.338) / (3 * 512));
    EXPECT_LT(std::abs(mean_square(x) - (on_support ? 0.2683 : 0.338)), 6 * error) << on_support;
    EXPECT_GT(std::abs(mean_square(x) - (on_support ? 1.0 / 3 : 1)), 6 * error) << "uniform or normal, " << on_support;
    const bool inside = std::all_of(x.begin(), x.end(), [](double one) { return one >= 0 && one <= 1; });
    EXPECT_EQ(inside, on_support);
  }
}

TEST(BranchEstimateTest, ChainsBeginInABranchThatWasAnnealed) {
  const NodePointer normal = testing::normal(0, {50}, {100});
  Composition pair = composition({real_line("x", 1)}, mixture({asked(fourth(1), few(), 0.25), {normal, 0.75, {}}}));
  EXPECT_EQ(branch_start(pair), nullptr) << "there is nothing to begin from yet";
  const Mixture::Branch& branch = std::get<Mixture>(pair.target->kind).branches[0];
  pair.estimates[content_key_of_branch(pair, branch)] = only_estimate(pair);
  EXPECT_EQ(exact_start(pair), nullptr);
  const auto start = branch_start(pair, Strata{4096});
  ASSERT_NE(start, nullptr);
  EXPECT_FALSE(start->exact());
  EXPECT_EQ(start->description(), "draws of the mixture's branches, as many of each branch as its weight says");
  std::vector<double> x(4096), near;
  double* position[] = {x.data()};
  start->draw(3, 0, 4096, 0, position);
  for (const double one : x)
    if (std::abs(one) < 10) near.push_back(one);
  EXPECT_EQ(near.size(), 1024u);
  EXPECT_NEAR(mean_square(near), 0.338, 6 * std::sqrt((0.25 - 0.338 * 0.338) / 256));
  // Those of a run that is gone on with are described, and are no more.
  pair.estimates.begin()->second.draws = std::make_shared<BranchDraws>();
  const auto past = branch_start(pair, Strata{4096});
  ASSERT_NE(past, nullptr);
  EXPECT_EQ(past->description(), start->description());
  EXPECT_THROW(past->draw(3, 0, 4096, 0, position), FileError);
  // Where draws were not kept, and where something of the branch is given.
  Composition given = pair;
  given.held[0].mask = {1};
  given.held[0].value = {0};
  EXPECT_EQ(branch_start(given), nullptr);
  pair.estimates.begin()->second.draws = nullptr;
  EXPECT_EQ(branch_start(pair), nullptr);
}

TEST(BranchEstimateTest, IsOfOnePartInsideEach) {
  const NodePointer patch = leaf(quartic(), {part(0, 2, {0, 1, 2, 3, 4, 5})}, {}, "patch", 3);
  const NodePointer branches = node("pair", Mixture{{asked(patch, few(), 1)}, false});
  const Composition composition = testing::composition({real_line("x", 6)}, node("all", Each{branches, "patches", 3}));
  const LogZEstimate found = only_estimate(composition);
  EXPECT_LT(std::abs(found.log_z - 2 * std::log(kOnLine)), 12.7 * found.standard_error);
  EXPECT_GT(std::abs(found.log_z - 6 * std::log(kOnLine)), 12.7 * found.standard_error);
}

TEST(BranchEstimateTest, IsNotMadeOfWhatIsKnown) {
  const Composition known = composition({real_line("x", 1)}, mixture({asked(normal(0, {0}, {4}), few())}));
  EXPECT_THAT(branches_to_estimate(known, in_double()), IsEmpty());
  const auto plan = make_plan(known, in_double());
  EXPECT_NEAR(evaluate(*plan, {{0}}, 1).energy[0], 0.5 * std::log(2 * M_PI / 4), 1e-12);
  // A support that cuts it off makes another expert of it; one that does not leaves it as it is.
  const Composition cut = composition({interval("x", 1, 0, 1)}, mixture({asked(normal(0, {0}, {4}), few(true))}));
  EXPECT_EQ(branches_to_estimate(cut, in_double()).size(), 1u);
  const Composition whole = composition({real_line("x", 1)}, mixture({asked(normal(0, {0}, {4}), few(true))}));
  EXPECT_THAT(branches_to_estimate(whole, in_double()), IsEmpty());
}

TEST(BranchEstimateTest, GoesIntoThePlanAndIsAwaitedBefore) {
  Composition pair =
      composition({real_line("x", 1)}, mixture({asked(fourth(1), few(), 0.25), {normal(0, {0}, {1}), 0.75}}));
  EXPECT_THAT(
      [&] { make_plan(pair, in_double()); },
      ::testing::ThrowsMessage<CompositionError>(HasSubstr(
          "scene.yaml:9:4: the normaliser of branch 1 of mixture 'mixture' must be estimated before a plan that "
          "evaluates is made, got no estimate. Call estimate_log_z for it first")));
  PlanOptions look = in_double();
  look.only_explain = true;
  EXPECT_THAT(make_plan(pair, look)->explanation(),
              ::testing::Contains("mixture 'mixture': log Z of 'fourth' is to be estimated by annealing before a run"));
  const auto& branch = std::get<Mixture>(pair.target->kind).branches[0];
  pair.estimates[content_key_of_branch(pair, branch)] = {1.25, 0.5};
  const auto plan = make_plan(pair, in_double());
  EXPECT_THAT(plan->explanation(),
              ::testing::Contains("mixture 'mixture': log Z of 'fourth' is 1.25 +- 0.5 (estimated by annealing)"));
  const double expected = -std::log(0.25 * std::exp(-1.25) + 0.75 / std::sqrt(2 * M_PI));
  EXPECT_NEAR(evaluate(*plan, {{0}}, 1).energy[0], expected, 1e-12);
}

TEST(BranchEstimateTest, AMixtureOfTruncatedExpertsIsNotNormalisedOnTheWholeLine) {
  const NodePointer inner = mixture({asked(normal(0, {0}, {4}), few(true)), {normal(0, {1}, {1}), 0.5}});
  Composition outer = composition({interval("x", 1, 0, 1)}, inner);
  const auto& branch = std::get<Mixture>(inner->kind).branches[0];
  outer.estimates[content_key_of_branch(outer, branch)] = {0.1, 0.01};
  const Coordinates coordinates(outer);
  const Experts experts(outer, in_double());
  const LogNormaliser log_z = Normaliser(coordinates, experts).of(*inner);
  EXPECT_FALSE(log_z.known);
  EXPECT_THAT(log_z.how, HasSubstr("its branch 'gauss' is normalised on its support"));
}

TEST(BranchEstimateTest, BranchesWithinABranchComeFirst) {
  const NodePointer inner = node("inner", Mixture{{asked(fourth(1), few(), 1)}, false});
  const NodePointer tempered = node("tempered", Temper{inner, 2});
  const Composition nested = [&] {
    Composition made = composition({real_line("x", 1)}, node("outer", Mixture{{asked(tempered, few(), 1)}, false}));
    made.integrable = true;
    return made;
  }();
  const auto branches = branches_to_estimate(nested, in_double());
  ASSERT_EQ(branches.size(), 2u);
  EXPECT_EQ(branches[0].mixture, "inner");
  EXPECT_EQ(branches[1].mixture, "outer");
  // p^(1/2) of the normalised inner: integral of exp(-x^4/2) over the root of Z.
  Composition filled = nested;
  filled.estimates[content_key_of_branch(filled, *branches[0].branch)] = {std::log(kOnLine), 0};
  const LogZEstimate found = estimate_log_z(filled, branches[1], in_double(), 2);
  const double expected = std::log(kOnLine) + 0.25 * std::log(2.0) - 0.5 * std::log(kOnLine);
  EXPECT_LT(std::abs(found.log_z - expected), 12.7 * found.standard_error);
}

TEST(BranchEstimateTest, RefusesABranchWithParents) {
  const NodePointer conditional = leaf(stretched(), {whole(0, 2), whole(1, 1)}, {}, "conditional");
  const NodePointer doubled = product({{conditional, 2}});
  const Composition pair = composition({real_line("x", 2), real_line("z", 1)},
                                       product({{mixture({asked(doubled, few(), 1)}), 1}, {normal(1, {0}, {1}), 1}}));
  EXPECT_THAT([&] { make_plan(pair, in_double()); },
              ::testing::ThrowsMessage<CompositionError>(HasSubstr(
                  "got none: log Z of 'product' depends on z, and one number is all that can be estimated. Write "
                  "log_z: NUMBER in the branch, or unnormalised: true in the mixture")));
}

TEST(BranchEstimateTest, RefusesWhatHasNoFiniteIntegral) {
  const Composition pair = composition({interval("x", 1, 0, 1)},
                                       mixture({asked(product({{fourth(1), -1}}), few()), {normal(0, {0}, {1}), 0.5}}));
  const auto branches = branches_to_estimate(pair, in_double());
  ASSERT_EQ(branches.size(), 1u);
  EXPECT_THAT([&] { check_estimate(pair, branches[0], in_double()); },
              ::testing::ThrowsMessage<CompositionError>(
                  HasSubstr("scene.yaml:9:4: log_z of branch 'product' of mixture 'mixture' must be one that can be "
                            "estimated, got: the target 'product' must be integrable")));
}

TEST(BranchEstimateTest, ContentIsAllThatAnEstimateDependsOn) {
  const auto content = [](const NodePointer& energy, const LogZEstimation& how = few(), double most = 1) {
    return content_key_of_branch(composition({interval("x", 3, 0, most)}, energy), asked(energy, how));
  };
  const std::string one = content(fourth(3));
  EXPECT_EQ(content(leaf(quartic(), {whole(0, 3)}, {}, "another name")), one);
  EXPECT_NE(content(normal(0, {0, 0, 0}, {1})), one);
  EXPECT_NE(content(normal(0, {0, 0, 1e-16}, {1})), content(normal(0, {0, 0, 0}, {1})));
  EXPECT_NE(content(product({{fourth(3), 2}})), content(product({{fourth(3), 1}})));
  EXPECT_NE(content(node("warm", Temper{fourth(3), 2})), content(node("warm", Temper{fourth(3), 3})));
  EXPECT_NE(content(leaf(quartic(), {part(0, 2, {0, 1})})), content(leaf(quartic(), {part(0, 2, {0, 2})})));
  // Supports count where they are integrated over.
  EXPECT_EQ(content(fourth(3), few(), 2), one);
  EXPECT_NE(content(fourth(3), few(true), 2), content(fourth(3), few(true), 1));
  for (const auto& change : std::vector<std::function<void(LogZEstimation&)>>{
           [](LogZEstimation& how) { how.annealing.particles = 7; }, [](LogZEstimation& how) { how.repeats = 7; },
           [](LogZEstimation& how) { how.annealing.moves = 7; },
           [](LogZEstimation& how) { how.annealing.base.mean = 7; },
           [](LogZEstimation& how) { how.annealing.base.scale = 7; },
           [](LogZEstimation& how) { how.annealing.seed = 7; }}) {
    LogZEstimation how = few();
    change(how);
    EXPECT_NE(content(fourth(3), how), one);
  }
}

TEST(BranchEstimateTest, WarnsWhereAnErrorMovesAWeightByMoreThanAHundredth) {
  Composition pair =
      composition({real_line("x", 1)}, mixture({asked(fourth(1), few(), 0.5), {normal(0, {0}, {1}), 0.5}}));
  const std::string content = content_key_of_branch(pair, std::get<Mixture>(pair.target->kind).branches[0]);
  pair.estimates[content] = {0, 0.039};  // moves 0.5 by 0.5 * 0.5 * 0.039
  EXPECT_THAT(weights_in_doubt(pair), IsEmpty());
  pair.estimates[content] = {0, 0.1};
  EXPECT_THAT(weights_in_doubt(pair),
              ElementsAre("mixture 'mixture': estimates of log Z must move no weight by more than 0.01, but their "
                          "standard errors move that of 'fourth', 0.5, by 0.025. Ask for more particles: log_z: "
                          "{particles: 7168}"));
}

}  // namespace
}  // namespace potluck::testing
