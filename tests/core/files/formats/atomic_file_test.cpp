// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/atomic_file.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::ThrowsMessage;

size_t files_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(AtomicFileTest, AppearsAtCommitAndLeavesNothingElse) {
  const Scratch scratch;
  AtomicFile file(scratch / "a");
  file.write("ab", 2);
  EXPECT_FALSE(std::filesystem::exists(scratch / "a"));
  file.write("c", 1);
  file.commit();
  EXPECT_EQ(bytes_of_file(scratch / "a"), "abc");
  EXPECT_EQ(files_in(scratch.folder()), 1u);
}

TEST(AtomicFileTest, WithoutACommitTheFormerFileStays) {
  const Scratch scratch;
  write_whole_file(scratch / "a", "before");
  {
    AtomicFile file(scratch / "a");
    file.write("after", 5);
  }
  EXPECT_EQ(bytes_of_file(scratch / "a"), "before");
  EXPECT_EQ(files_in(scratch.folder()), 1u);
}

TEST(AtomicFileTest, TakesWhatALibraryWroteUnderTheTemporaryName) {
  const Scratch scratch;
  AtomicFile file(scratch / "a");
  std::filesystem::remove(file.temporary());
  std::ofstream(file.temporary()) << "other";
  file.commit();
  EXPECT_EQ(bytes_of_file(scratch / "a"), "other");
}

TEST(AtomicFileTest, SaysThatTheFolderIsMissing) {
  EXPECT_THAT([] { write_whole_file("/nowhere/a.json", "{}"); },
              ThrowsMessage<FileError>("/nowhere/a.json: must be a file that can be written, got 'No such file or "
                                       "directory'. Check that its folder is there and may be written"));
}

TEST(AtomicFileTest, SaysThatAFolderStandsUnderTheName) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "a");
  EXPECT_THAT(
      [&] { write_whole_file(scratch / "a", "x"); },
      ThrowsMessage<FileError>((scratch / "a").string() +
                               ": must be a file that can be written, got 'Is a directory'. Remove what stands there"));
  EXPECT_EQ(files_in(scratch.folder()), 1u);
}

}  // namespace
}  // namespace potluck
