// SPDX-License-Identifier: Apache-2.0
// The rules of log Z and integrability, each with its counterexample.

// What is known of composites in closed form: quadratic forms, normalisers, integrability.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>

#include "compose/known/dropped_normaliser.h"
#include "compose/known/integrability.h"
#include "compose/known/quadratic.h"
#include "tests/compose/trees.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;

/// Everything that answers questions about a composition.
struct Known {
  explicit Known(Composition made)
      : whole(std::move(made)), coordinates(whole), experts(whole, in_double()), normaliser(coordinates, experts) {}

  std::optional<QuadraticForm> form() {
    return quadratic_form(*whole.target, coordinates, experts, normaliser, coordinates.none(), why);
  }
  /// Mean and covariance of the free coordinates.
  void solve(Eigen::VectorXd& mean, Eigen::MatrixXd& covariance) {
    std::vector<double> value;
    const CoordinateSet held = held_coordinates(coordinates, value);
    const QuadraticForm rest = conditioned(*form(), held, value);
    covariance = rest.precision.inverse();
    mean = covariance * rest.linear;
  }

  Composition whole;
  Coordinates coordinates;
  Experts experts;
  Normaliser normaliser;
  std::string why;
};

void hold(Composition& composition, int variable, int64_t element, double value) {
  Held& held = composition.held[static_cast<size_t>(variable)];
  const size_t size = static_cast<size_t>(composition.variables[static_cast<size_t>(variable)].size());
  held.mask.resize(size, 0);
  held.value.resize(size, 0);
  held.mask[static_cast<size_t>(element)] = 1;
  held.value[static_cast<size_t>(element)] = value;
}

std::string refusal(const Composition& composition) {
  try {
    make_plan(composition, in_double());
  } catch (const CompositionError& error) {
    return error.what();
  }
  return "";
}

TEST(ClosedFormTest, TwoNormalsMultiplyToTheirPrecisionWeightedMean) {
  // N(0,1) N(2,1) -> N(1, 1/2); the overlap integral of the densities is N(2; 0, 2): log = -1 - log(4 pi)/2 = -2.265512
  Known known(composition({real_line("x", 1)}, product({{normal(0, {0}, {1}), 1}, {normal(0, {2}, {1}), 1}})));
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  known.solve(mean, covariance);
  EXPECT_NEAR(mean(0), 1, 1e-12);
  EXPECT_NEAR(covariance(0, 0), 0.5, 1e-12);
  const LogNormaliser log_z = known.normaliser.of(*known.whole.target);
  ASSERT_TRUE(log_z.known) << log_z.how;
  EXPECT_NEAR(log_z.constant - 2 * 0.5 * std::log(2 * M_PI), -2.265512, 1e-6);
  EXPECT_THAT(log_z.how, HasSubstr("closed form"));
}

TEST(ClosedFormTest, TwoCorrelatedNormalsMultiply) {
  // Covariance [[1,.8],[.8,1]] has precision [[1,-.8],[-.8,1]]/.36; times N((1,-1), I/2).
  const double a = 1 / 0.36, b = -0.8 / 0.36;
  Known known(
      composition({real_line("x", 2)}, product({{normal(0, {0, 0}, {a, b, b, a}), 1}, {normal(0, {1, -1}, {2}), 1}})));
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  known.solve(mean, covariance);
  EXPECT_NEAR(mean(0), 0.285714, 1e-6);
  EXPECT_NEAR(mean(1), -0.285714, 1e-6);
  EXPECT_NEAR(covariance(0, 0), 0.267081, 1e-6);
  EXPECT_NEAR(covariance(0, 1), 0.124224, 1e-6);
}

TEST(ClosedFormTest, WeightsScaleEnergies) {
  // 1/2 E[N(0,1)] + 1/2 E[N(4, variance 4)]: precision 1/2 + 1/8 = .625, mean (4/8)/.625 = .8, variance 1.6
  Known half(composition({real_line("x", 1)}, product({{normal(0, {0}, {1}), 0.5}, {normal(0, {4}, {0.25}), 0.5}})));
  // 1.5 E[N(0,1)] - 1/2 E[N(1, variance 4)]: precision 1.5 - .125 = 1.375, mean -.125/1.375, variance .727273
  Known minus(composition({real_line("x", 1)}, product({{normal(0, {0}, {1}), 1.5}, {normal(0, {1}, {0.25}), -0.5}})));
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  half.solve(mean, covariance);
  EXPECT_NEAR(mean(0), 0.8, 1e-12);
  EXPECT_NEAR(covariance(0, 0), 1.6, 1e-12);
  minus.solve(mean, covariance);
  EXPECT_NEAR(mean(0), -0.090909, 1e-6);
  EXPECT_NEAR(covariance(0, 0), 0.727273, 1e-6);
  EXPECT_EQ(refusal(minus.whole), "");
}

