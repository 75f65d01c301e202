// SPDX-License-Identifier: Apache-2.0
#include "plugins/first_sight.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>

#include "core/files/formats/sha256.h"
#include "tests/plugins/plugins_fixture.h"

namespace potluck {
namespace {

using ::testing::HasSubstr;

class FirstSightTest : public PluginsTest {
 protected:
  Registry::Options kept(bool trust) {
    Registry::Options options = open_options();
    options.verdicts = folder_ / "verdicts";
    options.trust_verdicts = trust;
    return options;
  }
  std::string judged(const std::filesystem::path& file, Registry::Options options, const std::string& model) {
    Registry registry(std::move(options));
    registry.add_place(file, "--plugin", true);
    return error_of([&] { registry.model(model); });
  }
  std::filesystem::path verdict_of(const std::filesystem::path& file) {
    return folder_ / "verdicts" / sha256_of_file(file);
  }
  static std::string contents(const std::filesystem::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

TEST_F(FirstSightTest, GivesUpOnAPluginThatNeverReturns) {
  const auto begin = std::chrono::steady_clock::now();
  const Verdict verdict = first_sight(zoo("hangs"), read_note(zoo("hangs")), std::chrono::milliseconds(300));
  EXPECT_FALSE(verdict.fit);
  EXPECT_FALSE(verdict.lasting);
  EXPECT_EQ(verdict.reason, "was not open after 0.3 s");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(FirstSightTest, RunsNoExitHandlerOfTheHostInTheChild) {
  // The host's handler leaves a mark if it is run in the child, whose memory is not ours.
  static std::filesystem::path mark;
  mark = folder_ / "mark";
  static const pid_t host = getpid();
  std::atexit([] {
    if (getpid() != host) std::ofstream(mark) << "run";
  });
  first_sight(zoo("exits"), read_note(zoo("exits")));
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(FirstSightTest, KeepsAGoodVerdictAndDoesNotJudgeAgain) {
  setenv("ZOO_COUNT", (folder_ / "count").c_str(), 1);
  const std::filesystem::path file = put("counts", "a.potluck.so");
  EXPECT_EQ(judged(file, kept(true), "zoo.counts"), "nothing thrown");
  EXPECT_EQ(contents(folder_ / "count"), "11");  // in the child and here
  EXPECT_THAT(contents(verdict_of(file)),
              testing::MatchesRegex("potluck verdict 1\nPotluck [0-9.]+, LibTorch .*\nfit\n"));
  // The same bytes in another file: opened here only, unless told not to trust.
  EXPECT_EQ(judged(put("counts", "b.potluck.so"), kept(true), "zoo.counts"), "nothing thrown");
  EXPECT_EQ(contents(folder_ / "count"), "111");
  EXPECT_EQ(judged(put("counts", "c.potluck.so"), kept(false), "zoo.counts"), "nothing thrown");
  EXPECT_EQ(contents(folder_ / "count"), "11111");
}

TEST_F(FirstSightTest, QuotesAKeptReasonUntilToldToJudgeAnew) {
  const std::filesystem::path file = zoo("crashes");
  const std::string reason = file.string() + ": crashed while it was being opened (signal 11, Segmentation fault)";
  EXPECT_EQ(judged(file, kept(true), "zoo.crashes"), reason);
  EXPECT_EQ(judged(file, kept(true), "zoo.crashes"),
            reason + ". It was judged earlier; `potluck plugins check` judges it anew");
  EXPECT_EQ(judged(file, kept(false), "zoo.crashes"), reason);
}

TEST_F(FirstSightTest, JudgesAnewForAnotherHostAndAfterDamage) {
  const std::filesystem::path file = zoo("crashes");
  const std::string reason = file.string() + ": crashed while it was being opened (signal 11, Segmentation fault)";
  std::filesystem::create_directory(folder_ / "verdicts");
  for (const std::string text :
       {"potluck verdict 1\nPotluck 0.0.1, LibTorch 2.11.0\nfit\n", "potluck verdict 1\n", "", "fit\nfit\nfit\n"}) {
    std::ofstream(verdict_of(file)) << text;
    EXPECT_EQ(judged(file, kept(true), "zoo.crashes"), reason);
    EXPECT_THAT(contents(verdict_of(file)), HasSubstr("unfit: crashed while"));
  }
}

TEST_F(FirstSightTest, DoesNotKeepWhatTheMachineMayBeToBlameFor) {
  EXPECT_THAT(judged(zoo("missing_library"), kept(true), "zoo.missing_library"), HasSubstr("libzoo_absent.so"));
  EXPECT_FALSE(std::filesystem::exists(verdict_of(zoo("missing_library"))));
}

TEST_F(FirstSightTest, DoesWithoutAFolderThatCannotBeWritten) {
  Registry::Options options = open_options();
  options.verdicts = "/proc/nowhere/verdicts";
  EXPECT_EQ(judged(zoo("sound"), options, "zoo.sound"), "nothing thrown");
}

}  // namespace
}  // namespace potluck
