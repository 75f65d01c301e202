// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/compose/engine/engines.h"

namespace engine = potluck::engine;
using engine::Composite;
using engine::Composition;
using engine::Evaluation;
using testing::HasSubstr;

namespace {

Composite composed(engine::Plugins& plugins, const std::string& text, int threads = 1) {
  return Composite(Composition::from_text(text, plugins, {}, {.device = "cpu", .threads = threads}));
}

double number(size_t i) { return std::sin(static_cast<double>(i)) * 3; }

std::vector<double> numbers(int64_t count) {
  std::vector<double> all;
  for (int64_t i = 0; i < count; ++i) all.push_back(number(static_cast<size_t>(i)));
  return all;
}

const char* const kFloat64 = "{precision: float64}";

}  // namespace

// More rows than a batch has, so that the last batch is a part of one.
TEST(FaceEvaluateTest, EveryRowHasItsEnergyGradientAndExperts) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins, two_bumps("{shape: [3]}", kFloat64), 2);
  const int64_t rows = 2 * 4096 + 77;
  const std::vector<double> x = numbers(3 * rows);
  const Evaluation found = composite.evaluate({.rows = rows, .values = {{"x", x}}});
  ASSERT_EQ(found.rows, rows);
  EXPECT_EQ(found.experts, (std::vector<std::string>{"left", "right"}));
  ASSERT_EQ(found.energy.size(), static_cast<size_t>(rows));
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    double left = 0, right = 0;
    for (size_t j = 3 * row; j < 3 * row + 3; ++j) {
      left += x[j] * x[j] / 2;
      right += (x[j] - 2) * (x[j] - 2) / 2;
      ASSERT_NEAR(found.gradient.at("x")[j], 2 * x[j] - 2, 1e-13);
    }
    ASSERT_NEAR(found.energy[row], left + right, 1e-12);
    ASSERT_NEAR(found.expert_energy[row], left, 1e-12);
    ASSERT_NEAR(found.expert_energy[static_cast<size_t>(rows) + row], right, 1e-12);
  }
}

TEST(FaceEvaluateTest, BitsDependNeitherOnThreadsNorOnTheTypeThatPointsCameIn) {
  engine::Plugins plugins = shipped_plugins();
  const std::string text = two_bumps();  // float32
  const std::vector<double> x = numbers(3 * 700);
  const std::vector<float> rounded(x.begin(), x.end());
  const Evaluation one = composed(plugins, text, 1).evaluate({.rows = 700, .values = {{"x", x}}});
  const Evaluation two = composed(plugins, text, 2).evaluate({.rows = 700, .values = {{"x", std::span(rounded)}}});
  EXPECT_EQ(one.energy, two.energy);
  EXPECT_EQ(one.gradient, two.gradient);
  EXPECT_EQ(one.expert_energy, two.expert_energy);
}

TEST(FaceEvaluateTest, ARowHasItsBitsAmongAnyNumberOfOthers) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins, two_bumps());
  const std::vector<double> x = numbers(3 * 4097);
  const Evaluation all = composite.evaluate({.rows = 4097, .values = {{"x", std::span(x)}}});
  for (const int64_t rows : {1, 2, 700, 1}) {
    const auto count = static_cast<size_t>(rows);
    const Evaluation some = composite.evaluate({.rows = rows, .values = {{"x", std::span(x).first(3 * count)}}});
    EXPECT_TRUE(std::equal(some.energy.begin(), some.energy.end(), all.energy.begin())) << rows;
    const std::vector<double>& gradient = some.gradient.at("x");
    EXPECT_TRUE(std::equal(gradient.begin(), gradient.end(), all.gradient.at("x").begin())) << rows;
  }
}

TEST(FaceEvaluateTest, GivenNumbersStandAtTheirValuesAndHaveNoGradient) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(
      plugins,
      two_bumps("{shape: [2]}", kFloat64, "views: {second: {of: x, slice: [1]}}\ngiven: [{of: second, value: 5}]\n"));
  const Evaluation found = composite.evaluate({.rows = 1, .values = {{"x", std::vector<double>{0, 1e9}}}});
  EXPECT_DOUBLE_EQ(found.energy[0], 0 + 2 + 12.5 + 4.5);
  EXPECT_EQ(found.gradient.at("x"), (std::vector<double>{-2, 0}));
}

