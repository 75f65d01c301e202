// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/parts.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <cstring>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

void append(PartWriter& writer, const std::vector<std::string>& pieces) {
  std::vector<std::span<const std::byte>> spans;
  for (const std::string& piece : pieces) spans.push_back(std::as_bytes(std::span(piece)));
  writer.append(spans);
}

std::vector<std::string> records(PartReader& reader) {
  std::vector<std::string> all;
  for (auto record = reader.next(); !record.empty(); record = reader.next()) {
    all.emplace_back(reinterpret_cast<const char*>(record.data()), record.size());
  }
  return all;
}

TEST(PartsTest, ReadsBackRecordsOverSeveralParts) {
  const Scratch scratch;
  std::vector<std::string> expected;
  {
    PartWriter writer(scratch / "draws", "{\"a\":1}", 200);
    for (int i = 0; i < 20; ++i) {
      const std::string text(static_cast<size_t>(8 + 8 * (i % 5)), static_cast<char>('a' + i));
      append(writer, {text.substr(0, 3), "", text.substr(3)});
      expected.push_back(text);
    }
  }
  EXPECT_TRUE(std::filesystem::exists(scratch / "draws/0003.part"));
  PartReader reader(scratch / "draws");
  EXPECT_EQ(reader.header(), "{\"a\":1} ");
  EXPECT_EQ(records(reader), expected);
  EXPECT_EQ(reader.lost(), "");
  EXPECT_TRUE(reader.next().empty());
}

TEST(PartsTest, GoesOnBehindAnyRecordAsIfNothingHadFollowed) {
  const auto text = [](int i) { return std::string(static_cast<size_t>(8 + 8 * (i % 5)), static_cast<char>('a' + i)); };
  for (int kept = 0; kept <= 20; ++kept) {
    const Scratch scratch;
    std::vector<std::string> expected;
    {
      PartWriter writer(scratch / "draws", "{\"a\":1}", 200);
      for (int i = 0; i < 20; ++i) append(writer, {text(i)});
    }
    {
      PartWriter writer(scratch / "draws", int64_t{kept}, 200);
      for (int i = 0; i < 7; ++i) append(writer, {text(i + 3)});
      writer.sync();
    }
    for (int i = 0; i < kept; ++i) expected.push_back(text(i));
    for (int i = 0; i < 7; ++i) expected.push_back(text(i + 3));
    PartReader reader(scratch / "draws");
    EXPECT_EQ(reader.header(), "{\"a\":1} ");
    EXPECT_EQ(records(reader), expected) << kept;
    EXPECT_EQ(reader.lost(), "");
  }
}

TEST(PartsTest, DoesNotGoOnBehindMoreRecordsThanThereAre) {
  const Scratch scratch;
  {
    PartWriter writer(scratch / "draws", "h");
    append(writer, {"abcdefgh"});
  }
  EXPECT_THAT([&] { PartWriter(scratch / "draws", int64_t{2}); },
              ThrowsMessage<FileError>(HasSubstr("must have 2 draws to go on from, got 1. Start the run anew")));
  PartReader reader(scratch / "draws");
  EXPECT_EQ(records(reader).size(), 1u);
}

// docs/draws-format.md: a record is its length, the CRC-32 of the payload, that of these 12 bytes, and the payload.
TEST(PartsTest, ChecksumsAreThoseOfZlib) {
  const Scratch scratch;
  std::string payload(100003, ' ');
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * i % 251);
  PartWriter writer(scratch / "draws", "12345678");
  append(writer, {payload.substr(0, 5), "", payload.substr(5, 4096), payload.substr(4101)});
  writer.finish();
  payload.append(5, '\0');
  const std::string file = bytes_of_file(scratch / "draws/0000.part");
  const std::string record = file.substr(32);  // start 24 + header 8
  ASSERT_EQ(record.substr(16), payload);
  const auto word = [](const std::string& bytes, size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  const auto crc = [](const std::string& bytes) {
    return crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  };
  EXPECT_EQ(word(record, 8), crc(payload));
  EXPECT_EQ(word(record, 12), crc(record.substr(0, 12)));
  EXPECT_EQ(word(file, 20), crc("12345678"));
}

