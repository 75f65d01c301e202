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
              {"energies are numbers", "least energy", "log Z against quadrature", "held coordinates"},
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
        Fault{"wrong_conditional_draws",
              {"held coordinates"},
              "draws given 1 of 3 numbers of input 'position' must follow exp.-E., got moments of 32768 draws that are "
              ".* standard errors away, bound 6"},
        Fault{"copies_free_numbers", {"held coordinates"}, "draws given 1 of 3 numbers of input 'position' must .*"},
        Fault{"draws_beside",
              {"draws against quadrature", "draws against quadratic form", "held coordinates"},
              "draw must leave what lies beside the workspace alone, got written bytes"},
        Fault{"writes_weight",
              {"inputs untouched", "row weights and accumulation"},
              "the inputs must be as before the call, got a changed row_weight .float32."},
        Fault{"nan_alone",
              {"energy alone agrees", "least energy", "quadratic form", "held coordinates"},
              "energy and gradient asked for apart differ by inf from those asked for together, bound .*"},
        Fault{
            "wrong_gradient_far_out",
            {"gradient"},
            "the gradient is .* away from slopes of the energy along diagonals, bound .* .row [0-9]+, points of scale "
            "3: dE/dx along the diagonal .*, slope of the energy .*"},
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

TEST_F(ConformanceTest, AFitterPassesAndWrongOnesAreCaught) {
  const ConformanceReport report = report_of("fitter");
  EXPECT_THAT(failed_checks(report), testing::IsEmpty());
  EXPECT_EQ(check_of(report, "rounds of maximum likelihood")->text,
            "2 rounds over 256 rows: nothing nearby is more likely");
  EXPECT_THAT(check_of(report, "gradient of log Z by parameters")->text, HasSubstr("4 slopes, worst error "));
  EXPECT_EQ(check_of(report_of("learner"), "rounds of maximum likelihood"), nullptr);

  const auto caught = [](const std::string& plugin, const std::string& check, const std::string& text) {
    const ConformanceReport wrong = report_of(plugin);
    EXPECT_THAT(failed_checks(wrong), testing::ElementsAre(check)) << plugin;
    EXPECT_THAT(check_of(wrong, check)->text, MatchesRegex(text));
  };
  caught(
      "fitter_wrong_fit", "rounds of maximum likelihood",
      "a closed form must be where the rows are most likely, got a mean log-likelihood of .*, and .* with number 0 of "
      "'log_variance' moved by -0.00390625");
  caught("fitter_called_em", "rounds of maximum likelihood",
         "round 1 must not lower the mean log-likelihood of a row, got .* after .*");
  caught("fitter_forgets_rows", "rounds of maximum likelihood",
         "the sums over rows must be those over parts of them, got .* between them, bound .*number 0 in round 0: .*");
  caught("fitter_wrong_slope", "gradient of log Z by parameters",
         "the gradient of log Z by parameters is .* away from central differences, bound .*'mean', number 0: .*");
}

