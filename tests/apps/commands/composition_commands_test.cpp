// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

using CompositionCommandsTest = CommandTest;

TEST_F(CompositionCommandsTest, CheckSaysInOneLineThatAllIsWell) {
  write_scene("test_bench.bowl", "steps: 10");
  const CommandResult result = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "scene.yaml: ok, 1 variable, 1 expert, target 'pot'\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(CompositionCommandsTest, CheckReportsAllMistakesAtOnceEachWithItsPlace) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables:\n"
        "  x: {shape: [4, 4], suport: [0, 1]}\n"
        "energies:\n"
        "  pot: {model: test_bench.bowl, settings: {strength: -1}, inputs: {x: x}}\n"
        "target: pot\n"
        "sample: {steps: many}\n");
  const CommandResult result = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, ContainsRegex("scene\\.yaml:3:22: .*'suport'.*Did you mean 'support'"));
  EXPECT_THAT(result.err, ContainsRegex("scene\\.yaml:5:54: .*must be >= 0, got -1"));
  EXPECT_THAT(result.err, ContainsRegex("scene\\.yaml:7:17: .*got 'many'"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 3);
}

TEST_F(CompositionCommandsTest, AMistakeInAnOverrideIsNamedAfterTheOption) {
  write_scene("test_bench.bowl", "steps: 10");
  const CommandResult result = potluck_with_bench({"check", "scene.yaml", "--set", "sample.steps=-3"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, ContainsRegex("^potluck: error: --set sample\\.steps.*got -3"));
}

TEST_F(CompositionCommandsTest, CheckRefusesWhatARunWouldRefuse) {
  write_scene("test_bench.bowl", "steps: 11, thin: 10");
  const CommandResult result = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "scene.yaml:7:17: sample.steps must be a multiple of sample.thin (10), got 11. Use 20\n");
  EXPECT_EQ(potluck_with_bench({"explain", "scene.yaml"}).err, result.err);
  EXPECT_EQ(potluck_with_bench({"sample", "scene.yaml"}).err, result.err);
}

TEST_F(CompositionCommandsTest, WhatIsWrongWithOptionsStandsBesideAllOtherMistakes) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables: {x: {shape: [4, 4]}}\n"
        "energies:\n"
        "  pot: {model: test_bench.bowl, settings: {strength: -1}, inputs: {x: x}}\n"
        "target: pot\n"
        "sample:\n"
        "  warmup: 5\n"
        "  steps: 11\n"
        "  thin: 10\n");
  const CommandResult result = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err,
            "scene.yaml:4:54: energies.pot.settings.strength must be >= 0, got -1\n"
            "scene.yaml:7:11: sample.warmup must be >= 20 where step_size is auto, got 5. Raise it, or give a "
            "step_size\n"
            "scene.yaml:8:10: sample.steps must be a multiple of sample.thin (10), got 11. Use 20\n");
}

TEST_F(CompositionCommandsTest, AKeyLeftToItsDefaultHasThePlaceOfItsSection) {
  write_scene("test_bench.bowl", "thin: 300");
  EXPECT_EQ(potluck_with_bench({"check", "scene.yaml"}).err,
            "scene.yaml:7:9: sample.steps must be a multiple of sample.thin (300), got 1000. Use 1200\n");
}

TEST_F(CompositionCommandsTest, AKeyOfTheCommandLineHasThePlaceOfItsOption) {
  write_scene("test_bench.bowl", "steps: 10");
  EXPECT_EQ(
      potluck_with_bench({"check", "scene.yaml", "--set", "sample.warmup=3"}).err,
      "potluck: error: --set sample.warmup: sample.warmup must be >= 20 where step_size is auto, got 3. Raise it, "
      "or give a step_size\n");
}

