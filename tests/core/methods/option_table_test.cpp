// SPDX-License-Identifier: Apache-2.0
#include "core/methods/option_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "core/methods/hmc.h"
#include "core/methods/method.h"
#include "core/methods/parallel_tempering.h"

namespace potluck {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

enum class Colour { kRed, kBlue };

struct Options {
  std::optional<double> length = std::nullopt;
  double share = 0.5;
  int64_t count = 3;
  bool loud = false;
  Colour colour = Colour::kBlue;
};

SettingDescription share(const std::string& name = "share") {
  return {.name = name, .kind = SettingKind::kReal, .preset = "0.5", .least = 0, .most = 1};
}

BoundOption<Options> colour(const std::string& preset = "blue") {
  // Declared in another order than the enum's.
  return choice_option(&Options::colour, {.name = "colour", .preset = preset},
                       {{"blue", Colour::kBlue}, {"red", Colour::kRed}});
}

OptionTable<Options> table() {
  return OptionTable<Options>(
      {colour(), option(&Options::share, share()),
       option(&Options::loud, {.name = "loud", .kind = SettingKind::kBool, .preset = "false"}),
       option(&Options::length, {.name = "length", .preset = "auto", .least = kPositive, .choices = {"auto"}}),
       option(&Options::count, {.name = "count", .kind = SettingKind::kInteger, .preset = "3", .least = 1})});
}

TEST(OptionTableTest, BringsEveryValueToItsField) {
  const std::vector<std::string> words = {"red", "0.25", "true", "1.5", "7"};
  const std::vector<SettingDescription> declared = table().declared();
  std::vector<SettingValue> values;
  for (size_t i = 0; i < declared.size(); ++i) values.push_back(parse_setting(declared[i], {words[i]}, "x"));
  const Options read = table().read(values);
  EXPECT_EQ(read.colour, Colour::kRed);
  EXPECT_EQ(read.share, 0.25);
  EXPECT_TRUE(read.loud);
  EXPECT_EQ(read.length, 1.5);
  EXPECT_EQ(read.count, 7);
}

TEST(OptionTableTest, ReadsAutoAsNone) {
  std::vector<SettingValue> values;
  for (const SettingDescription& one : table().declared()) values.push_back(preset_value(one, "x"));
  EXPECT_EQ(table().read(values).length, std::nullopt);
  values.pop_back();
  EXPECT_THROW(table().read(values), std::logic_error);
}

TEST(OptionTableTest, RefusesAFieldThatCannotHoldWhatIsDeclared) {
  EXPECT_THAT([] { option(&Options::count, share()); },
              ThrowsMessage<std::logic_error>("option 'share' of a method must have a field that holds its kind"));
  EXPECT_THROW(option(&Options::length, share()), std::logic_error);  // which has no auto
  EXPECT_THROW(option(&Options::loud, share()), std::logic_error);
}

TEST(OptionTableTest, RefusesTwoOptionsOfOneNameOrOneField) {
  EXPECT_THAT(
      [] {
        OptionTable<Options>({option(&Options::share, share()), option(&Options::share, share("other"))});
      },
      ThrowsMessage<std::logic_error>("option 'other' of a method must have a field of its own, got that of share"));
  EXPECT_THAT(
      [] {
        OptionTable<Options>({colour(), option(&Options::share, share("colour"))});
      },
      ThrowsMessage<std::logic_error>(HasSubstr("must be declared once")));
}

TEST(OptionTableTest, RefusesAPresetThatIsNotTheFieldsDefault) {
  EXPECT_THAT(
      [] { OptionTable<Options>({colour("red")}); },
      ThrowsMessage<std::logic_error>("option 'colour' of a method must have the default of its field as its preset"));
}

TEST(OptionTableTest, ChecksBoundsOfOptionsThatWereNeverWords) {
  EXPECT_EQ(table().checked({}).share, 0.5);
  EXPECT_THAT([] { table().checked({.share = 1.5}); },
              ThrowsMessage<SettingError>("sample.share must be between 0 and 1, got 1.5"));
  EXPECT_THAT([] { table().checked({.length = 0}); }, ThrowsMessage<SettingError>("sample.length must be > 0, got 0"));
  EXPECT_THAT([] { Hmc({.max_leapfrogs = 0}); },
              ThrowsMessage<SettingError>("sample.max_leapfrogs must be between 1 and 1000, got 0"));
  EXPECT_THROW(Hmc({.step_size = 0.1, .metric = Metric::kDense}), SettingError);
  // A ladder's words do not have dense.
  EXPECT_THAT([] { ParallelTempering({.metric = Metric::kDense}); },
              ThrowsMessage<SettingError>("sample.metric must be one of auto, identity; got another (2)"));
}

TEST(OptionValuesTest, AreNamed) {
  const std::vector<SettingValue> values = option_values("hmc", {{"max_leapfrogs", "12"}, {"step_size", "0.2"}});
  EXPECT_EQ(option_value("hmc", values, "step_size").real.at(0), 0.2);
  EXPECT_EQ(option_value("hmc", values, "max_leapfrogs").integer.at(0), 12);
  EXPECT_EQ(Hmc::option_table().read(values).max_leapfrogs, 12);
  EXPECT_EQ(Hmc::option_table().read(values).trajectory_length, std::nullopt);
}

TEST(OptionValuesTest, OfAMisspeltNameAreRefused) {
  EXPECT_THAT(
      [] {
        option_values("mala", {{"step_sise", "1"}});
      },
      ThrowsMessage<SettingError>("sample.step_sise must be an option of mala, which has step_size, metric. Did "
                                  "you mean 'step_size'?"));
  EXPECT_THROW(option_value("mala", option_values("mala"), "swap_every"), SettingError);
}

TEST(OptionValuesTest, EveryMethodTakesItsPresets) {
  for (const MethodDescription& one : methods()) {
    SCOPED_TRACE(one.name);
    EXPECT_NO_THROW(make_method(one.name, option_values(one.name, {})));
  }
}

}  // namespace
}  // namespace potluck
