// SPDX-License-Identifier: Apache-2.0
#include "core/state_archive.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/sampling/tuning/dual_averaging.h"

namespace potluck {
namespace {

using testing::ThrowsMessage;

constexpr const char* kShort = "a saved state must be whole, got one that ends early. Start the run anew";

std::vector<std::byte> saved(auto... values) {
  StateArchive archive;
  archive(values...);
  return archive.take();
}

TEST(StateArchiveTest, HoldsLengthsAgainstTheBytesThatAreLeft) {
  // Three numbers fit 24 bytes, four do not; 2^61 of them would be 2^64 bytes, which is none.
  for (const uint64_t length : {uint64_t{4}, uint64_t{24}, uint64_t{1} << 61, ~uint64_t{0}}) {
    const auto bytes = saved(length, 1.0, 2.0, 3.0);
    StateArchive archive(bytes);
    std::vector<double> numbers;
    EXPECT_THAT([&] { archive(numbers); }, ThrowsMessage<FileError>(kShort)) << length;
  }
  const auto bytes = saved(uint64_t{3}, 1.0, 2.0, 3.0);
  StateArchive archive(bytes);
  std::vector<double> numbers;
  archive(numbers);
  EXPECT_EQ(numbers, (std::vector<double>{1, 2, 3}));
  EXPECT_TRUE(archive.at_end());
}

TEST(StateArchiveTest, AListOfListsTakesALengthEach) {
  const auto bytes = saved(uint64_t{1000}, uint64_t{0}, uint64_t{0});
  StateArchive archive(bytes);
  std::vector<std::vector<double>> lists;
  EXPECT_THAT([&] { archive(lists); }, ThrowsMessage<FileError>(kShort));
}

TEST(StateArchiveTest, AVectorWithNumbersKeepsItsLength) {
  const auto bytes = saved(std::vector<double>{1, 2});
  StateArchive archive(bytes);
  std::vector<double> three(3);
  EXPECT_THAT([&] { archive(three); },
              ThrowsMessage<FileError>("a saved state must fit its run, got other lengths. Start the run anew"));
}

TEST(StateArchiveTest, WhatWasTunedIsASize) {
  // log of the bound, of the first and of the next size, log of the mean, error, errors seen
  const auto tuned = [](double log_size, int64_t seen) {
    const auto bytes = saved(9.0, 0.0, log_size, log_size, 0.1, seen);
    StateArchive archive(bytes);
    DualAveraging(1, 2).persist(archive);
  };
  constexpr const char* kOther =
      "a saved state must fit its run, got other values of a tuned step size. Start the run anew";
  EXPECT_NO_THROW(tuned(-3, 7));
  EXPECT_THAT([&] { tuned(std::nan(""), 7); }, ThrowsMessage<FileError>(kOther));
  EXPECT_THAT([&] { tuned(1e300, 7); }, ThrowsMessage<FileError>(kOther));
  EXPECT_THAT([&] { tuned(-3, -1); }, ThrowsMessage<FileError>(kOther));
}

TEST(StateArchiveTest, AFlagIsOneOrNothing) {
  const auto bytes = saved(uint8_t{2});
  StateArchive archive(bytes);
  bool flag = false;
  EXPECT_THAT([&] { archive(flag); }, ThrowsMessage<FileError>("a saved state must fit its run, got other values of a "
                                                               "flag. Start the run anew"));
}

}  // namespace
}  // namespace potluck
