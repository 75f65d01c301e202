// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/idx.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Three rows of [2] int16: 1 2, 3 4, 5 -6; big-endian.
std::string three_rows() {
  return std::string("\0\0\x0b\2\0\0\0\3\0\0\0\2", 12) + std::string("\0\1\0\2\0\3\0\4\0\5\xff\xfa", 12);
}

std::string gzipped(const Scratch& scratch, const std::string& bytes) {
  const std::string name = (scratch / "gzipped").string();
  gzFile file = gzopen(name.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return bytes_of_file(name);
}

TEST(IdxTest, ReadsPlainAndGzippedFiles) {
  const Scratch scratch;
  for (const std::string& bytes : {three_rows(), gzipped(scratch, three_rows())}) {
    const auto file = scratch.file("a", bytes);
    EXPECT_EQ(read_idx_header(file).shape, (std::vector<int64_t>{3, 2}));
    EXPECT_EQ(read_idx(file).as_doubles(), (std::vector<double>{1, 2, 3, 4, 5, -6}));
    for (int64_t row = 0; row < 3; ++row) {
      const Array one = read_idx_row(file, row);
      EXPECT_EQ(one.shape, (std::vector<int64_t>{2}));
      EXPECT_EQ(one.as_doubles(), read_idx(file).row(row).as_doubles());
    }
  }
}

TEST(IdxTest, ReadsFloats) {
  const Scratch scratch;
  // 1.0 as a big-endian float64 is 3ff0 0000 0000 0000.
  const auto file = scratch.file("a", std::string("\0\0\x0e\1\0\0\0\1\x3f\xf0\0\0\0\0\0\0", 16));
  EXPECT_EQ(read_idx(file).as_doubles(), std::vector<double>{1});
  EXPECT_TRUE(read_idx_row(file, 0).shape.empty());
}

TEST(IdxTest, RefusesEveryTruncation) {
  const Scratch scratch;
  for (const std::string& bytes : {three_rows(), gzipped(scratch, three_rows())}) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      const auto file = scratch.file("a", bytes.substr(0, length));
      EXPECT_THROW(read_idx(file), FileError) << length;
      // A plain file's last row needs all of it; what follows the numbers in gzip is their checksum.
      if (length + 8 < bytes.size()) {
        EXPECT_THROW(read_idx_row(file, 2), FileError) << length;
      }
    }
  }
}

TEST(IdxTest, SeesDamageInGzippedFiles) {
  const Scratch scratch;
  std::string bytes = gzipped(scratch, three_rows());
  bytes[bytes.size() - 6] ^= 1;  // the checksum
  const auto file = scratch.file("a", bytes);
  EXPECT_THAT(
      [&] { read_idx(file); },
      ThrowsMessage<FileError>(HasSubstr("must be whole gzip data, got 'incorrect data check'. Fetch the file again")));
}

TEST(IdxTest, SaysWhatIsWrong) {
  const Scratch scratch;
  const auto file = scratch.file("a", three_rows());
  EXPECT_THAT([&] { read_idx_row(file, 3); },
              ThrowsMessage<FileError>(file.string() + ": row must be >= 0 and < 3, got 3"));
  EXPECT_THROW(read_idx_row(file, -1), FileError);
  const auto longer = scratch.file("b", three_rows() + "x");
  EXPECT_THAT([&] { read_idx(longer); },
              ThrowsMessage<FileError>(longer.string() + ": the numbers must be the last, got more bytes after them"));
  EXPECT_EQ(read_idx_row(longer, 1).at(0), 3);
  const auto other = scratch.file("c", "PK\3\4abcdefgh");
  EXPECT_THAT([&] { read_idx(other); },
              ThrowsMessage<FileError>(other.string() +
                                       ": must be an IDX file (two zeros, a type, a number of dimensions >= 1), got "
                                       "bytes 50 4b 03 04"));
  EXPECT_THROW(read_idx(scratch.folder()), FileError);
  EXPECT_THROW(read_idx(scratch / "none"), FileError);
}

TEST(IdxTest, CostsNoMemoryForAHeaderThatPromisesTooMuch) {
  const Scratch scratch;
  // 2^31 x 2^20 bytes promised, none there; and lengths whose product does not fit.
  const auto file = scratch.file("a", std::string("\0\0\x08\2\x80\0\0\0\0\x10\0\0", 12));
  EXPECT_THAT([&] { read_idx(file); }, ThrowsMessage<FileError>(HasSubstr("got 0. The file is cut short")));
  EXPECT_THROW(read_idx_row(file, 5), FileError);
  const auto wider = scratch.file("b", std::string("\0\0\x08\3", 4) + std::string(12, '\xff'));
  EXPECT_THAT([&] { read_idx(wider); }, ThrowsMessage<FileError>(HasSubstr("the lengths' product must fit")));
}

}  // namespace
}  // namespace potluck