TEST(ClosedFormTest, ANegationThatLeavesNoPrecisionIsRefusedWithItsEigenvalue) {
  // E[N(0,1)] - 1/2 E[N(0, variance 1/4)]: precision 1 - 2 = -1
  const Composition bad =
      composition({real_line("x", 1)}, product({{normal(0, {0}, {1}), 1}, {normal(0, {0}, {4}), -0.5}}));
  EXPECT_EQ(refusal(bad),
            "scene.yaml:7:3: the target 'product' must be integrable, got no reason that it is: all experts are "
            "quadratic, and the precision is not positive definite (least eigenvalue -1). Bound the supports, add an "
            "integrable expert or a ceiling, or write integrable: true");
}

TEST(ClosedFormTest, TemperingDividesThePrecision) {
  Known known(composition({real_line("x", 1)}, node("cool", Temper{normal(0, {0}, {1}), 0.4})));
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  known.solve(mean, covariance);
  EXPECT_NEAR(covariance(0, 0), 0.4, 1e-12);
}

TEST(ClosedFormTest, HoldingACoordinateConditions) {
  // N(0,[[1,.8],[.8,1]]), x1 = 1: x2 ~ N(.8, .36)
  const double a = 1 / 0.36, b = -0.8 / 0.36;
  Composition whole = composition({real_line("x", 2)}, normal(0, {0, 0}, {a, b, b, a}));
  hold(whole, 0, 0, 1);
  Known known(whole);
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  known.solve(mean, covariance);
  ASSERT_EQ(mean.size(), 1);
  EXPECT_NEAR(mean(0), 0.8, 1e-12);
  EXPECT_NEAR(covariance(0, 0), 0.36, 1e-12);
}