TEST_F(ConformanceTest, WrongLearnersAreCaught) {
  const auto caught = [](const std::string& plugin, const std::string& check, const std::string& text) {
    const ConformanceReport report = report_of(plugin);
    EXPECT_THAT(failed_checks(report), testing::Contains(check)) << plugin;
    EXPECT_THAT(check_of(report, check)->text, MatchesRegex(text));
  };
  caught("learner_wrong_tangent", "parameter gradient",
         "a parameter's gradient is .* away from central differences, bound .* .'frequency', number 0, .*tangent: .*");
  caught("learner_writes_buffers", "parameter gradient", "the gradient of buffer 'depth' must be left alone, .*");
  for (const char* const wrong : {"learner_nan_sum", "learner_infinite_sum"})
    caught(wrong, "parameter gradient",
           "a parameter's gradient is inf away from central differences, bound .* .'frequency', number 0, cotangent: "
           "-?(nan|inf), slope .*");
  caught("learner_counts_forty_rows", "parameter gradient in parts",
         "the gradient of many rows must be the sum of those of its rows, got .* away, bound .*, 256 rows: .*");
  caught("learner_mean_of_rows", "parameter gradient",
         "a parameter's gradient is .* away from central differences, bound .* .'log_precision', number 0, .*");
  caught("learner_wrong_in_float32", "parameter gradient in float32",
         "the gradient in float32 is .* away from that in float64, bound .* .'frequency', number 0, .*");
  caught("learner_races", "parameter gradient in threads",
         "4 threads on one model must get the gradients of one, got others in [0-9]+ of [0-9]+ calls");
  caught("learner_adds_and_refuses", "parameter memory",
         "parameter_gradient.. must add nothing where it answers POTLUCK_UNSUPPORTED, got 1 in 'log_precision'");
  caught("learner_beside", "parameter memory",
         "parameter_gradient must leave what lies beside the workspace alone, got written bytes");
  caught("learner_writes_cotangent", "parameter memory",
         "parameter_gradient must leave the cotangents untouched, got other bytes");
  caught("learner_long_shape", "parameter memory",
         "a model whose parameters have been written must be destroyed, got: the model crashed in destroy .signal 6, "
         "Aborted. .float(32|64).");
  caught(
      "learner_too_long_shape", "parameter memory",
      "model 'zoo.learner_too_long_shape' .*: its parameter 'mean' must fit into the memory of this machine, .*, got "
      "256 TiB for the shape .35184372088832.");
  caught("learner_no_parameters", "parameter gradient", "parameter_gradient.. is there, and parameters.. is not");
  caught("learner_drifts", "parameter gradient",
         "with its parameters written back, energies and gradients must be as before, got others");
  caught(
      "learner_wrong_curvature", "Gaussian part",
      "beside the Gaussian part the energy must grow linearly at most, got slopes of .* and .* per unit at distances "
      ".*, bound .*");
  caught("learner_wrong_without_noise", "optional inputs",
         "without noise: the gradient is .* away from central differences, bound .*");
}

TEST_F(ConformanceTest, SmallErrorsOfCategoryEnergiesAndSlopesThatAreNoNumbersAreSeen) {
  const ConformanceReport right = report_of("labels");
  EXPECT_THAT(failed_checks(right), testing::IsEmpty());
  EXPECT_EQ(check_of(right, "category energies")->outcome, CheckOutcome::kPassed);
  EXPECT_EQ(check_of(right, "gradient of log Z")->outcome, CheckOutcome::kPassed);
  const auto caught = [](const std::string& plugin, const std::string& check, const std::string& text) {
    const ConformanceReport report = report_of(plugin);
    EXPECT_THAT(failed_checks(report), testing::ElementsAre(check)) << plugin;
    EXPECT_THAT(check_of(report, check)->text, MatchesRegex(text));
  };
  caught(
      "labels_wrong_label", "category energies",
      "category energies differ from evaluate by 0.5, bound .*e-1[0-9] .input 'label', row [0-9], number 0, label 2: "
      ".*, by evaluate .*");
  caught("labels_nan_slope", "gradient of log Z",
         "the gradient of log Z by parents is inf away from central differences, bound .* .input 'level', number 0: "
         "-?nan, slope of log Z 1.5.");
  caught("labels_infinite_slope", "gradient of log Z",
         "the gradient of log Z by parents is inf away from .* number 0: inf, slope of log Z 1.5.");
}

