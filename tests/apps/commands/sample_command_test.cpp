// SPDX-License-Identifier: Apache-2.0
// The sample command from its words to its files: one fixture has the folder and the plugins.
#include <signal.h>

#include <chrono>
#include <cstring>
#include <map>
#include <thread>

#include "core/files/run/draws.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class SampleCommandTest : public CommandTest {
 protected:
  // All positions of the first variable, draw after draw, as they stand in the parts.
  std::vector<float> draws_in(const std::string& run) const {
    DrawsReader reader(path(run));
    std::vector<float> all;
    while (const Draw* draw = reader.next()) {
      const auto* first = static_cast<const float*>(draw->position.at(0));
      all.insert(all.end(), first, first + draw->chains * reader.schema().variables.at(0).size());
    }
    return all;
  }

  // A run that would take minutes, with enough of it done to be worth keeping.
  std::unique_ptr<RunningCommand> long_run() {
    write_scene("test_bench.slow", "chains: 4, warmup: 20, steps: 100000");
    auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
    EXPECT_TRUE(wait_for("run/draws/0000.part", 20000)) << running->wait().err;
    return running;
  }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_F(SampleCommandTest, ARunLeavesRecordDrawsSummaryAndPictures) {
  write_scene("test_bench.bowl", "chains: 8, warmup: 50, steps: 100, thin: 10, seed: 7");
  const CommandResult result =
      potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--set", "sample.steps=200"});
  ASSERT_EQ(result.exit_code, 0) << result.err;

  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "done");
  EXPECT_EQ(record.at("seed"), 7);
  EXPECT_EQ(record.at("steps"), 200);  // the command line's, not the file's
  EXPECT_EQ(record.at("draws"), 20);   // 200 steps, one in ten
  EXPECT_EQ(record.at("device"), "cpu");
  EXPECT_EQ(record.at("why_stopped"), "all 200 steps done");
  EXPECT_EQ(record.at("plugins").at(0).at("id"), "test_bench");
  EXPECT_EQ(record.at("plugins").at(0).at("sha256").get<std::string>().size(), 64u);
  EXPECT_THAT(record.at("composition").get<std::string>(), HasSubstr("test_bench.bowl"));
  EXPECT_GT(record.at("seconds").at("in_all").get<double>(), 0);
  EXPECT_TRUE(record.at("machine").contains("instructions"));
  EXPECT_TRUE(record.at("libtorch").is_null());  // no model uses it

  EXPECT_EQ(draws_in("run").size(), 20u * 8u * 16u);
  EXPECT_TRUE(exists("run/draws.nc"));
  const nlohmann::json verdict = read_json("run/summary.json").at("verdict");
  EXPECT_EQ(record.at("verdict").at("text"), verdict.at("text"));
  EXPECT_EQ(record.at("wanted_acceptance"), 0.574);
  EXPECT_TRUE(exists("run/pictures/x-chains.png"));
  EXPECT_TRUE(exists("run/pictures/x-mean.png"));
  EXPECT_TRUE(exists("run/pictures/x-sd.png"));

  EXPECT_THAT(result.out, AllOf(StartsWith("Done in "), HasSubstr("8 chains of 20 draws, 200 steps of mala"),
                                HasSubstr("acceptance 0."), HasSubstr("R-hat"), HasSubstr("effective sample size"),
                                HasSubstr("Draws, summary and pictures are in "),
                                HasSubstr(verdict.at("text").get<std::string>() + "\n")));
  // 20 draws of 8 chains are few: it says how many steps to draw.
  EXPECT_THAT(verdict.at("text").get<std::string>(), ContainsRegex("few independent draws.* Draw about [0-9]+ steps"));
}