TEST_F(CompositionCommandsTest, WhatOnlyCreatedModelsCanTellHasItsPlaceToo) {
  write_scene("test_bench.bowl", "method: ebm_practice, start: uniform, temperature: 2");
  const std::string text =
      "scene.yaml:7:39: sample.start must be one that does not need bounds, got 'uniform': the support of 'x' is "
      "[-inf, inf]. Give it a bounded support, or use start: normal\n"
      "scene.yaml:7:61: sample.temperature must be 1 with ebm_practice, got 2. Its temperature is noise^2 / (2 step): "
      "set those, or temper the energy\n";
  for (const char* command : {"check", "explain", "sample"}) {
    const CommandResult result = potluck_with_bench({command, "scene.yaml"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, text) << command;
  }
}

TEST_F(CompositionCommandsTest, AMissingFileIsABadCommand) {
  const CommandResult result = potluck({"check", "nowhere.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("potluck: error: "), HasSubstr("nowhere.yaml")));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

TEST_F(CompositionCommandsTest, AnUnknownModelIsAMistakeInTheComposition) {
  write_scene("test_bench.bawl", "steps: 10");
  const CommandResult result = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, ContainsRegex("scene\\.yaml:5:16: .*no model 'test_bench\\.bawl'"));
}

TEST_F(CompositionCommandsTest, ExplainShowsTreePlanKnowledgeAndStart) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables:\n"
        "  x: {shape: [4, 4], support: [-1, 1]}\n"
        "views:\n"
        "  upper: {of: x, slice: [\"0:2\", \":\"]}\n"
        "energies:\n"
        "  pot: {model: test_bench.bowl, inputs: {x: x}}\n"
        "  both: {product: [pot, {energy: pot, weight: 0.5}]}\n"
        "target: both\n"
        "given:\n"
        "  - {of: upper, value: 0.5}\n"
        "sample: {steps: 10, temperature: 2}\n");
  const CommandResult result = potluck_with_bench({"explain", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("x +\\[4, 4\\] +in \\[-1, 1\\], reflected at the ends +8 of 16 numbers given"));
  EXPECT_THAT(result.out,
              HasSubstr("both: product\n    pot: test_bench.bowl(x: x), weight 1\n    pot, weight 0.5, as above\n"));
  // One leaf is evaluated for the two terms.
  EXPECT_THAT(result.out, ContainsRegex("pot +test_bench\\.bowl.* +1 row a chain +shared by 2 places"));
  EXPECT_THAT(result.out, ContainsRegex("temperature +2"));
  EXPECT_THAT(result.out, ContainsRegex("start +uniform"));
}

TEST_F(CompositionCommandsTest, ExplainSaysWhichVariablesAreTransformed) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables:\n"
        "  x: {shape: [4], support: [-1, 1], walls: transform}\n"
        "  y: {shape: [4], support: [0, inf], walls: transform}\n"
        "target: {product: [{model: test_bench.bowl, inputs: x}, {model: test_bench.bowl, inputs: y}]}\n");
  const CommandResult result = potluck_with_bench({"explain", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("x +\\[4\\] +in \\[-1, 1\\], transformed to logit coordinates +drawn"));
  EXPECT_THAT(result.out, ContainsRegex("y +\\[4\\] +in \\[0, inf\\], transformed to log coordinates +drawn"));
  EXPECT_THAT(result.out,
              HasSubstr("'x' moves in logit coordinates, and T times the log of the Jacobian is taken off"));
}

TEST_F(CompositionCommandsTest, ExplainAndTheRecordSayWhichNumbersMove) {
  const auto write_with = [&](const std::string& anneal) {
    write("scene.yaml",
          "potluck: 1\n"
          "variables: {x: {shape: [4]}, noise: {}}\n"
          "target: {product: [{model: test_bench.bowl, inputs: x}, {model: test_bench.bowl, inputs: noise}]}\n"
          "given: [{of: noise, value: 1/2}]\n"
          "sample: {chains: 8, warmup: 50, steps: 40, " +
              anneal + "}\n");
  };
  write_with("anneal: {temperature: {from: 20}, noise: {from: 10}, levels: 30, steps: 2, spacing: karras}");
  const CommandResult explained = potluck_with_bench({"explain", "scene.yaml"});
  EXPECT_THAT(explained.out, HasSubstr("40 after 50 of warm-up and 60 that anneal from T = 20, noise = 10, a draw"));
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 0);
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("anneal").dump(),
            R"({"levels":30,"noise":{"from":10.0},"spacing":"karras","steps":2,"temperature":{"from":20.0}})");
  EXPECT_FALSE(record.contains("cooling"));
  EXPECT_THAT(record.at("warnings").dump(), Not(HasSubstr("cooling")));
  const CommandResult resumed = potluck_with_bench({"sample", "--resume", "run", "--set", "sample.steps=80"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;

  write_with("cooling: {from: 20, steps: 30}");
  EXPECT_THAT(potluck_with_bench({"explain", "scene.yaml"}).out,
              AllOf(HasSubstr("40 after 50 of warm-up and 30 that cool from T = 20, a draw"),
                    HasSubstr("warning: sample.cooling is an older name. Write sample.anneal: {temperature: {from: "
                              "20}, levels: 30, steps: 1}")));
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "cooled"}).exit_code, 0);
  EXPECT_EQ(read_json("cooled/run.json").at("cooling").dump(), R"({"from":20.0,"steps":30})");
  EXPECT_EQ(read_json("cooled/run.json").at("anneal").at("levels"), 30);
}

TEST_F(CompositionCommandsTest, SampleDrawsATransformedVariableInItsSupport) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables: {x: {shape: [4], support: [0, inf], walls: transform}}\n"
        "target: {model: test_bench.bowl, inputs: x}\n"
        "sample: {chains: 8, warmup: 50, steps: 40}\n"
        "output: {folder: run}\n");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_json("run/run.json").at("explanation").dump(), HasSubstr("'x' moves in log coordinates"));
  const nlohmann::json scalars = read_json("run/summary.json").at("variables").at(0).at("scalars");
  EXPECT_EQ(scalars.size(), 4u);
  for (const nlohmann::json& scalar : scalars) EXPECT_GT(scalar.at("mean").get<double>(), 0);
}

TEST_F(CompositionCommandsTest, SchemaIsJsonThatKnowsTheModelsOfPlugins) {
  const CommandResult result = potluck_with_bench({"schema"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json schema = nlohmann::json::parse(result.out);
  EXPECT_EQ(schema.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_THAT(result.out, HasSubstr("test_bench.bowl"));
}

TEST_F(CompositionCommandsTest, PluginsOfTheCompositionGoBeforeThoseOfTheEnvironment) {
  // The same plugin stands in both places; what is used is the file's own.
  std::filesystem::create_directories(path("mine"));
  std::filesystem::copy_file(POTLUCK_BENCH_FOLDER "/test_bench.potluck.so", path("mine/test_bench.potluck.so"));
  write("scene.yaml",
        "potluck: 1\n"
        "plugins: [mine]\n"
        "variables: {x: {shape: [4]}}\n"
        "energies: {pot: {model: test_bench.bowl, inputs: {x: x}}}\n"
        "target: pot\n"
        "sample: {chains: 4, warmup: 20, steps: 5}\n"
        "output: {folder: run}\n");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json plugin = read_json("run/run.json").at("plugins").at(0);
  EXPECT_THAT(plugin.at("file").get<std::string>(), HasSubstr("mine/test_bench.potluck.so"));
  EXPECT_EQ(plugin.at("sha256").get<std::string>().size(), 64u);
}

}  // namespace
}  // namespace potluck::testing
