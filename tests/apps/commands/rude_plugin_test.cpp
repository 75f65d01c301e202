// SPDX-License-Identifier: Apache-2.0
// What becomes of a run whose plugin ends, crashes, forks or changes the process that it runs in.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <thread>

#include "core/files/run/draws.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kWho = "model 'zoo.rude' (zoo.rude 1.0.0)";

class RudePluginTest : public CommandTest {
 protected:
  RudePluginTest() {
    std::filesystem::copy_file(std::filesystem::path(POTLUCK_ZOO_DIR) / "rude.potluck.so", plugin());
    write("scene.yaml",
          "variables: {x: {shape: [2]}}\n"
          "target: {model: zoo.rude, settings: {act: none}, inputs: x}\n"
          "sample: {method: mala, chains: 8, warmup: 100, steps: 400, seed: 1}\n");
  }

  std::filesystem::path plugin() const { return path("zoo.rude.potluck.so"); }

  std::vector<std::string> words(const std::string& command, const std::string& act, int64_t at) const {
    return {command,
            "scene.yaml",
            "--plugin",
            plugin().string(),
            "--allow-world-writable",
            "--set",
            "target.settings.act=" + act,
            "--set",
            fmt::format("target.settings.at={}", at)};
  }

  /// `potluck sample` into the folder `run`.
  CommandResult sample(const std::string& act, int64_t at = 200, const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = words("sample", act, at);
    all.insert(all.end(), {"--output", "run"});
    all.insert(all.end(), more.begin(), more.end());
    return potluck(all);
  }

  int64_t draws_in_parts(const std::string& run) const {
    DrawsReader reader(path(run));
    int64_t count = 0;
    while (reader.next() != nullptr) ++count;
    return count;
  }

  std::string bytes_of_draws(const std::string& run) const { return read(run + "/draws/0000.part"); }
};

struct Rudeness {
  std::string act, told;
};

class EndedProcessTest : public RudePluginTest, public ::testing::WithParamInterface<Rudeness> {};

TEST_P(EndedProcessTest, IsToldWithModelAndCall) {
  const CommandResult result = sample(GetParam().act);
  EXPECT_EQ(result.exit_code, 3) << result.signal << result.err;
  const std::string told = fmt::format("{} {}", kWho, GetParam().told);
  EXPECT_THAT(result.err, HasSubstr("potluck: error: " + told));
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "failed");
  EXPECT_THAT(record.at("ended").get<std::string>(), ::testing::MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_FALSE(exists("run/draws.nc"));
  EXPECT_FALSE(exists("run/summary.json"));
}

INSTANTIATE_TEST_SUITE_P(
    Acts, EndedProcessTest,
    ::testing::Values(Rudeness{"exit",
                               "ended the process in evaluate, by exit(0). A model returns a status and never "
                               "exits; `potluck plugins check` may tell more"},
                      Rudeness{"_exit", "ended the process in evaluate, by _exit(0)"},
                      Rudeness{"_Exit", "ended the process in evaluate, by _Exit(0)"},
                      Rudeness{"quick_exit", "ended the process in evaluate, by quick_exit(0)"},
                      Rudeness{"abort", "crashed in evaluate (signal 6, Aborted)"},
                      Rudeness{"segv", "crashed in evaluate (signal 11, Segmentation fault)"},
                      Rudeness{"fpe", "crashed in evaluate (signal 8, Floating point exception)"},
                      Rudeness{"ill", "crashed in evaluate (signal 4, Illegal instruction)"},
                      Rudeness{"bus", "crashed in evaluate (signal 7, Bus error)"},
                      Rudeness{"overflow", "crashed in evaluate (signal 11, Segmentation fault)"},
                      Rudeness{"thread",
                               "crashed in evaluate (signal 11, Segmentation fault) in a thread that it started"}),
    [](const auto& test) { return test.param.act.front() == '_' ? "of_the_system" + test.param.act : test.param.act; });

