// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry.h"

#include <gmock/gmock.h>

#include <set>

#include "core/files/formats/sha256.h"
#include "tests/plugins/plugins_fixture.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// The files of this process's memory map whose name contains `part`.
std::set<std::string> mapped(const std::string& part) {
  std::set<std::string> files;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t slash = line.find('/');
    if (slash != std::string::npos && line.find(part, slash) != std::string::npos) files.insert(line.substr(slash));
  }
  return files;
}

using RegistryTest = PluginsTest;

TEST_F(RegistryTest, ListsWithoutOpeningAnything) {
  const std::filesystem::path file = put("crashes", "zoo.crashes.potluck.so");  // opening it would end this process
  Registry registry(open_options());
  registry.add_place(folder_, "user", true);
  const std::vector<PluginListing> all = registry.list();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].file, file);
  EXPECT_EQ(all[0].place, "user");
  EXPECT_TRUE(all[0].usable);
  EXPECT_EQ(all[0].note.id, "zoo.crashes");
  EXPECT_THAT(registry.model_names(), ElementsAre("zoo.crashes"));
  EXPECT_TRUE(mapped("zoo.crashes").empty());
}

TEST_F(RegistryTest, SearchesPlacesInTheOrderTheyWereAdded) {
  const std::filesystem::path first = put("sound", "first/it.potluck.so");
  const std::filesystem::path second = put("sound", "second/it.potluck.so");
  put("other", "second/other.potluck.so");
  Registry registry(open_options());
  registry.add_place(folder_ / "first", "--plugin", true);
  registry.add_place(folder_ / "second", "user", true);
  const std::vector<PluginListing> all = registry.list();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0].usable);
  EXPECT_FALSE(all[1].usable);
  EXPECT_EQ(all[1].reason, "hidden by " + first.string() +
                               " (--plugin), which has the id 'zoo.sound' too and comes "
                               "first");
  EXPECT_TRUE(all[2].usable);
  EXPECT_EQ(registry.model("zoo.sound").plugin_file, first.string());
  EXPECT_THAT(registry.model_names(), ElementsAre("zoo.other", "zoo.sound"));
  // By its file the second can still be had, to check it.
  EXPECT_EQ(registry.models_of(second.string()).at(0)->plugin_file, second.string());
}

TEST_F(RegistryTest, DescribesTheModelsOfAPlugin) {
  Registry registry(open_options());
  registry.add_place(zoo("sound"), "--plugin", true);
  const std::vector<const ModelKind*> kinds = registry.models_of("zoo.sound");
  ASSERT_EQ(kinds.size(), 1u);
  const ModelKind& kind = *kinds[0];
  EXPECT_EQ(kind.name, "zoo.sound");
  EXPECT_EQ(kind.plugin_id, "zoo.sound");
  EXPECT_EQ(kind.plugin_version, "1.0.0");
  EXPECT_EQ(kind.plugin_sha256, sha256_of_file(zoo("sound")));
  EXPECT_EQ(kind.plugin_torch, "none");
  EXPECT_EQ(kind.inputs.at(0).name, "position");
  EXPECT_FALSE(kind.inputs.at(0).parent);
  EXPECT_EQ(kind.settings.at(0).name, "scale");
  EXPECT_EQ(kind.settings.at(0).preset, "1");
  EXPECT_EQ(kind.setting("scale"), 0);
  EXPECT_EQ(kind.input("place"), -1);
}

TEST_F(RegistryTest, AModelOutlivesTheRegistryAndIsTheSameForAll) {
  const auto get = [this] {
    Registry registry(open_options());
    registry.add_place(zoo("sound"), "--plugin", true);
    return &registry.model("zoo.sound");
  };
  const ModelKind* const once = get();
  EXPECT_EQ(get(), once);
  EXPECT_EQ(once->name, "zoo.sound");
}

TEST_F(RegistryTest, SuggestsTheNearestModelOrPlugin) {
  Registry registry(open_options());
  EXPECT_EQ(error_of([&] { registry.model("gaussian"); }),
            "no model 'gaussian'. No plugin was found; `potluck plugins path` says where they are looked for");
  registry.add_place(zoo("sound"), "--plugin", true);
  registry.add_place(zoo("other"), "--plugin", true);
  EXPECT_EQ(error_of([&] { registry.model("zoo.sund"); }), "no model 'zoo.sund'. Did you mean 'zoo.sound'?");
  EXPECT_EQ(error_of([&] { registry.model("sound"); }), "no model 'sound'. Did you mean 'zoo.sound'?");
  EXPECT_EQ(error_of([&] { registry.model("gaussian"); }), "no model 'gaussian'. Known: zoo.other, zoo.sound");
  EXPECT_EQ(error_of([&] { registry.models_of("zoo.othr"); }), "no plugin 'zoo.othr'. Did you mean 'zoo.other'?");
}

TEST_F(RegistryTest, APlaceThatIsMissingIsAnErrorWhereItMustExist) {
  Registry registry(open_options());
  registry.add_place(folder_ / "nowhere", "user", false);
  EXPECT_TRUE(registry.list().empty());
  EXPECT_EQ(error_of([&] { registry.add_place(folder_ / "nowhere", "--plugin", true); }),
            (folder_ / "nowhere").string() + ": --plugin must name a plugin or a folder of plugins, got nothing there");
}

TEST_F(RegistryTest, TakesOnlyPluginsFromAFolderAndEachFileOnce) {
  put("sound", "it.potluck.so");
  write("readme.txt", "not a plugin");
  std::filesystem::create_symlink(folder_ / "it.potluck.so", folder_ / "link.potluck.so");
  Registry registry(open_options());
  registry.add_place(folder_, "user", true);
  registry.add_place(folder_ / "it.potluck.so", "installation", true);
  ASSERT_EQ(registry.list().size(), 1u);
  EXPECT_TRUE(registry.list()[0].usable);
}

TEST_F(RegistryTest, RefusesAFileThatChangedSinceItWasOpened) {
  const std::filesystem::path file = put("sound", "it.potluck.so");
  Registry first(open_options());
  first.add_place(file, "--plugin", true);
  first.model("zoo.sound");
  std::filesystem::remove(file);
  put("other", "it.potluck.so");
  Registry second(open_options());
  second.add_place(file, "--plugin", true);
  EXPECT_EQ(error_of([&] { second.model("zoo.other"); }),
            file.string() + ": has changed since this process opened it. Start anew");
}

TEST_F(RegistryTest, APluginThatUsesLibTorchGetsTheHostsOnlyCopy) {
  Registry registry(open_options());
  const std::filesystem::path file = zoo("torch").parent_path() / "zoo.torch.potluck.so";
  registry.add_place(file, "--plugin", true);
  EXPECT_TRUE(mapped("libtorch_cpu").empty());
  ModelSetup setup;
  setup.slots.push_back({{3}, 0, {}, {}});
  const Model model(registry.model("zoo.torch"), setup);
  EXPECT_EQ(model.kind().plugin_torch, POTLUCK_LIBTORCH_BUILD);
  const float x[6] = {1, 2, 3, 4, 5, 6};
  const void* const input[] = {x};
  double energy[2] = {0, 0};
  potluck_call call{};
  call.size = sizeof call;
  call.rows = 2;
  call.input = input;
  call.energy = energy;
  model.evaluate(call);
  EXPECT_THAT(energy, ElementsAre(6.0, 15.0));
  EXPECT_EQ(mapped("libtorch_cpu").size(), 1u);
}

}  // namespace
}  // namespace potluck