TEST(ClosedFormTest, SixNumbersWithTwoHeldAreTheSchurComplement) {
  Eigen::MatrixXd root(6, 6);
  for (int i = 0; i < 36; ++i) root(i / 6, i % 6) = std::sin(1.0 + 3 * i) + (i % 7 == 0 ? 2 : 0);
  const Eigen::MatrixXd covariance = root * root.transpose(), precision = covariance.inverse();
  Eigen::VectorXd mean(6);
  mean << 1, -2, 0.5, 3, -1, 0;
  Composition whole = composition({real_line("x", 6)},
                                  normal(0, {mean.begin(), mean.end()}, {precision.data(), precision.data() + 36}));
  hold(whole, 0, 1, 0.25);
  hold(whole, 0, 4, -3);
  Known known(whole);
  Eigen::VectorXd got_mean;
  Eigen::MatrixXd got;
  known.solve(got_mean, got);
  const std::vector<int> f = {0, 2, 3, 5}, g = {1, 4};
  const Eigen::MatrixXd gain = covariance(f, g) * Eigen::MatrixXd(covariance(g, g)).inverse();
  const Eigen::VectorXd want = mean(f) + gain * (Eigen::Vector2d(0.25, -3) - Eigen::VectorXd(mean(g)));
  EXPECT_LT((got - (covariance(f, f) - gain * covariance(g, f))).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_LT((got_mean - want).cwiseAbs().maxCoeff(), 1e-9);
}

TEST(ClosedFormTest, AHierarchyOfNormalsIsTheirJoint) {
  // z ~ N(0, I2), x | z ~ N(W z, s^2 I3): cov x = W W' + s^2 I, cov(x, z) = W
  const std::vector<double> w = {1, 0.5, -1, 2, 0, 1};
  const NodePointer top = normal(1, {0, 0}, {1}), below = leaf(linear(), {whole(0, 3), whole(1, 2)}, {w, {0.5}});
  Known known(composition({real_line("x", 3), real_line("z", 2)}, node("deep", Hierarchy{{top, below}, false})));
  Eigen::VectorXd mean;
  Eigen::MatrixXd got;
  known.solve(mean, got);
  const Eigen::Matrix<double, 3, 2, Eigen::RowMajor> weights(w.data());
  EXPECT_LT((got.topLeftCorner(3, 3) - (weights * weights.transpose() + 0.25 * Eigen::Matrix3d::Identity()))
                .cwiseAbs()
                .maxCoeff(),
            1e-10);
  EXPECT_LT((got.topRightCorner(3, 2) - weights).cwiseAbs().maxCoeff(), 1e-10);
  const LogNormaliser log_z = known.normaliser.of(*known.whole.target);
  ASSERT_TRUE(log_z.known) << log_z.how;
  EXPECT_NEAR(log_z.constant, 2.5 * std::log(2 * M_PI) + 3 * std::log(0.5), 1e-10);  // 5 numbers, sd .5 of three
  // The lower level's log Z does not depend on z, so that nothing is evaluated for it.
  EXPECT_EQ(make_plan(known.whole, in_double())->experts().size(), 2u);
}

TEST(NormaliserTest, MixtureWeightsAreDividedByTheNormalisers) {
  // |x - m|^2 / (2 s^2), s = .5 and 1 in 2-D, equal weights: as they are .2/.8 by mass, normalised .5/.5.
  const NodePointer narrow = normal(0, {-50, 0}, {4}, gauss_without_log_z());
  const NodePointer wide = normal(0, {50, 0}, {1}, gauss_without_log_z());
  for (const bool unnormalised : {true, false}) {
    Known known(composition({real_line("x", 2)}, mixture({{narrow, 1, {}}, {wide, 1, {}}}, unnormalised)));
    const auto plan = make_plan(known.whole, in_double());
    // Mass of a far branch: exp(-E(m)) 2 pi s^2.
    const Evaluated at = evaluate(*plan, {{-50, 0, 50, 0}}, 2);
    const double first = std::exp(-at.energy[0]) * 2 * M_PI * 0.25, second = std::exp(-at.energy[1]) * 2 * M_PI;
    EXPECT_NEAR(first / (first + second), unnormalised ? 0.2 : 0.5, 1e-12);
    EXPECT_NEAR(known.normaliser.of(*known.whole.target).constant, std::log(first + second), 1e-12);
  }
}

TEST(NormaliserTest, TwoBarsWeighHalfEach) {
  // x in [-.3,-.1] and [.1,.3], |y| < 1: equal areas. Here as boxes of half-width .1 and .2, whose areas differ.
  const NodePointer a = leaf(box(), {whole(0, 2)}, {{-0.2, 0}, {0.1}}),
                    b = leaf(box(), {whole(0, 2)}, {{0.3, 0}, {0.2}});
  const auto plan = make_plan(composition({real_line("x", 2)}, mixture({{a, 1, {}}, {b, 1, {}}})), in_double());
  const Evaluated at = evaluate(*plan, {{-0.2, 0, 0.3, 0}}, 2);
  EXPECT_NEAR(std::exp(-at.energy[0]) * 0.04, 0.5, 1e-12);  // density times area
  EXPECT_NEAR(std::exp(-at.energy[1]) * 0.16, 0.5, 1e-12);
}

TEST(NormaliserTest, AnUnknownNormaliserIsAnErrorThatNamesTheBranch) {
  const NodePointer known = normal(0, {0}, {1}), unknown = normal(0, {0}, {1}, gauss_unknown());
  EXPECT_EQ(refusal(composition({real_line("x", 1)}, mixture({{known, 1, {}}, {unknown, 1, {}}}))),
            "scene.yaml:7:3: the normaliser of branch 2 of mixture 'mixture' must be known, got none: model "
            "'gauss_unknown' does not say it; and not in closed form: model 'gauss_unknown' of 'gauss_unknown' is not "
            "quadratic. Write log_z: NUMBER or log_z: estimate in the branch, or unnormalised: true in the mixture, "
            "which says that its weights absorb the normalisers");
  EXPECT_EQ(refusal(composition({real_line("x", 1)}, mixture({{known, 1, {}}, {unknown, 1, {}}}, true))), "");
  EXPECT_EQ(refusal(composition({real_line("x", 1)}, mixture({{known, 1, {}}, {unknown, 1, 0.9}}))), "");
}

TEST(NormaliserTest, ALogZThatDependsOnAParentIsAddedWithItsGradient) {
  // x | z with E = x^2 e^-z / 2 and log Z = (log 2 pi + z)/2, z ~ N(0, 1): the joint energy is their sum.
  const NodePointer top = normal(1, {0}, {1}), below = leaf(stretched(), {whole(0, 1), whole(1, 1)});
  const auto with = [&](bool unnormalised) {
    Composition whole =
        composition({real_line("x", 1), real_line("z", 1)}, node("deep", Hierarchy{{top, below}, unnormalised}));
    whole.integrable = true;
    return make_plan(whole, in_double());
  };
  const Evaluated raw = evaluate(*with(true), {{1.5, 1.5}, {0, 2}}, 2),
                  full = evaluate(*with(false), {{1.5, 1.5}, {0, 2}}, 2);
  for (size_t row = 0; row < 2; ++row) {
    const double z = row == 0 ? 0 : 2;
    EXPECT_NEAR(full.energy[row] - raw.energy[row], 0.5 * (std::log(2 * M_PI) + z), 1e-12);
    EXPECT_NEAR(full.gradient[1][row] - raw.gradient[1][row], 0.5, 1e-12);
    EXPECT_NEAR(full.gradient[0][row], raw.gradient[0][row], 1e-12);
  }
}

/// y | v with E = y^2 e^-v / 2 and log Z = (log 2 pi + v)/2, as the lower or the upper level of a hierarchy with x,
/// beside a density of v that is no level of it. Variables: y, x, v.
Composition beside_its_parent(bool on_top, bool unnormalised) {
  const NodePointer x = normal(1, {0}, {1}), v = normal(2, {0}, {1}), y = leaf(stretched(), {whole(0, 1), whole(2, 1)});
  const std::vector<NodePointer> levels = on_top ? std::vector{y, x} : std::vector{x, y};
  return composition({real_line("y", 1), real_line("x", 1), real_line("v", 1)},
                     product({{v, 1}, {node("deep", Hierarchy{levels, unnormalised}), 1}}));
}

// p(v) p(x) p(y | v) is a joint density, whatever draws v and wherever the level stands.
TEST(NormaliserTest, ALevelIsNormalisedWhateverDrawsItsParents) {
  for (const bool on_top : {false, true}) {
    Composition whole = beside_its_parent(on_top, true);
    whole.integrable = true;
    const auto raw = make_plan(whole, in_double()), full = make_plan(beside_its_parent(on_top, false), in_double());
    const std::vector<std::vector<double>> at = {{1.5, 1.5}, {0.3, 0.3}, {0, 2}};
    const Evaluated without = evaluate(*raw, at, 2), with = evaluate(*full, at, 2);
    for (size_t row = 0; row < 2; ++row) {
      EXPECT_NEAR(with.energy[row] - without.energy[row], 0.5 * (std::log(2 * M_PI) + at[2][row]), 1e-12);
      EXPECT_NEAR(with.gradient[2][row] - without.gradient[2][row], 0.5, 1e-12);
    }
    const std::string line =
        "hierarchy 'deep': log Z of level 'stretched' is a function of the parents (model 'stretched' says it as a "
        "function of its parents)";
    EXPECT_THAT(full->explanation(), ::testing::Contains(line + ", and is added"));
    EXPECT_THAT(raw->explanation(), ::testing::Contains(line + ", not added"));
    // Of three densities of one number each; without log Z nobody knows.
    const Known known(beside_its_parent(on_top, false));
    const LogNormaliser log_z = known.normaliser.of(*known.whole.target);
    EXPECT_TRUE(log_z.known && !log_z.depends_on_parents());
    EXPECT_NEAR(log_z.constant, std::log(2 * M_PI), 1e-12);
    EXPECT_FALSE(Known(beside_its_parent(on_top, true)).normaliser.of(*whole.target).known);
    EXPECT_THAT(full->warnings(), ::testing::IsEmpty());
  }
}

TEST(NormaliserTest, ALevelWhoseParentsAreGivenAddsNothing) {
  for (const bool on_top : {false, true}) {
    Composition whole = beside_its_parent(on_top, false), raw = beside_its_parent(on_top, true);
    hold(whole, 2, 0, 2);
    hold(raw, 2, 0, 2);
    const auto plan = make_plan(whole, in_double());
    const std::vector<std::vector<double>> at = {{1.5}, {0.3}, {2}};
    EXPECT_EQ(evaluate(*plan, at, 1).energy, evaluate(*make_plan(raw, in_double()), at, 1).energy);
    EXPECT_THAT(plan->explanation(), ::testing::Contains(::testing::EndsWith(", which are given: not added")));
  }
}

// z ~ N(0, 1); below it w ~ N(0, 1) and x | z in one level, whose log Z = log 2 pi + z/2. Only what depends on z is
// added, so that log Z of the whole is that of z and the constant of w.
TEST(NormaliserTest, OfALevelWhoseLogZIsAddedTheConstantRemains) {
  const NodePointer z = normal(1, {0}, {1}), w = normal(2, {0}, {1}), x = leaf(stretched(), {whole(0, 1), whole(1, 1)});
  const NodePointer deep = node("deep", Hierarchy{{z, product({{w, 1}, {x, 1}})}, false});
  const std::vector<Variable> variables = {real_line("x", 1), real_line("z", 1), real_line("w", 1)};
  const Known known(composition(variables, deep));
  EXPECT_NEAR(known.normaliser.of(*deep).constant, std::log(2 * M_PI), 1e-12);
  // As a branch its density is that of all three: (2 pi)^(-3/2) at x = z = w = 0.
  const Evaluated at =
      evaluate(*make_plan(composition(variables, mixture({{deep, 1, {}}})), in_double()), {{0}, {0}, {0}}, 1);
  EXPECT_NEAR(at.energy[0], 1.5 * std::log(2 * M_PI), 1e-12);
}

TEST(NormaliserTest, AConditionalLevelWithoutAKnownNormaliserIsRefused) {
  const NodePointer top = normal(0, {0}, {1}), below = normal(0, {0}, {1}, gauss_unknown());
  const Composition whole = composition({real_line("x", 1)}, node("deep", Hierarchy{{top, below}, false}));
  EXPECT_THAT(refusal(whole), HasSubstr("scene.yaml:7:3: the normaliser of level 'gauss_unknown' of hierarchy 'deep' "
                                        "must be known as a function of what is drawn above it, got none"));
}

TEST(NormaliserTest, ABranchWithALabelInTheStateIsNormalisedRowByRow) {
  Variable label;
  label.name = "label";
  label.categories = 3;
  const NodePointer mixed = mixture({{leaf(labelled(), {whole(0, 1), {1, {}, {}, {}, "label"}}, {{0, 5, 9}}), 1, {}},
                                     {leaf(labelled(), {whole(0, 1), {-1, {}, {}, {1}, "1"}}, {{0, 5, 9}}), 1, {}}});
  Composition whole = composition({real_line("x", 1), label}, mixed);
  hold(whole, 1, 0, 2);
  const auto plan = make_plan(whole, in_double());
  const Evaluated at = evaluate(*plan, {{9, 0}, {2, 0}}, 2);
  // Far from the other branch: -log(1/2 exp(0) / sqrt(2 pi)); the second row's label is 0.
  EXPECT_NEAR(at.energy[0], std::log(2) + 0.5 * std::log(2 * M_PI) - std::log1p(std::exp(-8)), 1e-12);
  EXPECT_NEAR(at.energy[1], std::log(2) + 0.5 * std::log(2 * M_PI) - std::log1p(std::exp(-12.5)), 1e-12);
}

TEST(IntegrabilityTest, BoundedSupportsNeedOnlyEnergiesThatAreBoundedBelowOnThem) {
  const NodePointer unknown = normal(0, {0}, {1}, gauss_unknown());
  EXPECT_EQ(refusal(composition({interval("x", 1, 0, 1)}, product({{unknown, -1}}))), "");
  EXPECT_THAT(refusal(composition({real_line("x", 1)}, product({{unknown, -1}}))), HasSubstr("not bounded above"));
}

TEST(IntegrabilityTest, ANegationUnderACeilingBesideAnIntegrableExpertIsIntegrable) {
  const NodePointer q = leaf(quartic(), {whole(0, 1)}), n = normal(0, {0}, {1});
  const NodePointer bounded = node("not", Not{n, 1, 3.0, 1}), open = node("not", Not{n, 1, {}, 1});
  EXPECT_EQ(refusal(composition({real_line("x", 1)}, product({{q, 1}, {bounded, 1}}))), "");
  EXPECT_THAT(refusal(composition({real_line("x", 1)}, product({{q, 1}, {open, 1}}))),
              HasSubstr("'not' has no ceiling"));
  EXPECT_THAT(refusal(composition({real_line("x", 1)}, bounded)), HasSubstr("no integrable expert is on x"));
  Composition word = composition({real_line("x", 1)}, bounded);
  word.integrable = true;
  EXPECT_EQ(refusal(word), "");
  EXPECT_THAT(make_plan(word, in_double())->explanation(),
              ::testing::Contains("integrable: by the word of the file (integrable: true)"));
}

TEST(IntegrabilityTest, AFreeNumberThatNoExpertReadsIsNamed) {
  EXPECT_THAT(refusal(composition({real_line("x", 1), real_line("y", 2)}, normal(0, {0}, {1}))),
              HasSubstr("no expert reads y"));
  Composition held = composition({real_line("x", 1), real_line("y", 1)}, normal(0, {0}, {1}));
  hold(held, 1, 0, 3);
  EXPECT_EQ(refusal(held), "");
}

/// E = |x|^2 e^-z / 2 with a parent z, like stretched(), that states what `claims` says on top.
const ModelKind& claiming(uint64_t claims) {
  class Claiming : public SmallModel {
   public:
    explicit Claiming(uint64_t claims) { abilities |= claims; }
    double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
      const double precision = std::exp(-x.back());
      gradient[0] = precision * x[0];
      gradient[1] = -precision * x[0] * x[0] / 2;
      return precision * x[0] * x[0] / 2;
    }
  };
  static const auto silent =
      small_kind("silent", {"x", "z"}, 0, [](const auto&, const auto&) { return std::make_unique<Claiming>(0); });
  static const auto bounded = small_kind("bounded", {"x", "z"}, 0, [](const auto&, const auto&) {
    return std::make_unique<Claiming>(POTLUCK_NORMALISER_BOUNDED);
  });
  return claims == 0 ? *silent : *bounded;
}