TEST(FaceEvaluateTest, AVariableThatIsGivenWholeMayBeLeftOut) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins,
                                 "potluck: 1\n"
                                 "variables: {image: {shape: [2]}, label: {categories: 2}}\n"
                                 "energies:\n"
                                 "  classes: {model: class_gaussian, settings: {mean: [0, 0, 3, 3]}, "
                                 "inputs: {image: image, label: label}}\n"
                                 "target: classes\n"
                                 "given: [{of: label, value: 1}]\n"
                                 "sample: {precision: float64}\n");
  const Evaluation found = composite.evaluate({.rows = 2, .values = {{"image", std::vector<double>{3, 3, 0, 3}}}});
  EXPECT_NEAR(found.energy[1] - found.energy[0], 4.5, 1e-12);
  EXPECT_EQ(found.gradient.count("label"), 0u);
}

// A hierarchy normalises a level given its label, which takes the prior of the label out again, on top and below.
TEST(FaceEvaluateTest, ALevelOfAHierarchyHasNoPriorOfItsLabel) {
  engine::Plugins plugins = shipped_plugins();
  const std::string kind =
      "{model: class_gaussian, settings: {mean: [0, 2], log_prior: [0, 2]}, inputs: {image: z, label: a}}";
  const std::string base = "{model: gaussian, inputs: x}";
  for (const bool on_top : {false, true}) {
    Composite composite =
        composed(plugins,
                 "potluck: 1\nvariables: {a: {categories: 2}, z: {}, x: {}}\n"
                 "target: {hierarchy: [" +
                     (on_top ? kind + ", " + base : base + ", " + kind) + "]}\nsample: {precision: float64}\n");
    const Evaluation found = composite.evaluate(
        {.rows = 2,
         .values = {
             {"a", std::vector<double>{0, 1}}, {"z", std::vector<double>{0, 2}}, {"x", std::vector<double>{0, 0}}}});
    EXPECT_NEAR(found.energy[1], found.energy[0], 1e-12);
  }
}

TEST(FaceEvaluateTest, NoRowsHaveNoEnergies) {
  engine::Plugins plugins = shipped_plugins();
  const Evaluation found =
      composed(plugins, two_bumps()).evaluate({.rows = 0, .values = {{"x", std::vector<double>{}}}});
  EXPECT_EQ(found.rows, 0);
  EXPECT_TRUE(found.energy.empty());
}

TEST(FaceEvaluateTest, PointsThatDoNotFitAreRefused) {
  engine::Plugins plugins = shipped_plugins();
  Composite composite = composed(plugins, two_bumps("{shape: [3], support: [-9, 9]}"));
  const auto text = [&](const engine::Points& points) {
    const engine::Error error = error_of([&] { composite.evaluate(points); });
    EXPECT_EQ(error.kind(), engine::Error::Kind::kInput);
    return std::string(error.what());
  };
  EXPECT_EQ(text({.rows = 1, .values = {}}), "points must have numbers of 'x', got none");
  EXPECT_EQ(text({.rows = 2, .values = {{"x", std::vector<double>(3)}}}),
            "points.x must have 6 numbers (2 rows of 3), got 3");
  EXPECT_THAT(text({.rows = 1, .values = {{"x", std::vector<double>(3)}, {"y", std::vector<double>(3)}}}),
              HasSubstr("points must be of variables, got 'y'. "));
  EXPECT_EQ(text({.rows = 1, .values = {{"x", std::vector<double>{0, 10, 0}}}}),
            "points.x must be in the support [-9, 9], got 10 in row 0, number 1");
  EXPECT_EQ(text({.rows = 1, .values = {{"x", std::vector<double>{0, 0, NAN}}}}),
            "points.x must be finite, got nan in row 0, number 2");
  EXPECT_EQ(text({.rows = 1, .values = {{"x", std::vector<double>{0, 0, 9 + 1e-12}}}}),
            "points.x must be in the support [-9, 9], got 9.000000000001 in row 0, number 2");
  EXPECT_EQ(text({.rows = 1, .values = {{"x", std::vector<double>(2)}}}),
            "points.x must have 3 numbers (1 row of 3), got 2");
  EXPECT_EQ(text({.rows = -1, .values = {}}), "points.rows must be >= 0, got -1");
  // A number of rows whose numbers cannot be counted.
  EXPECT_EQ(text({.rows = std::numeric_limits<int64_t>::max() / 2, .values = {{"x", std::vector<double>{}}}}),
            "points.rows must be <= 3074457345618258602, got 4611686018427387903");
  // It is of use as before.
  EXPECT_EQ(composite.evaluate({.rows = 1, .values = {{"x", std::vector<double>(3)}}}).energy[0], 6);
}

