// SPDX-License-Identifier: Apache-2.0
// What the command reads: through pipes, under names of any bytes, damaged, deep, or with numbers where no chain may
// be.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>

#include "core/files/formats/npy.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class InputsCommandTest : public CommandTest {
 protected:
  CommandResult bash(const std::string& script) {
    return RunningCommand({"/bin/bash", "-c", script}, path(""),
                          {"POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER, "P=" POTLUCK_PROGRAM})
        .wait();
  }
};

TEST_F(InputsCommandTest, ACompositionComesThroughAnyPipe) {
  write_scene("test_bench.bowl", "steps: 10");
  for (const std::string script : {"cat scene.yaml | $P check -", "cat scene.yaml | $P check /dev/stdin",
                                   "$P check /dev/stdin < scene.yaml", "$P check - < scene.yaml"}) {
    const CommandResult result = bash(script);
    EXPECT_EQ(result.out, "stdin: ok, 1 variable, 1 expert, target 'pot'\n") << script << result.err;
  }
  const CommandResult substituted = bash("$P check <(cat scene.yaml)");
  EXPECT_THAT(substituted.out, ::testing::ContainsRegex("^pipe-[0-9]+: ok, ")) << substituted.err;
  // Errors have their places.
  EXPECT_EQ(bash("echo 'variables: {x: {suport: [0, 1]}}' | $P check -").exit_code, 2);
  EXPECT_THAT(bash("echo 'variables: {x: {suport: [0, 1]}}' | $P check -").err, HasSubstr("stdin:1:17: unknown key"));
}

TEST_F(InputsCommandTest, PathsInAPipeAreThoseOfTheWorkingFolderAndItsRunGoesOnWithoutIt) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 20");
  write_npy(path("start.npy"), Array::of({1, 4, 4}, std::vector<double>(16, 0.5)));
  const CommandResult run =
      bash("sed 's/steps: 20/steps: 20, start: start.npy/' scene.yaml | $P sample - --output run --quiet");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  std::filesystem::remove(path("scene.yaml"));
  const CommandResult resumed = bash("$P sample --resume run --set sample.steps=40 --quiet < /dev/null");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_json("run/run.json")["draws"], 40);
  EXPECT_EQ(read_json("run/run.json")["file"], "stdin");
  EXPECT_THAT(read_json("run/run.json")["file_text"].get<std::string>(), HasSubstr("target: pot\n"));
}

TEST_F(InputsCommandTest, AStartFileMustHaveARowForAChain) {
  write("scene.yaml",
        "potluck: 1\nvariables: {x: {}}\ntarget: {model: gaussian, inputs: x}\nsample: {start: start.npy}\n");
  write_npy(path("start.npy"), Array::of({4, 1}, std::vector<double>(4, 0.5)));
  EXPECT_THAT(potluck({"check", "scene.yaml"}).err, HasSubstr("must have the shape [rows], got [4, 1]"));
}

