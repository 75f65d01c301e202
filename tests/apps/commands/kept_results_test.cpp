// SPDX-License-Identifier: Apache-2.0
// Nothing that was drawn gets lost or mixed: runs that take the place of others, are moved, or fail at their end.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "core/files/formats/netcdf.h"
#include "core/files/run/checkpoint_file.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class KeptResultsTest : public CommandTest {
 protected:
  void write_bowl(const std::string& lines) const { write_scene("test_bench.bowl", lines); }

  /// A run that is killed while it takes the place of `run`, behind a checkpoint.
  void kill_an_overwrite() {
    write_bowl("chains: 4, warmup: 20, steps: 40");
    ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
    write_scene("test_bench.slow, settings: {pause: 2000}",
                "chains: 4, warmup: 20, steps: 60, checkpoint_every: 10, seed: 2");
    auto running = start_with_bench({"sample", "scene.yaml", "--output", "run", "--overwrite"});
    ASSERT_TRUE(wait_for(".run.potluck-new/checkpoint/latest", 1)) << running->wait().err;
    running->send(SIGKILL);
    EXPECT_EQ(running->wait().signal, SIGKILL);
  }

  /// A rename of a file to "draws.nc" fails in `run` until this is taken back.
  void block_draws_nc(const std::string& run) const {
    filesystem::remove_all(path(run) / "draws.nc");
    filesystem::create_directories(path(run) / "draws.nc" / "in the way");
  }
};

