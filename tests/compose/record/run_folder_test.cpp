// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_folder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "core/files/formats/atomic_file.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunFolderTest : public ::testing::Test {
 protected:
  RunFolderTest() {
    std::string name = (filesystem::temp_directory_path() / "potluck-run-folder-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~RunFolderTest() override {
    std::error_code ignored;
    filesystem::remove_all(folder_, ignored);
  }

  filesystem::path path(const std::string& name) const { return folder_ / name; }

  static void write(const filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }
  static std::string read(const filesystem::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  /// A run with something in it: `who` stands in all of its files.
  static void begin(const filesystem::path& run, const std::string& who) {
    filesystem::create_directories(run / "checkpoint");
    write(run / "run.json", fmt::format("{{\"state\": \"running\", \"who\": \"{}\"}}", who));
    write(run / "checkpoint" / "latest", who);
  }
  static void end(const filesystem::path& run, const std::string& who) {
    filesystem::create_directories(run / "pictures");
    write(run / "pictures" / "x.png", who);
    write_whole_file(run / "run.json", fmt::format("{{\"state\": \"done\", \"who\": \"{}\"}}", who));
  }
  void make_run(const std::string& name, const std::string& who) const {
    begin(path(name), who);
    end(path(name), who);
  }

  /// Whose run stands there, whole; else what is the matter.
  std::string whose(const std::string& name) const {
    const std::string who = read(path(name) / "checkpoint" / "latest");
    if (read(path(name) / "run.json") != fmt::format("{{\"state\": \"done\", \"who\": \"{}\"}}", who))
      return "not whole: " + read(path(name) / "run.json");
    return read(path(name) / "pictures" / "x.png") == who ? who : "mixed";
  }

  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& entry : filesystem::directory_iterator(folder_)) all.insert(entry.path().filename());
    return all;
  }

  /// What another process throws on the attempt; "" where it does not.
  static std::string elsewhere(const std::function<void()>& attempt) {
    try {
      attempt();
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  filesystem::path folder_;
};

/// Runs `work` in a process that is killed at its call number `last` of the system. Returns whether it ended before.
/// @param without_exchange  the process is told that names cannot be exchanged
bool ends_before(int64_t last, bool without_exchange, const std::function<void()>& work) {
  const pid_t process = fork();
  if (process == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(process, &status, 0);
  bool entering = true;
  for (int64_t calls = 0; calls <= last;) {
    if (ptrace(PTRACE_SYSCALL, process, nullptr, nullptr) != 0) ADD_FAILURE() << "the process cannot be traced";
    waitpid(process, &status, 0);
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      return true;
    }
    if (WSTOPSIG(status) != SIGTRAP) continue;
#ifdef __x86_64__
    user_regs_struct registers = {};
    ptrace(PTRACE_GETREGS, process, nullptr, &registers);
    if (entering && without_exchange && registers.orig_rax == SYS_renameat2) {
      registers.orig_rax = static_cast<unsigned long long>(-1);  // a call that there is not
      ptrace(PTRACE_SETREGS, process, nullptr, &registers);
    }
#endif
    if (entering) ++calls;
    entering = !entering;
  }
  kill(process, SIGKILL);
  waitpid(process, &status, 0);
  return false;
}

class KilledSwapTest : public RunFolderTest, public ::testing::WithParamInterface<bool> {};

// At every call that the process makes: the older run stands under its name, or the new one does; what is beside it is
// told apart; and one command leaves the new run in its place, or none where nothing of it was there yet.
TEST_P(KilledSwapTest, ASwapIsFinishedWhereverItWasKilled) {
  const bool without_exchange = GetParam();
#ifndef __x86_64__
  if (without_exchange) GTEST_SKIP() << "calls can be refused on this processor only";
#endif
  const std::string beside = ".run.potluck-new";
  int64_t kill_at = 0, unfinished = 0, finished = 0;
  for (bool ended = false; !ended; ++kill_at) {
    SCOPED_TRACE(fmt::format("killed at call {}", kill_at));
    for (const std::string& name : names()) filesystem::remove_all(path(name));
    make_run("run", "old");
    ended = ends_before(kill_at, without_exchange, [&] {
      RunFolder folder(path("run"), /*overwrite=*/true);
      begin(folder.path(), "new");
      end(folder.path(), "new");
      folder.publish();
    });
    // There is no moment without a run but between two renames.
    if (!without_exchange) {
      EXPECT_THAT(whose("run"), ::testing::AnyOf("old", "new"));
    }
    const bool was_whole = filesystem::exists(path(beside)) && whose(beside) == "new";
    // Whoever holds the folder next tidies up.
    ASSERT_NE(RunFolder::if_free(path("run")), nullptr);
    if (filesystem::exists(path(beside))) {
      EXPECT_FALSE(was_whole);
      EXPECT_EQ(whose("run"), "old");
      // Nobody begins another one over it where it has something to go on from.
      if (filesystem::exists(path(beside) / "checkpoint" / "latest")) {
        EXPECT_THAT(elsewhere([&] { RunFolder(path("run"), true); }), HasSubstr("must be resumed first"));
      }
      ASSERT_TRUE(filesystem::exists(path(beside)));
      EXPECT_FALSE(RunFolder::put_in_place(path(beside)).has_value());
      {
        RunFolder resumed(path(beside));
        EXPECT_TRUE(resumed.replaces());
        begin(resumed.path(), "new");
        end(resumed.path(), "new");
        resumed.publish();
      }
      EXPECT_EQ(whose("run"), "new");
      ++unfinished;
    } else {
      EXPECT_TRUE(whose("run") == "new" || !was_whole);
      finished += whose("run") == "new" ? 1 : 0;
    }
    EXPECT_THAT(names(), ElementsAre("run"));
    EXPECT_FALSE(filesystem::exists(path("run/swap.json")));
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(whose("run"), "new");
  // Both halves of the swap were met; a build of it takes more calls than this.
  EXPECT_GT(unfinished, 10);
  EXPECT_GT(finished, 20);
}

INSTANTIATE_TEST_SUITE_P(Swaps, KilledSwapTest, ::testing::Bool(),
                         [](const auto& swap) { return swap.param ? "InTwoRenames" : "InOneExchange"; });

// The same, where the command that finds the swap is itself killed, at every third call.
TEST_F(RunFolderTest, AFinishThatIsKilledIsFinishedByTheNext) {
  int64_t kill_at = 0;
  for (bool ended = false; !ended; kill_at += 3) {
    SCOPED_TRACE(fmt::format("killed at call {}", kill_at));
    for (const std::string& name : names()) filesystem::remove_all(path(name));
    make_run("run", "old");
    make_run(".run.potluck-new", "new");
    write(path(".run.potluck-new/swap.json"), R"({"role": "new", "of": "run", "whole": true})");
    ended = ends_before(kill_at, false, [&] { RunFolder::put_in_place(path(".run.potluck-new")); });
    ASSERT_NE(RunFolder::if_free(path("run")), nullptr);
    EXPECT_EQ(whose("run"), "new");
    EXPECT_THAT(names(), ElementsAre("run"));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_F(RunFolderTest, AnOlderRunThatWasReplacedIsNotGoneOnWith) {
  make_run("run", "new");
  make_run(".run.potluck-new", "old");
  write(path(".run.potluck-new/swap.json"), R"({"role": "old"})");
  EXPECT_EQ(elsewhere([&] { RunFolder{path(".run.potluck-new")}; }),
            path(".run.potluck-new").string() + " must be a run that was not replaced, got the older run of " +
                path("run").string() + ". It is deleted by the next command that writes to or exports " +
                path("run").string());
  EXPECT_EQ(whose(".run.potluck-new"), "old");  // nothing was done
  ASSERT_NE(RunFolder::if_free(path("run")), nullptr);
  EXPECT_THAT(names(), ElementsAre("run"));
  EXPECT_EQ(whose("run"), "new");
}

TEST_F(RunFolderTest, WhatOthersHaveBesideARunIsLeftAlone) {
  make_run("run", "old");
  make_run(".run.potluck-new", "mine");
  EXPECT_EQ(elsewhere([&] { RunFolder(path("run"), true); }),
            path(".run.potluck-new").string() + " must be free for the run that is to take the place of " +
                path("run").string() +
                ", got a run whose swap.json is missing or damaged, which says what it is. To go on with it, or export "
                "it, as a run of its own, rename it: mv " +
                path(".run.potluck-new").string() + " " + path("run-new").string() + ". To do without it: rm -r " +
                path(".run.potluck-new").string());
  EXPECT_EQ(whose(".run.potluck-new"), "mine");
  write(path(".run.potluck-new/swap.json"), "{\"role\": \"ne");
  EXPECT_EQ(elsewhere([&] { RunFolder{path(".run.potluck-new")}; }),
            path(".run.potluck-new").string() + " must say in swap.json what it is, the new run of " +
                path("run").string() +
                " or the older one, got none that can be read. To go on with it, or export it, as a run of its own, "
                "rename it: mv " +
                path(".run.potluck-new").string() + " " + path("run-new").string());
  filesystem::remove_all(path(".run.potluck-new"));
  filesystem::create_directories(path(".run.potluck-new/letters"));
  EXPECT_EQ(elsewhere([&] { RunFolder(path("run"), true); }),
            path(".run.potluck-new").string() + " must be free for the run that is to take the place of " +
                path("run").string() + ", got something else of that name. Move it away");
  EXPECT_EQ(elsewhere([&] { RunFolder(path(".fresh.potluck-new"), false); }),
            "output folder " + path(".fresh.potluck-new").string() +
                " must not have the name of a folder that is built beside a run. Choose another name");
}

TEST_F(RunFolderTest, WhatNoRunMakesIsNeitherDeletedNorLost) {
  const auto refused = [&] { return elsewhere([&] { RunFolder(path("run"), true); }); };
  const auto text = [&](const std::string& names) {
    return "output folder " + path("run").string() + " must have nothing but what runs make to be overwritten, got " +
           names +
           ". Move what you want to keep to another folder and delete the rest, or choose another with --output";
  };
  const std::vector<std::string> all = {".hidden", "checkpoint/copy", "draws/mine.txt", "inner", "my-notes.txt"};
  make_run("run", "old");
  make_run("run/rank-0001", "rank");
  filesystem::create_directories(path("run/draws"));
  write(path("run/draws/0000.part"), "draws");
  write(path("run/.run.json.4711-0.part-written"), "half");
  for (const std::string& name : all) {
    if (name == "inner")
      make_run("run/inner", "another");
    else
      write(path("run") / name, "mine");
    EXPECT_EQ(refused(), text(name));
    filesystem::remove_all(path("run") / name);
  }
  write(path("run/rank-0001/a"), "mine");
  EXPECT_EQ(refused(), text("rank-0001/a"));
  for (const char* more : {"a", "b", "c", "d", "e", "f"}) write(path("run") / more, "mine");
  EXPECT_EQ(refused(), text("a, b, c, d, e and 2 more"));
  EXPECT_EQ(whose("run"), "old");
  for (const char* more : {"a", "b", "c", "d", "e", "f", "rank-0001/a"}) filesystem::remove(path("run") / more);
  // What comes while the new run is made is in its folder at its end.
  {
    RunFolder folder(path("run"), true);
    begin(folder.path(), "new");
    end(folder.path(), "new");
    write(path("run/my-notes.txt"), "mine");
    write(path("run/pictures/photo.jpeg"), "mine");
    folder.publish();
  }
  EXPECT_EQ(whose("run"), "new");
  EXPECT_EQ(read(path("run/my-notes.txt")), "mine");
  EXPECT_EQ(read(path("run/pictures/photo.jpeg")), "mine");
  EXPECT_THAT(names(), ElementsAre("run"));
}

TEST_F(RunFolderTest, OneHolderAtATime) {
  make_run("run", "old");
  const std::string used =
      " must be a folder that no other process writes to, got one that is in use. Wait for that "
      "run, or end it";
  {
    const RunFolder held(path("run"));
    EXPECT_EQ(elsewhere([&] { RunFolder(path("run"), true); }), path("run").string() + used);
    EXPECT_EQ(RunFolder::if_free(path("run")), nullptr);
  }
  {
    const RunFolder building(path("run"), true);  // holds the older run too
    EXPECT_EQ(elsewhere([&] { RunFolder{path("run")}; }), path("run").string() + used);
    EXPECT_EQ(elsewhere([&] { RunFolder(path("run"), true); }), path("run").string() + used);
  }
  EXPECT_THAT(names(), ElementsAre("run"));  // what was not kept is gone
  // A run within a run, such as a rank of it.
  make_run("run/rank-0001", "rank");
  const RunFolder rank(path("run/rank-0001"));
  EXPECT_EQ(elsewhere([&] { RunFolder(path("run"), true); }), path("run/rank-0001").string() + used);
  EXPECT_NE(RunFolder::if_free(path("run")), nullptr);
}

TEST_F(RunFolderTest, ALinkStaysALink) {
  filesystem::create_directories(path("disk"));
  make_run("disk/data", "old");
  filesystem::create_directory_symlink(path("disk/data"), path("run"));
  {
    RunFolder folder(path("run"), true);
    EXPECT_EQ(folder.path(), path("disk/.data.potluck-new"));
    begin(folder.path(), "new");
    end(folder.path(), "new");
    folder.publish();
  }
  EXPECT_TRUE(filesystem::is_symlink(path("run")));
  EXPECT_EQ(whose("run"), "new");
  EXPECT_EQ(whose("disk/data"), "new");
  EXPECT_THAT(names(), ElementsAre("disk", "run"));
  filesystem::create_directory_symlink(path("nowhere"), path("broken"));
  EXPECT_EQ(elsewhere([&] { RunFolder(path("broken"), true); }), "output folder " + path("broken").string() +
                                                                     " must be a folder, got a symbolic link to " +
                                                                     path("nowhere").string() + ", which is not there");
}

TEST_F(RunFolderTest, WhatAKillLeftBeforeTheRecordMayBeOverwritten) {
  filesystem::create_directories(path("run"));
  write(path("run/.run.json.4711-0.part-written"), "half");
  {
    RunFolder folder(path("run"), true);
    write(folder.path() / "run.json", "{}");
    folder.publish();
  }
  EXPECT_EQ(read(path("run/run.json")), "{}");
  EXPECT_FALSE(filesystem::exists(path("run/.run.json.4711-0.part-written")));
  filesystem::create_directories(path("mine"));
  write(path("mine/letter"), "dear");
  EXPECT_THROW(RunFolder(path("mine"), true), FileError);
  EXPECT_EQ(read(path("mine/letter")), "dear");
}

TEST_F(RunFolderTest, TemporaryFilesOfKilledProcessesAreCleared) {
  make_run("run", "old");
  write(path("run/.draws.nc.4711-0.part-written"), "half");
  write(path("run/checkpoint/.latest.4711-3.part-written"), "half");
  write(path("run/.mine"), "whole");
  RunFolder(path("run")).clear_leftovers();
  EXPECT_FALSE(filesystem::exists(path("run/.draws.nc.4711-0.part-written")));
  EXPECT_FALSE(filesystem::exists(path("run/checkpoint/.latest.4711-3.part-written")));
  EXPECT_EQ(read(path("run/.mine")), "whole");
  EXPECT_EQ(whose("run"), "old");
}

}  // namespace
}  // namespace potluck::testing