TEST(NormaliserTest, ALevelThatIsConditionalOnWhatIsDrawnElsewhereMustSayItsLogZ) {
  class Silent : public SmallModel {
   public:
    double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
      gradient = {4 * std::pow(x[0] - x[1], 3), -4 * std::pow(x[0] - x[1], 3)};
      return std::pow(x[0] - x[1], 4);
    }
  };
  static const auto silent =
      small_kind("silent", {"x", "z"}, 0, [](const auto&, const auto&) { return std::make_unique<Silent>(); });
  const NodePointer top = leaf(*silent, {whole(0, 1), whole(1, 1)}), low = normal(2, {0}, {1});
  const auto whole_of = [&](bool unnormalised) {
    return composition({real_line("x", 1), real_line("z", 1), real_line("y", 1)},
                       product({{normal(1, {0}, {1}), 1}, {node("deep", Hierarchy{{top, low}, unnormalised}), 1}}));
  };
  EXPECT_THAT(refusal(whole_of(false)),
              HasSubstr("scene.yaml:7:3: the normaliser of level 'silent' of hierarchy 'deep' must be known as a "
                        "function of all that it is conditional on, also of z, got none: model 'silent' does not say "
                        "it"));
  Composition given = whole_of(false);
  hold(given, 1, 0, 0.5);
  given.integrable = true;
  EXPECT_EQ(refusal(given), "");
  Composition raw = whole_of(true);
  raw.integrable = true;
  EXPECT_EQ(refusal(raw), "");
}