TEST_F(SampleCommandTest, TheRecordSaysHowMatrixProductsAreDispatched) {
  write_scene("gaussian", "chains: 4, warmup: 20, steps: 10");
  const auto libtorch_with = [this](const std::string& run, std::vector<std::string> settings) {
    settings.push_back("POTLUCK_PLUGIN_PATH=" POTLUCK_MODELS_DIR);
    const CommandResult result = potluck({"sample", "scene.yaml", "--output", run, "--device", "cpu"}, settings);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_json(run + "/run.json").at("libtorch");
  };
  const nlohmann::json usual = libtorch_with("usual", {});
  EXPECT_EQ(usual.at("build"), POTLUCK_LIBTORCH_BUILD);
  EXPECT_NE(usual.at("kernels"), "");
  EXPECT_THAT(usual.at("linear_algebra").get<std::string>(), HasSubstr("Math Kernel Library"));
  EXPECT_EQ(usual.at("environment"), nlohmann::json::object());
  for (const char* precision : {"float32", "float64"})
    EXPECT_THAT(usual.at("product_bits").at(precision).get<std::string>(), MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(libtorch_with("again", {}), usual);

  // COMPATIBLE is MKL's code for processors of 2003, without fused multiply-add: other bits on every machine of today.
  const nlohmann::json old = libtorch_with("old", {"MKL_CBWR=COMPATIBLE", "ATEN_CPU_CAPABILITY=default"});
  EXPECT_EQ(old.at("environment"), nlohmann::json({{"ATEN_CPU_CAPABILITY", "default"}, {"MKL_CBWR", "COMPATIBLE"}}));
  EXPECT_EQ(old.at("kernels"), "DEFAULT");
  EXPECT_NE(old.at("product_bits").at("float32"), usual.at("product_bits").at("float32"));
  EXPECT_NE(old.at("product_bits").at("float64"), usual.at("product_bits").at("float64"));
}

TEST_F(SampleCommandTest, SuperchainsThatRememberTheirStartsAreSeen) {
  write_scene("test_bench.bowl", "method: mala, step_size: 1e-4, chains: 32, superchain: 8, warmup: 0, steps: 40");
  const CommandResult run = potluck_with_bench({"sample", "scene.yaml", "--output", "run"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("superchains remember their starts: nested R-hat"));
  EXPECT_EQ(read_json("run/summary.json")["chains_a_superchain"], 8);
  EXPECT_EQ(read_json("run/run.json")["superchain"], 8);
  // The twin: the same chains with starts of their own.
  const CommandResult apart =
      potluck_with_bench({"sample", "scene.yaml", "--output", "apart", "--set", "sample.superchain=1"});
  EXPECT_THAT(apart.out, Not(HasSubstr("superchains")));
  const CommandResult uneven =
      potluck_with_bench({"sample", "scene.yaml", "--output", "uneven", "--set", "sample.superchain=5"});
  EXPECT_EQ(uneven.exit_code, 2);
  EXPECT_THAT(uneven.err, HasSubstr("sample.superchain must divide sample.chains (32) into at least 2, got 5"));
}

TEST_F(SampleCommandTest, ProgressOffATerminalIsPlainLines) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 50, steps: 100");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, ContainsRegex("warm-up 50/50 steps, .*acceptance 0\\.[0-9]+\n"));
  EXPECT_THAT(result.err, ContainsRegex("sampling 100/100 steps, [0-9]+ steps/s, .*acceptance 0\\.[0-9]+\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("\r")));
}

TEST_F(SampleCommandTest, QuietPrintsNothing) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 10");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--quiet"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(exists("run/draws.nc"));
}

TEST_F(SampleCommandTest, DrawsHaveTheSameBitsForAnyNumberOfThreads) {
  // More chains than one tile has rows, so that two threads both have work.
  write_scene("test_bench.bowl", "chains: 600, warmup: 20, steps: 20, thin: 5");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "one", "--threads", "1"}).exit_code, 0);
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "two", "--threads", "2"}).exit_code, 0);
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "other", "--seed", "2"}).exit_code, 0);
  ASSERT_EQ(draws_in("one").size(), 4u * 600u * 16u);
  EXPECT_TRUE(same_bits(draws_in("one"), draws_in("two")));
  EXPECT_FALSE(same_bits(draws_in("one"), draws_in("other")));
}

