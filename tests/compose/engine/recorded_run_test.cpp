// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/compose/engine/engines.h"

namespace engine = potluck::engine;
namespace filesystem = std::filesystem;
using engine::Composite;
using engine::Composition;
using engine::EarlierRun;
using engine::RecordedRun;
using testing::EndsWith;
using testing::HasSubstr;

namespace {

const char* const kSample = "{method: mala, chains: 8, warmup: 40, steps: 60, thin: 3, seed: 8}";

std::string bytes_of(const filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

/// All parts of the draws in a run's folder, by name.
std::string draws_of(const filesystem::path& run) {
  std::vector<filesystem::path> parts;
  for (const auto& entry : filesystem::directory_iterator(run / "draws")) parts.push_back(entry.path());
  std::sort(parts.begin(), parts.end());
  std::string all;
  for (const filesystem::path& part : parts) all += part.filename().string() + ":" + bytes_of(part);
  return all;
}

/// Sets a flag after so many draws.
class Stopper : public engine::Observer {
 public:
  explicit Stopper(int64_t draws) : draws_(draws) {}
  void drew(const engine::Draw& draw) override {
    if (draw.index + 1 == draws_) stop = true;
  }
  std::atomic<bool> stop{false};

 private:
  int64_t draws_;
};

class RecordedRunTest : public testing::Test {
 protected:
  RecordedRunTest() {
    filesystem::remove_all(folder_);
    filesystem::create_directories(folder_);
  }
  ~RecordedRunTest() override { filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string file(const std::string& sample = kSample) const {
    std::ofstream(folder_ / "scene.yaml") << two_bumps("{shape: [3]}", sample);
    return path("scene.yaml");
  }
  Composite composed(const std::string& file_name) {
    return Composite(Composition::from_file(file_name, plugins_, {}, {.device = "cpu", .threads = 2}));
  }
  engine::Outcome drawn(const std::string& run, const engine::Ranks& ranks = {}) {
    Composite composite = composed(file());
    RecordedRun recorded(composite, {.folder = path(run), .ranks = ranks});
    return recorded.run();
  }
  /// Draws the first 7 of 20 draws, and is then stopped.
  engine::Outcome begun(const std::string& run) {
    Composite composite = composed(file());
    RecordedRun recorded(composite, {.folder = path(run)});
    Stopper stopper(7);
    return recorded.run({.observers = {&stopper}, .stop = &stopper.stop});
  }

  const filesystem::path folder_ =
      filesystem::temp_directory_path() / ("potluck_recorded_run_" + std::to_string(getpid()));
  engine::Plugins plugins_ = shipped_plugins();
};

TEST_F(RecordedRunTest, ARunLeavesItsFilesAndSaysWhatItCameTo) {
  std::vector<std::string> said;
  Composite composite = composed(file());
  RecordedRun recorded(composite, {.folder = path("run")});
  EXPECT_EQ(recorded.folder(), path("run"));
  const engine::Outcome outcome = recorded.run({}, [&](const std::string& text) { said.push_back(text); });

  EXPECT_EQ(outcome.folder, path("run"));
  EXPECT_FALSE(outcome.older_run_stays);
  EXPECT_EQ(outcome.summary.draws, 20);
  EXPECT_EQ(outcome.summary.method, "mala");
  EXPECT_EQ(outcome.share.count, 8);
  EXPECT_EQ(outcome.products.draws, 20);
  EXPECT_EQ(outcome.products.chains, 8);
  EXPECT_TRUE(outcome.products.not_made.empty());
  EXPECT_THAT(outcome.products.convergence, HasSubstr("R-hat"));
  ASSERT_TRUE(outcome.products.verdict);
  EXPECT_THAT(outcome.products.verdict->text, HasSubstr("sable"));
  EXPECT_THAT(said, testing::Contains(HasSubstr("draws.nc")));
  for (const char* made : {"run.json", "draws.nc", "summary.json", "state.safetensors"})
    EXPECT_TRUE(filesystem::exists(folder_ / "run" / made)) << made;
}

TEST_F(RecordedRunTest, ARunThatGoesOnHasTheBitsOfOneThatWasNotStopped) {
  drawn("whole");
  const engine::Outcome first = begun("cut");
  EXPECT_TRUE(first.summary.interrupted);
  EXPECT_EQ(first.summary.draws, 7);
  EXPECT_NE(draws_of(path("cut")), draws_of(path("whole")));

  EarlierRun earlier(path("cut"), EarlierRun::Kind::kSample);
  EXPECT_EQ(earlier.folder(), path("cut"));
  EXPECT_FALSE(earlier.ranks());
  Composite composite(earlier.read(path("scene.yaml"), plugins_, {}, {.device = "cpu", .threads = 1}));
  RecordedRun recorded(composite, std::move(earlier));
  const engine::Outcome outcome = recorded.run();
  EXPECT_EQ(outcome.summary.draws, 20);
  EXPECT_FALSE(outcome.summary.interrupted);
  EXPECT_EQ(bytes_of(folder_ / "cut" / "state.safetensors"), bytes_of(folder_ / "whole" / "state.safetensors"));
}

TEST_F(RecordedRunTest, AnotherSeedIsNotTheRunThatWasBegun) {
  begun("cut");
  EarlierRun earlier(path("cut"), EarlierRun::Kind::kSample);
  Composite composite(
      earlier.read(path("scene.yaml"), plugins_, {.set = {{"sample.seed", "9"}}}, {.device = "cpu", .threads = 1}));
  const std::string before = draws_of(path("cut"));
  EXPECT_THAT(error_of([&] { RecordedRun recorded(composite, std::move(earlier)); }).what(),
              HasSubstr("sample.seed: 8 in the checkpoint, 9 now"));
  EXPECT_EQ(draws_of(path("cut")), before);
}

TEST_F(RecordedRunTest, RanksAreJoinedToTheDrawsOfOneProcess) {
  drawn("one");
  for (int64_t rank = 0; rank < 2; ++rank) {
    const engine::Outcome outcome = drawn("several", {rank, 2, "the test"});
    EXPECT_EQ(outcome.folder, engine::rank_folder(path("several"), rank));
    EXPECT_EQ(outcome.share.first, 4 * rank);
    EXPECT_EQ(outcome.share.count, 4);
    EXPECT_FALSE(outcome.products.verdict);
    EXPECT_EQ(outcome.products.convergence, "");
    EXPECT_EQ(outcome.products.draws, 20);
    EXPECT_EQ(outcome.products.chains, 4);
  }
  const engine::Merged merged = engine::merge_run(path("several"));
  EXPECT_EQ(merged.ranks, 2);
  EXPECT_EQ(merged.products.chains, 8);
  EXPECT_EQ(merged.products.draws, 20);
  EXPECT_TRUE(merged.products.verdict);
  EXPECT_EQ(bytes_of(folder_ / "several" / "state.safetensors"), bytes_of(folder_ / "one" / "state.safetensors"));
  EXPECT_THAT(error_of([&] { engine::merge_run(path("several")); }).what(), EndsWith("Give --overwrite"));
  EXPECT_EQ(engine::merge_run(path("several"), /*overwrite=*/true).ranks, 2);
}

TEST_F(RecordedRunTest, WhatWasLostIsExportedAgain) {
  drawn("run");
  filesystem::remove(folder_ / "run" / "draws.nc");
  const engine::Exported made = engine::export_run(path("run"));
  EXPECT_FALSE(made.goes_on);
  EXPECT_EQ(made.products.draws, 20);
  EXPECT_TRUE(filesystem::exists(folder_ / "run" / "draws.nc"));
  EXPECT_THAT(error_of([&] { engine::export_run(path("nothing")); }).what(), HasSubstr("nothing"));
}

TEST_F(RecordedRunTest, AFolderIsHeldAndAnOlderRunIsKept) {
  drawn("run");
  Composite composite = composed(file());
  const engine::Error kept = error_of([&] { RecordedRun recorded(composite, {.folder = path("run")}); });
  EXPECT_EQ(kept.kind(), engine::Error::Kind::kInput);
  EXPECT_THAT(kept.what(), HasSubstr(path("run")));
  RecordedRun recorded(composite, {.folder = path("run"), .overwrite = true});
  EXPECT_NE(recorded.folder(), path("run"));
  EXPECT_THAT(error_of([&] { EarlierRun(path("run"), EarlierRun::Kind::kSample); }).what(), HasSubstr(path("run")));
  const engine::Outcome outcome = recorded.run();
  EXPECT_EQ(outcome.folder, path("run"));
  EXPECT_EQ(recorded.folder(), path("run"));
}

TEST_F(RecordedRunTest, WhatABrokenObserverLeavesIsSaidAndGoneOnFrom) {
  class Breaker : public engine::Observer {
    void drew(const engine::Draw& draw) override {
      if (draw.index == 12) throw std::runtime_error("the observer broke");
    }
  } breaker;
  {
    Composite composite =
        composed(file("{method: mala, chains: 8, warmup: 40, steps: 60, thin: 3, checkpoint_every: 15}"));
    RecordedRun recorded(composite, {.folder = path("run")});
    EXPECT_FALSE(recorded.left().draws);
    EXPECT_THROW(recorded.run({.observers = {&breaker}}), std::runtime_error);
    EXPECT_TRUE(recorded.left().draws);
    EXPECT_TRUE(recorded.left().checkpoint);
    EXPECT_THAT(error_of([&] { recorded.run(); }).what(), HasSubstr("must be called once"));
  }
  EarlierRun earlier(path("run"), EarlierRun::Kind::kSample);
  Composite composite(earlier.read(path("scene.yaml"), plugins_, {}, {.device = "cpu", .threads = 2}));
  EXPECT_EQ(RecordedRun(composite, std::move(earlier)).run().summary.draws, 20);
}

TEST_F(RecordedRunTest, ARuleOfTheProgramEndsARunBesideThatOfTheComposition) {
  class Fifth : public engine::StopRule {
    std::optional<std::string> reached(const engine::Draw& draw) override {
      return draw.index == 4 ? std::optional<std::string>("five draws are enough") : std::nullopt;
    }
  } fifth;
  // Five draws come before the first look of the rule on R-hat.
  Composite composite =
      composed(file("{method: mala, chains: 8, warmup: 40, steps: 60, thin: 3, until: {rhat: 1.0001}}"));
  RecordedRun recorded(composite, {.folder = path("run")});
  const engine::Outcome outcome = recorded.run({.until = &fifth});
  EXPECT_EQ(outcome.summary.draws, 5);
  EXPECT_TRUE(outcome.summary.stopped_by_rule);
  EXPECT_EQ(outcome.summary.why_stopped, "five draws are enough");
  ASSERT_TRUE(outcome.unconverged);
  EXPECT_THAT(outcome.unconverged->standing, HasSubstr("at most 1.0001 was asked for"));
}

TEST_F(RecordedRunTest, AShareAndACheckpointAreTheRunsOwn) {
  Composite composite = composed(file());
  RecordedRun recorded(composite, {.folder = path("run")});
  EXPECT_THAT(error_of([&] { recorded.run({.share = {0, 4}}); }).what(), HasSubstr("RecordOptions::ranks says it"));
  const std::byte saved[1] = {};
  EXPECT_THAT(error_of([&] { recorded.run({.checkpoint = saved}); }).what(), HasSubstr("An EarlierRun has it"));
  EXPECT_EQ(recorded.run().summary.draws, 20);
}

TEST_F(RecordedRunTest, ARankIsOneOfThoseThatShareTheRun) {
  Composite composite = composed(file());
  const auto text = [&](const engine::Ranks& ranks) {
    return std::string(error_of([&] { RecordedRun run(composite, {.folder = path("run"), .ranks = ranks}); }).what());
  };
  EXPECT_EQ(text({2, 2}), "ranks.rank must be 0 ... 1, got 2");
  EXPECT_EQ(text({-1, 2}), "ranks.rank must be 0 ... 1, got -1");
  EXPECT_EQ(text({5, 1}), "ranks.rank must be 0 ... 0, got 5");
  EXPECT_EQ(text({0, 0}), "ranks.world must be 1 ... 9999, got 0");
  EXPECT_STREQ(error_of([] { engine::rank_folder("run", -1); }).what(), "rank must be 0 ... 9998, got -1");
  Composite ruled = composed(file("{method: mala, chains: 8, warmup: 40, steps: 60, until: {rhat: 1.01}}"));
  EXPECT_THAT(error_of([&] {
                RecordedRun run(ruled, {.folder = path("run"), .ranks = {0, 2}});
              }).what(),
              HasSubstr("where 2 processes share the run (from RecordOptions::ranks)"));
  EXPECT_FALSE(filesystem::exists(folder_ / "run"));
}

TEST_F(RecordedRunTest, WhatTheProgramChangesDuringARunStays) {
  const filesystem::path before = filesystem::current_path();
  class Changer : public engine::Observer {
   public:
    void drew(const engine::Draw& draw) override {
      if (draw.index != 3) return;
      umask(027);
      signal(SIGPIPE, SIG_IGN);
      filesystem::current_path(filesystem::temp_directory_path());
    }
  } changer;
  const mode_t mode = umask(022);
  drawn("whole");
  EXPECT_EQ(umask(022), 022u);
  Composite composite = composed(path("scene.yaml"));
  RecordedRun(composite, {.folder = path("run")}).run({.observers = {&changer}});
  EXPECT_EQ(umask(022), 027u);
  EXPECT_EQ(signal(SIGPIPE, SIG_DFL), SIG_IGN);
  EXPECT_TRUE(filesystem::equivalent(filesystem::current_path(), filesystem::temp_directory_path()));
  filesystem::current_path(before);

  Composite estimated = composed(file("{chains: 64, seed: 3}"));
  engine::EvidenceRun(estimated).run([](const engine::EvidenceProgress&) { umask(077); });
  EXPECT_EQ(umask(mode), 077u);
}

TEST_F(RecordedRunTest, ARunThatAProgramBeganHasItsCommand) {
  begun("cut");
  EarlierRun earlier(path("cut") + "/", EarlierRun::Kind::kSample);
  EXPECT_EQ(earlier.folder(), path("cut"));
  const std::vector<engine::TypedCommand> commands = earlier.commands();
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].words, (std::vector<std::string>{"potluck", "sample", path("scene.yaml")}));
  EXPECT_EQ(commands[0].folder, filesystem::current_path().string());

  Composite composite = composed(file());
  {
    Stopper stopper(7);
    RecordedRun own(composite, {.folder = path("own"), .command = {{"program"}, path("")}});
    own.run({.observers = {&stopper}, .stop = &stopper.stop});
  }
  EXPECT_THAT(error_of([&] { EarlierRun(path("own"), EarlierRun::Kind::kEvidence); }).what(),
              HasSubstr("must be of `potluck evidence`, got one of `potluck sample`"));
  EarlierRun mine(path("own"), EarlierRun::Kind::kSample);
  EXPECT_EQ(mine.commands()[0].words, std::vector<std::string>{"program"});
  EXPECT_EQ(mine.commands()[0].folder, folder_.string());
  Composite again(mine.read(path("scene.yaml"), plugins_, {}, {.device = "cpu", .threads = 1}));
  EXPECT_EQ(RecordedRun(again, std::move(mine)).run().summary.draws, 20);
}

TEST_F(RecordedRunTest, APathHasNoZeroByteAndIsThere) {
  const std::string zero("run\0s", 5);
  Composite composite = composed(file());
  EXPECT_STREQ(error_of([&] { RecordedRun run(composite, {.folder = zero}); }).what(),
               "folder must be a path, got a zero byte at offset 3");
  EXPECT_STREQ(error_of([&] { engine::EvidenceRun run(composite, {.folder = zero}); }).what(),
               "folder must be a path, got a zero byte at offset 3");
  EXPECT_STREQ(error_of([&] { engine::export_run(""); }).what(), "folder must be a path, got an empty text");
  EXPECT_STREQ(error_of([&] { engine::merge_run(zero); }).what(), "folder must be a path, got a zero byte at offset 3");
  EXPECT_STREQ(error_of([&] { EarlierRun("", EarlierRun::Kind::kSample); }).what(),
               "folder must be a path, got an empty text");
}

// Particles that begin within 1e-30 of each other and never leave: log Z is 2 log(1e-30) and something, not log(2 pi).
TEST_F(RecordedRunTest, AnEstimateWhoseParticlesDidNotFollowIsInDoubt) {
  Composite composite(
      Composition::from_text("variables: {x: {shape: [2]}}\ntarget: {model: gaussian, inputs: x}\n"
                             "sample: {chains: 256, seed: 3}\n",
                             plugins_, {}, {.device = "cpu", .threads = 2}));
  const engine::Evidence sound = engine::EvidenceRun(composite, {.repeats = 2}).run();
  EXPECT_NEAR(sound.log_z, std::log(2 * M_PI), 6 * sound.standard_error + 1e-6);
  EXPECT_TRUE(sound.warnings.empty());
  EXPECT_THAT(sound.json, testing::Not(HasSubstr("warnings")));

  const engine::Evidence stuck = engine::EvidenceRun(composite, {.repeats = 2, .base_scale = 1e-30}).run();
  EXPECT_LT(stuck.log_z, -100);
  ASSERT_EQ(stuck.warnings.size(), 2u);
  EXPECT_THAT(stuck.warnings[0], HasSubstr("the particles did not follow, and log Z may be wrong by far more than its "
                                           "standard error. Begin nearer to the target: mean and scale of the base"));
  EXPECT_THAT(stuck.warnings[1], testing::StartsWith("log Z from exact draws down must be at most "));
  EXPECT_THAT(stuck.json, HasSubstr("\"warnings\": ["));
  for (const engine::EvidenceOptions& options : {engine::EvidenceOptions{.base_mean = NAN}, {.base_mean = INFINITY}})
    EXPECT_THAT(error_of([&] { engine::EvidenceRun(composite, options); }).what(),
                HasSubstr("base_mean must be finite"));
  EXPECT_STREQ(error_of([&] { engine::EvidenceRun(composite, {.base_scale = INFINITY}); }).what(),
               "base_scale must be finite, got inf");
}

// E(x) = x^2/2 + (x - 2)^2/2 = (x - 1)^2 + 1 in each of 3 coordinates: Z = (sqrt(pi) / e)^3.
TEST_F(RecordedRunTest, AnEstimateOfLogZGoesOnWhereItWasStopped) {
  const double exact = 3 * (0.5 * std::log(M_PI) - 1);
  const std::string scene = file("{chains: 512, seed: 3}");
  Composite composite = composed(scene);
  engine::EvidenceRun whole(composite, {.repeats = 4});
  EXPECT_EQ(whole.folder(), "");
  const engine::Evidence found = whole.run();
  EXPECT_EQ(found.particles, 512);
  EXPECT_EQ(found.coordinates, 3);
  EXPECT_EQ(found.repeats.size(), 4u);
  EXPECT_GT(found.standard_error, 0);
  EXPECT_NEAR(found.log_z, exact, 6 * found.standard_error);

  std::atomic<bool> stop{false};
  {
    engine::EvidenceRun cut(composite, {.repeats = 4, .folder = path("estimate")});
    const engine::Evidence part = cut.run(
        [&](const engine::EvidenceProgress& at) { stop = at.run == engine::EvidenceProgress::Run::kRepeat; }, &stop);
    EXPECT_TRUE(part.interrupted);
  }
  EarlierRun earlier(path("estimate"), EarlierRun::Kind::kEvidence);
  Composite again(earlier.read(scene, plugins_, {}, {.device = "cpu", .threads = 1}));
  engine::EvidenceRun rest(again, std::move(earlier), {.repeats = 4});
  const engine::Evidence same = rest.run();
  EXPECT_EQ(same.log_z, found.log_z);
  EXPECT_EQ(same.repeats, found.repeats);
  EXPECT_EQ(bytes_of(folder_ / "estimate" / "evidence.json"), same.json);
  EXPECT_THAT(error_of([&] { engine::EvidenceRun(composite, {.repeats = 1}); }).what(),
              HasSubstr("repeats must be >= 2, got 1"));
}

TEST_F(RecordedRunTest, LastWordsThatSayNothingAreNotHeard) {
  class Speaker : public engine::Observer {
   public:
    void drew(const engine::Draw& draw) override {
      if (draw.index != 3) return;
      heard = {engine::leave_last_words(nullptr, "why"), engine::leave_last_words("failed", nullptr),
               engine::leave_last_words("well", "why"), engine::leave_last_words("failed", "a crash"),
               engine::leave_last_words("failed", "again")};
    }
    std::vector<bool> heard;
  } speaker;
  Composite composite = composed(file());
  RecordedRun(composite, {.folder = path("run")}).run({.observers = {&speaker}});
  EXPECT_EQ(speaker.heard, (std::vector<bool>{false, false, false, true, false}));
  // The process lived on, and the run ended as any.
  EXPECT_THAT(bytes_of(folder_ / "run" / "run.json"), HasSubstr("\"state\": \"done\""));
}

TEST_F(RecordedRunTest, WhereNoRunIsDrawnThereAreNoLastWordsAndNoCalls) {
  EXPECT_FALSE(engine::leave_last_words("failed", "no run"));
  EXPECT_EQ(engine::plugin_call_of_this_thread().plugin, nullptr);
  EXPECT_EQ(engine::plugin_call_of_any_thread().plugin, nullptr);
}

}  // namespace
