// SPDX-License-Identifier: Apache-2.0
// The conformance kit passes a right model and catches each wrong one of tests/zoo by the check that is meant for it.
#include "plugins/conformance.h"

#include <gmock/gmock.h>

#include "tests/plugins/plugins_fixture.h"

namespace potluck {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

const ConformanceCheck* check_of(const ConformanceReport& report, const std::string& name) {
  for (const ConformanceCheck& check : report.checks)
    if (check.name == name) return &check;
  return nullptr;
}

std::vector<std::string> failed_checks(const ConformanceReport& report) {
  std::vector<std::string> names;
  for (const ConformanceCheck& check : report.checks)
    if (check.outcome == CheckOutcome::kFailed) names.push_back(check.name);
  return names;
}

class ConformanceTest : public PluginsTest {
 protected:
  static ConformanceReport report_of(const std::string& plugin, const ConformanceOptions& options = {}) {
    Registry registry(open_options());
    registry.add_place(zoo(plugin), "--plugin", true);
    return check_model(registry.model("zoo." + plugin), options);
  }
};

struct Fault {
  std::string plugin;
  std::vector<std::string> checks;  ///< that must fail, and no others
  std::string text;                 ///< a regular expression for the first of them
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.plugin; }

class WrongNumbersTest : public ConformanceTest, public testing::WithParamInterface<Fault> {};

TEST_P(WrongNumbersTest, AreCaughtByTheChecksMeantForThem) {
  const ConformanceReport report = report_of(GetParam().plugin);
  EXPECT_FALSE(report.passed());
  EXPECT_THAT(failed_checks(report), ElementsAreArray(GetParam().checks));
  const ConformanceCheck* check = check_of(report, GetParam().checks[0]);
  ASSERT_NE(check, nullptr);
  EXPECT_THAT(check->text, MatchesRegex(GetParam().text));
  EXPECT_FALSE(check->advice.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Zoo, WrongNumbersTest,
    testing::Values(
        Fault{"nan",
              {"energies are numbers", "log Z against quadrature"},
              "an energy must be a number or .inf, got -?nan .row [0-9]+ of 500, .*"},
        Fault{"wrong_gradient", {"gradient"}, "the gradient is .* away from central differences, bound .*"},
        Fault{"no_weight", {"row weights and accumulation"}, "row_weight: the gradient must be start . row_weight .*"},
        Fault{
            "writes_input", {"inputs untouched"}, "the inputs must be as before the call, got a changed 'position' .*"},
        Fault{"overruns", {"memory respected"}, "what lies beside the workspace must be left alone, got written .*"},
        Fault{"rows_together",
              {"rows in other companies", "batch sizes agree", "gradient", "quadratic form"},
              "a row among other rows differs by .*"},
        Fault{"sees_batch_size",
              {"batch sizes agree"},
              "rows in calls of 1 to 31 rows differ by .* from those in one of 37, POTLUCK_BATCH_INVARIANT claims .*"},
        Fault{"flushes", {"floating-point mode kept"}, "evaluate must leave the .* MXCSR 0x1f80, got 0x9fc0"},
        Fault{"forgets_held",
              {"numbers known beforehand"},
              "with numbers known beforehand .1 in 2., energies and gradients must be those without, got a .*"},
        Fault{"races",
              {"threads"},
              "4 threads on one model must get the bits of one, got others in [0-9]+ of [0-9]+ rows"},
        Fault{"wide_preset_wrong_log_z",
              {"log Z against quadrature", "log Z against quadratic form"},
              "log Z must be 0.918938533 by quadrature over 1 drawn numbers, with centre = 0, got 0.919938533: .*"},
        Fault{"high_bound", {"least energy"}, "least_energy must be a lower bound, 1, got an energy of .*"},
        Fault{"wrong_log_z",
              {"log Z against quadrature", "log Z against quadratic form"},
              "log Z must be 0.918938533 by quadrature over 1 drawn numbers, got 0.919938533: 0.001 away, .*"},
        Fault{"wrong_quadratic",
              {"quadratic form", "log Z against quadratic form", "draws against quadratic form"},
              "E must be v'Pv/2 - h'v . c, got .* away, bound .*"},
        Fault{"wrong_draws",
              {"draws against quadrature", "draws against quadratic form"},
              "moments of 32768 draws are .* standard errors away from quadrature, bound 6"},
        Fault{"moves_held", {"held coordinates"}, "a held coordinate must come out bit for bit as it went in, .*"},
        Fault{"crashes_in_create", {"created"}, "the model crashed in create .signal 11, Segmentation fault."}),
    [](const auto& test) { return test.param.plugin; });

TEST_F(ConformanceTest, ARightModelPassesEverything) {
  const ConformanceReport report = report_of("right_numbers");
  EXPECT_EQ(report.setup, "position [3]");
  EXPECT_THAT(failed_checks(report), testing::IsEmpty());
  EXPECT_TRUE(report.passed());
  int held = 0;
  for (const ConformanceCheck& check : report.checks) held += check.outcome == CheckOutcome::kPassed ? 1 : 0;
  // All but settings, gradient of log Z, parameters, categories and CUDA, which it does not have.
  EXPECT_EQ(held, static_cast<int>(report.checks.size()) - 5);
}

TEST_F(ConformanceTest, ALearnerPassesWithItsOptionalInputAndWithoutIt) {
  const ConformanceReport report = report_of("learner");
  EXPECT_EQ(report.setup, "x [3], noise []");
  EXPECT_THAT(failed_checks(report), testing::IsEmpty());
  // Of 5 numbers, 3 times: with a cotangent, a tangent, and both.
  EXPECT_THAT(check_of(report, "parameter gradient")->text, MatchesRegex("15 slopes, worst error .*, bound .*"));
  EXPECT_EQ(check_of(report, "Gaussian part")->outcome, CheckOutcome::kPassed);
  EXPECT_EQ(check_of(report, "optional inputs")->outcome, CheckOutcome::kPassed);
  EXPECT_THAT(check_of(report, "optional inputs")->text, HasSubstr("1 ways to leave inputs out"));

  const ConformanceReport without = report_of("learner", {.left_out = {"noise"}});
  EXPECT_EQ(without.setup, "x [3], without noise");
  EXPECT_THAT(failed_checks(without), testing::IsEmpty());
  EXPECT_EQ(check_of(without, "parameter gradient")->outcome, CheckOutcome::kPassed);
  EXPECT_EQ(check_of(without, "optional inputs")->outcome, CheckOutcome::kNotApplicable);

  EXPECT_EQ(check_of(report_of("right_numbers"), "optional inputs"), nullptr);
  EXPECT_EQ(check_of(report_of("right_numbers"), "Gaussian part"), nullptr);
  EXPECT_THAT(check_of(report_of("learner_first_order"), "parameter gradient")->text,
              HasSubstr("; tangents are not supported"));
}

TEST_F(ConformanceTest, WrongLearnersAreCaught) {
  const auto caught = [](const std::string& plugin, const std::string& check, const std::string& text) {
    const ConformanceReport report = report_of(plugin);
    EXPECT_THAT(failed_checks(report), testing::Contains(check)) << plugin;
    EXPECT_THAT(check_of(report, check)->text, MatchesRegex(text));
  };
  caught("learner_wrong_tangent", "parameter gradient",
         "a parameter's gradient is .* away from central differences, bound .* .'frequency', number 0, .*tangent.");
  caught("learner_writes_buffers", "parameter gradient", "the gradient of buffer 'depth' must be left alone, .*");
  caught("learner_drifts", "parameter gradient",
         "with its parameters written back, energies and gradients must be as before, got others");
  caught(
      "learner_wrong_curvature", "Gaussian part",
      "beside the Gaussian part the energy must grow linearly at most, got slopes of .* and .* per unit at distances "
      ".*, bound .*");
  caught("learner_wrong_without_noise", "optional inputs",
         "without noise: the gradient is .* away from central differences, bound .*");
}

TEST_F(ConformanceTest, ACrashIsAFailedCheckAndTheOthersGoOn) {
  const ConformanceReport report = report_of("crashes_at_one_row");
  const ConformanceCheck* sizes = check_of(report, "batch sizes agree");
  ASSERT_NE(sizes, nullptr);
  EXPECT_EQ(sizes->outcome, CheckOutcome::kFailed);
  EXPECT_EQ(sizes->text, "the model crashed in evaluate (signal 11, Segmentation fault)");
  EXPECT_EQ(check_of(report, "gradient")->outcome, CheckOutcome::kPassed);
  EXPECT_EQ(check_of(report_of("exits_at_one_row"), "batch sizes agree")->text,
            "the model ended the process in evaluate");
}

TEST_F(ConformanceTest, WhatTheCallerGotWrongIsNoFaultOfTheModel) {
  EXPECT_EQ(error_of([] {
              report_of("right_numbers", {.shapes = {{"positon", {3}}}});
            }),
            "--shape: must be an input of model 'zoo.right_numbers', got 'positon'. Did you mean 'position'? Known: "
            "position");
  EXPECT_EQ(error_of([] {
              report_of("right_numbers", {.settings = {{"depth", {"3"}}}});
            }),
            "--set: must be a setting of model 'zoo.right_numbers', got 'depth'.");
  EXPECT_EQ(error_of([] { report_of("learner", {.left_out = {"x"}}); }),
            "--without: must be an optional input of model 'zoo.learner', got 'x', which it always reads");
  EXPECT_EQ(error_of([] { report_of("learner", {.left_out = {"nose"}}); }),
            "--without: must be an input of model 'zoo.learner', got 'nose'. Did you mean 'noise'? Known: x, noise");
}

TEST_F(ConformanceTest, ShapesAndSupportsAreTheCallersToSay) {
  ConformanceOptions options;
  options.shapes["position"] = {2, 2};
  options.supports["position"] = {-1, 1};
  const ConformanceReport report = report_of("right_numbers", options);
  EXPECT_EQ(report.setup, "position [2, 2] in [-1, 1]");
  EXPECT_TRUE(report.passed());
  // Four numbers are too many for quadrature, which takes one and two.
  EXPECT_THAT(check_of(report, "log Z against quadrature")->text, HasSubstr("1 drawn: 0.918939"));
  EXPECT_THAT(check_of(report, "log Z against quadrature")->text, HasSubstr("2 drawn: 1.83788"));
}

// Its preset is a list of three numbers, which fixes the shape: the laws are checked with shorter ones.
TEST_F(ConformanceTest, LawsAreCheckedAtOtherSettingsWhereThoseAskedForAreTooWide) {
  const ConformanceReport report = report_of("wide_preset");
  EXPECT_EQ(report.setup, "position [3]");
  EXPECT_TRUE(report.passed());
  const ConformanceCheck* const log_z = check_of(report, "log Z against quadrature");
  EXPECT_EQ(log_z->outcome, CheckOutcome::kPassed);
  EXPECT_THAT(log_z->text, HasSubstr("1 drawn, with centre = 0: 0.918939"));
  EXPECT_THAT(log_z->text, HasSubstr("2 drawn, with centre = 0,0: 1.83788"));
  EXPECT_EQ(check_of(report, "draws against quadrature")->outcome, CheckOutcome::kPassed);
}

TEST_F(ConformanceTest, PointsNearWhichAModelIsHeldAreTheCallersToSay) {
  // This model's energy is NaN beyond 3, where normal points lie now and then; 8 points within 1 keep it from there.
  const auto energies_are_numbers = [](const ConformanceOptions& options) {
    return check_of(report_of("nan", options), "energies are numbers")->outcome;
  };
  EXPECT_EQ(energies_are_numbers({}), CheckOutcome::kFailed);
  ConformanceOptions options;
  options.starts["position"] = Array::of({4, 2}, std::vector<double>{1, -1, 0.5, 0.25, -0.5, 0, 0, 1});
  EXPECT_EQ(energies_are_numbers(options), CheckOutcome::kPassed);
  EXPECT_EQ(report_of("nan", options).setup, "position [2]");
}

TEST_F(ConformanceTest, PointsThatDoNotFitAreNamedByRowAndNumber) {
  const auto error_with = [](std::vector<int64_t> shape, const std::vector<double>& numbers, bool bounded = false) {
    ConformanceOptions options;
    options.shapes["position"] = {2};
    options.starts["position"] = Array::of(std::move(shape), numbers);
    if (bounded) options.supports["position"] = {0, 1};
    return error_of([&] { report_of("right_numbers", options); });
  };
  EXPECT_EQ(error_with({2, 3}, {1, 2, 3, 4, 5, 6}),
            "--start position: must have rows of the shape [2] that --shape says, got [3] in [2, 3]");
  EXPECT_EQ(error_with({}, {1}), "--start position: must have the shape [rows, shape of the input], got []");
  EXPECT_EQ(error_with({2, 2}, {1, 2, 3, NAN}),
            "--start position: row 1 must have finite numbers, got nan as number 1");
  EXPECT_EQ(error_with({2, 2}, {0, 1, 1.5, 1}, true),
            "--start position: row 1 must be in the support [0, 1], got 1.5 as number 0");
  EXPECT_EQ(error_of([] {
              report_of("right_numbers", {.starts = {{"positon", Array::of({1, 2}, std::vector<double>{1, 2})}}});
            }),
            "--start: must be an input of model 'zoo.right_numbers', got 'positon'. Did you mean 'position'? Known: "
            "position");
}

}  // namespace
}  // namespace potluck
