// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/event_file.h"

#include "core/error.h"
#include "core/files/formats/png.h"
#include "tests/core/files/scratch.h"
#include "tests/core/python.h"

namespace potluck {
namespace {

EventImage image_in(const Scratch& scratch) {
  write_png(scratch / "picture.png", 2, 3, 1, std::vector<uint8_t>{0, 50, 100, 150, 200, 250});
  return {"samples/image", 2, 3, bytes_of_file(scratch / "picture.png")};
}

void add_some(EventFile& events, int64_t step, const std::vector<EventImage>& images) {
  events.add(step, 1.7e9 + static_cast<double>(step), {{"loss", 1.0 / static_cast<double>(step)}, {"rate", 0.25}},
             images);
}

void check(const Scratch& scratch) {
  run_python("files/check_events.py", "'" + scratch.folder().string() + "'", scratch / "log.txt");
}

TEST(EventFileTest, IsReadByTensorBoardWithItsScalarsAndPictures) {
  const Scratch scratch;
  EventFile events(scratch.folder(), 0);
  add_some(events, 100, {});
  add_some(events, 200, {image_in(scratch)});
  add_some(events, 70'000'000'000, {});
  check(scratch);
}

TEST(EventFileTest, GoesOnBehindItsCheckpoint) {
  const Scratch scratch;
  EventFile cut(scratch.folder(), 0);
  add_some(cut, 100, {});
  const int64_t length = cut.length();
  add_some(cut, 150, {});  // lost
  EventFile events(scratch.folder(), length);
  EXPECT_EQ(events.path(), cut.path());
  add_some(events, 200, {image_in(scratch)});
  add_some(events, 70'000'000'000, {});
  EXPECT_EQ(std::filesystem::file_size(events.path()), static_cast<uintmax_t>(events.length()));
  check(scratch);
}

TEST(EventFileTest, BeginsAnewInPlaceOfAnOlderOne) {
  const Scratch scratch;
  add_some(*std::make_unique<EventFile>(scratch.folder(), 0), 100, {});
  EventFile events(scratch.folder(), 0);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.folder()))
    files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 1);
  EXPECT_EQ(std::filesystem::file_size(events.path()), static_cast<uintmax_t>(events.length()));
}

}  // namespace
}  // namespace potluck
