// SPDX-License-Identifier: Apache-2.0

// Random compositions with every node, view, literal and shared leaf, against a naive evaluator of the same tree and
// against central differences.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/compose/random_trees.h"

namespace potluck::testing {
namespace {

/// Numbers that input `i` of a leaf reads in one part.
std::vector<double> read(const Binding& binding, const State& state, int64_t part) {
  if (binding.variable < 0) return binding.literal;
  const std::vector<double>& variable = state[static_cast<size_t>(binding.variable)];
  if (binding.index.empty()) return variable;
  const int64_t size = binding.shape.empty() ? 1 : binding.shape[0];
  std::vector<double> some;
  for (int64_t j = 0; j < size; ++j)
    some.push_back(variable[static_cast<size_t>(binding.index[static_cast<size_t>(part * size + j)])]);
  return some;
}

/// The definition of each node, one chain and one part at a time, nothing shared.
double naive(const Node& node, const State& state, int64_t part) {
  if (const auto* leaf = std::get_if<Leaf>(&node.kind)) {
    const std::vector<double> x = read(leaf->inputs[0], state, part);
    double energy = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (leaf->kind == &quartic()) energy += std::pow(x[i], 4);
      if (leaf->kind == &stretched()) energy += 0.5 * x[i] * x[i] * std::exp(-read(leaf->inputs[1], state, part)[0]);
      if (leaf->kind == &labelled()) {
        const double mean = leaf->settings[0].real[static_cast<size_t>(read(leaf->inputs[1], state, part)[0])];
        energy += 0.5 * std::pow(x[i] - mean, 2);
      }
      if (leaf->kind == &gauss() || leaf->kind == &gauss_that_overwrites() || leaf->kind == &gauss_broken())
        energy += 0.5 * leaf->settings[1].real[0] * std::pow(x[i] - leaf->settings[0].real[i], 2);
    }
    return energy;
  }
  if (const auto* terms = std::get_if<Product>(&node.kind)) {
    double sum = 0;
    for (const Product::Term& term : terms->terms)
      if (term.weight != 0) sum += term.weight * naive(*term.energy, state, part);
    return sum;
  }
  if (const auto* mixed = std::get_if<Mixture>(&node.kind)) {
    double total = 0, sum = 0;
    for (const Mixture::Branch& branch : mixed->branches) total += branch.weight;
    for (const Mixture::Branch& branch : mixed->branches)
      sum += branch.weight / total * std::exp(-naive(*branch.energy, state, part));
    return -std::log(sum);
  }
  if (const auto* negated = std::get_if<Not>(&node.kind)) {
    // Of these models all energies are at least 0, so that ceilings count from 0.
    const double e = naive(*negated->energy, state, part);
    if (!negated->ceiling) return -negated->strength * e;
    const double w = negated->softness;
    return negated->strength * w * std::log(std::exp(-e / w) + std::exp(-*negated->ceiling / w));
  }
  if (const auto* temper = std::get_if<Temper>(&node.kind))
    return naive(*temper->energy, state, part) / temper->temperature;
  if (const auto* levels = std::get_if<Hierarchy>(&node.kind)) {
    double sum = 0;
    for (const NodePointer& level : levels->levels) sum += naive(*level, state, part);
    return sum;
  }
  const Each& each = std::get<Each>(node.kind);
  double sum = 0;
  for (int64_t p = 0; p < each.parts; ++p) sum += naive(*each.energy, state, p);
  return sum;
}

/// Largest relative difference between the gradients of random trees and central differences of their energies.
double worst_gradient(const ModelKind& last_kind, unsigned trees) {
  constexpr double kStep = 1e-5;
  double worst = 0;
  for (unsigned seed = 0; seed < trees; ++seed) {
    std::mt19937 random(1000 + seed);
    const auto plan = make_plan(RandomTree(seed, last_kind).make(), in_double());
    const State state = any_state(random);
    const Evaluated at = evaluate(*plan, state, kRows);
    for (size_t v = 0; v < 2; ++v) {
      const int64_t n = static_cast<int64_t>(state[v].size()) / kRows;
      for (int64_t j = 0; j < n; ++j) {
        State above = state, below = state;
        for (int64_t row = 0; row < kRows; ++row) {
          above[v][static_cast<size_t>(row * n + j)] += kStep;
          below[v][static_cast<size_t>(row * n + j)] -= kStep;
        }
        const Evaluated high = evaluate(*plan, above, kRows, false), low = evaluate(*plan, below, kRows, false);
        for (int64_t row = 0; row < kRows; ++row) {
          const double difference =
              (high.energy[static_cast<size_t>(row)] - low.energy[static_cast<size_t>(row)]) / (2 * kStep);
          const double gradient = at.gradient[v][static_cast<size_t>(row * n + j)];
          worst = std::max(worst, std::abs(gradient - difference) / (1 + std::abs(difference)));
        }
      }
    }
  }
  return worst;
}

TEST(RandomTreeTest, EnergiesAreThoseOfANaiveEvaluator) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(5000 + seed);
    const Composition whole = RandomTree(seed).make();
    const auto plan = make_plan(whole, in_double());
    const State state = any_state(random);
    const Evaluated at = evaluate(*plan, state, kRows);
    for (int64_t row = 0; row < kRows; ++row) {
      const double want = naive(*whole.target, one_row(state, row), 0);
      EXPECT_NEAR(at.energy[static_cast<size_t>(row)], want, 1e-10 * (1 + std::abs(want))) << "tree " << seed;
    }
  }
}

