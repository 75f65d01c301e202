// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/compose/engine/engines.h"

namespace engine = potluck::engine;
using testing::HasSubstr;

TEST(FacePluginsTest, ListsWhatIsFoundAndWhyItIsRefused) {
  const std::filesystem::path folder = testing::TempDir() + "/face_plugins";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "broken.potluck.so") << "no library";
  engine::Plugins plugins({.first = {{folder.string(), "mine"}, {POTLUCK_MODELS_DIR, "build"}}});
  const std::vector<engine::Plugin> found = plugins.list();
  ASSERT_GE(found.size(), 2u);
  EXPECT_EQ(found[0].found_by, "mine");
  EXPECT_FALSE(found[0].usable);
  EXPECT_THAT(found[0].reason, HasSubstr("ELF"));
  const auto gaussian =
      std::find_if(found.begin(), found.end(), [](const engine::Plugin& one) { return one.id == "potluck.gaussian"; });
  ASSERT_NE(gaussian, found.end());
  EXPECT_TRUE(gaussian->usable);
  EXPECT_EQ(gaussian->found_by, "build");
  EXPECT_EQ(gaussian->abi, 1);
  EXPECT_EQ(gaussian->models, std::vector<std::string>{"gaussian"});
  EXPECT_EQ(engine::Plugins::inspect(gaussian->file).version, gaussian->version);
}

TEST(FacePluginsTest, DescribesModels) {
  engine::Plugins plugins = shipped_plugins();
  const engine::Model model = plugins.model("class_gaussian");
  EXPECT_EQ(model.plugin_id, "potluck.class_gaussian");
  const auto label = std::find_if(model.inputs.begin(), model.inputs.end(),
                                  [](const engine::ModelInput& one) { return one.name == "label"; });
  ASSERT_NE(label, model.inputs.end());
  EXPECT_TRUE(label->categorical);
  EXPECT_FALSE(model.settings.empty());
  EXPECT_EQ(plugins.models_of("potluck.class_gaussian").size(), 1u);
  EXPECT_THAT(plugins.model_names(), testing::Contains("gaussian"));
}

TEST(FacePluginsTest, AModelOrPluginThatIsNotThereIsAWrongName) {
  engine::Plugins plugins = shipped_plugins();
  const engine::Error model = error_of([&] { plugins.model("gausian"); });
  EXPECT_EQ(model.kind(), engine::Error::Kind::kInput);
  EXPECT_STREQ(model.what(), "no model 'gausian'. Did you mean 'gaussian'?");
  ASSERT_EQ(model.faults().size(), 1u);
  EXPECT_EQ(model.faults()[0].suggestion, "gaussian");
  const engine::Error plugin = error_of([&] { plugins.models_of("potluck.gausian"); });
  EXPECT_EQ(plugin.kind(), engine::Error::Kind::kInput);
  EXPECT_EQ(plugin.faults().at(0).suggestion, "potluck.gaussian");
  EXPECT_STREQ(error_of([&] { plugins.models_of("/tmp"); }).what(),
               "a plugin must be named by its id or its file, got the folder /tmp. Name a file in it");
  EXPECT_STREQ(error_of([] { engine::Plugins({.standing = {{""}}}); }).what(),
               "standing must be a path, got an empty text");
}

TEST(FacePluginsTest, ChecksAreOfWhatAModelMayBeHeldAt) {
  engine::Plugins plugins = shipped_plugins();
  const engine::Model model = plugins.model("class_gaussian");  // inputs image and label
  const auto text = [&](const engine::CheckOptions& options) {
    return std::string(error_of([&] { engine::check_model(plugins, model, options); }).what());
  };
  EXPECT_EQ(text({.supports = {{"image", {3, 1}}}}),
            "supports.image must be two finite ends, the least first, got 3 and 1");
  EXPECT_EQ(text({.supports = {{"image", {NAN, 1}}}}),
            "supports.image must be two finite ends, the least first, got nan and 1");
  EXPECT_EQ(text({.supports = {{"label", {0, 1}}}}),
            "supports.label must be of an input of numbers, got a categorical one");
  EXPECT_EQ(text({.shapes = {{"image", {0}}}}), "shapes.image must have lengths >= 1, got 0");
  EXPECT_EQ(text({.shapes = {{"image", {-3}}}}), "shapes.image must have lengths >= 1, got -3");
  EXPECT_EQ(text({.categories = {{"image", 3}}}),
            "categories.image must be of a categorical input, got one of numbers");
  EXPECT_EQ(text({.categories = {{"label", 0}}}), "categories.label must be >= 1, got 0");
  EXPECT_EQ(text({.patience_seconds = -1}), "patience_seconds must be >= 1, got -1");
}

TEST(FaceWordsTest, NumbersAreThoseThatTheirTypesHold) {
  EXPECT_EQ(engine::parse_number("1/4", "it"), 0.25);
  EXPECT_EQ(engine::parse_number("inf", "it"), INFINITY);
  for (const char* word : {"1e400", "1e-400", "1e308/1e-308"})
    EXPECT_EQ(error_of([&] { engine::parse_number(word, "it"); }).what(),
              "it must be a number that float64 holds, got '" + std::string(word) + "'");
  EXPECT_EQ(engine::parse_integer("9223372036854775807", "it"), std::numeric_limits<int64_t>::max());
  EXPECT_STREQ(error_of([] { engine::parse_integer("9223372036854775808", "it"); }).what(),
               "it must be <= 9223372036854775807, got 9223372036854775808");
}

TEST(FacePluginsTest, PrintsSchemas) {
  engine::Plugins plugins = shipped_plugins();
  EXPECT_TRUE(nlohmann::json::parse(plugins.settings_schema("gaussian")).contains("properties"));
  EXPECT_THAT(plugins.composition_schema(), HasSubstr("class_gaussian"));
}

TEST(FaceTest, MethodsAndVersionAreKnown) {
  EXPECT_THAT(std::string(engine::version()), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  const std::vector<engine::Method> methods = engine::methods();
  const auto mala =
      std::find_if(methods.begin(), methods.end(), [](const engine::Method& one) { return one.name == "mala"; });
  ASSERT_NE(mala, methods.end());
  EXPECT_TRUE(mala->exact);
  EXPECT_EQ(mala->options[0].name, "step_size");
}
