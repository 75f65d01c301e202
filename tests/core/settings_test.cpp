// SPDX-License-Identifier: Apache-2.0
#include "core/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The text of the SettingError that `body` throws, or "nothing thrown".
template <typename Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const SettingError& error) {
    return error.what();
  }
  return "nothing thrown";
}

SettingDescription strength() {
  SettingDescription setting;
  setting.name = "strength";
  setting.preset = "0.5";
  setting.least = 0;
  setting.summary = "pull of each neighbour";
  return setting;
}

SettingDescription covariance() {
  SettingDescription setting;
  setting.name = "covariance";
  setting.kind = SettingKind::kChoice;
  setting.choices = {"full", "diagonal"};
  return setting;
}

std::string refusal(const SettingDescription& setting, const std::vector<std::string>& words) {
  return error_of([&] { parse_setting(setting, words, "it"); });
}

TEST(ParseNumberTest, ReadsDecimalsFractionsAndInfinities) {
  EXPECT_EQ(parse_number("0.5", "x"), 0.5);
  EXPECT_EQ(parse_number("+1e-3", "x"), 1e-3);
  EXPECT_EQ(parse_number("-inf", "x"), -kInfinity);
  EXPECT_EQ(parse_number(".inf", "x"), kInfinity);
  EXPECT_EQ(parse_number("1/255", "x"), 1.0 / 255.0);
}

TEST(ParseNumberTest, RefusesWhatIsNotEntirelyANumber) {
  for (const std::string word : {"abc", "", "1x", "nan", "1/0", "1/", "/2", "inf/2", "0x10", "+-1", " 1"}) {
    EXPECT_EQ(error_of([&] { parse_number(word, "sample.step_size"); }),
              "sample.step_size must be a number, got '" + word + "'");
  }
}

TEST(ParseSettingTest, KeepsBoundsThatAreInclusive) {
  EXPECT_THAT(parse_setting(strength(), {"0"}, "it").real, ElementsAre(0.0));
  EXPECT_EQ(error_of([] { parse_setting(strength(), {"-1"}, "energies.smooth.settings.strength"); }),
            "energies.smooth.settings.strength must be >= 0, got -1");
  SettingDescription share = strength();
  share.most = 1;
  EXPECT_EQ(refusal(share, {"1.5"}), "it must be between 0 and 1, got 1.5");
  share.least = -kInfinity;
  EXPECT_EQ(refusal(share, {"4/3"}), "it must be <= 1, got 4/3");
}

TEST(ParseSettingTest, ReadsWholeNumbersInAnyNotationAndNothingElseAsIntegers) {
  SettingDescription count;
  count.kind = SettingKind::kInteger;
  count.least = 1;
  EXPECT_THAT(parse_setting(count, {"1e3"}, "it").integer, ElementsAre(1000));
  EXPECT_THAT(parse_setting(count, {"9007199254740993"}, "it").integer, ElementsAre(9007199254740993));  // 2^53 + 1
  EXPECT_EQ(refusal(count, {"1.5"}), "it must be an integer, got '1.5'");
  EXPECT_EQ(refusal(count, {"1000000000000000000000"}),
            "it must be <= 9223372036854775807, got 1000000000000000000000");
  EXPECT_EQ(refusal(count, {"-9223372036854775809"}), "it must be >= -9223372036854775808, got -9223372036854775809");
  EXPECT_EQ(refusal(count, {"inf"}), "it must be an integer, got 'inf'");
  EXPECT_EQ(refusal(count, {"0"}), "it must be >= 1, got 0");
}

TEST(ParseSettingTest, SuggestsTheNearestChoice) {
  EXPECT_THAT(parse_setting(covariance(), {"diagonal"}, "it").integer, ElementsAre(1));
  EXPECT_EQ(refusal(covariance(), {"ful"}), "it must be one of full, diagonal; got 'ful'. Did you mean 'full'?");
  EXPECT_EQ(refusal(covariance(), {"banded"}), "it must be one of full, diagonal; got 'banded'");
}

TEST(ParseSettingTest, TakesOnlyTrueAndFalseAsBooleans) {
  SettingDescription flag;
  flag.kind = SettingKind::kBool;
  EXPECT_THAT(parse_setting(flag, {"true"}, "it").integer, ElementsAre(1));
  EXPECT_THAT(parse_setting(flag, {"false"}, "it").integer, ElementsAre(0));
  EXPECT_EQ(refusal(flag, {"yes"}), "it must be true or false, got 'yes'");
}

TEST(ParseSettingTest, NamesTheElementOfAListThatIsWrong) {
  SettingDescription list = strength();
  list.list = true;
  EXPECT_THAT(parse_setting(list, {"1", "2"}, "it").real, ElementsAre(1.0, 2.0));
  EXPECT_EQ(parse_setting(list, {}, "it").count(), 0);
  EXPECT_EQ(refusal(list, {"1", "-2"}), "it[1] must be >= 0, got -2");
  EXPECT_EQ(refusal(strength(), {"1", "2"}), "it must be one value, got 2");
}

TEST(PresetValueTest, ReadsTheDefaultOrAsksForTheSetting) {
  EXPECT_THAT(preset_value(strength(), "it").real, ElementsAre(0.5));
  SettingDescription names;
  names.kind = SettingKind::kText;
  names.preset = "";
  EXPECT_THAT(preset_value(names, "it").text, ElementsAre(""));
  names.list = true;
  EXPECT_EQ(preset_value(names, "it").count(), 0);
  names.preset = "a, b ,c";
  EXPECT_THAT(preset_value(names, "it").text, ElementsAre("a", "b", "c"));
  SettingDescription asked = strength();
  asked.preset.reset();
  EXPECT_EQ(error_of([&] { preset_value(asked, "it"); }), "it must be given: pull of each neighbour");
}

TEST(ParseNumberTest, RefusesWhatADoubleDoesNotHold) {
  for (const char* word : {"1e400", "-1e400", "1e-400", "1e308/1e-308", "1e400/2"})
    EXPECT_EQ(error_of([&] { parse_number(word, "it"); }),
              std::string("it must be a number that float64 holds, got '") + word + "'");
  EXPECT_EQ(parse_number("1e308/1e-0", "it"), 1e308);
}

TEST(DescribeRangeTest, SaysKindBoundsAndDefault) {
  EXPECT_EQ(describe_range(strength()), "real, >= 0, default 0.5");
  EXPECT_EQ(describe_range(covariance()), "one of full, diagonal; must be given");
  SettingDescription list;
  list.kind = SettingKind::kInteger;
  list.list = true;
  list.least = 1;
  list.most = 8;
  list.preset = "";
  EXPECT_EQ(describe_range(list), "list, each integer, between 1 and 8, default empty");
}

TEST(NearestNameTest, FindsSlipsAndNothingFartherAway) {
  EXPECT_EQ(nearest_name("wieght", {"inputs", "weight"}), "weight");
  EXPECT_EQ(nearest_name("Gaussian", {"quartic", "gaussian"}), "gaussian");
  EXPECT_EQ(nearest_name("acme.ising2d", {"acme.ising"}), "acme.ising");
  EXPECT_EQ(nearest_name("a", {"b", "c"}), std::nullopt);
  EXPECT_EQ(nearest_name("temperature", {"weight", "energy"}), std::nullopt);
  EXPECT_EQ(nearest_name("--out", {"--set", "--output", "--overwrite"}), "--output");
  EXPECT_EQ(nearest_name("temp", {"item", "temperature"}), "temperature");
  EXPECT_EQ(nearest_name("steps", {"step", "steps_a", "steps_b"}), "step");
}

}  // namespace
}  // namespace potluck