// exp(-x^4) over z and E = x^2 e^-z / 2, whose Z is sqrt(2 pi) e^(z/2). With a heavier tail over z the product has no
// integral: the model alone cannot cover x.
TEST(IntegrabilityTest, AConditionalExpertNeedsABoundedNormaliserWhereItsParentIsDrawnToo) {
  const NodePointer mouth = leaf(quartic(), {whole(1, 1)}), neck = leaf(stretched(), {whole(0, 1), whole(1, 1)});
  const std::vector<Variable> variables = {real_line("x", 1), real_line("z", 1)};
  const Composition both = composition(variables, product({{mouth, 1}, {neck, 1}}));
  EXPECT_EQ(
      refusal(both),
      "scene.yaml:7:3: the target 'product' must be integrable, got no reason that it is: no integrable expert is "
      "on x: model 'stretched' of 'stretched' does not state that its log Z is bounded over z, which is drawn too. "
      "Put it into a hierarchy below what it is conditional on, which adds that log Z; or bound the supports, add "
      "an integrable expert or a ceiling, or write integrable: true");
  // The hierarchy adds log Z, whatever its model says of bounds.
  EXPECT_EQ(refusal(composition(variables, node("deep", Hierarchy{{mouth, neck}, false}))), "");
  EXPECT_THAT(refusal(composition(variables, node("deep", Hierarchy{{mouth, neck}, true}))),
              HasSubstr("is bounded over z"));
  // A parent that is given, and one in a bounded support.
  Composition given = both;
  hold(given, 1, 0, 0.5);
  EXPECT_EQ(refusal(given), "");
  EXPECT_EQ(refusal(composition({real_line("x", 1), interval("z", 1, -2, 3)}, product({{mouth, 1}, {neck, 1}}))), "");
  // The model's word.
  for (const uint64_t claims : {uint64_t{0}, uint64_t{POTLUCK_NORMALISER_BOUNDED}}) {
    const NodePointer other = leaf(claiming(claims), {whole(0, 1), whole(1, 1)});
    EXPECT_EQ(refusal(composition(variables, product({{mouth, 1}, {other, 1}}))).empty(), claims != 0);
  }
  // A quadratic one that is bounded below has a bounded normaliser, said or not.
  const NodePointer line = leaf(linear(), {whole(0, 1), whole(1, 1)}, {{2}, {0.5}});
  EXPECT_EQ(refusal(composition(variables, product({{mouth, 1}, {line, 1}}))), "");
}

