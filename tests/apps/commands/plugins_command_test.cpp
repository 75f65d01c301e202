// SPDX-License-Identifier: Apache-2.0
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

using PluginsCommandTest = CommandTest;

TEST_F(PluginsCommandTest, ListNamesIdVersionPlaceAndModels) {
  const CommandResult result = potluck_with_bench({"plugins", "list"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("test_bench +1\\.2\\.3 +POTLUCK_PLUGIN_PATH +test_bench\\.bowl, "));
}

TEST_F(PluginsCommandTest, ListKeepsTheReasonOfARefusedPlugin) {
  write("bad/acme.soup.potluck.so", "not a library at all");
  const CommandResult result = potluck({"plugins", "list", "--plugin", "bad/acme.soup.potluck.so"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("acme.soup.potluck.so"), HasSubstr("refused: "), HasSubstr("ELF")));
}

TEST_F(PluginsCommandTest, InspectReadsTheNoteByFileAndById) {
  const std::string file = POTLUCK_BENCH_FOLDER "/test_bench.potluck.so";
  for (const std::string& word : {file, std::string("test_bench")}) {
    const CommandResult result = potluck_with_bench({"plugins", "inspect", word});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, ContainsRegex("version +1\\.2\\.3"));
    EXPECT_THAT(result.out, ContainsRegex("licence +Apache-2\\.0"));
    EXPECT_THAT(result.out, ContainsRegex("LibTorch +none"));
    EXPECT_THAT(result.out, ContainsRegex("usable +yes"));
  }
  const CommandResult unknown = potluck_with_bench({"plugins", "inspect", "test_bensch"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("Did you mean 'test_bench'?"));
}

TEST_F(PluginsCommandTest, PathHasThePlacesInTheOrderOfSearch) {
  const CommandResult result =
      potluck({"plugins", "path", "--plugin", "mine.so"}, {"POTLUCK_PLUGIN_PATH=/opt/a:/opt/b", "XDG_DATA_HOME=/data"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("mine\\.so(.|\n)*composition(.|\n)*/opt/a(.|\n)*/opt/b(.|\n)*"
                                        "/data/potluck/plugins(.|\n)*lib/potluck/plugins"));
}

TEST_F(PluginsCommandTest, ModelsAreListedWithoutOpeningAnything) {
  const CommandResult result = potluck_with_bench({"models", "list"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("test_bench\\.bowl +test_bench 1\\.2\\.3 \\(POTLUCK_PLUGIN_PATH\\)"));
  EXPECT_FALSE(exists(".cache/potluck"));  // no verdict, as nothing was opened
}

TEST_F(PluginsCommandTest, AModelIsDescribedFromItsTable) {
  const CommandResult result = potluck_with_bench({"models", "describe", "test_bench.bowl"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("test_bench.bowl: A bowl"));
  EXPECT_THAT(result.out, ContainsRegex("x +continuous +the state"));
  EXPECT_THAT(result.out, ContainsRegex("strength +real, >= 0, default 1 +1/length\\^2 +how steep"));
  EXPECT_THAT(result.out, HasSubstr("Reference: Hooke 1678"));
}

TEST_F(PluginsCommandTest, AnOptionalInputIsDescribedAndRunsWithAndWithoutIt) {
  const std::string plugin = POTLUCK_ZOO_DIR "/learner.potluck.so";
  const CommandResult described =
      potluck({"models", "describe", "zoo.learner", "--plugin", plugin, "--allow-world-writable"});
  EXPECT_EQ(described.exit_code, 0) << described.err;
  EXPECT_THAT(described.out, ContainsRegex("x +continuous +numbers"));
  EXPECT_THAT(described.out, ContainsRegex("noise +continuous, the model is conditional on it, optional +how far"));

  const auto run = [&](const std::string& inputs, const std::string& folder) {
    write("scene.yaml", "variables: {x: {shape: [2]}}\ntarget: {model: zoo.learner, inputs: " + inputs +
                            "}\nsample: {method: langevin, step_size: 0.1, chains: 4, warmup: 0, steps: 20}\n");
    const CommandResult result =
        potluck({"sample", "scene.yaml", "--output", folder, "--plugin", plugin, "--allow-world-writable"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return records(folder);
  };
  const std::string without = run("x", "without");
  EXPECT_EQ(run("{x: x}", "also_without"), without);
  EXPECT_EQ(run("{x: x, noise: 0}", "silent"), without);  // noise 0 is what the model takes for none
  EXPECT_NE(run("{x: x, noise: 2}", "noisy"), without);
  const CommandResult explained =
      potluck({"explain", "scene.yaml", "--set", "target.inputs=x", "--plugin", plugin, "--allow-world-writable"});
  EXPECT_THAT(explained.out, HasSubstr("zoo.learner(x: x)"));
}

TEST_F(PluginsCommandTest, AModelHasAJsonSchema) {
  const CommandResult result = potluck_with_bench({"models", "describe", "test_bench.bowl", "--schema"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json schema = nlohmann::json::parse(result.out);
  EXPECT_EQ(schema.at("properties").at("strength").at("anyOf").at(0).at("minimum"), 0);
}

TEST_F(PluginsCommandTest, AnUnknownModelIsAWrongName) {
  const CommandResult result = potluck_with_bench({"models", "describe", "test_bench.bawl"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("potluck: error: no model 'test_bench.bawl'"), HasSubstr("test_bench.bowl")));
}

TEST_F(PluginsCommandTest, MethodsAreListedAndDescribed) {
  const CommandResult list = potluck({"methods", "list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_THAT(list.out, AllOf(HasSubstr("mala"), HasSubstr("langevin"), HasSubstr("ebm_practice")));
  const CommandResult mala = potluck({"methods", "describe", "mala"});
  EXPECT_EQ(mala.exit_code, 0);
  EXPECT_THAT(mala.out, AllOf(HasSubstr("whatever the step size"), HasSubstr("step_size"), HasSubstr("Reference: ")));
  const CommandResult unknown = potluck({"methods", "describe", "malla"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("unknown method 'malla'. Did you mean 'mala'?"));
}

TEST_F(PluginsCommandTest, DoctorSaysOfEachThingThatItIsWellOrWhatToDo) {
  const CommandResult well = potluck_with_bench({"doctor"});
  EXPECT_EQ(well.exit_code, 0) << well.err;
  EXPECT_THAT(well.out, ContainsRegex("OK  Potluck +[0-9]"));
  EXPECT_THAT(well.out, ContainsRegex("OK  POTLUCK_PLUGIN_PATH .*1 found"));
  for (const char* thing :
       {"compiler", "processor", "LibTorch", "CUDA", "verdict cache", "working folder", "Fashion-MNIST"})
    EXPECT_THAT(well.out, HasSubstr(thing));
  const CommandResult ill = potluck({"doctor"}, {"POTLUCK_PLUGIN_PATH=/nowhere/at/all"});
  EXPECT_EQ(ill.exit_code, 0);
  EXPECT_THAT(ill.out, HasSubstr("/nowhere/at/all: not there. Make the folder, or take it out of the variable"));
}

}  // namespace
}  // namespace potluck::testing