TEST_F(InputsCommandTest, AStartFileMustHaveNumbersWhereAChainMayStand) {
  write_scene("test_bench.bowl", "chains: 3, warmup: 50, steps: 5, start: start.npy");
  std::vector<double> numbers(48, 0.5);
  numbers[16 + 6] = NAN;  // chain 1, row 1, column 2
  write_npy(path("start.npy"), Array::of({3, 4, 4}, numbers));
  for (const std::string command : {"check", "sample"}) {
    const CommandResult result = potluck_with_bench({command, "scene.yaml"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err,
                HasSubstr("scene.yaml:7:50: sample.start: chain 1: x[1, 2] must be a finite number, got nan "
                          "("))
        << command;
  }
  numbers[16 + 6] = 1e39;
  write_npy(path("start.npy"), Array::of({3, 4, 4}, numbers));
  EXPECT_THAT(potluck_with_bench({"check", "scene.yaml"}).err,
              HasSubstr("sample.start: chain 1: x[1, 2] must be a number of float32 (precision), got 1e+39 ("));
  numbers[16 + 6] = 1.5;
  write_npy(path("start.npy"), Array::of({3, 4, 4}, numbers));
  EXPECT_EQ(potluck_with_bench({"check", "scene.yaml"}).exit_code, 0);
  EXPECT_THAT(potluck_with_bench({"check", "scene.yaml", "--set", "variables.x.support=[0, 1]"}).err,
              HasSubstr("sample.start: chain 1: x[1, 2] must be inside [0, 1], got 1.5 ("));
  // A row that no chain takes is not looked at.
  EXPECT_EQ(
      potluck_with_bench({"check", "scene.yaml", "--set", "variables.x.support=[0, 1]", "--set", "sample.chains=1"})
          .exit_code,
      0);
}

TEST_F(InputsCommandTest, ARunUnderANameThatIsNotUtf8IsWholeAndGoesOn) {
  const std::string folder = "caf\xe9";
  std::filesystem::create_directories(path(folder));
  write_npy(path(folder) / "values.npy", Array::of({3}, std::vector<double>{1, 2, 3}));
  write("scene.yaml",
        "variables: {x: {shape: [3]}, y: {}}\n"
        "target: {product: [{model: test_bench.bowl, inputs: x}, {model: test_bench.bowl, inputs: y}]}\n"
        "sample: {chains: 4, warmup: 20, steps: 20}\n");
  const CommandResult run =
      potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--given", "x=" + folder + "/values.npy"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  // run.json is JSON, and says the name in UTF-8.
  EXPECT_THAT(read_json("run/run.json")["files"].dump(), HasSubstr("caf\\\\xE9/values.npy"));
  const CommandResult resumed = potluck_with_bench({"sample", "--resume", "run", "--set", "sample.steps=40"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_json("run/run.json")["draws"], 40);
}

TEST_F(InputsCommandTest, ADamagedRecordIsAnErrorOfItsFileAndKey) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 20");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 0);
  const nlohmann::json good = read_json("run/run.json");
  const auto expect = [&](const nlohmann::json& record, const std::string& text) {
    write("run/run.json", record.dump());
    const CommandResult result = potluck_with_bench({"sample", "--resume", "run", "--set", "sample.steps=40"});
    EXPECT_EQ(result.exit_code, 2) << text;
    EXPECT_THAT(result.err, HasSubstr("run.json: " + text));
    EXPECT_THAT(result.err, Not(HasSubstr("fault of Potluck")));
  };
  for (const auto& [pointer, value, text] :
       {std::tuple{"/command", nlohmann::json("sample"), "command must be a list, got \"sample\""},
        {"/command", nlohmann::json::array(), "command must be the words of a command, one at least"},
        {"/folder", nlohmann::json(3), "folder must be a text, got 3"},
        {"/steps_done", nlohmann::json("many"), "steps_done must be a whole number, got \"many\""},
        {"/virial", nlohmann::json(1), "virial must be an object, got 1"},
        {"/rank", nlohmann::json({{"rank", 2}, {"world", 2}}), "rank.rank must be below the number of ranks"},
        {"/swaps",
         nlohmann::json({{"rate", {0.5}},
                         {"attempts", {3}},
                         {"temperature", nlohmann::json::array()},
                         {"round_trips_per_ladder_and_step", 0.1},
                         {"hottest_energy",
                          {{"ladders", 2}, {"draws", 1}, {"mean", 3}, {"between", 1}, {"within", 1}, {"rhat", 1}}}}),
         "swaps.temperature must be one more than swaps.rate, got a list"},
        {"/log_z", nlohmann::json({{{"value", 1}}}), "log_z[0] must have the key 'mixture', got none of that name"}}) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(pointer)] = value;
    expect(bad, text);
  }
  for (const std::string key : {"plugins", "warmup_nan_proposals", "start_energy"}) {
    nlohmann::json bad = good;
    bad.erase(key);
    expect(bad, "must have the key '" + key + "', got none of that name");
  }
  expect("text", "all of it must be an object, got \"text\"");
  write("run/run.json", "{");
  EXPECT_THAT(potluck_with_bench({"sample", "--resume", "run"}).err,
              HasSubstr("run.json: must be JSON, got an error: "));
}

TEST_F(InputsCommandTest, WhatHasNoEndIsNotReadToIt) {
  const CommandResult device = potluck({"check", "/dev/zero"});
  EXPECT_EQ(device.exit_code, 2);
  EXPECT_EQ(device.err, "potluck: error: /dev/zero: must be a file, a pipe or a terminal, got a device\n");
  write("scene.yaml", "include: other.yaml\n" + std::string(size_t{65} << 20, '#'));
  const CommandResult large = potluck({"check", "scene.yaml"});
  EXPECT_EQ(large.exit_code, 2);
  EXPECT_THAT(large.err,
              HasSubstr("scene.yaml: a composition must have at most 64 MiB, got more. Keep large numbers in "
                        "files of their own, such as .npy and .safetensors\n"));
  // A pipe may be the composition, but nobody writes to one that is included.
  ASSERT_EQ(mkfifo(path("pipe.yaml").c_str(), 0600), 0);
  write("scene.yaml", "include: pipe.yaml\nvariables: {x: {}}\ntarget: {model: test_bench.bowl, inputs: x}\n");
  const CommandResult pipe = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(pipe.exit_code, 2);
  EXPECT_THAT(pipe.err, HasSubstr("pipe.yaml: must be a file that can be read"));
}

TEST_F(InputsCommandTest, AVersionThatIsSetIsCheckedAsThatOfTheFile) {
  write("scene.yaml", "variables: {x: {}}\ntarget: {model: test_bench.bowl, inputs: x}\n");
  EXPECT_EQ(potluck_with_bench({"check", "scene.yaml", "--set", "potluck=1"}).exit_code, 0);
  EXPECT_EQ(
      potluck_with_bench({"check", "scene.yaml", "--set", "potluck=99"}).err,
      "potluck: error: --set potluck: potluck must be <= 1, the newest format that this Potluck reads, got 99. Use "
      "a newer Potluck\n");
  EXPECT_EQ(potluck_with_bench({"check", "scene.yaml", "--set", "potluck=abc"}).err,
            "potluck: error: --set potluck: potluck must be an integer, got 'abc'\n");
}