TEST_F(RudePluginTest, AnEndInCreateAndInDestroyIsToldToo) {
  for (const char* command : {"check", "explain", "sample"}) {
    const CommandResult result = potluck(words(command, "exit", 0));
    EXPECT_EQ(result.exit_code, 3) << command;
    EXPECT_THAT(result.err, HasSubstr(kWho + " ended the process in create, by exit(0)")) << command;
  }
  const CommandResult result = sample("_exit", -1);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr(kWho + " ended the process in destroy, by _exit(0)"));
}

TEST_F(RudePluginTest, AModelThatCannotBeMadeIsNoFaultOfTheComposition) {
  const auto told = [&](const std::string& act, const std::string& text) {
    const CommandResult result = potluck(words("check", act, 0));
    EXPECT_EQ(result.exit_code, 3) << act;
    EXPECT_EQ(result.err, "potluck: error: " + kWho + text + "\n");
  };
  told("status", " refused x [2]: the status 99, which is none of potluck/plugin.h");
  told("internal", " refused x [2]: an internal error");
  told("no_model", ": create must leave a model where it answers POTLUCK_OK, got none");
  told("no_facts", " failed in facts (x [2]; float32 on cpu): the numbers failed");
  EXPECT_EQ(potluck(words("check", "bad_setting", 0)).exit_code, 2);
}

TEST_F(RudePluginTest, AnEstimateThatIsEndedSaysSo) {
  std::vector<std::string> all = words("evidence", "exit", 5);
  all.insert(all.end(), {"--particles", "64", "--output", "run"});
  const CommandResult result = potluck(all);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_EQ(read_json("run/run.json").at("state"), "failed");
}

// The one way out that cannot be seen from inside. It is not taken for success: the record is that of a run that goes
// on, and what reads it next says that it does not.
TEST_F(RudePluginTest, AnEndByTheBareSystemCallLeavesARecordThatClaimsNothing) {
  sample("system_call");
  EXPECT_EQ(read_json("run/run.json").at("state"), "running");
  EXPECT_FALSE(exists("run/draws.nc"));
  ASSERT_EQ(potluck({"export", "run"}).exit_code, 0);
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "cut short");
  EXPECT_THAT(record.at("why_stopped").get<std::string>(), HasSubstr("ended without a record"));
}

TEST_F(RudePluginTest, AForkThatComesBackIsEndedAndWritesNothing) {
  for (const char* threads : {"1", "2"}) {
    std::filesystem::remove_all(path("run"));
    const CommandResult result = sample("fork", 200, {"--threads", threads, "--set", "sample.steps=20000"});
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr(kWho.substr(0, 16) + " (zoo.rude 1.0.0) forked in evaluate, and the new process "
                                                           "came back from the call. It was ended."));
    EXPECT_EQ(read_json("run/run.json").at("state"), "failed");
  }
}

TEST_F(RudePluginTest, AProcessOfThePluginThatEndsItselfIsItsOwnAffair) {
  ASSERT_EQ(sample("none").exit_code, 0);
  const std::string expected = bytes_of_draws("run");
  for (const char* act : {"fork_and_exit", "fork_and_crash", "vfork", "shell"}) {
    std::filesystem::remove_all(path("run"));
    const CommandResult result = sample(act);
    EXPECT_EQ(result.exit_code, 0) << act << result.err;
    EXPECT_EQ(read_json("run/run.json").at("state"), "done") << act;
    EXPECT_EQ(draws_in_parts("run"), 400) << act;
    EXPECT_EQ(bytes_of_draws("run").size(), expected.size()) << act;
  }
}

TEST_F(RudePluginTest, WhatBelongsToTheProcessIsPutBack) {
  for (const char* act : {"chdir", "umask", "locale", "rounding", "signals", "alarm"}) {
    for (const int at : {0, 200}) {
      std::filesystem::remove_all(path("run"));
      const CommandResult result = sample(act, at, {"--set", "sample.steps=2000"});
      EXPECT_EQ(result.exit_code, 0) << act << result.err;
      EXPECT_EQ(read_json("run/run.json").at("state"), "done") << act;
      EXPECT_TRUE(exists("run/draws.nc")) << act;
      EXPECT_GT(std::filesystem::file_size(path("run/summary.json")), 0u) << act;
      EXPECT_NE(std::filesystem::status(path("run/draws.nc")).permissions() & std::filesystem::perms::owner_read,
                std::filesystem::perms::none);
    }
  }
}