TEST_F(SampleCommandTest, GivenCoordinatesAreInTheDrawsBitForBit) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables: {x: {shape: [4, 4]}}\n"
        "views: {upper: {of: x, slice: [\"0:2\", \":\"]}}\n"
        "energies: {pot: {model: test_bench.bowl, inputs: {x: x}}}\n"
        "target: pot\n"
        "sample: {chains: 4, warmup: 20, steps: 10}\n");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--given", "upper=0.1"}).exit_code, 0);
  const std::vector<float> draws = draws_in("run");
  ASSERT_EQ(draws.size(), 10u * 4u * 16u);
  for (size_t i = 0; i < draws.size(); ++i) {
    if (i % 16 < 8)
      ASSERT_EQ(draws[i], 0.1f);
    else
      ASSERT_NE(draws[i], 0.1f);
  }
}

TEST_F(SampleCommandTest, AnExistingFolderIsRefusedAndReplacedWhenAsked) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 10");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 0);

  const CommandResult refused = potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--seed", "2"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.err,
            "potluck: error: output folder run is there already. Choose another with --output, or give --overwrite\n");
  EXPECT_EQ(read_json("run/run.json").at("seed"), 1);

  write("run/mine.txt", "a note");
  const CommandResult with_a_note =
      potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--seed", "2", "--overwrite"});
  EXPECT_EQ(with_a_note.exit_code, 2);
  EXPECT_THAT(with_a_note.err, HasSubstr("must have nothing but what runs make to be overwritten, got mine.txt. Move"));
  EXPECT_EQ(read("run/mine.txt"), "a note");
  std::filesystem::remove(path("run/mine.txt"));

  const CommandResult replaced =
      potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--seed", "2", "--overwrite"});
  EXPECT_EQ(replaced.exit_code, 0) << replaced.err;
  EXPECT_EQ(read_json("run/run.json").at("seed"), 2);
  for (const auto& entry : std::filesystem::directory_iterator(path("")))
    EXPECT_THAT(entry.path().filename().string(), Not(StartsWith(".run.")));  // nothing is left beside it
}

TEST_F(SampleCommandTest, OnlyARunIsOverwritten) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 10");
  write("home/thesis.txt", "years of work");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml", "--output", "home", "--overwrite"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("output folder home must be a run to be overwritten"));
  EXPECT_EQ(read("home/thesis.txt"), "years of work");
}

TEST_F(SampleCommandTest, AFailedOverwriteLeavesTheOlderRun) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 10");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 0);
  write_scene("test_bench.nowhere", "chains: 4, warmup: 20, steps: 10");
  EXPECT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--overwrite"}).exit_code, 4);
  EXPECT_EQ(read_json("run/run.json").at("state"), "done");
  EXPECT_EQ(draws_in("run").size(), 10u * 4u * 16u);
}

TEST_F(SampleCommandTest, AnInterruptEndsAtTheNextBlockWithEverythingUsable) {
  const auto running = long_run();
  running->send(SIGINT);
  const CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.out, StartsWith("Interrupted in "));
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "interrupted");
  EXPECT_EQ(record.at("why_stopped"), "interrupted");
  EXPECT_GT(record.at("draws"), 0);
  EXPECT_EQ(draws_in("run").size(), record.at("draws").get<size_t>() * 4u * 16u);
  EXPECT_TRUE(exists("run/draws.nc"));
  EXPECT_TRUE(exists("run/pictures/x-mean.png"));
  EXPECT_TRUE(read_json("run/summary.json").is_object());
}

TEST_F(SampleCommandTest, AnInterruptedWarmupHasARecordAndNoDraws) {
  write_scene("test_bench.slow", "chains: 4, warmup: 100000, steps: 10");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 1));
  running->send(SIGTERM);
  const CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "interrupted");
  EXPECT_EQ(record.at("why_stopped"), "interrupted in the warm-up");
  EXPECT_EQ(record.at("draws"), 0);
  EXPECT_THAT(result.out,
              MatchesRegex("Interrupted in the warm-up after .*, before the first draw: there is nothing to export. "
                           "Its record and a checkpoint are in run; to go on: potluck sample --resume run\n"));

  const CommandResult exported = potluck({"export", "run"});
  EXPECT_EQ(exported.exit_code, 2);
  EXPECT_EQ(exported.out, "");
  EXPECT_EQ(exported.err,
            "potluck: error: run: there is nothing to export, as it was interrupted in its warm-up and had no draws "
            "yet. To resume it: potluck sample --resume run\n");
  EXPECT_FALSE(exists("run/draws.nc"));
  EXPECT_EQ(read_json("run/run.json"), record);
  // The advice is good.
  EXPECT_THAT(potluck_with_bench({"sample", "--resume", "run", "--seed", "2"}).err, HasSubstr("sample.seed: 1 in the"));
}

