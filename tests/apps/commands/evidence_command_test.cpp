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

}  // namespace
}  // namespace potluck::testing
