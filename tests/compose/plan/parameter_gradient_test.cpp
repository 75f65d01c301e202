// SPDX-License-Identifier: Apache-2.0

// Gradients with respect to parameters: against central differences over random trees, and their bits.
#include "compose/plan/parameter_gradient.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/compose/plan/learning.h"
#include "tests/compose/plan/random_learners.h"

namespace potluck::testing {
namespace {

enum class Sought { kCotangent, kTangent, kBoth };

Weighing any_weighing(std::mt19937& random, Sought sought, const State& state, int64_t rows) {
  Weighing weighing;
  if (sought != Sought::kTangent) weighing.cotangent = any_numbers(random, static_cast<size_t>(rows));
  if (sought != Sought::kCotangent) weighing.tangent = any_direction(random, state);
  return weighing;
}

/// Largest relative difference between gradients of random trees and central differences.
double worst_of_trees(const ModelKind& kind, Sought sought, unsigned trees,
                      Composition (*make)(const ModelKind&, unsigned) = random_learners) {
  double worst = 0;
  unsigned learned = 0;
  for (unsigned seed = 0; seed < trees; ++seed) {
    std::mt19937 random(21000 + seed);
    const auto plan = make_plan(make(kind, seed), in_double());
    if (plan->parameters().arrays().empty()) continue;
    ++learned;
    State state = any_state(random);
    if (plan->variables().size() > 3) state.push_back(any_numbers(random, 2 * kRows));
    const Weighing weighing = any_weighing(random, sought, state, kRows);
    const Sums sums = gradient(*plan, state, kRows, weighing);
    worst = std::max(worst, worst_against_differences(*plan, state, kRows, weighing, sums));
  }
  EXPECT_GT(learned, trees / 2);
  return worst;
}

TEST(ParameterGradientTest, CotangentsOfRandomTreesAreCentralDifferences) {
  EXPECT_LT(worst_of_trees(learner(), Sought::kCotangent, 150), 1e-6);
}

TEST(ParameterGradientTest, TangentsOfRandomTreesAreCentralDifferences) {
  EXPECT_LT(worst_of_trees(learner(), Sought::kTangent, 150), 1e-6);
}

TEST(ParameterGradientTest, CotangentsAndTangentsAddUp) {
  EXPECT_LT(worst_of_trees(learner(), Sought::kBoth, 100), 1e-6);
}

TEST(ParameterGradientTest, RandomTreesAboveANormaliserAreDifferentiatedToo) {
  EXPECT_LT(worst_of_trees(learner(), Sought::kBoth, 100, above_a_normaliser), 1e-6);
}

TEST(ParameterGradientTest, TheSameCheckRejectsAModelThatForgetsACurvature) {
  EXPECT_GT(worst_of_trees(learner_broken(), Sought::kTangent, 50), 1e-3);
}

/// A mixture whose responsibilities change along the tangent, one branch of which is learned.
Composition two_branches() {
  Composition whole = composition(
      {real_line("x", 2)},
      mixture({{normal(0, {0.5, -0.5}, {1}, learner()), 0.4}, {normal(0, {1, 1}, {2}, gauss()), 0.6}}, true));
  whole.integrable = true;
  return whole;
}

// What a plan would answer that took responsibilities for constants: the check of tangents must tell it.
TEST(ParameterGradientTest, TheSameCheckRejectsResponsibilitiesThatStandStill) {
  const auto plan = make_plan(two_branches(), in_double());
  const State state = {{0.3, 0.1}};
  Weighing weighing;
  weighing.tangent = {{1, -0.5}};
  const Sums right = gradient(*plan, state, 1, weighing);
  EXPECT_LT(worst_against_differences(*plan, state, 1, weighing, right), 1e-8);
  // The responsibility is in the energies: dC/dE of the learned branch, whose row is asked for alone here.
  const Evaluated at = evaluate(*plan, state, 1);
  const double share = 0.4 * std::exp(-at.expert[0] + at.energy[0]);
  const auto alone = make_plan(composition({real_line("x", 2)}, normal(0, {0.5, -0.5}, {1}, learner())), in_double());
  Sums standing = gradient(*alone, state, 1, weighing);
  for (std::vector<double>& sum : standing)
    for (double& number : sum) number *= share;
  EXPECT_GT(worst_against_differences(*plan, state, 1, weighing, standing), 1e-2);
}

TEST(ParameterGradientTest, NormalisersOfWhatIsNotLearnedMayDependOnTheState) {
  // p(y) by a learner, p(x | y0) by a normalised expert: log Z(y0) has a slope along t, and no part in what is learned.
  // The mixture around it makes the rates depend on both.
  const NodePointer top = leaf(learner(), {whole(1, 2)}, {{0.2, -0.1}, {1.5}}, "top");
  const NodePointer below = leaf(stretched(), {whole(0, 2), part(1, 1, {0})}, {}, "below");
  const NodePointer levels = node("levels", Hierarchy{{top, below}, false});
  const NodePointer other = product({{normal(0, {0, 0}, {1}), 1}, {normal(1, {1, 1}, {1}), 1}});
  Composition whole_target =
      composition({real_line("x", 2), real_line("y", 2)}, mixture({{levels, 0.3, 0.5}, {other, 0.7, 0.1}}));
  whole_target.integrable = true;
  const auto plan = make_plan(whole_target, in_double());
  std::mt19937 random(5);
  const State state = {any_numbers(random, 8), any_numbers(random, 8)};
  const Weighing weighing = {any_numbers(random, 4), any_direction(random, state)};
  const Sums sums = gradient(*plan, state, 4, weighing);
  EXPECT_LT(worst_against_differences(*plan, state, 4, weighing, sums), 1e-8);
}

TEST(ParameterGradientTest, ALiteralAndALeftOutInputTakePartInNoTangent) {
  const auto of = [](std::vector<Binding> inputs, const ModelKind& kind) {
    Composition whole_target = composition({real_line("x", 3)}, leaf(kind, std::move(inputs)));
    whole_target.integrable = true;
    const auto plan = make_plan(whole_target, in_double());
    std::mt19937 random(6);
    const State state = {any_numbers(random, 6)};
    const Weighing weighing = {any_numbers(random, 2), any_direction(random, state)};
    const Sums sums = gradient(*plan, state, 2, weighing);
    EXPECT_LT(worst_against_differences(*plan, state, 2, weighing, sums), 1e-8);
    return sums;
  };
  Binding left_out;
  left_out.shape = {0};
  left_out.left_out = true;
  const Sums literal_of_zero = of({whole(0, 3), literal({0})}, stretched_learner());
  EXPECT_EQ(of({whole(0, 3), left_out}, flexible_learner()), literal_of_zero);
  EXPECT_NE(of({whole(0, 3), literal({0.5})}, flexible_learner()), literal_of_zero);
}

TEST(ParameterGradientTest, HeldCoordinatesDoNotMove) {
  Composition whole_target = two_branches();
  whole_target.held.resize(1);
  whole_target.held[0].mask = {0, 1};
  whole_target.held[0].value = {0, 0.1};
  const auto plan = make_plan(whole_target, in_double());
  const State state = {{0.3, 0.1}};
  Weighing moving, standing;
  moving.tangent = {{1, -0.5}};
  standing.tangent = {{1, 0}};
  EXPECT_EQ(gradient(*plan, state, 1, moving), gradient(*plan, state, 1, standing));
}

TEST(ParameterGradientTest, ARowWithoutAShareAddsNothingWhateverItsEnergy) {
  // Beyond its wall the learned branch is at +infinity, with NaN for every slope.
  Composition whole_target =
      composition({real_line("x", 2)},
                  mixture({{normal(0, {0, 0}, {1}, learner_walled()), 0.5}, {normal(0, {0, 0}, {0.5}), 0.5}}, true));
  whole_target.integrable = true;
  const auto plan = make_plan(whole_target, in_double());
  const State inside = {{0.3, 0.1, -0.2, 0.4}}, mixed = {{0.3, 0.1, 5, 0, -0.2, 0.4, 0, -7}};
  const Weighing of_two = {{1, 2}, {{1, -1, 0.5, 2}}}, of_four = {{1, 3, 2, 4}, {{1, -1, 9, 9, 0.5, 2, 9, 9}}};
  EXPECT_EQ(gradient(*plan, mixed, 4, of_four), gradient(*plan, inside, 2, of_two));
  // A row that is weighed with 0 is left out too.
  const auto alone = make_plan(composition({real_line("x", 2)}, normal(0, {0, 0}, {1}, learner_walled())), in_double());
  EXPECT_EQ(gradient(*alone, mixed, 4, {{1, 0, 2, 0}, {}}), gradient(*alone, inside, 2, {{1, 2}, {}}));
}

/// A tree of everything, with models that exist once a worker.
std::unique_ptr<Plan> plan_for_threads(const ModelKind& kind, int64_t most_rows = 64) {
  const auto one = [&](std::vector<Binding> inputs) { return leaf(kind, std::move(inputs), {{0.2, -0.2}, {1.5}}); };
  const NodePointer mixed = mixture({{one({part(0, 2, {0, 1})}), 0.5}, {one({part(0, 2, {3, 4})}), 0.5}}, true);
  const NodePointer tiles = leaf(kind, {part(0, 2, {0, 1, 2, 3, 4, 5})}, {{0.2, -0.2}, {1.5}}, "tile", 3);
  Composition whole_target = composition(
      {real_line("x", 6)}, product({{mixed, 1}, {node("each", Each{tiles, "tiles", 3}), 0.5}, {mixed, 0.25}}));
  whole_target.integrable = true;
  PlanOptions options = in_double(most_rows);
  options.workers = 3;
  return make_plan(whole_target, options);
}

TEST(ParameterGradientTest, AnyNumberOfThreadsGivesTheSameBits) {
  constexpr int64_t kMany = 150;  // five pieces, the last of them short
  std::mt19937 random(7);
  const State state = {any_numbers(random, 6 * kMany)};
  const Weighing weighing = {any_numbers(random, kMany), any_direction(random, state)};
  for (const ModelKind* kind : {&learner(), &learner_alone(), &learner_first_order()}) {
    const auto plan = plan_for_threads(*kind);
    EXPECT_EQ(plan->parameter_piece(), 32);
    const Sums alone = gradient(*plan, state, kMany, weighing);
    for (const int threads : {1, 2, 3, 5}) {
      ThreadPool pool(threads);
      EXPECT_EQ(gradient(*plan, state, kMany, weighing, &pool), alone) << threads << " threads, " << kind->name;
    }
  }
  // No call has more rows than a piece, however many the plan could take.
  EXPECT_EQ(gradient(*plan_for_threads(learner(), 32), state, kMany, weighing),
            gradient(*plan_for_threads(learner(), 64), state, kMany, weighing));
}

TEST(ParameterGradientTest, PiecesHaveTheRowsThatAnExpertPrefers) {
  const auto of = [](const ModelKind& kind, int64_t most_rows) {
    return make_plan(composition({real_line("x", 2)}, normal(0, {0, 0}, {1}, kind)), in_double(most_rows));
  };
  EXPECT_EQ(of(learner_of_48(), 64)->preferred_rows(), 48);
  EXPECT_EQ(of(learner_of_48(), 64)->parameter_piece(), 48);
  EXPECT_EQ(of(learner_of_48(), 40)->parameter_piece(), 40);  // no call may have more
  EXPECT_EQ(of(learner(), 64)->parameter_piece(), 32);
  // Inside `each` a chain has three rows of it.
  const NodePointer part_of = leaf(learner_of_48(), {part(0, 2, {0, 1, 2, 3, 4, 5})}, {{0, 0}, {1}}, "part", 3);
  const auto each = make_plan(composition({real_line("x", 6)}, node("each", Each{part_of, "parts", 3})), in_double(64));
  EXPECT_EQ(each->preferred_rows(), 16);
}

TEST(ParameterGradientTest, CallsThatAreSplitBetweenPiecesAddUpToTheSameBits) {
  constexpr int64_t kMany = 150;
  std::mt19937 random(8);
  const State state = {any_numbers(random, 6 * kMany)};
  const Weighing weighing = {any_numbers(random, kMany), any_direction(random, state)};
  const auto plan = plan_for_threads(learner());
  const Sums together = gradient(*plan, state, kMany, weighing);
  const auto in_two = [&](int64_t first) {
    Sums sums = zero_sums(*plan);
    const auto add = [&](int64_t from, int64_t count) {
      add_gradient(
          *plan, {rows_of(state[0], kMany, from, count)}, count,
          {rows_of(weighing.cotangent, kMany, from, count), {rows_of(weighing.tangent[0], kMany, from, count)}}, sums);
    };
    add(0, first);
    add(first, kMany - first);
    return sums;
  };
  EXPECT_EQ(in_two(64), together);
  EXPECT_NE(in_two(50), together);  // other pieces are other sums: the comparison can tell
}

TEST(ParameterGradientTest, Float32GradientsAreFloat64OnesRounded) {
  std::mt19937 random(9);
  for (unsigned seed = 0; seed < 50; ++seed) {
    PlanOptions options = in_double();
    const Composition tree = random_learners(learner(), seed);
    const auto wide = make_plan(tree, options);
    options.precision = Precision::kFloat32;
    const auto narrow = make_plan(tree, options);
    State state = any_state(random);
    Weighing weighing = any_weighing(random, Sought::kBoth, state, kRows);
    for (State* numbers : {&state, &weighing.tangent})
      for (std::vector<double>& variable : *numbers)
        for (double& number : variable) number = static_cast<double>(static_cast<float>(number));
    const Sums exact = gradient(*wide, state, kRows, weighing), rounded = gradient(*narrow, state, kRows, weighing);
    for (size_t a = 0; a < exact.size(); ++a)
      for (size_t k = 0; k < exact[a].size(); ++k)
        EXPECT_NEAR(rounded[a][k], exact[a][k], 2e-3 * (1 + std::abs(exact[a][k]))) << "tree " << seed;
  }
}

TEST(ParameterGradientTest, AFrozenExpertIsLeftAlone) {
  const NodePointer first = leaf(learner(), {whole(0, 2)}, {{0, 0}, {1}}, "first");
  const NodePointer second = leaf(learner(), {whole(0, 2)}, {{1, 1}, {2}}, "second");
  const auto plan = make_plan(composition({real_line("x", 2)}, product({{first, 1}, {second, 1}})), in_double());
  ParameterStore& store = plan->parameters();
  const State state = {{0.3, 0.1}};
  const Weighing weighing = {{1}, {}};
  const Sums both = gradient(*plan, state, 1, weighing);
  store.set_frozen(0, true);
  Sums one = zero_sums(*plan);
  std::vector<double*> sum;
  for (size_t a = 0; a < one.size(); ++a) sum.push_back(store.is_learned(a) ? one[a].data() : nullptr);
  const CallArrays arrays(*plan, state, weighing);
  ParameterGradientCall call = arrays.call(1);
  call.sum = sum.data();
  plan->parameter_gradient(call);
  EXPECT_EQ(one[0], std::vector<double>(2, 0));
  EXPECT_EQ(one[4], both[4]);
  EXPECT_EQ(one[3], std::vector<double>(1, 0));  // a buffer
}

std::string refusal(Composition whole_target) {
  whole_target.integrable = true;
  const auto plan = make_plan(whole_target, in_double());
  const State state(whole_target.variables.size(), {0.3, 0.1});
  try {
    gradient(*plan, state, 1, {{1}, {}});
  } catch (const CompositionError& error) {
    std::string text = error.what();
    plan->parameters().set_frozen(0, true);
    gradient(*plan, state, 1, {{1}, {}});  // nothing is learned: nothing is wrong
    return text;
  }
  return "nothing thrown";
}

TEST(ParameterGradientTest, ANormaliserThatDependsOnWhatIsLearnedIsRefusedWithAWayOut) {
  const NodePointer net = leaf(stretched_learner(), {whole(0, 2), part(1, 1, {0})}, {}, "net");
  const NodePointer top = leaf(gauss(), {whole(1, 2)}, {{0, 0}, {1}}, "top");
  const auto two = [](NodePointer target) {
    return composition({real_line("x", 2), real_line("y", 2)}, std::move(target));
  };
  EXPECT_EQ(
      refusal(two(node("scene", Hierarchy{{top, net}, false}))),
      "scene.yaml:7:3: log Z of level 'net' of hierarchy 'scene' must not depend on what is learned, got 'net' in "
      "it. Write unnormalised: true in the hierarchy, or freeze 'net'");
  EXPECT_EQ(refusal(two(node("scene", Hierarchy{{top, net}, true}))), "nothing thrown");
  const NodePointer other = leaf(stretched(), {whole(0, 2), part(1, 1, {0})}, {}, "other");
  const auto mixed = [&](std::optional<double> log_z, bool unnormalised) {
    return two(product({{top, 1}, {mixture({{other, 0.5, log_z}, {net, 0.5, log_z}}, unnormalised), 1}}));
  };
  EXPECT_EQ(refusal(mixed({}, false)),
            "scene.yaml:7:3: log Z of branch 2 of mixture 'mixture' must not depend on what is learned, got 'net' in "
            "it. Write log_z: NUMBER in the branch, or unnormalised: true in the mixture, or freeze 'net'");
  EXPECT_EQ(refusal(mixed(1.5, false)), "nothing thrown");
  EXPECT_EQ(refusal(mixed({}, true)), "nothing thrown");
}

TEST(ParameterGradientTest, AModelThatCannotDifferentiateByItsParametersIsRefused) {
  const auto plan = make_plan(composition({real_line("x", 2)}, normal(0, {0, 0}, {1}, learner_unable())), in_double());
  for (const Weighing& weighing : {Weighing{{1}, {}}, Weighing{{}, {{1, 1}}}, Weighing{{1}, {{1, 1}}}}) {
    try {
      gradient(*plan, {{0.3, 0.1}}, 1, weighing);
      FAIL() << "nothing thrown";
    } catch (const PluginError& error) {
      EXPECT_STREQ(error.what(),
                   "model 'learner_unable (small 1.0.0)' must differentiate its energy by the parameters of "
                   "'learner_unable', got POTLUCK_UNSUPPORTED. Freeze 'learner_unable', or ask its author");
    }
  }
}

TEST(ParameterGradientTest, NoRowsAddNothing) {
  const auto plan = make_plan(two_branches(), in_double());
  EXPECT_EQ(gradient(*plan, {{}}, 0, {{}, {}}), zero_sums(*plan));
}

}  // namespace
}  // namespace potluck::testing