// p(x | z)^w with w = 1/2 has the normaliser sqrt(2) (2 pi)^(1/4) e^(z/4), which is not bounded.
TEST(IntegrabilityTest, AConditionalLevelLosesItsNormaliserUnderAWeight) {
  const NodePointer deep =
      node("deep", Hierarchy{{leaf(quartic(), {whole(1, 1)}), leaf(stretched(), {whole(0, 1), whole(1, 1)})}, false});
  const std::vector<Variable> variables = {real_line("x", 1), real_line("z", 1)};
  EXPECT_EQ(refusal(composition(variables, product({{deep, 1}}))), "");
  EXPECT_THAT(refusal(composition(variables, product({{deep, 0.5}}))),
              HasSubstr("'stretched' is normalised over z and then has the weight 0.5"));
}

// Each is integrable over its own variable for every value of the other one, and the product is not: as exp(-(x-z)^2).
TEST(IntegrabilityTest, ExpertsThatAreConditionalOnOneAnotherCoverNothing) {
  const NodePointer forth = leaf(claiming(POTLUCK_NORMALISER_BOUNDED), {whole(0, 1), whole(1, 1)}),
                    back = leaf(claiming(POTLUCK_NORMALISER_BOUNDED), {whole(1, 1), whole(0, 1)});
  const std::vector<Variable> variables = {real_line("x", 1), real_line("z", 1)};
  EXPECT_THAT(refusal(composition(variables, product({{forth, 1}, {back, 1}}))),
              HasSubstr("no integrable expert is on x, z: what is on x, z is conditional on x, z"));
  EXPECT_EQ(refusal(composition(variables, product({{forth, 1}, {back, 1}, {leaf(quartic(), {whole(1, 1)}), 1}}))), "");
}

TEST(IntegrabilityTest, AnExpertThatReadsANumberTwiceCoversItOnlyWhereItIsQuadratic) {
  // E(x, y) = x^4 + y^4 would stay integrable on x = y; an expert of two inputs need not.
  static const auto twice = small_kind("twice", {"x", "x"}, 0, [](const auto&, const auto&) {
    class Twice : public SmallModel {
     public:
      double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
        const double apart = x[0] - x[1], slope = 1 + x[0] * x[0] * x[0] * x[0];  // over x2: sqrt(pi / (1 + x^4))
        gradient[0] = 2 * apart * slope + 4 * apart * apart * x[0] * x[0] * x[0];
        gradient[1] = -2 * apart * slope;
        return apart * apart * slope;
      }
    };
    return std::make_unique<Twice>();
  });
  EXPECT_EQ(refusal(composition({real_line("x", 1), real_line("y", 1)}, leaf(*twice, {whole(0, 1), whole(1, 1)}))), "");
  EXPECT_THAT(refusal(composition({real_line("x", 1)}, leaf(*twice, {whole(0, 1), whole(0, 1)}))),
              HasSubstr("no integrable expert is on x"));
}