TEST_F(InputsCommandTest, NestingHasAClearLimit) {
  const auto nested = [](int count) {
    std::string text = "variables: {x: {}}\ntarget: ";
    for (int i = 0; i < count; ++i) text += "{product: [";
    text += "{model: test_bench.bowl, inputs: x}";
    for (int i = 0; i < count; ++i) text += "]}";
    return text + "\n";
  };
  write("scene.yaml", nested(200));
  EXPECT_EQ(potluck_with_bench({"check", "scene.yaml"}).exit_code, 0);
  write("scene.yaml", nested(400));
  const CommandResult deep = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(deep.exit_code, 2);
  EXPECT_THAT(deep.err, ::testing::ContainsRegex("scene.yaml:2:[0-9]+: lists and maps must be nested at most 500 deep, "
                                                 "got more. Name inner energies under 'energies'"));
}

TEST_F(InputsCommandTest, NamesMayLeadToNamesFiveHundredDeep) {
  const auto chain = [](int count) {
    std::string text = "variables: {x: {}}\nenergies:\n  e0: {model: test_bench.bowl, inputs: x}\n";
    for (int i = 1; i < count; ++i) text += fmt::format("  e{}: {{product: [e{}]}}\n", i, i - 1);
    return text + fmt::format("target: e{}\n", count - 1);
  };
  write("scene.yaml", chain(400));
  EXPECT_EQ(potluck_with_bench({"check", "scene.yaml"}).exit_code, 0);
  EXPECT_EQ(potluck_with_bench({"explain", "scene.yaml"}).exit_code, 0);
  write("scene.yaml", chain(1000));
  const CommandResult deep = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(deep.exit_code, 2);
  EXPECT_THAT(deep.err,
              HasSubstr("energies must be nested at most 500 deep, got more. Multiply them in fewer products"));
}

// The time limit of a command is a minute: each name of such a chain was once followed to its end.
TEST_F(InputsCommandTest, AChainOfManyNamesIsRefusedAtOnce) {
  for (const char* reference : {"e{}: e{}\n", "e{}: {{product: [e{}]}}\n", "e{}: {{energy: e{}}}\n"}) {
    std::string text = "variables: {x: {}}\nenergies:\n  e0: {model: test_bench.bowl, inputs: x}\n";
    for (int i = 1; i < 20000; ++i) text += "  " + fmt::format(fmt::runtime(reference), i, i - 1);
    write("scene.yaml", text + "target: e19999\n");
    const CommandResult deep = potluck_with_bench({"check", "scene.yaml"});
    EXPECT_EQ(deep.exit_code, 2);
    EXPECT_THAT(deep.err,
                ::testing::MatchesRegex("scene.yaml:[0-9]+:[0-9]+: energies must be nested at most 500 deep, got more. "
                                        "Multiply them in fewer products\n"));
  }
}

TEST_F(InputsCommandTest, WhatIsSharedIsWrittenOutOnceUpToALimit) {
  const auto doubled = [](int count) {
    std::string text = "variables: {x: {}}\nenergies:\n  e0: {model: test_bench.bowl, inputs: x}\n";
    for (int i = 1; i <= count; ++i) text += fmt::format("  e{0}: {{product: [e{1}, e{1}]}}\n", i, i - 1);
    return text + fmt::format("target: e{}\n", count);
  };
  write("scene.yaml", doubled(14));  // 16384 places
  const CommandResult shared = potluck_with_bench({"explain", "scene.yaml"});
  EXPECT_EQ(shared.exit_code, 0) << shared.err;
  EXPECT_THAT(shared.out, HasSubstr("e13, weight 1, as above\n"));
  write("scene.yaml", doubled(60));
  const CommandResult large = potluck_with_bench({"check", "scene.yaml"});
  EXPECT_EQ(large.exit_code, 2);
  EXPECT_THAT(large.err, HasSubstr("scene.yaml:18:8: energies.e15 must stand for at most 20000 experts where all that "
                                   "is shared is written out, got 32768. Give a term that stands twice a weight of 2"));
}

TEST_F(InputsCommandTest, IncludesHaveALimitToo) {
  for (int i = 0; i < 200; ++i)
    write(fmt::format("f{}.yaml", i),
          fmt::format("include: f{}.yaml\nenergies: {{e{}: {{model: test_bench.bowl, inputs: "
                      "x}}}}\n",
                      i + 1, i));
  write("f200.yaml", "energies: {last: {model: test_bench.bowl, inputs: x}}\n");
  write("scene.yaml", "include: f0.yaml\nvariables: {x: {}}\ntarget: e0\n");
  EXPECT_THAT(
      potluck_with_bench({"check", "scene.yaml"}).err,
      HasSubstr("f99.yaml:1:10: files must include each other at most 100 deep, got more. Include them from one "
                "file"));
}

}  // namespace
}  // namespace potluck::testing