TEST(RandomTreeTest, GradientsAreCentralDifferences) {
  // The error of a central difference with step 1e-5 is about 1e-10 of the third derivative and 1e-11 of rounding.
  EXPECT_LT(worst_gradient(gauss(), 300), 1e-6);
}

TEST(RandomTreeTest, TheSameCheckRejectsAGradientThatIsOnePercentTooLarge) {
  EXPECT_GT(worst_gradient(gauss_broken(), 300), 1e-3);
}

// The program is run for each label, on energies of the others that are evaluated once.
TEST(RandomTreeTest, EnergiesOfAllLabelsAreThoseOfAnEvaluationOfEach) {
  int offered = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(13000 + seed);
    const auto plan = make_plan(RandomTree(seed).make(), in_double());
    if (!plan->offers_category_energies(2)) continue;
    State state = any_state(random);
    evaluate_calls() = 0;
    const std::vector<double> at_once = category_energies(*plan, state, kRows, 2, 0);
    const int64_t evaluated = evaluate_calls();
    for (int64_t k = 0; k < 3; ++k) {
      std::fill(state[2].begin(), state[2].end(), static_cast<double>(k));
      evaluate_calls() = 0;
      const Evaluated one = evaluate(*plan, state, kRows, false);
      offered += evaluate_calls() > evaluated;  // some expert reads the label
      for (int64_t row = 0; row < kRows; ++row)
        EXPECT_EQ(at_once[static_cast<size_t>(k * kRows + row)], one.energy[static_cast<size_t>(row)]) << seed;
    }
  }
  EXPECT_GT(offered, 60);
}

TEST(RandomTreeTest, ARowDoesNotDependOnItsCompany) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(9000 + seed);
    const auto plan = make_plan(RandomTree(seed).make(), in_double());
    const State state = any_state(random);
    const Evaluated all = evaluate(*plan, state, kRows);
    for (int64_t row = 0; row < kRows; ++row) {
      const Evaluated alone = evaluate(*plan, one_row(state, row), 1);
      EXPECT_EQ(alone.energy[0], all.energy[static_cast<size_t>(row)]);
      for (int64_t j = 0; j < 6; ++j)
        EXPECT_EQ(alone.gradient[0][static_cast<size_t>(j)], all.gradient[0][static_cast<size_t>(row * 6 + j)]);
    }
  }
}

TEST(RandomTreeTest, Float32GradientsAreFloat64OnesRounded) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(11000 + seed);
    PlanOptions options = in_double();
    const auto wide = make_plan(RandomTree(seed).make(), options);
    options.precision = Precision::kFloat32;
    const auto narrow = make_plan(RandomTree(seed).make(), options);
    State state = any_state(random);
    for (std::vector<double>& variable : state)
      for (double& number : variable) number = static_cast<double>(static_cast<float>(number));
    const Evaluated a = evaluate(*wide, state, kRows), b = evaluate(*narrow, state, kRows);
    for (size_t row = 0; row < kRows; ++row)
      EXPECT_NEAR(a.energy[row], b.energy[row], 1e-5 * (1 + std::abs(a.energy[row])));
    for (size_t i = 0; i < a.gradient[0].size(); ++i)
      EXPECT_NEAR(a.gradient[0][i], b.gradient[0][i], 1e-4 * (1 + std::abs(a.gradient[0][i])));
  }
}

