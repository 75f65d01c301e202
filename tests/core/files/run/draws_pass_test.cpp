// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/draws_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files/run/arviz_netcdf.h"
#include "core/files/run/portable_state.h"
#include "core/files/run/run_pictures.h"
#include "core/files/run/summary.h"
#include "tests/core/files/example_run.h"
#include "tests/core/files/run/opened_parts.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Notes the draws that it is shown. From draw `fails_at` on it throws.
class Notes final : public DrawsConsumer {
 public:
  struct Seen {
    std::vector<int64_t> draws;
    int finished = 0;
    int alive = 0;
  };
  explicit Notes(Seen& seen, int64_t fails_at = -1) : seen_(seen), fails_at_(fails_at) { ++seen_.alive; }
  ~Notes() override { --seen_.alive; }
  void take(const Draw& draw) override {
    if (draw.index == fails_at_) throw FileError("the disk is full");
    seen_.draws.push_back(draw.index);
  }
  void finish() override { ++seen_.finished; }

 private:
  Seen& seen_;
  int64_t fails_at_;
};

DrawsPass::Make notes(Notes::Seen& seen, int64_t fails_at = -1) {
  return [&seen, fails_at](const DrawsSchema&, const DrawsEnd&) { return std::make_unique<Notes>(seen, fails_at); };
}

// The end is what the writer tells, also of a run that goes on behind draws of before.
TEST(DrawsPassTest, AWriterAndAReaderKnowTheSameEnd) {
  const Scratch scratch;
  const ExampleRun run;
  run.write(scratch.folder(), 20, /*frozen_chain=*/2);
  DrawsWriter writer(scratch.folder(), run.schema, KeptDraws{7});
  EXPECT_FALSE(writer.end());
  run.append<float>(writer, 7, 2);
  run.append<float>(writer, 8, 2);
  writer.finish();
  const DrawsEnd read = find_end(scratch.folder());
  for (const DrawsEnd& end : {*writer.end(), read}) {
    EXPECT_EQ(end.draws, 9);
    EXPECT_EQ(end.steps, 90);
    EXPECT_EQ(end.frozen, (std::vector<uint8_t>{0, 0, 1, 0, 0}));
    EXPECT_EQ(end.lost, "");
  }
}

// Everything that a run leaves of its draws comes of one look at each part where their end is known, and of two where
// it has to be found.
TEST(DrawsPassTest, AllThatIsMadeOfDrawsReadsEachPartOnce) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 60);
  const DrawsEnd end = find_end(scratch.folder());
  for (const bool known : {true, false}) {
    OpenedParts opened(scratch.folder());
    DrawsSummary summary;
    DrawsPass pass(scratch.folder(), known ? std::optional(end) : std::nullopt);
    const auto& folder = scratch.folder();
    pass.add(
        [&](const auto& schema, const auto& last) { return arviz_netcdf(schema, last, folder, folder / "draws.nc"); });
    pass.add([&](const auto& schema, const auto& last) {
      return portable_state(schema, last, folder / "state.safetensors");
    });
    pass.add([&](const auto& schema, const auto& last) { return draws_summary(schema, last, folder, {}, summary); });
    pass.add([&](const auto& schema, const auto& last) {
      return pictures_of(schema, last, folder, "image", folder / "pictures");
    });
    pass.read();
    for (size_t consumer = 0; consumer < 4; ++consumer) pass.finish(consumer);
    const std::map<std::string, int> counted = opened.count();
    EXPECT_GT(counted.size(), 3u);
    for (const auto& [part, times] : counted) EXPECT_EQ(times, known ? 1 : 2) << part;
    for (const char* file : {"draws.nc", "state.safetensors", "pictures/image-sd.png"}) {
      EXPECT_TRUE(std::filesystem::exists(folder / file)) << file;
      std::filesystem::remove(folder / file);
    }
    // Of the same draws, whoever knew their end.
    EXPECT_EQ(to_json(summary), to_json(summarize_draws(folder)));
  }
}

// A file that cannot be finished takes no room while the others are made.
TEST(DrawsPassTest, AConsumerThatFailsIsGoneAndKeepsNoOtherFromItsDraws) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 10);
  Notes::Seen good, bad;
  DrawsPass pass(scratch.folder());
  const size_t failing = pass.add(notes(bad, 4)), sound = pass.add(notes(good));
  const size_t impossible =
      pass.add([](const auto&, const auto&) -> std::unique_ptr<DrawsConsumer> { throw SettingError("x", " fails"); });
  pass.read();
  EXPECT_EQ(good.draws.size(), 10u);
  EXPECT_EQ(bad.draws.size(), 4u);
  EXPECT_EQ(bad.alive, 0);
  EXPECT_EQ(good.alive, 1);
  EXPECT_THAT([&] { pass.finish(failing); }, ThrowsMessage<FileError>("the disk is full"));
  EXPECT_THAT([&] { pass.finish(impossible); }, ThrowsMessage<SettingError>("x fails"));
  pass.finish(sound);
  EXPECT_EQ(good.finished, 1);
}

// What was written and cannot be read any more, and what was written since.
TEST(DrawsPassTest, ShowsTheDrawsThatAreThereUpToTheEnd) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 10);
  const DrawsEnd there = find_end(scratch.folder());
  for (const int64_t told : {7, 10, 12}) {
    DrawsEnd end = there;
    end.draws = told;
    Notes::Seen seen;
    DrawsSummary summary;
    DrawsPass pass(scratch.folder(), end);
    const size_t note = pass.add([&](const DrawsSchema&, const DrawsEnd&) {
      seen.draws.clear();
      return std::make_unique<Notes>(seen);
    });
    const size_t sum = pass.add([&](const auto& schema, const auto& last) {
      return draws_summary(schema, last, scratch.folder(), {}, summary);
    });
    pass.read();
    pass.finish(note);
    pass.finish(sum);
    EXPECT_EQ(static_cast<int64_t>(seen.draws.size()), std::min<int64_t>(told, 10));
    EXPECT_EQ(seen.draws.front(), 0);
    EXPECT_EQ(summary.draws, std::min<int64_t>(told, 10));
    EXPECT_EQ(seen.alive, 1);
  }
}

TEST(DrawsPassTest, WhereNothingCanBeReadEveryConsumerSaysSo) {
  const Scratch scratch;
  Notes::Seen seen;
  DrawsPass pass(scratch.folder());
  const size_t first = pass.add(notes(seen)), second = pass.add(notes(seen));
  pass.read();
  for (const size_t one : {first, second})
    EXPECT_THAT([&] { pass.finish(one); }, ThrowsMessage<FileError>(HasSubstr("must be a folder with 0000.part")));
  EXPECT_EQ(seen.finished, 0);
}

}  // namespace
}  // namespace potluck