TEST_F(KeptResultsTest, ALiveRunIsNeitherReplacedNorJoined) {
  write_scene("test_bench.slow", "chains: 4, warmup: 20, steps: 100000");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 20000)) << running->wait().err;
  const std::string in_use =
      " must be a folder that no other process writes to, got one that is in use. Wait for that "
      "run, or end it\n";
  for (const char* command : {"sample", "evidence"}) {
    const CommandResult result = potluck_with_bench({command, "scene.yaml", "--output", "run", "--overwrite"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, "potluck: error: " + path("run").string() + in_use);
  }
  EXPECT_EQ(potluck({"merge", "run"}).err, "potluck: error: " + path("run").string() + in_use);
  // It may be looked at; its record is left to it.
  const CommandResult exported = potluck({"export", "run"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("The run goes on: these are its draws so far.\n"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "running");
  running->send(SIGINT);
  EXPECT_EQ(running->wait().exit_code, 130);
  EXPECT_EQ(read_json("run/run.json").at("state"), "interrupted");
}

TEST_F(KeptResultsTest, AnOverwriteThatWasKilledIsGoneOnWithAndNeverDeleted) {
  kill_an_overwrite();
  const std::string beside = path(".run.potluck-new").string();
  const CommandResult again = sample({"scene.yaml", "--output", "run", "--overwrite"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_EQ(again.err,
            "potluck: error: " + beside +
                " must be resumed first: it is an unfinished run that was to take the place of run. To resume it: "
                "potluck sample --resume " +
                beside + ". To delete it: rm -r " + beside + "\n");
  EXPECT_EQ(read_json("run/run.json").at("seed"), 1);
  const CommandResult resumed = sample({"--resume", ".run.potluck-new"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_json("run/run.json").at("seed"), 2);
  EXPECT_FALSE(exists(".run.potluck-new"));
  // The bits are those of a run that was never cut.
  ASSERT_EQ(sample({"scene.yaml", "--output", "whole"}).exit_code, 0);
  EXPECT_TRUE(records("run") == records("whole"));
}

// One that failed before its first checkpoint cannot be resumed.
TEST_F(KeptResultsTest, OfAnOverwriteThatLeftNoCheckpointTheDrawsCanBeKept) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  ASSERT_EQ(sample({"scene.yaml", "--output", "new"}).exit_code, 0);
  nlohmann::json record = read_json("new/run.json");
  record["state"] = "failed";
  write("new/run.json", record.dump());
  write("new/swap.json", R"({"role": "new", "of": "run", "whole": false})");
  filesystem::remove_all(path("new/checkpoint"));
  filesystem::rename(path("new"), path(".run.potluck-new"));
  const std::string beside = path(".run.potluck-new").string(), renamed = path("run-new").string();
  const CommandResult again = sample({"scene.yaml", "--output", "run", "--overwrite"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_EQ(again.err,
            "potluck: error: " + beside +
                " must be moved away or deleted first: it is a run that was to take the place of run, has draws, and "
                "cannot be resumed, as it has no checkpoint. To keep its draws, rename it and export them: mv " +
                beside + " " + renamed + ", then potluck export " + renamed + ". To delete it: rm -r " + beside + "\n");
  filesystem::rename(beside, renamed);
  EXPECT_EQ(potluck({"export", "run-new"}).exit_code, 0);
  EXPECT_EQ(sample({"scene.yaml", "--output", "run", "--overwrite"}).exit_code, 0);
}

TEST_F(KeptResultsTest, AWholeRunBesideAnOlderOneIsPutInItsPlace) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  ASSERT_EQ(sample({"scene.yaml", "--output", "new", "--seed", "2"}).exit_code, 0);
  // As a kill between the end of the run and the exchange of names leaves it.
  write("new/swap.json", R"({"role": "new", "of": "run", "whole": false})");
  filesystem::rename(path("new"), path(".run.potluck-new"));
  const CommandResult result = sample({"--resume", ".run.potluck-new"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, path(".run.potluck-new").string() + " was whole: it has taken the place of " +
                            path("run").string() + ". Nothing was left to draw\n");
  EXPECT_EQ(read_json("run/run.json").at("seed"), 2);
  EXPECT_FALSE(exists(".run.potluck-new"));
  EXPECT_FALSE(exists("run/swap.json"));
}

TEST_F(KeptResultsTest, AnOlderRunThatWasReplacedIsRefusedAndThenDeleted) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run", "--seed", "2"}).exit_code, 0);
  ASSERT_EQ(sample({"scene.yaml", "--output", "old"}).exit_code, 0);
  write("old/swap.json", R"({"role": "old"})");
  filesystem::rename(path("old"), path(".run.potluck-new"));
  const CommandResult result = sample({"--resume", ".run.potluck-new", "--set", "sample.steps=80"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("must be a run that was not replaced, got the older run of "));
  EXPECT_EQ(read_json("run/run.json").at("seed"), 2);
  EXPECT_EQ(potluck({"export", "run"}).exit_code, 0);
  EXPECT_FALSE(exists(".run.potluck-new"));
  EXPECT_EQ(read_json("run/run.json").at("seed"), 2);
}

TEST_F(KeptResultsTest, AMovedProjectIsGoneOnWith) {
  write("old/scene.yaml",
        "potluck: 1\nvariables:\n  x: {shape: [4]}\n  y: {shape: [2]}\n"
        "energies:\n  both: {model: gaussian, inputs: x}\n  other: {model: gaussian, inputs: y}\n"
        "  all: {product: [both, other]}\ntarget: all\n"
        "given: [{of: y, file: data/y.npy}]\n"
        "sample: {chains: 4, warmup: 20, steps: 20}\n");
  // [1, 2] as .npy
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
  header.append(128 - 10 - 1 - header.size(), ' ');
  header += '\n';
  std::string npy = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header;
  for (const double value : {1.0, 2.0}) npy.append(reinterpret_cast<const char*>(&value), sizeof value);
  write("old/data/y.npy", npy);
  const auto in = [&](const std::string& folder, std::vector<std::string> words) {
    words.insert(words.begin(), POTLUCK_PROGRAM);
    return RunningCommand(words, path(folder), {"POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER}).wait();
  };
  ASSERT_EQ(in("old", {"sample", "scene.yaml", "--output", "runs/a"}).exit_code, 0);
  ASSERT_EQ(in("old", {"sample", "scene.yaml", "--output", "whole", "--set", "sample.steps=60"}).exit_code, 0);
  filesystem::rename(path("old"), path("new"));
  // From the run's own place, whichever folder the command is typed in.
  CommandResult result = in("new", {"sample", "--resume", "runs/a", "--set", "sample.steps=40"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  filesystem::create_directories(path("results"));
  filesystem::rename(path("new/runs/a"), path("results/a"));
  filesystem::rename(path("new"), path("third"));
  // Where the run was moved by itself the folder is told.
  result = in("results", {"sample", "--resume", "a", "--set", "sample.steps=60"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "potluck: error: " + path("results/a").string() +
                            ": the composition that the run was begun with must be there, got none at " +
                            path("scene.yaml").string() + " or " + path("new/scene.yaml").string() +
                            ". Say where the folder is in which the run was begun: --project DIR\n");
  result = in("results", {"sample", "--resume", "a", "--set", "sample.steps=60", "--project", "../third"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(records("results/a") == records("third/whole"));
  // A file that has changed on the way is not the same file.
  write("third/data/y.npy", npy.substr(0, npy.size() - 1) + std::string(1, '\x41'));
  result = in("results", {"sample", "--resume", "a", "--set", "sample.steps=80"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              ContainsRegex("third/data/y.npy: SHA-256 [0-9a-f]+ in the checkpoint, SHA-256 [0-9a-f]+ now"));
  EXPECT_EQ(sample({"scene.yaml", "--project", "x"}).err,
            "potluck: error: --project must be given with --resume, got it alone\n");
}

TEST_F(KeptResultsTest, FilesOfTheResumeCommandAreThoseOfWhereItIsTyped) {
  write_bowl("chains: 4, warmup: 20, steps: 20");
  filesystem::create_directories(path("elsewhere"));
  filesystem::copy_file(POTLUCK_BENCH_FOLDER "/test_bench.potluck.so", path("elsewhere/bench.potluck.so"));
  filesystem::copy_file(POTLUCK_BENCH_FOLDER "/test_bench.potluck.so", path("mine.potluck.so"));
  ASSERT_EQ(potluck({"sample", "scene.yaml", "--output", "run", "--plugin", "mine.potluck.so"}).exit_code, 0);
  // The plugin of the beginning is found beside the composition, that of the resume beside who types it.
  const std::vector<std::string> words = {POTLUCK_PROGRAM, "sample", "--resume", "../run", "--set", "sample.steps=40"};
  CommandResult result = RunningCommand(words, path("elsewhere"), {}).wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  filesystem::remove(path("mine.potluck.so"));
  std::vector<std::string> more = words;
  more.back() = "sample.steps=60";
  more.insert(more.end(), {"--plugin", "bench.potluck.so"});
  result = RunningCommand(more, path("elsewhere"), {}).wait();
  EXPECT_THAT(result.err, HasSubstr(path("mine.potluck.so").string()));  // what the beginning named is asked for still
}

TEST_F(KeptResultsTest, ARefusedResumeChangesNothing) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  std::string part = read("run/draws/0000.part");
  part[part.size() / 2] = static_cast<char>(part[part.size() / 2] ^ 1);
  write("run/draws/0000.part", part);
  const std::string record = read("run/run.json"), draws_nc = read("run/draws.nc");
  const CommandResult resumed = sample({"--resume", "run", "--set", "sample.steps=80"});
  EXPECT_EQ(resumed.exit_code, 2);
  EXPECT_THAT(resumed.err, HasSubstr("must have 40 draws to go on from, got "));
  EXPECT_EQ(read("run/run.json"), record);
  EXPECT_EQ(read("run/draws/0000.part"), part);
  // Good draws are not replaced by fewer.
  const CommandResult exported = potluck({"export", "run"});
  EXPECT_EQ(exported.exit_code, 2);
  EXPECT_THAT(exported.err,
              ContainsRegex("run/draws.nc: must have no more draws than can be read now to be made anew, got 40 of "
                            "[0-9]+: .*checksum.*It stays as it is; to export fewer, move it away first\n"));
  EXPECT_EQ(read("run/draws.nc"), draws_nc);
  filesystem::rename(path("run/draws.nc"), path("draws.nc"));
  EXPECT_EQ(potluck({"export", "run"}).exit_code, 0);
  EXPECT_LT(*netcdf_length(path("run/draws.nc"), "posterior", "draw"), 40);
}

// HDF5 crashes over some of these damages.
TEST_F(KeptResultsTest, ADamagedFileOfDrawsIsMadeAnewWhereAllDrawsAreThere) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  const std::string whole = read("run/draws.nc");
  uint32_t random = 1;
  const auto next = [&] { return random = random * 1664525 + 1013904223; };
  for (int damage = 0; damage < 30; ++damage) {
    std::string bytes = whole;
    const size_t changed = 1 + damage % 3 * 20;
    for (size_t i = 0; i < changed; ++i) bytes[next() / 3 % bytes.size()] ^= static_cast<char>(1 << (next() >> 29));
    if (damage % 10 == 9) bytes.resize(bytes.size() / 2);
    write("run/draws.nc", bytes);
    const CommandResult exported = potluck({"export", "run", "--quiet"});
    EXPECT_EQ(exported.signal, 0) << damage;
    if (exported.exit_code != 0) continue;  // it may claim to have more draws
    EXPECT_EQ(netcdf_length(path("run/draws.nc"), "posterior", "draw"), 40) << damage;
  }
  // It is worth more than what can be made where draws are lost.
  std::string part = read("run/draws/0000.part");
  part[part.size() / 2] = static_cast<char>(part[part.size() / 2] ^ 1);
  write("run/draws/0000.part", part);
  write("run/draws.nc", whole.substr(0, whole.size() / 2));
  const CommandResult exported = potluck({"export", "run"});
  EXPECT_EQ(exported.exit_code, 2);
  EXPECT_THAT(exported.err,
              ContainsRegex("run/draws.nc: must be whole, or all draws of the run readable so that it can "
                            "be made anew, got a damaged file and [0-9]+ draws that can be read: .*It "
                            "stays as it is; to export those, move it away first\n"));
  EXPECT_EQ(read("run/draws.nc").size(), whole.size() / 2);
}

TEST_F(KeptResultsTest, OutputsOfOddKindsAreRefusedBeforeTheFirstStep) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  write("file", "mine");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  filesystem::create_symlink("nowhere", path("dangling"));
  filesystem::create_symlink("loop", path("loop"));
  const std::string step(200, 'd');
  std::string deep = step;
  while (path(deep).string().size() < 3850) deep += "/" + step;
  deep += "/" + std::string(4061 - path(deep).string().size(), 'd');
  const std::string other = ". Choose another with --output\n";
  const auto expect = [&](const std::string& output, const std::string& text, bool overwrite = false) {
    std::vector<std::string> words = {"scene.yaml", "--output", output};
    if (overwrite) words.emplace_back("--overwrite");
    const CommandResult result = sample(words);
    EXPECT_EQ(result.exit_code, 2) << output;
    EXPECT_EQ(result.err, "potluck: error: " + text) << output;
  };
  for (const std::string there : {"file", "pipe", ".", "/dev/null"}) {
    expect(there, "output folder " + there + " is there already. Choose another with --output, or give --overwrite\n");
    expect(there, "output folder " + there + " must be a run to be overwritten, got something without run.json" + other,
           true);
  }
  expect("dangling", "output folder dangling must be a folder, got a symbolic link to nowhere, which is not there\n");
  expect("loop", "output folder loop cannot be made: Too many levels of symbolic links" + other);
  expect("file/run", "output folder file/run cannot be made: Not a directory" + other);
  for (const size_t bytes : {243, 255, 300}) {
    const std::string longer(bytes, 'n');
    expect(longer, "output folder " + longer + " must have a name of at most 242 bytes, got " + std::to_string(bytes) +
                       ". A run that takes its place is built beside it under a longer one; choose another with "
                       "--output\n");
  }
  // The folder can have this name, and so can its record; a checkpoint is too long by a few characters.
  expect(deep, path(deep).string() + "/checkpoint/latest: must be a file that can be written, got 'File name too " +
                   "long'. Check that its folder is there and may be written\n");
  EXPECT_FALSE(filesystem::exists(path(deep)));
  EXPECT_EQ(read("file"), "mine");
  const std::vector<std::string> odd_names = {"caf\xe9", "a\nb", "q\"uote", " ", "-x", "run/", std::string(242, 'n')};
  for (const std::string& odd : odd_names) {
    const CommandResult result = sample({"scene.yaml", "--output", odd});
    EXPECT_EQ(result.exit_code, 0) << odd << result.err;
    EXPECT_TRUE(exists(odd + "/draws.nc")) << odd;
    EXPECT_TRUE(read_json(odd + "/run.json").contains("state")) << odd;
  }
}

TEST_F(KeptResultsTest, APlaceThatALaterFileCannotHaveIsFoundBeforeTheFirstStep) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  filesystem::remove_all(path("run/pictures"));
  write("run/pictures", "a file");
  const std::string record = read("run/run.json"), draws = records("run");
  const CommandResult result = sample({"--resume", "run", "--set", "sample.steps=80"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "potluck: error: " + path("run/pictures").string() +
                            ": must be within reach of this command, got 'Not a directory'. Check the name, and who "
                            "may read and write there\n");
  EXPECT_EQ(read("run/run.json"), record);
  EXPECT_TRUE(records("run") == draws);
}

// Its SHA-256 is that of its bytes, so that only who takes the state up can tell.
TEST_F(KeptResultsTest, ACheckpointThatCannotBeGoneOnWithIsNamedAndChangesNothing) {
  write_bowl("chains: 4, warmup: 20, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  {
    auto running = start_with_bench(
        {"evidence", "scene.yaml", "--output", "log-z", "--particles", "100000", "--checkpoint-every", "1"});
    ASSERT_TRUE(wait_for("log-z/checkpoint/latest", 1));
    running->send(SIGTERM);
    ASSERT_EQ(running->wait().exit_code, 130);
  }
  for (const std::string folder : {"run", "log-z"}) {
    const Checkpoint good = read_checkpoint(path(folder));
    const std::string record = read(folder + "/run.json");
    const auto refused = [&](const std::vector<std::byte>& state, const std::string& text) {
      write_checkpoint(path(folder), good.belongs, good.draws, state);
      const CommandResult result = folder == "run" ? sample({"--resume", "run", "--set", "sample.steps=80"})
                                                   : potluck_with_bench({"evidence", "--resume", "log-z"});
      EXPECT_EQ(result.exit_code, 2);
      EXPECT_EQ(result.err, "potluck: error: " + path(folder).string() + "/checkpoint/latest: " + text + "\n");
      EXPECT_EQ(read(folder + "/run.json"), record);
    };
    std::vector<std::byte> state = good.state;
    state[0] = std::byte{99};
    refused(state, fmt::format("a checkpoint must be of version {}, got 99. Start the run anew",
                               static_cast<int>(good.state[0])));
    refused({good.state.begin(), good.state.begin() + 40},
            "a saved state must be whole, got one that ends early. Start the run anew");
  }
}

TEST_F(KeptResultsTest, AFileThatCannotBeMadeLeavesTheOthers) {
  write_bowl("chains: 4, warmup: 20, steps: 20");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  block_draws_nc("run");
  filesystem::remove(path("run/summary.json"));
  const CommandResult result = sample({"--resume", "run", "--set", "sample.steps=40"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("potluck: draws.nc could not be made; what is beside it was:\n"
                                    "potluck: error: " +
                                    path("run/draws.nc").string()));
  EXPECT_THAT(result.err, HasSubstr("To make what is missing: potluck export " + path("run").string() + "\n"));
  EXPECT_EQ(read_json("run/summary.json").at("draws"), 40);
  EXPECT_TRUE(exists("run/pictures/x-mean.png"));
  nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "failed");
  EXPECT_EQ(record.at("why_stopped"), "all 40 steps done, but draws.nc could not be made");
  EXPECT_TRUE(record.at("not_made").at("files").contains("draws.nc"));
  EXPECT_EQ(potluck({"export", "run"}).exit_code, 2);

  filesystem::remove_all(path("run/draws.nc"));
  EXPECT_EQ(potluck({"export", "run"}).exit_code, 0);
  EXPECT_EQ(netcdf_length(path("run/draws.nc"), "posterior", "draw"), 40);
  record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "done");
  EXPECT_EQ(record.at("why_stopped"), "all 40 steps done");
  EXPECT_FALSE(record.contains("not_made"));
}

TEST_F(KeptResultsTest, ARunThatUntilHasEndedEndsThereAgain) {
  write_bowl("chains: 8, warmup: 60, steps: 20000, until: {rhat: 1.05, ess: 300}");
  ASSERT_EQ(sample({"scene.yaml", "--output", "whole"}).exit_code, 0);
  filesystem::copy(path("whole"), path("run"), filesystem::copy_options::recursive);
  // As a kill behind the last checkpoint leaves it.
  nlohmann::json record = read_json("run/run.json");
  record["state"] = "running";
  write("run/run.json", record.dump());
  filesystem::remove(path("run/draws.nc"));
  const CommandResult result = sample({"--resume", "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(records("run") == records("whole"));
  // But for the verdict, which tells seconds.
  nlohmann::json summary = read_json("run/summary.json"), whole = read_json("whole/summary.json");
  summary.erase("verdict");
  whole.erase("verdict");
  EXPECT_EQ(summary, whole);
  EXPECT_EQ(read_json("run/run.json").at("why_stopped"), read_json("whole/run.json").at("why_stopped"));
}

TEST_F(KeptResultsTest, CtrlCInTheWarmupOfARunWithUntil) {
  write_scene("test_bench.slow", "chains: 4, warmup: 100000, steps: 100, until: {rhat: 1.01}");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 1));
  running->send(SIGINT);
  const CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  const nlohmann::json until = read_json("run/run.json").at("until");
  EXPECT_EQ(until.at("reached"), false);
  EXPECT_EQ(until.at("standing"), "there is no draw to look at yet");
  EXPECT_TRUE(exists("run/checkpoint/latest"));
}

TEST_F(KeptResultsTest, AFailureInTheWarmupKeepsItsCheckpoints) {
  // 256 rows an evaluation of the 4 chains' tile; some hundred steps before it fails.
  write_scene("test_bench.failing, settings: {rows: 60000}",
              "method: langevin, step_size: 0.01, chains: 4, warmup: 100000, steps: 10, checkpoint_every: 20");
  const CommandResult result = sample({"scene.yaml", "--output", "run"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err,
              HasSubstr("To go on from the last checkpoint: potluck sample --resume " + path("run").string() + "\n"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "failed");
  EXPECT_TRUE(exists("run/checkpoint/latest"));
}

}  // namespace
}  // namespace potluck::testing
