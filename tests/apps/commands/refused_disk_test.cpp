// SPDX-License-Identifier: Apache-2.0
// A disk that refuses, at every call of its kind that a command makes: nothing that was drawn is lost, what stood there
// before stays, the error is told, and once the disk takes more the same or the next command makes the whole.
#include <fmt/format.h>

#include <cstdlib>
#include <functional>

#include "core/files/formats/netcdf.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

const std::string kRenames = "POTLUCK_TEST_RENAMES";
const std::string kTwelveSteps = "chains: 2, warmup: 4, steps: 12, step_size: 0.5, checkpoint_every: 4";

/// What is refused: the setting of tests/apps/refusals.cpp.
class RefusedDiskTest : public CommandTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override { write_scene("test_bench.bowl", kTwelveSteps); }

  /// Of the calls behind the first, which differ most, every third. POTLUCK_EVERY_CALL in the environment of the test
  /// makes it every one.
  static int stride(int n) { return n < 12 || std::getenv("POTLUCK_EVERY_CALL") != nullptr ? 1 : 3; }

  void ready(const Words& words) {
    const CommandResult result = potluck_with_bench(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  /// Runs `words` where the disk refuses every call of its kind behind the n-th, for n from 0 on, until all of them are
  /// taken. `begin` lays out the folders before each; `look` is called behind each failure.
  void sweep(const Words& words, const std::function<void()>& begin, const std::function<void()>& look) {
    int failed = 0;
    for (int n = 0; n < 1000; n += stride(n)) {
      SCOPED_TRACE(fmt::format("{}={}", GetParam(), n));
      for (const auto& entry : filesystem::directory_iterator(path("")))
        if (entry.path().filename().string().starts_with("run") || entry.path().filename().string().starts_with(".run"))
          filesystem::remove_all(entry.path());
      begin();
      const CommandResult result =
          potluck_with_bench(words, {"LD_PRELOAD=" POTLUCK_REFUSALS, fmt::format("{}={}", GetParam(), n)});
      ASSERT_EQ(result.signal, 0);
      if (result.exit_code == 0) {
        fmt::print("{}: {} of {}\n", words[0], failed, GetParam());
        EXPECT_GT(failed, 1);
        return;
      }
      ++failed;
      ASSERT_EQ(result.exit_code, 1) << result.err;
      EXPECT_THAT(result.err, HasSubstr("potluck: error: "));
      look();
      if (HasFailure()) {
        ADD_FAILURE() << result.err;
        return;
      }
    }
    ADD_FAILURE() << "the disk refused a thousand times";
  }

  void copy(const std::string& from, const std::string& to) const {
    filesystem::copy(path(from), path(to), filesystem::copy_options::recursive);
  }

  /// Makes what a failure left in `folder` whole: from its checkpoint, or of its draws where all steps were done.
  void finish(const std::string& folder) {
    const CommandResult more = sample({"--resume", folder, "--quiet"});
    if (more.exit_code == 0) return;
    EXPECT_EQ(more.exit_code, 2) << more.err;
    EXPECT_THAT(more.err, HasSubstr("sample.steps must be above the "));
    const CommandResult exported = potluck_with_bench({"export", folder, "--quiet"});
    EXPECT_EQ(exported.exit_code, 0) << exported.err;
  }

  void expect_whole(const std::string& run, const std::string& whole) {
    EXPECT_TRUE(records(run) == records(whole));
    EXPECT_EQ(read_json(run + "/run.json").at("state"), "done");
    for (const char* file : {"draws.nc", "summary.json", "summary.nc", "state.safetensors", "pictures/x-mean.png"})
      EXPECT_TRUE(exists(run + "/" + file)) << file;
  }
};

TEST_P(RefusedDiskTest, ARunLosesNoDrawThatWasCheckpointed) {
  ready({"sample", "scene.yaml", "--output", "whole", "--quiet"});
  int resumed = 0;
  sweep(
      {"sample", "scene.yaml", "--output", "run", "--quiet"}, [] {},
      [&] {
        if (!exists("run"))
          return;  // nothing had been drawn
                   // A disk that takes no new name does not take a new run.json either.
        EXPECT_THAT(read_json("run/run.json").at("state").get<std::string>(),
                    AnyOf("failed", GetParam() == kRenames ? "running" : "failed"));
        if (!exists("run/checkpoint/latest")) return;
        finish("run");
        expect_whole("run", "whole");
        ++resumed;
      });
  EXPECT_GT(resumed, 2);
}

TEST_P(RefusedDiskTest, ARunThatGoesOnKeepsWhatItHad) {
  ready({"sample", "scene.yaml", "--output", "short", "--quiet"});
  ready({"sample", "scene.yaml", "--output", "whole", "--quiet", "--set", "sample.steps=20"});
  sweep(
      {"sample", "--resume", "run", "--set", "sample.steps=20", "--quiet"}, [&] { copy("short", "run"); },
      [&] {
        EXPECT_GE(records("run").size(), records("short").size());
        const CommandResult more = sample({"--resume", "run", "--set", "sample.steps=20", "--quiet"});
        if (more.exit_code != 0) {
          EXPECT_THAT(more.err, HasSubstr("sample.steps must be above the 20"));
          EXPECT_EQ(potluck_with_bench({"export", "run", "--quiet"}).exit_code, 0);
        }
        expect_whole("run", "whole");
      });
}

TEST_P(RefusedDiskTest, AnOlderRunStaysUntilTheNewOneIsWhole) {
  ready({"sample", "scene.yaml", "--output", "older", "--quiet", "--seed", "2"});
  ready({"sample", "scene.yaml", "--output", "whole", "--quiet"});
  const Words words = {"sample", "scene.yaml", "--output", "run", "--overwrite", "--quiet"};
  sweep(
      words, [&] { copy("older", "run"); },
      [&] {
        EXPECT_TRUE(records("run") == records("older") || records("run") == records("whole"));
        const bool stands = records("run") == records("older");
        if (stands && exists(".run.potluck-new/checkpoint/latest")) finish(".run.potluck-new");
        // What was whole and could not be put in its place is put there by whatever holds the run next, and an older
        // run whose place was taken is deleted by it.
        if (exists(".run.potluck-new")) {
          EXPECT_EQ(potluck_with_bench({"export", "run", "--quiet"}).exit_code, 0);
        }
        if (records("run") == records("older")) ready(words);
        expect_whole("run", "whole");
        EXPECT_FALSE(exists(".run.potluck-new"));
      });
}

TEST_P(RefusedDiskTest, AnExportLeavesTheDrawsAndWhatWasMadeOfThem) {
  ready({"sample", "scene.yaml", "--output", "whole", "--quiet"});
  const std::string draws = records("whole");
  sweep(
      {"export", "run", "--quiet"}, [&] { copy("whole", "run"); },
      [&] {
        EXPECT_TRUE(records("run") == draws);
        EXPECT_EQ(netcdf_length(path("run/draws.nc"), "posterior", "draw"), 12);
        EXPECT_EQ(read_json("run/summary.json").at("draws"), 12);
        EXPECT_EQ(potluck_with_bench({"export", "run", "--quiet"}).exit_code, 0);
        expect_whole("run", "whole");
      });
}

TEST_P(RefusedDiskTest, AMergeLeavesTheRanksAndWhatWasJoinedBefore) {
  write_scene("test_bench.bowl", "chains: 600, warmup: 4, steps: 4, step_size: 0.5");
  ready({"sample", "scene.yaml", "--output", "whole", "--quiet"});
  for (const char* rank : {"0", "1"})
    ready({"sample", "scene.yaml", "--output", "ranks", "--quiet", "--rank", rank, "--world", "2"});
  copy("ranks", "joined");
  ready({"merge", "joined", "--quiet"});
  for (const char* before : {"ranks", "joined"}) {
    SCOPED_TRACE(before);
    const bool joined = std::string(before) == "joined";
    Words words = {"merge", "run", "--quiet"};
    if (joined) words.push_back("--overwrite");
    sweep(
        words, [&] { copy(before, "run"); },
        [&] {
          for (const char* rank : {"/rank-0000", "/rank-0001"})
            EXPECT_TRUE(records(std::string("run") + rank) == records(std::string("ranks") + rank));
          Words again = {"merge", "run", "--quiet"};
          if (exists("run/run.json")) again.push_back("--overwrite");
          if (joined && !exists("run/.merge.potluck-whole")) {
            EXPECT_TRUE(records("run") == records("whole"));
          }
          const CommandResult more = potluck_with_bench(again);
          EXPECT_EQ(more.exit_code, 0) << more.err;
          expect_whole("run", "whole");
        });
    if (HasFailure()) return;
  }
}

TEST_P(RefusedDiskTest, AnEstimateGoesOnToTheSameNumber) {
  const Words words = {"evidence", "scene.yaml", "--particles",        "50", "--repeats", "2", "--output",
                       "run",      "--quiet",    "--checkpoint-every", "2"};
  Words whole = words;
  whole[7] = "whole";
  ready(whole);
  sweep(
      words, [] {},
      [&] {
        if (exists("run/checkpoint/latest")) {
          const CommandResult more = potluck_with_bench({"evidence", "--resume", "run", "--quiet"});
          EXPECT_EQ(more.exit_code, 0) << more.err;
        } else if (exists("run/evidence.json")) {
          return;
        } else {
          Words again = words;
          if (exists("run")) again.push_back("--overwrite");
          ready(again);
        }
        EXPECT_EQ(read("run/evidence.json"), read("whole/evidence.json"));
        EXPECT_EQ(read_json("run/run.json").at("state"), "done");
      });
}

TEST_P(RefusedDiskTest, AnOlderEstimateStaysUntilTheNewOneIsWhole) {
  const auto estimate = [](const std::string& output, const std::string& seed) {
    return Words{"evidence", "scene.yaml", "--output", output,    "--particles",        "50", "--repeats",
                 "2",        "--seed",     seed,       "--quiet", "--checkpoint-every", "2"};
  };
  ready(estimate("older", "2"));
  ready(estimate("whole", "1"));
  const std::string older = read("older/evidence.json"), whole = read("whole/evidence.json");
  Words words = estimate("run", "1");
  words.push_back("--overwrite");
  sweep(
      words, [&] { copy("older", "run"); },
      [&] {
        EXPECT_THAT(read("run/evidence.json"), AnyOf(older, whole));
        if (read("run/evidence.json") == whole) return;  // whatever stands beside it is the older one
        if (exists(".run.potluck-new/checkpoint/latest"))
          ready({"evidence", "--resume", ".run.potluck-new", "--quiet"});
        else
          ready(words);
        EXPECT_EQ(read("run/evidence.json"), whole);
      });
}

INSTANTIATE_TEST_SUITE_P(Disks, RefusedDiskTest,
                         ::testing::Values("POTLUCK_TEST_WRITES", "POTLUCK_TEST_SYNCS", "POTLUCK_TEST_RENAMES",
                                           "POTLUCK_TEST_FILES"),
                         [](const auto& test) { return std::string(test.param).substr(13); });

}  // namespace
}  // namespace potluck::testing
