// SPDX-License-Identifier: Apache-2.0
#include "plugins/table.h"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

namespace potluck {
namespace {

using ::testing::ElementsAre;

/// A table in memory that is sound until a test changes something. Its models do nothing.
struct Table {
  Table() {
    const double infinity = std::numeric_limits<double>::infinity();
    setting = {sizeof setting, "strength", POTLUCK_REAL, "0.5", "1", 0, infinity, nullptr, "pull"};
    choice = {sizeof choice, "boundary", POTLUCK_CHOICE, "free", "1", 0, 0, choices, "at the edges"};
    image = {sizeof image, "image", POTLUCK_CONTINUOUS, POTLUCK_DRAWN, "pixels", 0, 0, 0};
    label = {sizeof label, "label", POTLUCK_CATEGORICAL, POTLUCK_PARENT, "class", 0, 0, 0};
    model.size = sizeof model;
    model.name = "acme.smoothness";
    model.inputs = inputs;
    model.settings = settings;
    model.create = [](const potluck_setup*, potluck_model**, potluck_error*) -> int { return POTLUCK_INTERNAL; };
    model.destroy = [](potluck_model*) {};
    model.facts = [](const potluck_model*, potluck_facts*, potluck_error*) -> int { return POTLUCK_INTERNAL; };
    model.evaluate = [](const potluck_model*, const potluck_call*, potluck_error*) -> int { return POTLUCK_INTERNAL; };
    plugin = {sizeof plugin, 0, "acme.smoothness", "1.2.0", "MIT", "Acme", "smooths", models};
  }