TEST(IntegrabilityTest, OnBoundedSupportsTheMissingFactIsNamed) {
  static const auto network = small_kind("network", {"x"}, 0, [](const auto&, const auto&) {
    class Network : public SmallModel {
     public:
      Network() {
        abilities &= ~static_cast<uint64_t>(POTLUCK_INTEGRABLE | POTLUCK_BOUNDED_ON_BOXES);
        least = -INFINITY;
      }
      double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
        gradient[0] = 1;
        return x[0];
      }
    };
    return std::make_unique<Network>();
  });
  const NodePointer critic = leaf(*network, {whole(0, 1)});
  EXPECT_EQ(
      refusal(composition({interval("x", 1, 0, 1)}, critic)),
      "scene.yaml:7:3: the target 'network' must be integrable, got no reason that it is: model 'network' of "
      "'network' states no lower bound of its energy. All supports are bounded, so that it is enough if its model "
      "states bounded_on_boxes (POTLUCK_BOUNDED_ON_BOXES): its energy is finite on every bounded box. Where that "
      "is true, its author adds it to its facts; or write integrable: true");
  EXPECT_THAT(refusal(composition({real_line("x", 1)}, critic)), HasSubstr(". Bound the supports, add"));
}

TEST(LiteralTest, MustBeANumberOfTheRunsPrecision) {
  const Composition whole =
      composition({real_line("x", 1)}, leaf(linear(), {potluck::testing::whole(0, 1), literal({1e39})}, {{2}, {0.5}}));
  PlanOptions narrow;
  narrow.most_rows = 16;
  EXPECT_EQ(refusal(whole), "");
  try {
    make_plan(whole, narrow);
    FAIL();
  } catch (const CompositionError& error) {
    EXPECT_STREQ(error.what(),
                 "scene.yaml:7:3: input 'z' of 'linear' must have numbers of float32, got 1e+39. Use precision: "
                 "float64");
  }
}

TEST(WarningTest, AProductThatLeavesOutANormaliserIsNoticed) {
  const NodePointer mouth = leaf(quartic(), {whole(1, 1)}, {}, "mouth"),
                    neck = leaf(stretched(), {whole(0, 1), whole(1, 1)}, {}, "neck");
  const std::vector<Variable> variables = {real_line("x", 1), interval("z", 1, -2, 3)};
  const Composition both = composition(variables, product({{mouth, 1}, {neck, 1}}));
  EXPECT_THAT(
      make_plan(both, in_double())->warnings(),
      ::testing::ElementsAre("product 'product' leaves out log Z of 'neck', which depends on z, drawn too: it is "
                             "not the joint density of 'neck' and the rest. If you mean that density, use a hierarchy "
                             "with 'neck' below z"));
  EXPECT_TRUE(make_plan(composition(variables, node("deep", Hierarchy{{mouth, neck}, false})), in_double())
                  ->warnings()
                  .empty());
  // Also on top of a hierarchy, which adds the log Z of its top, and not of what the user left as it is.
  const NodePointer below = normal(2, {0}, {1});
  for (const bool unnormalised : {false, true}) {
    const NodePointer deep = node("deep", Hierarchy{{neck, below}, unnormalised});
    const Composition beside =
        composition({real_line("x", 1), interval("z", 1, -2, 3), real_line("y", 1)}, product({{mouth, 1}, {deep, 1}}));
    Known known(beside);
    EXPECT_EQ(dropped_normalisers(known.whole, known.coordinates, known.normaliser).size(), unnormalised ? 1u : 0u);
  }
  Composition given = both;
  hold(given, 1, 0, 0.5);
  EXPECT_TRUE(make_plan(given, in_double())->warnings().empty());
  // A normaliser that is the same for all parents.
  const NodePointer line = leaf(linear(), {whole(0, 1), whole(1, 1)}, {{2}, {0.5}});
  EXPECT_TRUE(make_plan(composition(variables, product({{mouth, 1}, {line, 1}})), in_double())->warnings().empty());
}