TEST_F(ConformanceTest, AModelThatChangesTheProcessIsToldWhatAndWhere) {
  const auto changed = [](const std::string& act, const std::string& at) {
    const ConformanceReport report = report_of("rude", {.settings = {{"act", {act}}, {"at", {at}}}});
    const ConformanceCheck* const check = check_of(report, "process left alone");
    if (check == nullptr) return report.checks.at(0).text;
    EXPECT_EQ(check->outcome, CheckOutcome::kFailed) << act;
    return check->text;
  };
  const std::string got = "the process must be as it was before a call, got changes of: ";
  for (const auto& [at, call] : {std::pair{"0", " (create)"}, std::pair{"1", " (evaluate)"}}) {
    EXPECT_EQ(changed("chdir", at), got + "the working folder" + call);
    EXPECT_EQ(changed("umask", at), got + "the mode of new files" + call);
    EXPECT_EQ(changed("locale", at), got + "the locale" + call);
    EXPECT_EQ(changed("signals", at), got + "what signals do" + call);
    EXPECT_EQ(changed("mask", at), got + "what signals do" + call);
    EXPECT_EQ(changed("alarm", at), got + "a timer" + call);
    EXPECT_EQ(changed("environment", at), got + "the environment" + call);
    EXPECT_EQ(changed("nice", at), got + "priority or limits" + call);
    EXPECT_EQ(changed("print", at), got + "what stands on the standard output" + call);
    EXPECT_EQ(changed("print_error", at), got + "what stands on the standard error stream" + call);
    EXPECT_EQ(changed("keep_a_thread", at), got + "the threads that run (after destroy)");
    EXPECT_EQ(changed("atexit", at),
              "the process must end without a word once the model is destroyed, got: it crashed (signal 6, Aborted)");
  }
  EXPECT_EQ(changed("rounding", "0"), got + "the floating-point mode (create)");
  EXPECT_THAT(changed("close_output", "1"), HasSubstr("descriptors that others had opened (1, 2) (evaluate)"));
  EXPECT_THAT(changed("close_others", "1"), HasSubstr("closed descriptors of the process"));
  const ConformanceReport report = report_of("rude");
  EXPECT_EQ(check_of(report, "process left alone")->outcome, CheckOutcome::kPassed)
      << check_of(report, "process left alone")->text;
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
            "--set: must be a setting of model 'zoo.right_numbers', got 'depth'. It has none");
  EXPECT_EQ(error_of([] {
              report_of("rude", {.settings = {{"q", {"1"}}}});
            }),
            "--set: must be a setting of model 'zoo.rude', got 'q'. Known: act, at");
  EXPECT_EQ(error_of([] { report_of("learner", {.left_out = {"x"}}); }),
            "--without: must be an optional input of model 'zoo.learner', got 'x', which it always reads");
  EXPECT_EQ(error_of([] { report_of("learner", {.left_out = {"nose"}}); }),
            "--without: must be an input of model 'zoo.learner', got 'nose'. Did you mean 'noise'? Known: x, noise");
}

TEST_F(ConformanceTest, ASetupThatNothingFitsIsToldByTheRefusalThatCameFurthest) {
  // With x [3] and one number of noise its facts fail; [3] for noise, which is tried first, is refused.
  const ConformanceReport report = report_of("learner_no_facts");
  EXPECT_EQ(report.setup, "");
  ASSERT_EQ(report.checks.size(), 1u);
  EXPECT_EQ(report.checks[0].text,
            "model 'zoo.learner_no_facts' (zoo.learner_no_facts 1.0.0) refused x [3], noise []: no facts today");
  EXPECT_THAT(report.checks[0].advice, HasSubstr("See create() and facts()"));
  // Nothing that a shape could mend.
  EXPECT_THAT(report_of("crashes_in_create").checks[0].advice, HasSubstr("under a debugger"));
  const ConformanceReport shape = report_of("learner", {.shapes = {{"noise", {2}}}});
  EXPECT_THAT(shape.checks.at(0).text, HasSubstr("refused x [3], noise [2]: input 'noise' must be one number, got 2"));
  EXPECT_THAT(shape.checks.at(0).advice, HasSubstr("--shape input=28x28"));
}

TEST_F(ConformanceTest, AModelThatHangsEndsAfterThePatienceForAllAndEachCheckIsToldAsItEnds) {
  Registry registry(open_options());
  registry.add_place(zoo("hangs_in_evaluate"), "--plugin", true);
  std::vector<size_t> told;
  const auto begin = std::chrono::steady_clock::now();
  const ConformanceReport report =
      check_model(registry.model("zoo.hangs_in_evaluate"), {.patience = std::chrono::seconds(1)},
                  [&](const ConformanceReport& so_far) { told.push_back(so_far.checks.size()); });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  ASSERT_EQ(told.size(), report.checks.size() + 1);  // the setup first
  for (size_t k = 0; k < told.size(); ++k) EXPECT_EQ(told[k], k);
  EXPECT_EQ(report.checks[0].text, "not done after 1 s in evaluate");
  EXPECT_EQ(report.checks.back().text, "not run: the checks before it took 8 s together");
  EXPECT_THAT(report.checks.back().advice, HasSubstr("--patience"));
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