  const char* choices[3] = {"free", "periodic", nullptr};
  potluck_setting setting, choice;
  const potluck_setting* settings[3] = {&setting, &choice, nullptr};
  potluck_input image, label;
  const potluck_input* inputs[3] = {&image, &label, nullptr};
  potluck_model_kind model{}, second{};
  const potluck_model_kind* models[3] = {&model, nullptr, nullptr};
  potluck_plugin plugin{};
};

std::string reason_after(const std::function<void(Table&)>& change) {
  Table table;
  change(table);
  try {
    read_table(&table.plugin);
  } catch (const PluginError& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(TableTest, DescribesWhatItDeclares) {
  const Table table;
  const std::vector<ModelKind> kinds = read_table(&table.plugin);
  ASSERT_EQ(kinds.size(), 1u);
  EXPECT_EQ(kinds[0].name, "acme.smoothness");
  EXPECT_EQ(kinds[0].plugin_version, "1.2.0");
  EXPECT_EQ(kinds[0].table, &table.model);
  EXPECT_TRUE(kinds[0].inputs.at(1).categorical);
  EXPECT_TRUE(kinds[0].inputs.at(1).parent);
  EXPECT_THAT(kinds[0].settings.at(1).choices, ElementsAre("free", "periodic"));
  EXPECT_EQ(kinds[0].settings.at(0).least, 0);
  // Bounds say nothing of a choice: its zeros mean "not given".
  EXPECT_EQ(kinds[0].settings.at(1).least, -std::numeric_limits<double>::infinity());
}

TEST(TableTest, TakesTablesOfALaterHeaderThatGrewAtItsEnd) {
  EXPECT_EQ(reason_after([](Table& table) {
              table.plugin.size += 8;
              table.model.size += 16;
              table.image.size += 8;
              table.setting.size += 24;
            }),
            "nothing thrown");
}

TEST(TableTest, AnInputThatMayBeLeftOutSaysSoSinceMinorOne) {
  Table table;
  EXPECT_FALSE(read_table(&table.plugin)[0].inputs[1].optional);
  table.label.optional = 1;
  EXPECT_TRUE(read_table(&table.plugin)[0].inputs[1].optional);
  table.label.size = offsetof(potluck_input, optional);  // of version 1.0: what lies behind it is not its own
  EXPECT_FALSE(read_table(&table.plugin)[0].inputs[1].optional);

  EXPECT_EQ(reason_after([](Table& one) { one.label.optional = 7; }),
            "model 'acme.smoothness': input 'label': its optional must be 0 or 1, got 7");
  EXPECT_EQ(reason_after([](Table& one) { one.image.optional = 1; }),
            "model 'acme.smoothness': it must have an input that is drawn and not optional, got only optional "
            "ones. Declare one with optional = 0");
  EXPECT_EQ(reason_after([](Table& one) { one.plugin.needs_minor = 1; }), "nothing thrown");
}

TEST(TableTest, ALabelThatMayBeNoneSaysSoSinceMinorTwo) {
  Table table;
  table.label.optional = 1;
  EXPECT_FALSE(read_table(&table.plugin)[0].inputs[1].may_be_none);
  table.label.may_be_none = 1;
  EXPECT_TRUE(read_table(&table.plugin)[0].inputs[1].may_be_none);
  table.label.size = offsetof(potluck_input, may_be_none);  // of version 1.1, which ended in padding
  EXPECT_TRUE(read_table(&table.plugin)[0].inputs[1].optional);
  EXPECT_FALSE(read_table(&table.plugin)[0].inputs[1].may_be_none);

  EXPECT_EQ(reason_after([](Table& one) {
              one.label.optional = 1;
              one.label.may_be_none = 2;
            }),
            "model 'acme.smoothness': input 'label': its may_be_none must be 0 or 1, got 2");
  EXPECT_EQ(
      reason_after([](Table& one) { one.label.may_be_none = 1; }),
      "model 'acme.smoothness': input 'label': its may_be_none must be 0, since it is not an optional categorical "
      "input, got 1");
  EXPECT_EQ(
      reason_after([](Table& one) { one.image.may_be_none = 1; }),
      "model 'acme.smoothness': input 'image': its may_be_none must be 0, since it is not an optional categorical "
      "input, got 1");
  EXPECT_EQ(reason_after([](Table& one) { one.plugin.needs_minor = 2; }), "nothing thrown");
}

TEST(TableTest, TheGaussianPartIsOfMinorTwo) {
  Table table;
  EXPECT_FALSE(read_table(&table.plugin)[0].has_gaussian_part());
  table.model.gaussian_part = [](const potluck_model*, const potluck_call*, double*, double*, potluck_error*) -> int {
    return POTLUCK_UNSUPPORTED;
  };
  EXPECT_TRUE(read_table(&table.plugin)[0].has_gaussian_part());
  table.model.size = offsetof(potluck_model_kind, gaussian_part);  // of version 1.1: what lies behind is not its own
  EXPECT_FALSE(read_table(&table.plugin)[0].has_gaussian_part());
}

TEST(TableTest, MaximumLikelihoodIsOfMinorThree) {
  Table table;
  EXPECT_FALSE(read_table(&table.plugin)[0].has_statistics());
  EXPECT_FALSE(read_table(&table.plugin)[0].has_log_normaliser_gradient());
  table.model.statistics = [](const potluck_model*, int64_t*, int32_t*, potluck_error*) -> int {
    return POTLUCK_UNSUPPORTED;
  };
  table.model.add_statistics = [](const potluck_model*, const potluck_call*, int64_t, double*, potluck_error*) -> int {
    return POTLUCK_OK;
  };
  EXPECT_FALSE(read_table(&table.plugin)[0].has_statistics());  // all three, or none
  table.model.fit = [](potluck_model*, int64_t, const double*, potluck_error*) -> int { return POTLUCK_OK; };
  table.model.log_normaliser_gradient = [](const potluck_model*, const potluck_call*, const double*, void* const*,
                                           potluck_error*) -> int { return POTLUCK_OK; };
  EXPECT_TRUE(read_table(&table.plugin)[0].has_statistics());
  EXPECT_TRUE(read_table(&table.plugin)[0].has_log_normaliser_gradient());
  table.model.size = offsetof(potluck_model_kind, log_normaliser_gradient);
  EXPECT_TRUE(read_table(&table.plugin)[0].has_statistics());
  EXPECT_FALSE(read_table(&table.plugin)[0].has_log_normaliser_gradient());
  table.model.size = offsetof(potluck_model_kind, statistics);  // of version 1.2: what lies behind is not its own
  EXPECT_FALSE(read_table(&table.plugin)[0].has_statistics());
}

TEST(TableTest, RefusesStructsThatAreTooSmall) {
  EXPECT_EQ(reason_after([](Table& table) { table.plugin.size = 63; }),
            "its table must have the 64 bytes of potluck_plugin, got 63");
  EXPECT_EQ(reason_after([](Table& table) { table.plugin.size = SIZE_MAX; }),
            "its table must have a size of at most 65536 bytes, got 18446744073709551615. Set it to "
            "sizeof(potluck_plugin)");
  EXPECT_EQ(reason_after([](Table& table) { table.model.size = SIZE_MAX; }),
            "a model's table must have a size of at most 65536 bytes, got 18446744073709551615. Set it to "
            "sizeof(potluck_model_kind)");
  EXPECT_EQ(reason_after([](Table& table) { table.model.size += 64; }), "nothing thrown");  // of a newer door
  EXPECT_EQ(reason_after([](Table& table) { table.model.size = 0; }),
            "a model's table must have the 136 bytes of potluck_model_kind, got 0");
  EXPECT_EQ(reason_after([](Table& table) { table.image.size = 8; }),
            "model 'acme.smoothness': an input must have the 32 bytes of potluck_input, got 8");
  EXPECT_EQ(reason_after([](Table& table) { table.setting.size = 8; }),
            "model 'acme.smoothness': a setting must have the 72 bytes of potluck_setting, got 8");
}

TEST(TableTest, RefusesWhatIsMissing) {
  EXPECT_EQ(reason_after([](Table& table) { table.plugin.id = nullptr; }),
            "its table's id must be given, got none. Set it in the table");
  EXPECT_EQ(reason_after([](Table& table) { table.plugin.version = ""; }),
            "its table's version must be given, got none. Set it in the table");
  EXPECT_EQ(reason_after([](Table& table) { table.plugin.models = nullptr; }),
            "its table must have a model, got none. List its models, with NULL at the end");
  EXPECT_EQ(reason_after([](Table& table) { table.model.name = nullptr; }),
            "a model's name must be given, got none. Set it in the table");
  EXPECT_EQ(reason_after([](Table& table) { table.model.create = nullptr; }),
            "model 'acme.smoothness': create must be given, got a null pointer. Set it in the model's table");
  EXPECT_EQ(reason_after([](Table& table) { table.model.destroy = nullptr; }),
            "model 'acme.smoothness': destroy must be given, got a null pointer. Set it in the model's table");
  EXPECT_EQ(reason_after([](Table& table) { table.model.facts = nullptr; }),
            "model 'acme.smoothness': facts must be given, got a null pointer. Set it in the model's table");
  EXPECT_EQ(reason_after([](Table& table) { table.model.evaluate = nullptr; }),
            "model 'acme.smoothness': evaluate must be given, got a null pointer. Set it in the model's table");
  EXPECT_EQ(reason_after([](Table& table) { table.inputs[0] = nullptr; }),
            "model 'acme.smoothness': it must have an input that is drawn, got none. Declare one with the role "
            "POTLUCK_DRAWN");
  EXPECT_EQ(reason_after([](Table& table) { table.image.role = POTLUCK_PARENT; }),
            "model 'acme.smoothness': it must have an input that is drawn, got only parents. Declare one with the role "
            "POTLUCK_DRAWN");
  EXPECT_EQ(
      reason_after([](Table& table) { table.choice.choices = nullptr; }),
      "model 'acme.smoothness': setting 'boundary': its choices must be given, got none. List them, with NULL at the "
      "end");
}

TEST(TableTest, RefusesNamesThatCouldCollideOrCannotBeWritten) {
  EXPECT_EQ(reason_after([](Table& table) { table.model.name = "smoothness"; }),
            "model 'smoothness': its name must be the plugin's id, or begin with 'acme.smoothness.'");
  EXPECT_EQ(reason_after([](Table& table) { table.model.name = "acme.smoothnesses"; }),
            "model 'acme.smoothnesses': its name must be the plugin's id, or begin with 'acme.smoothness.'");
  EXPECT_EQ(reason_after([](Table& table) { table.model.name = "acme.smoothness.grid"; }), "nothing thrown");
  EXPECT_EQ(reason_after([](Table& table) { table.plugin.id = "potluck.smoothness"; }),
            "model 'acme.smoothness': the models of plugin 'potluck.smoothness' must have names without a dot");
  EXPECT_EQ(reason_after([](Table& table) {
              table.plugin.id = "potluck.smoothness";
              table.model.name = "smoothness";
            }),
            "nothing thrown");
  EXPECT_EQ(reason_after([](Table& table) { table.image.name = "my image"; }),
            "model 'acme.smoothness': an input's name must be a word of letters, digits and _, got 'my image'");
  EXPECT_EQ(reason_after([](Table& table) { table.label.name = "image"; }),
            "model 'acme.smoothness': input 'image' is declared twice");
  EXPECT_EQ(reason_after([](Table& table) { table.choice.name = "strength"; }),
            "model 'acme.smoothness': setting 'strength' is declared twice");
  EXPECT_EQ(reason_after([](Table& table) { table.models[1] = &table.model; }),
            "model 'acme.smoothness' is declared twice");
}

TEST(TableTest, RefusesKindsItDoesNotKnow) {
  EXPECT_EQ(reason_after([](Table& table) { table.image.kind = 9; }),
            "model 'acme.smoothness': input 'image': its kind must be POTLUCK_CONTINUOUS or POTLUCK_CATEGORICAL, got "
            "9");
  EXPECT_EQ(reason_after([](Table& table) { table.image.role = 0; }),
            "model 'acme.smoothness': input 'image': its role must be POTLUCK_DRAWN or POTLUCK_PARENT, got 0");
  EXPECT_EQ(reason_after([](Table& table) { table.setting.kind = 7; }),
            "model 'acme.smoothness': setting 'strength': its kind must be one of those in potluck/plugin.h, got 7");
  EXPECT_EQ(reason_after([](Table& table) { table.plugin.needs_minor = 4; }),
            "its table needs version 1.4 of the door, this Potluck has 1.3. Use a newer Potluck");
}

TEST(TableTest, RefusesPresetsAndBoundsThatContradictEachOther) {
  const std::string what = "model 'acme.smoothness': setting ";
  EXPECT_EQ(reason_after([](Table& table) { table.setting.preset = "-1"; }),
            what + "'strength': its preset must be >= 0, got -1");
  EXPECT_EQ(reason_after([](Table& table) { table.setting.preset = "strong"; }),
            what + "'strength': its preset must be a number, got 'strong'");
  EXPECT_EQ(reason_after([](Table& table) { table.choice.preset = "fre"; }),
            what + "'boundary': its preset must be one of free, periodic; got 'fre'. Did you mean 'free'?");
  EXPECT_EQ(reason_after([](Table& table) {
              table.setting.least = 1;
              table.setting.most = 0;
            }),
            what + "'strength': its least must be <= its most, got 1 and 0");
  EXPECT_EQ(reason_after([](Table& table) { table.setting.most = std::numeric_limits<double>::quiet_NaN(); }),
            what + "'strength': its least must be <= its most, got 0 and nan");
  EXPECT_EQ(
      reason_after([](Table& table) { table.setting.choices = table.choices; }),
      what + "'strength': its choices must be NULL, got 2 of them. Only a setting of kind POTLUCK_CHOICE has choices");
  EXPECT_EQ(reason_after([](Table& table) {
              table.setting.kind = POTLUCK_REAL | POTLUCK_LIST;
              table.setting.preset = "1, -1";
            }),
            what + "'strength': its preset[1] must be >= 0, got -1");
}

TEST(TableTest, ComparesEverythingThatTheNoteSays) {
  const Table table;
  PluginNote note;
  note.id = "acme.smoothness";
  note.version = "1.2.0";
  note.licence = "MIT";
  note.models = {"acme.smoothness"};
  EXPECT_NO_THROW(compare_with_note(table.plugin, note));
  const auto reason = [&table](PluginNote other) -> std::string {
    try {
      compare_with_note(table.plugin, other);
    } catch (const PluginError& error) {
      return error.what();
    }
    return "nothing thrown";
  };
  PluginNote other = note;
  other.id = "acme.rough";
  EXPECT_EQ(reason(other), "its note says id 'acme.rough', its table 'acme.smoothness'. Rebuild it");
  other = note;
  other.licence = "GPL-3.0-only";
  EXPECT_EQ(reason(other), "its note says licence 'GPL-3.0-only', its table 'MIT'. Rebuild it");
  other = note;
  other.needs_minor = 1;
  EXPECT_EQ(reason(other), "its note says needs_minor '1', its table '0'. Rebuild it");
  other = note;
  other.models.push_back("acme.smoothness.b");
  EXPECT_EQ(reason(other),
            "its note says models 'acme.smoothness,acme.smoothness.b', its table 'acme.smoothness'. Rebuild it");
}

}  // namespace
}  // namespace potluck