TEST_F(RudePluginTest, FilesThatAreMadeWhileModelsRunHaveTheUsualRights) {
  const auto rights = [&](const char* act) {
    std::filesystem::remove_all(path("run"));
    const CommandResult result = sample(act, 2, {"--checkpoint-every", "100", "--set", "sample.steps=2000"});
    EXPECT_EQ(result.exit_code, 0) << act << result.err;
    std::map<std::string, std::filesystem::perms> of;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path("run")))
      of[std::filesystem::relative(entry.path(), path("run")).string()] = entry.status().permissions();
    return of;
  };
  EXPECT_EQ(rights("umask_each_time"), rights("none"));
}

TEST_F(RudePluginTest, ASignalThatOnlyAPluginSendsIsToldWithModelAndCall) {
  const auto told = [&](const std::string& act, const std::string& signal) {
    std::filesystem::remove_all(path("run"));
    const CommandResult result = sample(act);
    EXPECT_EQ(result.exit_code, 3) << act << result.signal << result.err;
    EXPECT_THAT(result.err, HasSubstr("potluck: error: " + kWho + " got signal " + signal +
                                      ", in evaluate, which Potluck sends to nobody. A plugin sets no timer and raises "
                                      "no signal; `potluck plugins check` may tell more\n"))
        << act;
    EXPECT_EQ(read_json("run/run.json").at("state"), "failed") << act;
  };
  told("raise_alarm", "14, Alarm clock");
  told("raise_virtual_timer", "26, Virtual timer expired");
  told("raise_profiler", "27, Profiling timer expired");
  told("raise_input", "29, I/O possible");
  told("raise_quit", "3, Quit");
}

TEST_F(RudePluginTest, ACrashInWhatIsLeftForTheEndIsNoFaultOfPotluck) {
  const CommandResult result = sample("atexit", 0);
  EXPECT_EQ(result.exit_code, 3) << result.signal;
  EXPECT_THAT(result.err,
              HasSubstr("potluck: error: crashed as the process ended (signal 6, Aborted), in what a plugin "
                        "or a library had left to be done then (atexit). What the command made is whole\n"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "done");
}

TEST_F(RudePluginTest, ARunWhoseOutputIsClosedStillSaysWhatEndedIt) {
  const CommandResult result = sample("close_output");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("potluck: error: the plugin zoo.rude 1.0.0 closed descriptors of the process in "
                                    "evaluate: 1, 2. A model closes what it opened itself"));
}

// A second model makes tensors of the default type as it is created and in every evaluation.
TEST_F(RudePluginTest, ADefaultTypeThatAModelChangesChangesNoBitOfAnother) {
  const auto plugin = std::filesystem::path(POTLUCK_ZOO_DIR) / "zoo.default_type.potluck.so";
  write("torch.yaml",
        "variables: {x: {shape: [2]}, y: {shape: [2]}}\n"
        "target: {product: [{model: zoo.default_type.changes, settings: {when: never}, inputs: x},\n"
        "                   {model: zoo.default_type.uses, inputs: y}]}\n"
        "sample: {method: mala, chains: 8, warmup: 50, steps: 100}\n"
        "integrable: true\n");
  for (const std::string when : {"never", "create", "evaluate"}) {
    const CommandResult result = potluck({"sample", "torch.yaml", "--quiet", "--plugin", plugin.string(), "--output",
                                          when, "--set", "target.product[0].settings.when=" + when});
    ASSERT_EQ(result.exit_code, 0) << when << result.err;
    EXPECT_TRUE(records(when) == records("never")) << when;
  }
}

