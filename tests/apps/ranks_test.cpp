// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "apps/terminal/rank_options.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

using Variables = std::map<std::string, std::string>;

engine::Ranks ranks_in(const Variables& variables, const Words& words = {}) {
  CommandLine line("sample", {}, "");
  add_rank_options(line);
  line.parse(words);
  return choose_ranks(line, [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string text_of(const Variables& variables, const Words& words = {}) {
  try {
    const engine::Ranks ranks = ranks_in(variables, words);
    return fmt::format("{} of {} by {}", ranks.rank, ranks.world, ranks.told_by);
  } catch (const UsageError& error) {
    return error.what();
  }
}

TEST(RanksTest, LaunchersAreHeard) {
  const Variables torchrun = {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"TORCHELASTIC_RUN_ID", "none"}};
  const Variables mpi = {{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "3"}};
  const Variables slurm = {{"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "4"}};
  EXPECT_EQ(text_of(torchrun), "1 of 2 by torchrun");
  EXPECT_EQ(text_of(mpi), "2 of 3 by Open MPI");
  EXPECT_EQ(text_of(slurm), "3 of 4 by Slurm");
  // mpirun within a job of Slurm's; and who asks goes before all.
  Variables all = slurm;
  all.insert(mpi.begin(), mpi.end());
  EXPECT_EQ(text_of(all), "2 of 3 by Open MPI");
  all.insert(torchrun.begin(), torchrun.end());
  EXPECT_EQ(text_of(all), "1 of 2 by torchrun");
  EXPECT_EQ(text_of(all, {"--rank", "0", "--world", "1"}), "0 of 1 by --rank and --world");
}

int64_t local_rank_in(const Variables& variables) {
  return choose_local_rank([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(RanksTest, LaunchersSayWhichProcessOfTheMachineThisIs) {
  Variables torchrun = {{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}};
  EXPECT_EQ(local_rank_in(torchrun), 0);  // is not torchrun
  torchrun["TORCHELASTIC_RUN_ID"] = "none";
  EXPECT_EQ(local_rank_in(torchrun), 1);
  Variables mpi = {{"OMPI_COMM_WORLD_RANK", "6"}, {"OMPI_COMM_WORLD_SIZE", "8"}};
  EXPECT_EQ(local_rank_in(mpi), 0);
  mpi["OMPI_COMM_WORLD_LOCAL_RANK"] = "2";
  EXPECT_EQ(local_rank_in(mpi), 2);
  Variables slurm = {{"SLURM_PROCID", "7"}, {"SLURM_NTASKS", "8"}, {"SLURM_LOCALID", "3"}};
  EXPECT_EQ(local_rank_in(slurm), 0);  // a batch script
  slurm["SLURM_STEP_NUM_TASKS"] = "8";
  EXPECT_EQ(local_rank_in(slurm), 3);
  // mpirun within a job of Slurm's, as for the rank.
  slurm.insert(mpi.begin(), mpi.end());
  EXPECT_EQ(local_rank_in(slurm), 2);
  mpi["OMPI_COMM_WORLD_LOCAL_RANK"] = "-1";
  EXPECT_THROW(local_rank_in(mpi), UsageError);
}

TEST(RanksTest, MvapichMpichAndIntelMpiAreHeard) {
  const Variables mvapich = {
      {"MV2_COMM_WORLD_RANK", "1"}, {"MV2_COMM_WORLD_SIZE", "4"}, {"MV2_COMM_WORLD_LOCAL_RANK", "1"}};
  EXPECT_EQ(text_of(mvapich), "1 of 4 by MVAPICH");
  EXPECT_EQ(local_rank_in(mvapich), 1);
  Variables hydra = {{"PMI_RANK", "5"}, {"PMI_SIZE", "6"}, {"MPI_LOCALRANKID", "2"}};
  EXPECT_EQ(text_of(hydra), "5 of 6 by MPICH or Intel MPI");
  EXPECT_EQ(local_rank_in(hydra), 2);
  // Launchers that say less of the machine.
  EXPECT_EQ(text_of({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), "1 of 2 by MPICH or Intel MPI");
  EXPECT_EQ(local_rank_in({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), 0);
  EXPECT_EQ(text_of({{"PMI_RANK", "1"}}), "0 of 1 by ");
  // Hydra within a job of Slurm's starts one process of its own on every node as a step of Slurm's: of 6 processes on 2
  // nodes, Slurm's variables are those of 2.
  hydra.insert({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_LOCALID", "0"}});
  EXPECT_EQ(text_of(hydra), "5 of 6 by MPICH or Intel MPI");
  EXPECT_EQ(local_rank_in(hydra), 2);
  // A step of 4 tasks within one of 2 that Slurm started with its own PMI: PMI_* are those of the outer step.
  const Variables inner = {{"PMI_RANK", "1"},     {"PMI_SIZE", "2"},      {"SLURM_PROCID", "3"},
                           {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}};
  EXPECT_EQ(text_of(inner), "3 of 4 by Slurm");
  EXPECT_EQ(local_rank_in(inner), 3);
}

TEST(RanksTest, StrayVariablesAreNot) {
  EXPECT_EQ(text_of({}), "0 of 1 by ");
  EXPECT_EQ(text_of({{"RANK", "colonel"}, {"WORLD_SIZE", "2"}}), "0 of 1 by ");
  // A batch script, or a shell within an allocation: no step, or a step of one task.
  EXPECT_EQ(text_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}), "0 of 1 by ");
  EXPECT_EQ(text_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "1"}}), "0 of 1 by ");
}

TEST(RanksTest, WrongRanksAreNamed) {
  EXPECT_EQ(text_of({}, {"--rank", "1"}), "--rank and --world must be given together, got --rank alone");
  EXPECT_EQ(text_of({}, {"--rank", "2", "--world", "2"}), "--rank must be between 0 and 1, got 2");
  EXPECT_EQ(text_of({{"OMPI_COMM_WORLD_RANK", "x"}, {"OMPI_COMM_WORLD_SIZE", "3"}}),
            "OMPI_COMM_WORLD_RANK must be an integer, got 'x'");
}

class RanksCommandTest : public CommandTest {
 protected:
  CommandResult rank(int64_t rank, int64_t world, const std::string& output, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"sample", "scene.yaml",         "--output", output,
                                      "--rank", std::to_string(rank), "--world",  std::to_string(world)};
    words.insert(words.end(), more.begin(), more.end());
    return potluck_with_bench(words);
  }

  void write_ranks_scene() const { write_scene("test_bench.bowl", "chains: 700, warmup: 30, steps: 12, thin: 4"); }

  void expect_joined(const std::string& run) {
    const CommandResult merged = potluck({"merge", run});
    ASSERT_EQ(merged.exit_code, 0) << merged.err;
    EXPECT_THAT(merged.out, StartsWith("Joined "));
    EXPECT_TRUE(records(run) == records("whole"));
    nlohmann::json joined = read_json(run + "/summary.json"), whole = read_json("whole/summary.json");
    for (nlohmann::json* one : {&joined, &whole}) one->erase("verdict");  // it says how long things took
    EXPECT_EQ(joined, whole);
    EXPECT_EQ(read(run + "/state.safetensors"), read("whole/state.safetensors"));
    EXPECT_TRUE(exists(run + "/draws.nc"));
    EXPECT_FALSE(read_json(run + "/run.json").contains("rank"));
    for (const char* count : {"nan_proposals", "divergences", "frozen_count"})
      EXPECT_EQ(read_json(run + "/run.json").at(count), read_json("whole/run.json").at(count)) << count;
    const nlohmann::json record = read_json(run + "/run.json"), of_one = read_json("whole/run.json");
    for (const char* phase : {"warmup", "sampling"}) {
      int64_t rows = 0;  // each rank does the work of the cohort again
      for (const auto& entry : std::filesystem::directory_iterator(path(run)))
        if (entry.path().filename().string().starts_with("rank-"))
          rows += read_json(run + "/" + entry.path().filename().string() + "/run.json")
                      .at("rows_evaluated")
                      .at(phase)
                      .get<int64_t>();
      EXPECT_EQ(record.at("rows_evaluated").at(phase), rows) << phase;
      EXPECT_GE(rows, of_one.at("rows_evaluated").at(phase).get<int64_t>()) << phase;
      EXPECT_EQ(of_one.at("rows_evaluated").at(phase).get<int64_t>(),
                700 * of_one.at("gradient_evaluations").at(phase).get<int64_t>())
          << phase;
    }
    for (const char* figure : {"energy_error", "gradient_norm"}) {
      const double value = of_one.at(figure).at("root_mean_square");
      EXPECT_NEAR(record.at(figure).at("root_mean_square").get<double>(), value, 1e-12 * value) << figure;
      EXPECT_EQ(record.at(figure).at("count"), of_one.at(figure).at("count")) << figure;
      // The twin: one rank alone.
      const nlohmann::json first = read_json(run + "/rank-0000/run.json");
      EXPECT_GT(std::abs(first.at(figure).at("root_mean_square").get<double>() - value), 1e-9 * value) << figure;
    }
    EXPECT_EQ(record.contains("reflected"), of_one.contains("reflected"));
    // Every rank has centres of its own, so that the virial's temperature differs within its error.
    for (const auto& [variable, found] : of_one.at("virial").items()) {
      const nlohmann::json& joined_one = record.at("virial").at(variable);
      EXPECT_EQ(joined_one.at("chains"), found.at("chains"));
      const double error = found.at("standard_error");
      EXPECT_NEAR(joined_one.at("temperature").get<double>(), found.at("temperature").get<double>(), error);
      EXPECT_NEAR(joined_one.at("standard_error").get<double>(), error, error / 10);
    }
  }

  // `words` starts two or three processes of `potluck sample`; skipped where the launcher is not there.
  void launch(const std::vector<std::string>& words, int64_t world) {
    write_ranks_scene();
    ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole"}).exit_code, 0);
    std::vector<std::string> all = words;
    for (const char* word : {POTLUCK_PROGRAM, "sample", "scene.yaml", "--output", "run", "--threads", "1"})
      all.emplace_back(word);
    const CommandResult result = RunningCommand(all, path(""), {"POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER}).wait();
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(exists("run/rank-000" + std::to_string(world - 1)));
    expect_joined("run");
  }
};

TEST_F(RanksCommandTest, TwoAndThreeProcessesDrawTheBitsOfOne) {
  write_ranks_scene();
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole"}).exit_code, 0);
  for (const int64_t world : {2, 3}) {
    const std::string run = "run" + std::to_string(world);
    for (int64_t r = 0; r < world; ++r) ASSERT_EQ(rank(r, world, run).exit_code, 0);
    expect_joined(run);
  }
  EXPECT_EQ(potluck({"merge", "run2"}).err,
            "potluck: error: run2 must not be joined yet, got one with a run.json. Give --overwrite\n");
  EXPECT_EQ(potluck({"merge", "run2", "--overwrite"}).exit_code, 0);
}

// 12 steps of 700 chains, of which 3 are drawn. The twin is a process alone.
TEST_F(RanksCommandTest, ExpertsHaveTheirSharesInTheStepsOfAllProcesses) {
  write("scene.yaml",
        "potluck: 1\n"
        "variables:\n"
        "  x: {shape: [4, 4]}\n"
        "views:\n"
        "  upper: {of: x, slice: [\"0:2\", \":\"]}\n"
        "energies:\n"
        "  top: {model: test_bench.bowl, settings: {strength: 2}, inputs: {x: upper}}\n"
        "  pot: {model: test_bench.bowl, inputs: {x: x}}\n"
        "  both: {product: [top, pot]}\n"
        "target: both\n"
        "sample: {chains: 700, warmup: 30, steps: 12, thin: 4}\n");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole"}).exit_code, 0);
  for (const int64_t r : {0, 1}) ASSERT_EQ(rank(r, 2, "run").exit_code, 0);
  ASSERT_EQ(potluck({"merge", "run"}).exit_code, 0);
  const auto energies = [&](const std::string& folder) {
    return read_json(folder + "/run.json").at("expert_energies");
  };
  const nlohmann::json joined = energies("run"), whole = energies("whole"), alone = energies("run/rank-0000");
  EXPECT_EQ(whole.at("count"), 700 * 12);
  EXPECT_EQ(joined.at("count"), whole.at("count"));
  for (const size_t e : {0, 1}) {
    const double share = whole.at("experts")[e].at("share");
    EXPECT_NEAR(joined.at("experts")[e].at("share").get<double>(), share, 1e-9);
    EXPECT_GT(std::abs(alone.at("experts")[e].at("share").get<double>() - share), 1e-7);
    EXPECT_EQ(read_json("whole/summary.json").at("expert_energies")[e].at("share").get<double>(), share);
    EXPECT_EQ(joined.at("experts")[e].at("name"), whole.at("experts")[e].at("name"));
  }
}

TEST_F(RanksCommandTest, ARankGoesOnAndTheOthersWaitForIt) {
  write_ranks_scene();
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--set", "sample.steps=24"}).exit_code, 0);
  ASSERT_EQ(rank(0, 2, "run", {"--set", "sample.steps=24"}).exit_code, 0);
  EXPECT_THAT(potluck({"merge", "run"}).err, HasSubstr("rank-0001 must be the folder of a run"));
  ASSERT_EQ(rank(1, 2, "run").exit_code, 0);
  EXPECT_EQ(potluck({"merge", "run"}).err,
            "potluck: error: run/rank-0001: must have the 6 draws of run/rank-0000, got 3. Resume the shorter one: "
            "potluck sample --resume\n");
  ASSERT_EQ(potluck_with_bench({"sample", "--resume", "run/rank-0001", "--set", "sample.steps=24"}).exit_code, 0);
  expect_joined("run");
}

TEST_F(RanksCommandTest, RanksOfAnotherRunAreNotJoined) {
  write_ranks_scene();
  ASSERT_EQ(rank(0, 2, "run").exit_code, 0);
  ASSERT_EQ(rank(1, 2, "run", {"--seed", "2"}).exit_code, 0);
  EXPECT_EQ(potluck({"merge", "run"}).err,
            "potluck: error: run/rank-0001: must be of the same run as run/rank-0000, got sample.seed: 1 in "
            "rank-0000, 2 in rank-0001\n");
}

// A copy of another rank, swapped ranks, a rank of another number of processes, one too many: each by its name.
TEST_F(RanksCommandTest, RanksThatAreNotAllChainsOnceAreNotJoined) {
  namespace filesystem = std::filesystem;
  write_ranks_scene();
  for (const int64_t r : {0, 1}) ASSERT_EQ(rank(r, 2, "run").exit_code, 0);
  const auto error = [&] {
    const CommandResult merged = potluck({"merge", "run"});
    EXPECT_EQ(merged.exit_code, 2);
    EXPECT_FALSE(exists("run/run.json"));
    EXPECT_FALSE(exists("run/draws"));
    return merged.err;
  };
  const auto copy = filesystem::copy_options::recursive;
  filesystem::rename(path("run/rank-0001"), path("other"));
  filesystem::copy(path("run/rank-0000"), path("run/rank-0001"), copy);
  EXPECT_EQ(error(),
            "potluck: error: run/rank-0001: must be rank 1 of 2, got rank 0 of 2. Put the folder of that rank there\n");
  // The copy says that it is the other.
  nlohmann::json record = read_json("run/rank-0001/run.json");
  record["rank"]["rank"] = 1;
  write("run/rank-0001/run.json", record.dump());
  EXPECT_THAT(error(), MatchesRegex("potluck: error: run/rank-0001: must have draws of chains from [0-9]+ on, of 700 "
                                    "in all, got chains 0 to [0-9]+\n"));
  filesystem::remove_all(path("run/rank-0001"));
  filesystem::rename(path("run/rank-0000"), path("run/rank-0001"));
  filesystem::rename(path("other"), path("run/rank-0000"));
  EXPECT_EQ(error(),
            "potluck: error: run/rank-0000: must be rank 0, got rank 1 of 2. Put the folder of that rank there\n");
  filesystem::rename(path("run/rank-0001"), path("other"));
  filesystem::rename(path("run/rank-0000"), path("run/rank-0001"));
  filesystem::rename(path("other"), path("run/rank-0000"));
  // Its chains are those of the draws, whatever the record says of how many there are.
  record = read_json("run/rank-0000/run.json");
  nlohmann::json larger = record, second = read_json("run/rank-0001/run.json");
  const std::string second_text = read("run/rank-0001/run.json"), first_text = read("run/rank-0000/run.json");
  for (nlohmann::json* one : {&larger, &second}) (*one)["chains"] = 900;
  write("run/rank-0000/run.json", larger.dump());
  write("run/rank-0001/run.json", second.dump());
  EXPECT_EQ(error(),
            "potluck: error: run/rank-0001: must have draws of all chains up to the last, 899, got the last one "
            "699\n");
  write("run/rank-0000/run.json", first_text);
  write("run/rank-0001/run.json", second_text);
  filesystem::copy(path("run/rank-0001"), path("run/rank-0002"), copy);
  EXPECT_EQ(error(),
            "potluck: error: run/rank-0002: must not be there, as run/rank-0000 is one of 2 processes. Move it away\n");
  filesystem::remove_all(path("run/rank-0002"));
  // One that was cut short behind its record, and one that is written to.
  filesystem::resize_file(path("run/rank-0001/draws/0000.part"),
                          filesystem::file_size(path("run/rank-0001/draws/0000.part")) - 8);
  EXPECT_THAT(error(), HasSubstr("potluck: error: run/rank-0001: must have 3 draws, got 2. "));
}

TEST_F(RanksCommandTest, FiguresOfOtherNumbersOfThingsAreErrorsOfTheirFile) {
  write("scene.yaml",
        "variables: {x: {}, y: {}}\n"
        "target: {product: [{model: test_bench.bowl, inputs: x}, {model: test_bench.bowl, inputs: y}]}\n"
        "sample: {chains: 700, warmup: 30, steps: 12, thin: 4}\n");
  for (const int64_t r : {0, 1}) ASSERT_EQ(rank(r, 2, "run").exit_code, 0);
  const nlohmann::json good = read_json("run/rank-0001/run.json");
  nlohmann::json bad = good;
  bad["expert_energies"]["experts"].push_back(bad["expert_energies"]["experts"][0]);
  write("run/rank-0001/run.json", bad.dump());
  EXPECT_EQ(potluck({"merge", "run", "--quiet"}).err,
            "potluck: error: run/rank-0001/run.json: expert_energies.experts must have 2 entries, as in run/rank-0000, "
            "got 3\n");
  bad = good;
  bad.erase("warmup_nan_proposals");
  write("run/rank-0001/run.json", bad.dump());
  EXPECT_EQ(
      potluck({"merge", "run", "--quiet"}).err,
      "potluck: error: run/rank-0001/run.json: must have the key 'warmup_nan_proposals', got none of that name\n");
}

// What was joined before stays until the new one is whole, and a merge that was cut short is finished.
TEST_F(RanksCommandTest, AMergeThatWasCutShortIsFinished) {
  namespace filesystem = std::filesystem;
  write_ranks_scene();
  for (const int64_t r : {0, 1}) ASSERT_EQ(rank(r, 2, "run").exit_code, 0);
  ASSERT_EQ(potluck({"merge", "run"}).exit_code, 0);
  const std::string draws = records("run"), summary = read("run/summary.json");
  // As a kill between two of the files that take their places leaves it.
  const auto cut_short = [&] {
    filesystem::create_directories(path("run/.merge.potluck-whole"));
    for (const char* file : {"run.json", "summary.json", "draws"})
      filesystem::rename(path("run") / file, path("run/.merge.potluck-whole") / file);
  };
  cut_short();
  const CommandResult finished = potluck({"merge", "run"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.out, "Joined ranks: a merge that was cut short was finished in run.\n");
  EXPECT_TRUE(records("run") == draws);
  EXPECT_EQ(read("run/summary.json"), summary);
  EXPECT_FALSE(exists("run/.merge.potluck-whole"));
  // A new one that fails leaves the one before.
  filesystem::resize_file(path("run/rank-0001/draws/0000.part"),
                          filesystem::file_size(path("run/rank-0001/draws/0000.part")) - 8);
  EXPECT_EQ(potluck({"merge", "run", "--overwrite"}).exit_code, 2);
  EXPECT_TRUE(records("run") == draws);
  EXPECT_EQ(read("run/summary.json"), summary);
  EXPECT_FALSE(exists("run/.merge.potluck-new"));
  // A run of one process is not a joined one.
  filesystem::rename(path("run"), path("ranks"));
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run"}).exit_code, 0);
  for (const char* one : {"rank-0000", "rank-0001"}) filesystem::rename(path("ranks") / one, path("run") / one);
  EXPECT_EQ(potluck({"merge", "run", "--overwrite"}).err,
            "potluck: error: run must be a joined run to be made anew, got a run of one process. Move its ranks to "
            "another folder\n");
}

TEST_F(RanksCommandTest, WhatCannotBeSplitIsRefusedWithTheReason) {
  write_ranks_scene();
  EXPECT_EQ(rank(1, 3, "run", {"--until", "rhat=1.01"}).err,
            "potluck: error: --until rhat: sample.until must have only steps where 3 processes share the run (from "
            "--rank and --world): the other rules need all chains in one process. Use until: {steps: 12}\n");
  EXPECT_EQ(rank(0, 701, "run").err,
            "scene.yaml:7:18: sample.chains must be enough for 701 processes, got 700. Use 700 processes, or more "
            "chains\n");
  EXPECT_EQ(rank(0, 2, "run", {"--until", "steps=8"}).exit_code, 0);
}

TEST_F(RanksCommandTest, TorchrunStartsThem) {
  if (std::string(POTLUCK_TORCHRUN).empty()) GTEST_SKIP() << "torchrun is not there";
  launch({POTLUCK_TORCHRUN, "--no-python", "--standalone", "--nproc-per-node=2"}, 2);
}

TEST_F(RanksCommandTest, MpirunStartsThem) {
  if (std::string(POTLUCK_MPIRUN).empty()) GTEST_SKIP() << "mpirun is not there";
  launch({POTLUCK_MPIRUN, "--allow-run-as-root", "--oversubscribe", "-n", "3"}, 3);
}

}  // namespace
}  // namespace potluck::testing
