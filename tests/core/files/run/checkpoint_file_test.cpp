// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/checkpoint_file.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "core/error.h"
#include "core/files/formats/sha256.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

TEST(CheckpointFileTest, ReadsBackTheLastOne) {
  const Scratch scratch;
  EXPECT_FALSE(has_checkpoint(scratch / "run"));
  std::filesystem::create_directories(scratch / "run");
  write_checkpoint(scratch / "run", {{"seed", 1}}, 3, bytes_of("first"));
  write_checkpoint(scratch / "run", {{"seed", 2}}, 4, bytes_of("second"));
  EXPECT_TRUE(has_checkpoint(scratch / "run"));
  const Checkpoint read = read_checkpoint(scratch / "run");
  EXPECT_EQ(read.belongs, nlohmann::json({{"seed", 2}}));
  EXPECT_EQ(read.draws, 4);
  EXPECT_EQ(read.state, bytes_of("second"));
  // Nothing else is left in its folder.
  const std::filesystem::directory_iterator folder(scratch / "run" / "checkpoint");
  EXPECT_EQ(std::distance(begin(folder), end(folder)), 1);
}

TEST(CheckpointFileTest, EveryByteIsCovered) {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "run");
  write_checkpoint(scratch / "run", {{"seed", 1}}, 3, bytes_of("some state"));
  const std::filesystem::path file = scratch / "run" / "checkpoint" / "latest";
  std::ifstream stream(file, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    std::ofstream(file, std::ios::binary) << bad;
    EXPECT_THROW(read_checkpoint(scratch / "run"), FileError) << i;
    std::ofstream(file, std::ios::binary) << good.substr(0, i);
    EXPECT_THROW(read_checkpoint(scratch / "run"), FileError) << i;
  }
}

/// A checkpoint whose SHA-256 is right, whatever it says.
std::string signed_checkpoint(const std::string& header, uint32_t header_bytes, const std::string& state) {
  const std::string text = "POTLUCKC" + raw(uint32_t{1}) + raw(header_bytes) + header + state;
  return text + sha256_of_text(text);
}

TEST(CheckpointFileTest, LengthsAreHeldAgainstTheFileEvenWhereItsDigestIsRight) {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "run" / "checkpoint");
  const std::filesystem::path file = scratch / "run" / "checkpoint" / "latest";
  const auto expect = [&](const std::string& bytes, const std::string& text) {
    std::ofstream(file, std::ios::binary) << bytes;
    EXPECT_THAT([&] { read_checkpoint(scratch / "run"); },
                ThrowsMessage<FileError>(HasSubstr(file.string() + ": " + text)));
  };
  const auto with = [](const std::string& header) {
    return signed_checkpoint(header, static_cast<uint32_t>(header.size()), "abcd");
  };
  std::ofstream(file, std::ios::binary) << with(R"({"belongs":{},"draws":3,"state_bytes":4})");
  EXPECT_EQ(read_checkpoint(scratch / "run").state, bytes_of("abcd"));
  expect(signed_checkpoint("{}", 0xffffffff, ""), "the header must have 4294967295 bytes, got 2");
  expect(with(R"({"belongs":{},"draws":3,"state_bytes":5})"), "the state must have 5 bytes, got 4");
  expect(with(R"({"belongs":{},"draws":3,"state_bytes":3})"), "the state must have 3 bytes, got 4");
  expect(with(R"({"belongs":{},"draws":-3,"state_bytes":4})"), "the header: draws must be a whole number >= 0, got -3");
  expect(with(R"({"belongs":{},"state_bytes":4})"), "the header: must have the key 'draws', got none of that name");
  expect(with("{"), "the header: must be JSON, got an error: ");
}

TEST(CheckpointFileTest, InMemoryItHasTheBytesOfTheFile) {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "run");
  write_checkpoint(scratch / "run", {{"seed", 1}}, 3, bytes_of("state"));
  std::ifstream stream(scratch / "run" / "checkpoint" / "latest", std::ios::binary);
  const std::string there((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const std::string bytes = checkpoint_bytes({{"seed", 1}}, 3, bytes_of("state"));
  EXPECT_EQ(bytes, there);
  const Checkpoint read = checkpoint_of_bytes(bytes, "it", "Begin anew");
  EXPECT_EQ(read.draws, 3);
  EXPECT_EQ(read.state, bytes_of("state"));
  EXPECT_THAT([&] { checkpoint_of_bytes(bytes + "x", "it", "Begin anew"); },
              ThrowsMessage<FileError>("it: the checkpoint must agree with its SHA-256, got another one. Begin anew"));
}

TEST(CheckpointFileTest, KeepsNamesThatAreNotUtf8) {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "run");
  const nlohmann::json belongs = {{"files", {{"/caf\xe9/a.npy", "0f"}}}};
  write_checkpoint(scratch / "run", belongs, 0, {});
  EXPECT_EQ(read_checkpoint(scratch / "run").belongs, belongs);
}

TEST(CheckpointFileTest, SaysHowARunLeavesOne) {
  const Scratch scratch;
  EXPECT_THAT(
      [&] { read_checkpoint(scratch / "run"); },
      ThrowsMessage<FileError>(HasSubstr("a run must have a checkpoint to be resumed, got none. A run writes one where "
                                         "it ends or is interrupted, and every N steps with --checkpoint-every N")));
}

}  // namespace
}  // namespace potluck