TEST_F(SampleCommandTest, AnInterruptBeforeTheFirstDrawIsNotCalledOneOfTheWarmup) {
  // A draw every 100000 steps of at least 1 ms each.
  write_scene("test_bench.slow", "chains: 4, warmup: 20, steps: 100000, thin: 100000");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 1));
  std::this_thread::sleep_for(std::chrono::seconds(2));  // the warm-up takes some 30 ms
  running->send(SIGINT);
  const CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_EQ(read_json("run/run.json").at("why_stopped"), "interrupted");
  EXPECT_THAT(result.out, StartsWith("Interrupted after "));
  EXPECT_THAT(potluck({"export", "run"}).err, HasSubstr("as it was interrupted before its first draw. To resume it"));
}

TEST_F(SampleCommandTest, AnInterruptedWarmupLeavesTheOlderRun) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 10");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 0);
  write_scene("test_bench.slow", "chains: 4, warmup: 100000, steps: 10");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run", "--overwrite"});
  const std::string beside = ".run.potluck-new/draws/0000.part";
  ASSERT_TRUE(wait_for(beside, 1));
  running->send(SIGINT);
  const CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.out, HasSubstr("The run that is in run stays as it was.\n"));
  EXPECT_THAT(result.out, HasSubstr("to go on: potluck sample --resume " + path(".run.potluck-new").string() + "\n"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "done");
  EXPECT_EQ(draws_in("run").size(), 10u * 4u * 16u);
  EXPECT_TRUE(exists(".run.potluck-new/checkpoint/latest"));
}

TEST_F(SampleCommandTest, AnInterruptedOverwriteLeavesTheOlderRunUntilItIsToldToTakeItsPlace) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 10");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 0);
  write_scene("test_bench.slow", "chains: 4, warmup: 20, steps: 100000, thin: 2");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run", "--overwrite"});
  ASSERT_TRUE(wait_for(".run.potluck-new/draws/0000.part", 2000));
  running->send(SIGINT);
  CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  const std::string beside = path(".run.potluck-new").string();
  EXPECT_THAT(result.out, HasSubstr("Draws, summary and pictures are in " + beside + "\n"));
  EXPECT_THAT(result.out, HasSubstr("The run that is in run stays as it was. To go on with the new one, and put it "
                                    "there at its end: potluck sample --resume " +
                                    beside + "\n"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "done");
  EXPECT_EQ(draws_in("run").size(), 10u * 4u * 16u);
  const int64_t draws = read_json(".run.potluck-new/run.json").at("draws");
  const std::string steps = "sample.steps=" + std::to_string(2 * draws);
  EXPECT_THAT(result.out, HasSubstr("To put it there as short as it is: potluck sample --resume " + beside + " --set " +
                                    steps + "\n"));
  // The advice is good.
  result = potluck_with_bench({"sample", "--resume", ".run.potluck-new", "--set", steps});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_FALSE(exists(".run.potluck-new"));
  EXPECT_EQ(draws_in("run").size(), static_cast<size_t>(draws) * 4u * 16u);
}

TEST_F(SampleCommandTest, ARunThatWasKilledInItsWarmupHasNothingToExport) {
  write_scene("test_bench.slow", "chains: 4, warmup: 100000, steps: 10");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run", "--overwrite"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 1));
  running->send(SIGKILL);
  running->wait();
  const CommandResult exported = potluck({"export", "run"});
  EXPECT_EQ(exported.exit_code, 2);
  EXPECT_EQ(exported.err,
            "potluck: error: run: there is nothing to export, as it has no draws yet: it is in its warm-up, or was "
            "killed there. To draw it again: potluck sample scene.yaml --output run --overwrite\n");
}

