// SPDX-License-Identifier: Apache-2.0
#include "core/state_archive.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "core/methods/ladder.h"
#include "core/sampling/run/swap_counts.h"
#include "core/sampling/tuning/dense_metric.h"
#include "core/sampling/tuning/diagonal_metric.h"
#include "core/sampling/tuning/dual_averaging.h"
#include "core/sampling/tuning/hottest_climb.h"
#include "core/sampling/tuning/trajectory_tuner.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using ::testing::ThrowsMessage;

constexpr const char* kShort = "a saved state must be whole, got one that ends early. Start the run anew";

std::vector<std::byte> saved(auto... values) {
  StateArchive archive;
  archive(values...);
  return archive.take();
}

/// What is said of bytes that `read` takes from an archive; empty: they are taken.
std::string refusal(const std::vector<std::byte>& bytes, const std::function<void(StateArchive&)>& read) {
  StateArchive archive(bytes);
  try {
    read(archive);
  } catch (const FileError& error) {
    return error.what();
  }
  EXPECT_TRUE(archive.at_end());
  return "";
}

std::string other(const std::string& what) {
  return "a saved state must fit its run, got other " + what + ". Start the run anew";
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
  EXPECT_THAT([&] { tuned(-3, INT64_MAX); }, ThrowsMessage<FileError>(kOther));
}

TEST(StateArchiveTest, ABoundOfStepSizesIsAboveTheFirst) {
  for (const double log_most : {-double{INFINITY}, -1.0, std::nan("")}) {
    const auto bytes = saved(log_most, 0.0, -3.0, -3.0, 0.1, int64_t{7});
    EXPECT_EQ(refusal(bytes, [](StateArchive& archive) { DualAveraging(1, 2).persist(archive); }),
              other("values of a tuned step size"))
        << log_most;
  }
}

TEST(StateArchiveTest, WhatWasTunedOfATrajectoryIsALength) {
  // log of the length, Adam's two means and the slopes in them, sum of logs and how many
  const auto said = [](double log_length, int64_t seen, double sum, int64_t summed) {
    return refusal(saved(log_length, 0.1, 0.2, seen, sum, summed),
                   [](StateArchive& archive) { TrajectoryTuner().persist(archive); });
  };
  const std::string refused = other("values of a tuned trajectory");
  EXPECT_EQ(said(1, 7, 0, 0), "");
  EXPECT_EQ(said(1, 7, 3, 2), "");
  EXPECT_EQ(said(std::nan(""), 7, 0, 0), refused);
  EXPECT_EQ(said(1, INT64_MAX, 0, 0), refused);
  EXPECT_EQ(said(1, 7, 3, INT64_MAX), refused);
  EXPECT_EQ(said(1, 7, std::nan(""), 0), refused);
}

TEST(StateArchiveTest, ALadderRises) {
  const auto said = [](std::vector<double> temperature, std::vector<double> step_factor, uint8_t hottest = 0) {
    return refusal(saved(temperature, step_factor, hottest), [](StateArchive& archive) {
      Ladder ladder = geometric_ladder(1, 4, 3);
      archive(ladder);
    });
  };
  EXPECT_EQ(said({1, 2, 5}, {1, 0.5, 3}, 4), "");
  for (const double no_temperature : {0.0, -2.0, 1.0, 5.0, double{INFINITY}, std::nan("")})
    EXPECT_EQ(said({1, no_temperature, 5}, {1, 1, 1}), other("temperatures of a ladder")) << no_temperature;
  for (const double no_factor : {0.0, -1.0, double{INFINITY}, std::nan("")})
    EXPECT_EQ(said({1, 2, 5}, {1, 1, no_factor}), other("step sizes of a ladder")) << no_factor;
  EXPECT_EQ(said({1, 2, 5}, {1, 1, 1}, 5), other("findings of a ladder"));
  EXPECT_EQ(said({1, 2}, {1, 1}), other("lengths"));
}

