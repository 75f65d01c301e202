// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;

using EvidenceCommandTest = CommandTest;

// E = strength |x|^2 / 2 on 16 numbers: log Z = 8 log(2 pi T/strength).
TEST_F(EvidenceCommandTest, EstimatesLogZWithItsError) {
  write_scene("test_bench.bowl", "steps: 10, temperature: 0.5");
  const CommandResult result =
      potluck_with_bench({"evidence", "scene.yaml", "--particles", "1024", "--repeats", "6", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto found = nlohmann::json::parse(result.out);
  const double error = found["standard_error"];
  EXPECT_LT(error, 0.05);
  EXPECT_NEAR(found["log_z"].get<double>(), 8 * std::log(M_PI), 12.7 * error);
  EXPECT_EQ(found["repeats"].size(), 6u);
  EXPECT_EQ(found["particles"], 1024);
  EXPECT_EQ(found["ladder"].back()["beta"], 1.0);
  EXPECT_TRUE(found["ladder"].back()["acceptance"].is_null());
  EXPECT_TRUE(found["bracket"].is_null());
  // Not another answer with other threads; another seed is another estimate.
  const auto again = potluck_with_bench(
      {"evidence", "scene.yaml", "--particles", "1024", "--repeats", "6", "--json", "--threads", "1"});
  EXPECT_EQ(nlohmann::json::parse(again.out)["repeats"], found["repeats"]);
  const auto other =
      potluck_with_bench({"evidence", "scene.yaml", "--particles", "1024", "--repeats", "6", "--json", "--seed", "2"});
  EXPECT_NE(nlohmann::json::parse(other.out)["repeats"], found["repeats"]);
}

TEST_F(EvidenceCommandTest, SaysForPeopleWhatWasEstimated) {
  write_scene("test_bench.bowl", "steps: 10");
  const CommandResult result = potluck_with_bench({"evidence", "scene.yaml", "--particles", "256"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("log Z = 14."));
  EXPECT_THAT(result.out, HasSubstr("of exp(-E) over 16 numbers that are not given"));
  EXPECT_THAT(result.out, HasSubstr("the standard error is that of 8 repeats of 256 particles"));
  EXPECT_THAT(result.out, HasSubstr("no bracket: the target has no exact draws"));
}

TEST_F(EvidenceCommandTest, QuietPrintsTheEstimateAndNothingElse) {
  write("scene.yaml",
        "variables: {t: {}}\ntarget: {model: gaussian, settings: {mean: 1.7e7}, inputs: t}\nsample: {seed: 1}\n");
  std::vector<std::string> words = {"evidence", "scene.yaml", "--particles", "64", "--base-mean", "1.7e7"};
  const CommandResult loud = potluck(words);
  EXPECT_EQ(loud.exit_code, 0) << loud.err;
  EXPECT_THAT(loud.err, HasSubstr("warning: "));
  words.emplace_back("--quiet");
  const CommandResult quiet = potluck(words);
  EXPECT_EQ(quiet.exit_code, 0);
  EXPECT_EQ(quiet.err, "");
  EXPECT_EQ(quiet.out, loud.out);
}

TEST_F(EvidenceCommandTest, RefusesWhatItCannotDo) {
  write_scene("test_bench.bowl", "steps: 10");
  const CommandResult few = potluck_with_bench({"evidence", "scene.yaml", "--repeats", "1"});
  EXPECT_EQ(few.exit_code, 2);
  EXPECT_EQ(few.err, "potluck: error: --repeats must be between 2 and 1000000000, got 1\n");
  const CommandResult flat = potluck_with_bench({"evidence", "scene.yaml", "--base-scale", "0"});
  EXPECT_EQ(flat.exit_code, 2);
  EXPECT_EQ(flat.err, "potluck: error: --base-scale must be > 0, got 0\n");
  write_scene("test_bench.nowhere", "steps: 10");
  const CommandResult nowhere = potluck_with_bench({"evidence", "scene.yaml"});
  EXPECT_EQ(nowhere.exit_code, 4);
  EXPECT_THAT(nowhere.err, HasSubstr("energies must be numbers, got 4096 of 4096 particles without"));
}

/// .3 N(-3, 1/4) + .7 N(3, 1/4) blurred by noise, up to the factor 1/sqrt(2 pi): log Z = log(2 pi)/2 at any noise.
class AlongCommandTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    write("scene.yaml",
          "plugins: [" POTLUCK_BLURRED_FOLDER
          "]\nvariables: {x: {}, noise: {}}\n"
          "target: {model: test.blurred, settings: {mean: [-3, 3], weight: [0.3, 0.7], deviation: 0.5}, inputs: {x: x, "
          "noise: noise}}\n"
          "given: [{of: noise, value: 0.1}]\n"
          "sample: {method: langevin, step_size: 0.01, seed: 4}\n");
  }

  CommandResult estimated(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"evidence", "scene.yaml", "--particles", "1024"};
    words.insert(words.end(), more.begin(), more.end());
    return potluck(words);
  }
};