TEST_F(SampleCommandTest, AKilledRunIsExported) {
  const auto running = long_run();
  running->send(SIGKILL);
  EXPECT_EQ(running->wait().signal, SIGKILL);
  EXPECT_FALSE(exists("run/draws.nc"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "running");

  const CommandResult result = potluck({"export", "run"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("Exported [0-9]+ draws of 4 chains to run/draws\\.nc"));
  EXPECT_TRUE(exists("run/draws.nc"));
  EXPECT_TRUE(exists("run/pictures/x-mean.png"));
  EXPECT_TRUE(read_json("run/summary.json").is_object());
  EXPECT_EQ(read_json("run/run.json").at("state"), "cut short");
  EXPECT_THAT(result.out, HasSubstr(read_json("run/summary.json").at("verdict").at("text").get<std::string>()));
  EXPECT_EQ(read_json("run/run.json").at("draws").get<size_t>() * 4u * 16u, draws_in("run").size());
}

TEST_F(SampleCommandTest, ExportOfSomethingElseIsRefused) {
  std::filesystem::create_directories(path("empty"));
  const CommandResult result = potluck({"export", "empty"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "potluck: error: empty must be the folder of a run, got none with run.json in it\n");
}

TEST_F(SampleCommandTest, AModelThatFailsEndsTheRunAndKeepsWhatWasDrawn) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables: {x: {shape: [4, 4]}}\n"
        "energies: {pot: {model: test_bench.failing, settings: {rows: 2000000}, inputs: {x: x}}}\n"
        "target: pot\n"
        "sample: {method: langevin, step_size: 0.01, chains: 256, warmup: 0, steps: 1000000, thin: 100}\n");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml", "--output", "run"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("potluck: error: "), HasSubstr("test_bench"), HasSubstr("ran out of porridge")));
  EXPECT_THAT(result.err, HasSubstr("What was drawn before the error is in "));
  EXPECT_EQ(read_json("run/run.json").at("state"), "failed");
  EXPECT_EQ(potluck({"export", "run"}).exit_code, 0);
}

TEST_F(SampleCommandTest, AModelThatFailsAtOnceLeavesNoFolder) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables: {x: {shape: [4, 4]}}\n"
        "energies: {pot: {model: test_bench.failing, settings: {rows: 0}, inputs: {x: x}}}\n"
        "target: pot\n"
        "sample: {method: langevin, step_size: 0.01, chains: 4, warmup: 0, steps: 10}\n");
  EXPECT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 3);
  EXPECT_FALSE(exists("run"));
}

TEST_F(SampleCommandTest, NumbersThatCannotGoOnAreAnExitCodeOfTheirOwn) {
  write_scene("test_bench.nowhere", "chains: 4, warmup: 20, steps: 10");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml", "--output", "run"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, StartsWith("potluck: error: "));
  EXPECT_FALSE(exists("run"));
}

TEST_F(SampleCommandTest, AFileOfPositionsIsAStart) {
  // [2, 4, 4] float64 in NumPy's format 1.0: all zero, then all one.
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4, 4), }";
  header.resize(117, ' ');
  header += '\n';
  std::string bytes = std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2) + header;
  for (int i = 0; i < 32; ++i) {
    const double value = i < 16 ? 0 : 1;
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  write("begin.npy", bytes);
  // So small a step moves nothing by 0.1.
  write_scene("test_bench.bowl", "method: langevin, step_size: 1e-6, chains: 4, warmup: 0, steps: 1, start: begin.npy");
  const CommandResult result = potluck_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("Started from: 2 positions of .*begin\\.npy"));
  const std::vector<float> draws = draws_in("run");
  ASSERT_EQ(draws.size(), 4u * 16u);
  for (size_t i = 0; i < draws.size(); ++i) EXPECT_NEAR(draws[i], i / 16 % 2 == 0 ? 0.0 : 1.0, 0.1);

  write_scene("test_bench.bowl", "chains: 4, steps: 1, start: begin.txt");
  EXPECT_EQ(potluck_with_bench({"check", "scene.yaml"}).exit_code, 2);
}

}  // namespace
}  // namespace potluck::testing