TEST(StateArchiveTest, AMethodWithoutALadderGetsNone) {
  const auto said = [](std::vector<double> temperature, std::vector<double> step_factor) {
    return refusal(saved(temperature, step_factor, uint8_t{0}), [](StateArchive& archive) {
      Ladder none;
      archive(none);
    });
  };
  EXPECT_EQ(said({}, {}), "");
  EXPECT_EQ(said({1, 2}, {1, 1}), other("temperatures of a ladder"));
  EXPECT_EQ(said({}, {1}), other("step sizes of a ladder"));
}

TEST(StateArchiveTest, AClimbHasFoundWhatItLookedFor) {
  // Of four replicas: what was found, whether they stayed, and a window that has seen nothing.
  const auto said = [](uint8_t found, int64_t least_steps) {
    return refusal(saved(found, uint8_t{0}, std::vector<double>{}, std::vector<uint8_t>{}, std::vector<int64_t>{}),
                   [&](StateArchive& archive) { HottestClimb(4, 100, least_steps).persist(archive); });
  };
  EXPECT_EQ(said(4, 50), "");
  EXPECT_EQ(said(5, 50), other("findings of a ladder"));
  EXPECT_EQ(said(0, 50), other("findings of a ladder"));
  EXPECT_EQ(said(0, 0), "");
  EXPECT_EQ(said(1, 0), other("findings of a ladder"));
}

TEST(StateArchiveTest, SwapsAreOfThePairsOfTheRun) {
  // Attempts and acceptance of pairs, round trips, draws, means and squares of the hottest replicas' energies.
  const auto said = [](std::vector<int64_t> attempts, std::vector<double> acceptance, int64_t round_trips = 0,
                       std::vector<double> mean = {}) {
    return refusal(saved(attempts, acceptance, round_trips, int64_t{3}, mean, mean),
                   [](StateArchive& archive) { SwapCounts().persist(archive, 2, 5); });
  };
  EXPECT_EQ(said({}, {}), "");
  EXPECT_EQ(said({9, 9}, {9, 0.5}, 4, {1, 2, 3, 4, 5}), "");
  EXPECT_EQ(said({9, 9}, {std::nan(""), 0.5}), "");  // of energies that are no numbers
  EXPECT_EQ(said({9, 9, 9}, {1, 1, 1}), other("numbers of pairs"));
  EXPECT_EQ(said({9, 9}, {1}), other("numbers of pairs"));
  EXPECT_EQ(said({9, 9}, {1, 1}, 0, {1}), other("numbers of pairs"));
  EXPECT_EQ(said({9, -1}, {1, 1}), other("counts of swaps"));
  EXPECT_EQ(said({9, 9}, {1, 9.5}), other("counts of swaps"));
  EXPECT_EQ(said({9, 9}, {1, -1e300}), other("counts of swaps"));
  EXPECT_EQ(said({9, 9}, {1, 1}, INT64_MAX), other("counts of swaps"));
}

TEST(StateArchiveTest, AMetricHasCountedWhatItHasSums) {
  const auto diagonal = [](int64_t count) {
    return refusal(saved(count, uint64_t{0}), [](StateArchive& archive) { DiagonalMetric().persist(archive); });
  };
  EXPECT_EQ(diagonal(0), "");
  EXPECT_EQ(diagonal(1), other("readings of a metric"));
  EXPECT_EQ(diagonal(-1), other("readings of a metric"));
  const auto dense = [](int64_t count) {
    return refusal(saved(count, std::vector<double>{1}, std::vector<double>{1}),
                   [](StateArchive& archive) { DenseMetric().persist(archive); });
  };
  EXPECT_EQ(dense(7), "");
  EXPECT_EQ(dense(INT64_MAX), other("readings of a metric"));
}

TEST(StateArchiveTest, AScaleIsPositive) {
  const std::vector<Variable> variables = {testing::line("x", 2)};
  EXPECT_TRUE(scales(variables, {}));
  EXPECT_TRUE(scales(variables, {{}}));
  EXPECT_TRUE(scales(variables, {{1, 2}}));
  EXPECT_FALSE(scales(variables, {{1}}));
  EXPECT_FALSE(scales(variables, {{1, 2}, {1}}));
  for (const double none : {0.0, -1.0, double{INFINITY}, std::nan("")}) EXPECT_FALSE(scales(variables, {{1, none}}));
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