TEST(RandomTreeTest, EveryDistinctLeafIsEvaluatedOncePerCall) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(13000 + seed);
    const auto plan = make_plan(RandomTree(seed).make(), in_double());
    evaluate_calls() = 0;
    evaluate(*plan, any_state(random), kRows);
    EXPECT_EQ(plan->evaluations(), std::vector<int64_t>(plan->experts().size(), 1));
    EXPECT_EQ(evaluate_calls(), static_cast<int64_t>(plan->experts().size()));
  }
}

/// Largest relative difference of energies and gradients between what `left` and `right` make of the same random trees.
template <class Left, class Right>
double worst_difference(Left left, Right right) {
  double worst = 0;
  const auto differ = [&worst](const std::vector<double>& a, const std::vector<double>& b) {
    for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]) / (1 + std::abs(b[i])));
  };
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(15000 + seed);
    Composition one = RandomTree(seed).make(), other = one;
    const NodePointer first = one.target, second = RandomTree(seed + 500).make().target;
    one.target = left(first, second);
    other.target = right(first, second);
    const State state = any_state(random);
    const Evaluated a = evaluate(*make_plan(one, in_double()), state, kRows);
    const Evaluated b = evaluate(*make_plan(other, in_double()), state, kRows);
    differ(a.energy, b.energy);
    for (size_t v = 0; v < 2; ++v) differ(a.gradient[v], b.gradient[v]);
  }
  return worst;
}

constexpr double kSame = 1e-10, kOther = 1e-3;  // equal up to the order of sums; wrong algebra is not near that

TEST(RandomTreeTest, TheOrderOfAProductDoesNotMatter) {
  const auto forward = [](const NodePointer& a, const NodePointer& b) { return product({{a, 0.7}, {b, 1.0}}); };
  EXPECT_LT(worst_difference(forward,
                             [](const NodePointer& a, const NodePointer& b) {
                               return product({{b, 1.0}, {a, 0.7}});
                             }),
            kSame);
  EXPECT_GT(worst_difference(forward,
                             [](const NodePointer& a, const NodePointer& b) {
                               return product({{b, 0.7}, {a, 1.0}});  // the weights stayed where they were
                             }),
            kOther);
}

TEST(RandomTreeTest, AFactorThatIsWrittenTwiceHasWeightTwo) {
  const auto twice = [](const NodePointer& a, const NodePointer& b) { return product({{a, 1}, {b, 1}, {a, 1}}); };
  EXPECT_LT(worst_difference(twice,
                             [](const NodePointer& a, const NodePointer& b) {
                               return product({{a, 2}, {b, 1}});
                             }),
            kSame);
  EXPECT_GT(worst_difference(twice,
                             [](const NodePointer& a, const NodePointer& b) {
                               return product({{a, 1}, {b, 1}});  // the second was dropped as a duplicate
                             }),
            kOther);
}

TEST(RandomTreeTest, AMixtureOfOneIsItsBranch) {
  const auto alone = [](const NodePointer& a, const NodePointer&) { return mixture({{a, 0.3, {}}}, true); };
  EXPECT_LT(worst_difference(alone, [](const NodePointer& a, const NodePointer&) { return product({{a, 1}}); }), kSame);
  EXPECT_GT(worst_difference(alone,
                             [](const NodePointer& a, const NodePointer&) {
                               return product({{a, 0.3}});
                             }),
            kOther);
}

TEST(RandomTreeTest, TemperingDividesTheEnergy) {
  const auto tempered = [](const NodePointer& a, const NodePointer&) { return node("temper", Temper{a, 2.5}); };
  EXPECT_LT(worst_difference(tempered,
                             [](const NodePointer& a, const NodePointer&) {
                               return product({{a, 0.4}});
                             }),
            kSame);
  EXPECT_GT(worst_difference(tempered,
                             [](const NodePointer& a, const NodePointer&) {
                               return product({{a, 2.5}});
                             }),
            kOther);
}

}  // namespace
}  // namespace potluck::testing