// Between 2^24 and 2^25 neighbouring numbers of float32 are 2 apart, between 2^9 and 2^10 they are 6.1e-5.
TEST(WarningTest, NumbersThatFloat32IsTooCoarseForAreNoticed) {
  const auto warnings = [](Composition whole, Precision precision = Precision::kFloat32) {
    whole.sample.precision = precision;
    return make_plan(whole, in_double())->warnings();
  };
  const Composition far = composition({real_line("t", 1)}, normal(0, {1.7e7}, {1}));
  EXPECT_THAT(warnings(far), ::testing::ElementsAre(
                                 "'gauss' puts 't' near 1.7e+07 with a standard deviation of 1, where neighbouring "
                                 "numbers of float32 are 2 apart: its draws would be coarse. Use precision: float64 in "
                                 "`sample`"));
  EXPECT_TRUE(warnings(far, Precision::kFloat64).empty());
  EXPECT_TRUE(warnings(composition({real_line("t", 1)}, normal(0, {1000}, {1}))).empty());
  // A branch of a mixture, and one number of two whose precision is not diagonal.
  const NodePointer near = normal(0, {0}, {1});
  EXPECT_THAT(warnings(composition({real_line("t", 1)}, mixture({{near, 1, {}}, {far.target, 1, {}}}))),
              ::testing::SizeIs(1));
  EXPECT_THAT(warnings(composition({real_line("t", 2)}, normal(0, {0, 3e7}, {2, 1, 1, 2}))), ::testing::SizeIs(1));
  // Two experts that pull to either side: together they are near 0.
  EXPECT_TRUE(
      warnings(composition({real_line("t", 1)}, product({{normal(0, {1.7e7}, {1}), 1}, {normal(0, {-1.7e7}, {1}), 1}})))
          .empty());
  const NodePointer q = leaf(quartic(), {whole(0, 1)});
  EXPECT_THAT(
      warnings(composition({interval("t", 1, 1.7e7, 1.7e7 + 100)}, q)),
      ::testing::ElementsAre("the support [17000000, 17000100] of 't' is 100 wide, where neighbouring numbers of "
                             "float32 are 2 apart: its draws would be coarse. Use precision: float64 in "
                             "`sample`"));
  EXPECT_TRUE(warnings(composition({interval("t", 1, 0, 1)}, q)).empty());
  EXPECT_TRUE(warnings(composition({interval("t", 1, 0, 1e9)}, q)).empty());
}

// Of a product in a product in a product: why the leaf is not known, and once why the whole is not quadratic.
TEST(NormaliserTest, AReasonIsGivenOnceHoweverDeepItLies) {
  NodePointer deep = leaf(quartic(), {whole(0, 1)});
  for (int i = 0; i < 3; ++i) deep = product({{deep, 1}});
  EXPECT_THAT(
      make_plan(composition({real_line("x", 1)}, deep), in_double())->explanation(),
      ::testing::Contains("log Z of the target: unknown, model 'quartic' does not say it; and not in closed form: "
                          "model 'quartic' of 'quartic' is not quadratic"));
}

TEST(NegationTest, ABoxMinusABoxHasTheSecondMomentOfItsCeiling) {
  // Box of half-width .7 minus box of half-width .3 in 2-D: outside the inner box the density is exp(s(inf)), inside
  // exp(s(0)), ratio r. E[x^2] = (1.96 .49 - .36 .09 (1 - r)) / 3 / (1.6 + .36 r). Where the ceiling is sharp (small
  // softness), r = e^-c: .188507 at c = 2, .193086 at 5, .193332 at 10.
  const NodePointer outer = leaf(box(), {whole(0, 2)}, {{0, 0}, {0.7}}),
                    inner = leaf(box(), {whole(0, 2)}, {{0, 0}, {0.3}});
  const std::vector<std::pair<double, double>> cases = {{2, 0.188507}, {5, 0.193086}, {10, 0.193332}};
  for (const auto& [ceiling, moment] : cases) {
    const auto plan = make_plan(
        composition({real_line("x", 2)}, product({{outer, 1}, {node("not", Not{inner, 1, ceiling, 0.02}), 1}})),
        in_double());
    const Evaluated at = evaluate(*plan, {{0.5, 0, 0, 0, 0.8, 0}}, 3);
    const double r = std::exp(at.energy[0] - at.energy[1]);
    EXPECT_NEAR((1.96 * 0.49 - 0.36 * 0.09 * (1 - r)) / 3 / (1.6 + 0.36 * r), moment, 1e-6) << ceiling;
    EXPECT_EQ(at.energy[2], INFINITY);
  }
}

TEST(NegationTest, ACeilingCountsFromTheLowerBound) {
  // The box's energy is at least 0, three of them weigh at least 0; a Gaussian's least energy is 0 too. A mixture of
  // normalised boxes of area .04 is at least log .04.
  const NodePointer small = leaf(box(), {whole(0, 2)}, {{0, 0}, {0.1}});
  const NodePointer mixed = mixture({{small, 1, {}}, {leaf(box(), {whole(0, 2)}, {{1, 0}, {0.1}}), 1, {}}});
  const auto plan =
      make_plan(composition({interval("x", 2, -2, 2)}, node("away", Not{mixed, 1, 5.0, 0.01})), in_double());
  // Outside: E = +infinity, s = 5 + log .04.
  EXPECT_NEAR(evaluate(*plan, {{-1, 0}}, 1).energy[0], -(5 + std::log(0.04)), 1e-12);
  EXPECT_THAT(plan->explanation(),
              ::testing::Contains(HasSubstr("not 'away': the ceiling 5 counts from the lower bound -3.2")));
}

}  // namespace
}  // namespace potluck::testing
