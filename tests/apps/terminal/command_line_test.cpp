// SPDX-License-Identifier: Apache-2.0
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using CommandLineTest = CommandTest;

TEST_F(CommandLineTest, VersionIsOneLine) {
  const CommandResult result = potluck({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, ::testing::MatchesRegex("potluck [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(result.err, "");
}

TEST_F(CommandLineTest, HelpNamesEveryCommandAndEachHasItsOwn) {
  const CommandResult help = potluck({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* name : {"sample", "check", "explain", "schema", "export", "doctor"}) {
    EXPECT_THAT(help.out, HasSubstr(name));
    const CommandResult own = potluck({name, "--help"});
    EXPECT_EQ(own.exit_code, 0) << name;
    EXPECT_THAT(own.out, StartsWith(std::string("Usage: potluck ") + name));
    EXPECT_THAT(own.out, HasSubstr("--plugin FILE"));
  }
  for (const char* name : {"plugins", "models", "methods"}) {
    EXPECT_THAT(help.out, HasSubstr(name));
    const CommandResult own = potluck({name, "--help"});
    EXPECT_EQ(own.exit_code, 0) << name;
    EXPECT_THAT(own.out, AllOf(StartsWith(std::string("Usage: potluck ") + name), HasSubstr("list")));
    EXPECT_EQ(potluck({name, "list", "--help"}).exit_code, 0) << name;
  }
}

TEST_F(CommandLineTest, NothingAtAllIsABadCommandThatShowsTheHelp) {
  const CommandResult result = potluck({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("Usage: potluck COMMAND"));
  EXPECT_EQ(result.out, "");
}

TEST_F(CommandLineTest, AnUnknownCommandSuggestsTheNearest) {
  const CommandResult result = potluck({"smaple", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              StartsWith("potluck: error: unknown command 'smaple'. Did you mean 'sample'? Known: sample, "));
}

TEST_F(CommandLineTest, AnUnknownOptionSuggestsTheNearest) {
  const CommandResult result = potluck({"sample", "scene.yaml", "--overwrit"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              StartsWith("potluck: error: unknown option '--overwrit'. Did you mean '--overwrite'? Known: "));
}

TEST_F(CommandLineTest, AnOptionThatStopsShortSuggestsTheWholeOne) {
  EXPECT_THAT(potluck({"sample", "scene.yaml", "--out", "run"}).err,
              StartsWith("potluck: error: unknown option '--out'. Did you mean '--output'? Known: "));
}

TEST_F(CommandLineTest, AnOptionIsNoValueOfAnother) {
  for (const char* second : {"--overwrite", "--seed=3"}) {
    const std::string name = std::string(second).substr(0, std::string(second).find('='));
    const CommandResult result = potluck({"sample", "scene.yaml", "--output", second});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, "potluck: error: --output must have a value, got the option " + name + ". Write --output=./" +
                              second + " for a file or folder of that name\n");
    EXPECT_FALSE(exists(second));
  }
  EXPECT_THAT(potluck({"sample", "scene.yaml", "--quiet", "--overwrite"}).err, HasSubstr("scene.yaml: must be a file"));
}

TEST_F(CommandLineTest, ARunThatGoesOnIsNotGivenAnotherPlace) {
  for (const char* command : {"sample", "evidence"}) {
    for (const std::vector<std::string>& more : {std::vector<std::string>{"--output", "other"}, {"--overwrite"}}) {
      std::vector<std::string> words = {command, "--resume", "run"};
      words.insert(words.end(), more.begin(), more.end());
      const CommandResult result = potluck(words);
      EXPECT_EQ(result.exit_code, 2);
      EXPECT_EQ(result.err, "potluck: error: " + more[0] +
                                " must be left out with --resume, which goes on in the folder that it names, got both. "
                                "Leave out " +
                                more[0] + " to go on, or --resume to begin anew\n");
    }
  }
}

TEST_F(CommandLineTest, AnUnknownActionSuggestsTheNearest) {
  const CommandResult result = potluck({"plugins", "lst"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              StartsWith("potluck: error: unknown action of `potluck plugins` 'lst'. Did you mean 'list'?"));
  EXPECT_EQ(potluck({"plugins"}).exit_code, 2);
}

TEST_F(CommandLineTest, AMissingFileOperandIsNamed) {
  const CommandResult result = potluck({"check"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "potluck: error: FILE must be given: potluck check FILE [options]\n");
  EXPECT_EQ(potluck({"check", "a.yaml", "b.yaml"}).err,
            "potluck: error: unexpected word 'b.yaml': potluck check FILE [options]\n");
}

TEST_F(CommandLineTest, OptionsOfEveryCommandMayStandBeforeItsName) {
  const CommandResult before = potluck({"--plugin", POTLUCK_BENCH_FOLDER, "models", "list"});
  EXPECT_EQ(before.exit_code, 0) << before.err;
  EXPECT_THAT(before.out, HasSubstr("test_bench.bowl"));
  EXPECT_THAT(potluck({"models", "list"}).out, Not(HasSubstr("test_bench.bowl")));
  EXPECT_EQ(potluck({"--plugn", "x", "models", "list"}).exit_code, 2);
}

TEST_F(CommandLineTest, SetMustBeAnAssignment) {
  EXPECT_EQ(potluck({"check", "scene.yaml", "--set", "steps"}).err,
            "potluck: error: --set must be KEY=VALUE, got 'steps'\n");
}

TEST_F(CommandLineTest, DevicesThatAreNotThereAreRefused) {
  // No machine has that many.
  const CommandResult cuda = potluck({"check", "scene.yaml", "--device", "cuda:99"});
  EXPECT_EQ(cuda.exit_code, 2);
  EXPECT_THAT(cuda.err, ContainsRegex("--device cuda:99: this (build|machine) .*no CUDA .*Use --device cpu|"
                                      "--device cuda:99: this machine has [0-9]+ CUDA device"));
  EXPECT_THAT(potluck({"check", "scene.yaml", "--device", "gpu"}).err,
              HasSubstr("--device must be auto, cpu, cuda or cuda:N, got 'gpu'"));
  EXPECT_THAT(potluck({"check", "scene.yaml", "--threads", "0"}).err,
              HasSubstr("--threads must be between 1 and 1024, got 0"));
}

}  // namespace
}  // namespace potluck::testing
