// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
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

TEST(FacePluginsTest, AModelThatIsNotThereIsAnErrorOfPlugins) {
  engine::Plugins plugins = shipped_plugins();
  const engine::Error error = error_of([&] { plugins.model("gausian"); });
  EXPECT_EQ(error.kind(), engine::Error::Kind::kPlugin);
  EXPECT_THAT(error.what(), HasSubstr("Did you mean 'gaussian'?"));
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
