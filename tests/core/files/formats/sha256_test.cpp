// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/sha256.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"

namespace potluck {
namespace {

// FIPS 180-4's example values.
TEST(Sha256Test, GivesThePublishedDigests) {
  EXPECT_EQ(sha256_of_text(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of_text("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_of_text(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, DoesNotDependOnHowTheBytesAreCut) {
  const std::string text(300, 'q');
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 digest;
    digest.update(text.data(), cut);
    digest.update(text.data() + cut, text.size() - cut);
    ASSERT_EQ(digest.hex(), sha256_of_text(text)) << cut;
  }
}

TEST(Sha256Test, ReadsAFile) {
  const std::string name = testing::TempDir() + "sha256_test.bin";
  std::ofstream(name, std::ios::binary) << std::string(200000, 'b');
  EXPECT_EQ(sha256_of_file(name), sha256_of_text(std::string(200000, 'b')));
}

TEST(Sha256Test, SaysThatAFileIsMissing) {
  EXPECT_THAT([] { sha256_of_file("/nowhere/x.so"); },
              testing::ThrowsMessage<FileError>("/nowhere/x.so: must be a file that can be read, got nothing there. "
                                                "Check its name and permissions"));
  EXPECT_THROW(sha256_of_file("/"), FileError);
}

}  // namespace
}  // namespace potluck