TEST(PartsTest, PadsRecordsWithZeros) {
  const Scratch scratch;
  PartWriter writer(scratch / "draws", "h");
  append(writer, {"abc"});
  writer.finish();
  PartReader reader(scratch / "draws");
  EXPECT_EQ(records(reader), std::vector<std::string>{std::string("abc\0\0\0\0\0", 8)});
}

TEST(PartsTest, ReadsWhatIsWholeOfEveryTruncation) {
  const Scratch scratch;
  {
    PartWriter writer(scratch / "a", "header!!");
    append(writer, {"11111111"});
    append(writer, {"22222222"});
  }
  const std::string whole = bytes_of_file(scratch / "a/0000.part");
  ASSERT_EQ(whole.size(), 32u + 2 * 24);  // start 24 + header 8; each record 16 + 8
  std::filesystem::create_directory(scratch / "b");
  for (size_t length = 0; length <= whole.size(); ++length) {
    scratch.file("b/0000.part", whole.substr(0, length));
    if (length < 32) {
      EXPECT_THROW(PartReader(scratch / "b"), FileError) << length;
      continue;
    }
    PartReader reader(scratch / "b");
    EXPECT_EQ(records(reader).size(), (length - 32) / 24) << length;
    EXPECT_EQ(reader.lost().empty(), (length - 32) % 24 == 0) << length;
  }
}

TEST(PartsTest, ReadsNothingThatWasChanged) {
  const Scratch scratch;
  {
    PartWriter writer(scratch / "a", "header!!");
    append(writer, {"11111111"});
    append(writer, {"22222222"});
  }
  const std::string whole = bytes_of_file(scratch / "a/0000.part");
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      scratch.file("a/0000.part", changed);
      if (at < 32) {
        EXPECT_THROW(PartReader(scratch / "a"), FileError) << at;
        continue;
      }
      PartReader reader(scratch / "a");
      EXPECT_EQ(records(reader).size(), at < 32 + 24 ? 0u : 1u) << at;
      EXPECT_NE(reader.lost(), "") << at;
    }
  }
}

TEST(PartsTest, SaysWhatWasLost) {
  const Scratch scratch;
  {
    PartWriter writer(scratch / "a", "header!!");
    append(writer, {"11111111"});
  }
  const std::string whole = bytes_of_file(scratch / "a/0000.part");
  const std::string name = (scratch / "a/0000.part").string();
  scratch.file("a/0000.part", whole.substr(0, whole.size() - 3));
  PartReader torn(scratch / "a");
  EXPECT_TRUE(torn.next().empty());
  EXPECT_EQ(torn.lost(), name + ": the last record is torn: 5 of its 8 bytes are there");
  scratch.file("a/0000.part", whole.substr(0, 40));
  PartReader start(scratch / "a");
  EXPECT_TRUE(start.next().empty());
  EXPECT_EQ(start.lost(), name + ": the last record is torn: 8 bytes of its start are there");
}

TEST(PartsTest, StopsAtAPartOfAnotherRun) {
  const Scratch scratch;
  {
    PartWriter first(scratch / "a", "one");
    append(first, {"11111111"});
    PartWriter second(scratch / "b", "two", 48);  // one record a part
    append(second, {"22222222"});
    append(second, {"33333333"});
  }
  std::filesystem::copy(scratch / "b/0001.part", scratch / "a/0001.part");
  PartReader reader(scratch / "a");
  EXPECT_EQ(records(reader).size(), 1u);
  EXPECT_EQ(reader.lost(),
            (scratch / "a/0001.part").string() + ": the header must be that of 0000.part, got another one");
}

TEST(PartsTest, RefusesAFolderThatHasDraws) {
  const Scratch scratch;
  { PartWriter writer(scratch / "a", "one"); }
  EXPECT_THAT([&] { PartWriter(scratch / "a", "two"); },
              ThrowsMessage<FileError>((scratch / "a").string() +
                                       ": must have no draws yet, got 0000.part. Choose another output folder"));
  EXPECT_THAT([&] { PartReader(scratch / "b"); },
              ThrowsMessage<FileError>((scratch / "b").string() +
                                       ": must be a folder with 0000.part, got none. Name the folder of a run"));
  scratch.file("c", "a file");
  EXPECT_THAT([&] { PartWriter(scratch / "c", "x"); },
              ThrowsMessage<FileError>(HasSubstr("c: must be a folder that can be made, got ")));
}

}  // namespace
}  // namespace potluck
