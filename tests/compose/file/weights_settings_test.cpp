// SPDX-License-Identifier: Apache-2.0
// Settings that a leaf takes from the metadata of its weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compose/experts/weights_metadata.h"
#include "core/files/formats/safetensors.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

using testing::ElementsAre;

class WeightsSettingsTest : public testing::Test {
 protected:
  void write_weights(const std::map<std::string, std::string>& metadata) {
    Safetensors weights;
    weights.arrays["mean"] = Array::of({2}, std::vector<float>{1, 2});
    weights.metadata = metadata;
    write_safetensors(folder_ / "w.safetensors", weights);
  }
  static std::string text(const std::string& settings, const std::string& model) {
    return "variables: {x: {shape: [2]}}\ntarget: {model: " + model + ", weights: w.safetensors" + settings +
           ", inputs: x}\n";
  }
  Leaf leaf(const std::string& settings = "") {
    const Composition composition =
        read_composition(folder_.write("scene.yaml", text(settings, "gaussian")), {}, models_);
    return std::get<Leaf>(composition.target->kind);
  }
  std::string complaint_of(const std::string& settings = "", const std::string& model = "gaussian") {
    return complaint(folder_, text(settings, model));
  }

  ScratchFolder folder_;
  TableOfModels models_;
};

constexpr const char* kSettings = R"({"scale": "0.25", "covariance": "diagonal", "mean": ["1", "2"]})";

TEST_F(WeightsSettingsTest, AreTakenWhereTheFileLeavesThemOut) {
  write_weights({{"potluck.model", "gaussian"}, {"potluck.settings", kSettings}});
  const Leaf found = leaf();
  EXPECT_EQ(found.settings[0].real[0], 0.25);
  EXPECT_EQ(found.settings[1].integer[0], 1);
  EXPECT_THAT(found.settings[2].real, ElementsAre(1, 2));
  // What the weights do not say has its preset; and the same value may be said again, however it is written.
  write_weights({{"potluck.settings", R"({"scale": "0.25"})"}});
  EXPECT_EQ(leaf().settings[1].integer[0], 0);
  EXPECT_EQ(leaf(", settings: {scale: 1/4}").settings[0].real[0], 0.25);
}

TEST_F(WeightsSettingsTest, AreReadAsTheyAreWritten) {
  write_weights({{"potluck.settings", kSettings}});
  const Leaf first = leaf();
  const auto metadata = weights_metadata(first);
  EXPECT_EQ(metadata.at("potluck.model"), "gaussian");
  EXPECT_EQ(metadata.at("potluck.settings"), R"({"covariance":"diagonal","mean":["1","2"],"scale":"0.25"})");
  write_weights(metadata);
  const Leaf again = leaf();
  for (size_t i = 0; i < first.settings.size(); ++i) {
    EXPECT_EQ(again.settings[i].integer, first.settings[i].integer);
    EXPECT_EQ(again.settings[i].real, first.settings[i].real);
  }
}

TEST_F(WeightsSettingsTest, FilesWithoutThemAreReadAsEver) {
  write_weights({{"format", "pt"}});
  EXPECT_EQ(leaf(", settings: {scale: 3}").settings[0].real[0], 3);
  EXPECT_EQ(read_weights_metadata({}).model, std::nullopt);
}

TEST_F(WeightsSettingsTest, ThatContradictTheFileAreRefusedWithBothValues) {
  write_weights({{"potluck.model", "gaussian"}, {"potluck.settings", kSettings}});
  EXPECT_EQ(
      complaint_of(", settings: {scale: 3, mean: [1, 3]}"),
      "scene.yaml:2:69: target.settings.scale must be 0.25, as w.safetensors says, got 3. Leave it out, or use other "
      "weights\n"
      "scene.yaml:2:78: target.settings.mean must be [1, 2], as w.safetensors says, got [1, 3]. Leave it out, or use "
      "other weights");
  EXPECT_EQ(complaint_of("", "acme.smoothness"),
            "scene.yaml:2:17: target.model must be 'gaussian', whose weights w.safetensors has, got 'acme.smoothness'. "
            "Name that model, or other weights");
}

TEST_F(WeightsSettingsTest, ThatAreNoneAreRefusedAtTheWeights) {
  const auto complaint_with = [this](const std::string& settings) {
    write_weights({{"potluck.settings", settings}});
    return complaint_of();
  };
  EXPECT_EQ(complaint_with(R"({"sclae": "1"})"),
            "scene.yaml:2:36: target.weights must have settings of model 'gaussian' in their metadata, got 'sclae' in "
            "w.safetensors. Known: scale, covariance, mean");
  EXPECT_EQ(complaint_with(R"({"scale": "-1"})"),
            "scene.yaml:2:36: target.settings.scale in w.safetensors must be >= 0, got -1");
  const std::string
      must =
          "scene.yaml:2:36: target.weights: w.safetensors: its metadata 'potluck.settings' must be a JSON "
          "object of texts and lists of texts, got ",
      then = ". Train the model again, or remove the metadata";
  EXPECT_EQ(complaint_with("scale = 1"), must + "'scale = 1'" + then);
  EXPECT_EQ(complaint_with("[1]"), must + "[1]" + then);
  EXPECT_EQ(complaint_with(R"({"scale": 1})"), must + "1" + then);
}

}  // namespace
}  // namespace potluck