TEST_F(RudePluginTest, AnEstimateIsTheSameWhateverAModelDoesToTheProcess) {
  const auto evidence = [&](const std::string& act) {
    std::vector<std::string> all = words("evidence", act, 20);
    // From a wider law, so that there are stages on the way.
    all.insert(all.end(), {"--particles", "64", "--repeats", "2", "--base-scale", "5", "--output", act, "--quiet"});
    return potluck(all);
  };
  ASSERT_EQ(evidence("none").exit_code, 0);
  for (const std::string act : {"chdir", "umask", "locale", "rounding", "signals"}) {
    const CommandResult result = evidence(act);
    EXPECT_EQ(result.exit_code, 0) << act << result.err;
    EXPECT_EQ(read_json(act + "/evidence.json").at("log_z"), read_json("none/evidence.json").at("log_z")) << act;
    EXPECT_EQ(read_json(act + "/run.json").at("state"), "done") << act;
    EXPECT_EQ(std::filesystem::status(path(act + "/evidence.json")).permissions(),
              std::filesystem::status(path("none/evidence.json")).permissions());
  }
  const CommandResult closed = evidence("close");
  EXPECT_EQ(closed.exit_code, 3);
  EXPECT_FALSE(exists("close"));  // no checkpoint is written once the model is known to have done so
}

TEST_F(RudePluginTest, ClosedDescriptorsEndTheRun) {
  const CommandResult created = sample("close", 0);
  EXPECT_EQ(created.exit_code, 3);
  EXPECT_FALSE(exists("run/run.json"));
  const CommandResult result = sample("close");
  EXPECT_EQ(result.exit_code, 3);
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "failed");
  EXPECT_THAT(record.at("why_stopped").get<std::string>(),
              HasSubstr("the plugin zoo.rude 1.0.0 closed descriptors of the process in evaluate: 0, 1, 2"));
}

TEST_F(RudePluginTest, AnAbsurdWorkspaceIsRefusedWithTheModelsName) {
  const CommandResult whole = sample("workspace");
  EXPECT_EQ(whole.exit_code, 3);
  EXPECT_THAT(whole.err,
              AllOf(HasSubstr(kWho + ": the workspace that its facts ask for (18446744073709551606 bytes, and "
                                     "0 for each of"),
                    HasSubstr("must fit into the memory of this machine"), HasSubstr(". Ask its author"),
                    Not(HasSubstr("fewer chains"))));
  const CommandResult rows = sample("workspace_a_row");
  EXPECT_EQ(rows.exit_code, 3);
  EXPECT_THAT(rows.err, HasSubstr("1125899906842624 for each of"));
  const CommandResult uniforms = sample("uniforms");
  EXPECT_EQ(uniforms.exit_code, 3);
  EXPECT_THAT(uniforms.err, HasSubstr(kWho + ": its draw_uniforms must fit into the memory of this machine"));
}

TEST_F(RudePluginTest, WordsThatAreNotUtf8AreMadeSo) {
  const CommandResult result = sample("words");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("the n\xef\xbf\xbdgoce of \"it\" failed"));
  EXPECT_THAT(read_json("run/run.json").at("why_stopped").get<std::string>(),
              HasSubstr("the n\xef\xbf\xbdgoce of \"it\" failed"));
}

// The run has its own copy of the file's pages: what is done to the file changes nothing of it.
TEST_F(RudePluginTest, APluginsFileMayBeRewrittenInPlaceWhileARunUsesIt) {
  ASSERT_EQ(sample("none", 200, {"--set", "sample.steps=200000", "--set", "sample.thin=1000"}).exit_code, 0);
  const std::string expected = bytes_of_draws("run");
  std::filesystem::remove_all(path("run"));
  std::vector<std::string> all = {POTLUCK_PROGRAM};
  for (const std::string& word : words("sample", "none", 200)) all.push_back(word);
  all.insert(all.end(), {"--output", "run", "--set", "sample.steps=200000", "--set", "sample.thin=1000"});
  RunningCommand running(all, path(""), {"HOME=" + path("").string()});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 1));
  std::filesystem::resize_file(plugin(), 0);
  const CommandResult result = running.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(bytes_of_draws("run").size(), expected.size());
}

}  // namespace
}  // namespace potluck::testing