// float32 holds up to 3.4e38.
TEST(FaceEvaluateTest, NumbersBeyondThePrecisionAreRefused) {
  engine::Plugins plugins = shipped_plugins();
  const engine::Points far{.rows = 2, .values = {{"x", std::vector<double>{0, 1e39}}}};
  Composite narrow = composed(plugins, two_bumps("{}", "{precision: float32}"));
  const std::string refused =
      "points.x must be numbers that float32 holds, got 1e+39 in row 1, number 0. Use sample.precision: float64";
  EXPECT_EQ(error_of([&] { narrow.evaluate(far); }).what(), refused);
  EXPECT_EQ(error_of([&] { engine::Sampler(narrow).start(far); }).what(), refused);
  Composite wide = composed(plugins, two_bumps("{}", "{precision: float64}"));
  EXPECT_DOUBLE_EQ(wide.evaluate(far).energy[1], 1e78);
}

// Branches with exact log Z = log(2 pi 4) and log(2 pi), weights 3/4 and 1/4, of which the file says 1 and 2: the
// mixture has Z = 3/4 exp(log(8 pi) - 1) + 1/4 exp(log(2 pi) - 2).
TEST(FaceEvaluateTest, LogZOfAMixtureIsThatOfWhatTheFileSaysOfItsBranches) {
  engine::Plugins plugins = shipped_plugins();
  const auto mixture = [&](const std::string& first, const std::string& second) {
    return composed(plugins,
                    "variables: {x: {shape: [2]}}\n"
                    "energies:\n"
                    "  wide: {model: gaussian, settings: {variance: 4}, inputs: x}\n"
                    "  narrow: {model: gaussian, inputs: x}\n"
                    "target: {mixture: [{energy: wide, weight: 3" +
                        first + "}, {energy: narrow, weight: 1" + second + "}]}\n");
  };
  const Composite other = mixture(", log_z: 1", ", log_z: 2");
  const engine::LogZ log_z = other.log_z();
  ASSERT_TRUE(log_z.known);
  const double narrow = 2 * M_PI, wide = 4 * narrow;
  EXPECT_NEAR(log_z.value, std::log(0.75 * wide * std::exp(-1) + 0.25 * narrow * std::exp(-2)), 1e-12);
  EXPECT_EQ(log_z.how, "the sum of its branches', of which the file gives another log Z");
  ASSERT_EQ(other.warnings().size(), 2u);
  EXPECT_EQ(other.warnings()[0],
            "mixture 'target': log_z of 'wide' is 1, given in the file, although it is 3.22417 (model 'gaussian' says "
            "it), so that it has 9.25 times the mass that its weight says. Leave log_z out where you mean the weight");
  for (const Composite& same : {mixture("", ""), mixture(", log_z: 3.2241714275", ", log_z: 1.8378770664")}) {
    EXPECT_EQ(same.log_z().value, 0);
    EXPECT_TRUE(same.warnings().empty());
  }
}

TEST(FaceEvaluateTest, ACompositeToBeLookedAtRefuses) {
  engine::Plugins plugins = shipped_plugins();
  Composite look(Composition::from_text(two_bumps(), plugins), Composite::Purpose::kLook);
  EXPECT_STREQ(error_of([&] { look.evaluate({}); }).what(),
               "purpose must be kRun to evaluate, got kLook. Make a Composite for a run");
  EXPECT_STREQ(error_of([&] { engine::Sampler sampler(look); }).what(),
               "purpose must be kRun to sample, got kLook. Make a Composite for a run");
}