TEST_F(AlongCommandTest, EstimatesLogZDownLevelsOfNoise) {
  for (const std::vector<std::string>& levels : {std::vector<std::string>{}, {"--levels", "40"}}) {
    std::vector<std::string> words = {"--along", "noise=20", "--json"};
    words.insert(words.end(), levels.begin(), levels.end());
    const CommandResult result = estimated(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("pilot, noise 0.1, stage "));
    const auto found = nlohmann::json::parse(result.out);
    const double error = found["standard_error"];
    EXPECT_LT(error, 0.05);
    EXPECT_NEAR(found["log_z"].get<double>(), std::log(2 * M_PI) / 2, 12.7 * error);
    EXPECT_EQ(found["along"], nlohmann::json::parse(R"({"noise": {"from": 20.0, "to": 0.1}})"));
    EXPECT_FALSE(found.contains("base"));
    EXPECT_EQ(found["ladder"].front()["noise"], 20.0);
    EXPECT_EQ(found["ladder"].back()["noise"], 0.1);
    if (!levels.empty()) {
      EXPECT_EQ(found["ladder"].size(), 41u);
    }
  }
}

// With a gaussian across both numbers, x of N(1, 5/4) and y of N(0, 17/4): precision P = diag(4/5, 4/17) + G, h = (4/5,
// 0), log Z = log(2 pi) - log(5/4 17/4)/2 - log(det P)/2 - (4/5 - h' P^-1 h)/2. Steps of the square of the first level
// would all be rejected.
TEST_F(AlongCommandTest, TheBaseIsTheGaussianPartOfAllExperts) {
  write("scene.yaml", "plugins: [" POTLUCK_BLURRED_FOLDER
                      "]\nvariables: {v: {shape: [2]}, noise: {}}\n"
                      "views: {x: {of: v, slice: \"0:1\"}, y: {of: v, slice: \"1:2\"}}\n"
                      "energies:\n"
                      "  a: {model: test.blurred, settings: {mean: 1}, inputs: {x: x, noise: noise}}\n"
                      "  b: {model: test.blurred, settings: {deviation: 2}, inputs: {x: y, noise: noise}}\n"
                      "  c: {model: gaussian, settings: {precision: [2, 0.8, 0.8, 1.5]}, inputs: v}\n"
                      "target: {product: [a, b, c]}\n"
                      "given: [{of: noise, value: 1/2}]\n");
  const CommandResult result = estimated({"--along", "noise=20", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto found = nlohmann::json::parse(result.out);
  const double error = found["standard_error"], det = (0.8 + 2) * (4.0 / 17 + 1.5) - 0.64;
  EXPECT_LT(error, 0.02);
  EXPECT_NEAR(found["log_z"].get<double>(),
              std::log(2 * M_PI) - std::log(5.0 / 4 * 17 / 4) / 2 - std::log(det) / 2 -
                  (0.8 - 0.64 * (4.0 / 17 + 1.5) / det) / 2,
              12.7 * error);
  EXPECT_FALSE(found.contains("warnings")) << found;
}

TEST_F(AlongCommandTest, TheRecordSaysDownWhichLevels) {
  const CommandResult whole = estimated({"--along", "noise=20", "--json", "--output", "whole"});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const auto asked = read_json("whole/run.json").at("annealing");
  EXPECT_EQ(asked.at("along").at("noise").at("from"), 20.0);
  EXPECT_EQ(asked.at("along").at("levels"), 0);
  EXPECT_EQ(asked.at("along").at("spacing"), "karras");
  EXPECT_FALSE(asked.contains("base-scale"));
}

TEST_F(AlongCommandTest, SaysWhichNumberMayFall) {
  const auto said = [&](const std::vector<std::string>& words) {
    const CommandResult result = estimated(words);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    return result.err;
  };
  EXPECT_EQ(said({"--along", "noise"}), "potluck: error: --along must be NAME=FROM, such as noise=20, got 'noise'\n");
  EXPECT_EQ(said({"--levels", "30"}), "potluck: error: --levels must be given with --along, got it alone\n");
  EXPECT_EQ(said({"--along", "noise=20", "--spacing", "linear"}),
            "potluck: error: --spacing must be given with --levels, got it alone\n");
  EXPECT_EQ(said({"--along", "noise=20", "--base-scale", "2"}),
            "potluck: error: --base-scale must be left out with --along, which begins in a law of the first level, got "
            "both\n");
}

TEST_F(AlongCommandTest, RefusesALevelBelowTheGivenOneAndANumberThatIsDrawn) {
  const CommandResult below = estimated({"--along", "noise=0.05"});
  EXPECT_NE(below.exit_code, 0);
  EXPECT_THAT(below.err, HasSubstr("sample.anneal.noise.from must be above the given value"));
  const CommandResult drawn = estimated({"--along", "x=20"});
  EXPECT_NE(drawn.exit_code, 0);
  EXPECT_THAT(drawn.err, HasSubstr("must be given, got a variable that is drawn"));
}

}  // namespace
}  // namespace potluck::testing
