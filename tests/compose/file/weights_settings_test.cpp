// SPDX-License-Identifier: Apache-2.0
// Settings that a leaf takes from the metadata of its weights, and the sampler that a composition takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compose/experts/weights_metadata.h"
#include "compose/file/kept_sampler.h"
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

constexpr const char* kSampler =
    R"({"method":"mala","step_size":"auto","metric":"identity","warmup":30,"anneal":{"noise":{"from":4.0},"levels":9,)"
    R"("steps":2,"spacing":"karras","predictor":true,"step_size":0.25}})";

/// An expert that reads a level of noise, called `level` here.
class KeptSamplerTest : public WeightsSettingsTest {
 protected:
  static std::string text_of(const std::string& sample, const std::string& given = "{of: level, value: 0.5}") {
    return "variables: {x: {shape: [2]}, level: {}}\ntarget: {model: noisy, weights: w.safetensors, inputs: {x: x, "
           "noise: level}}\ngiven: [" +
           given + "]\n" + sample;
  }
  Composition composition(const std::string& sample, const Overrides& overrides = {}) {
    return read_composition(folder_.write("scene.yaml", text_of(sample)), overrides, models_);
  }
  /// What is complained of with this sampler in the weights.
  std::string complaint_with(const std::string& sampler) {
    write_weights({{"potluck.sample", sampler}});
    return complaint(folder_, text_of(""));
  }
};

TEST_F(KeptSamplerTest, IsTakenWhereTheFileIsSilentAndKeptAgain) {
  write_weights({{"potluck.sample", kSampler}});
  for (const char* silent : {"", "sample:\n", "sample: {chains: 7}\n"}) {
    const Composition found = composition(silent);
    EXPECT_EQ(sampler_text(found), "sample: from the weights " + (folder_ / "w.safetensors").string()) << silent;
    EXPECT_EQ(found.sample.warmup, 30);
    EXPECT_EQ(found.sample.anneal.given.at(0).variable, 1);
    EXPECT_EQ(found.sample.anneal.given.at(0).from, 4);
    EXPECT_EQ(found.sample.anneal.step_size, 0.25);
    EXPECT_EQ(found.sample.anneal.spacing, Spacing::kKarras);
    EXPECT_TRUE(found.sample.anneal.predictor && found.sample.anneal.noisy_given);
    EXPECT_EQ(sampler_to_keep(found, std::get<Leaf>(found.target->kind)), kSampler);
    EXPECT_THAT(found.resolved, testing::HasSubstr("anneal: {level: {from: 4.0}, levels: 9"));
  }
}

TEST_F(KeptSamplerTest, YieldsToWhatTheFileSays) {
  write_weights({{"potluck.sample", kSampler}});
  EXPECT_EQ(composition("sample: {warmup: 33}\n").sample.warmup, 33);
  for (const char* own : {"sample: {method: mala}\n", "sample: {anneal: {level: {from: 2}, levels: 3}}\n",
                          "sample: {cooling: {from: 2, steps: 3}}\n"}) {
    const Composition found = composition(own);
    EXPECT_EQ(sampler_text(found), "") << own;
    EXPECT_EQ(found.sample.warmup, 500) << own;
    EXPECT_TRUE(sampler_to_keep(found, std::get<Leaf>(found.target->kind))) << own;
  }
  Overrides method;
  method.set = {{"sample.method", "langevin"}};
  EXPECT_EQ(sampler_text(composition("", method)), "");
  // At points nothing is sampled.
  Overrides at;
  at.at = {{"level"}};
  EXPECT_EQ(sampler_text(composition("", at)), "");
  // Neither blocks nor a section that is silent are kept.
  write_weights({});
  const Composition silent = composition("sample: {chains: 3}\n");
  EXPECT_EQ(sampler_to_keep(silent, std::get<Leaf>(silent.target->kind)), std::nullopt);
  const Composition blocks = composition("sample: {blocks: [[x]]}\n");
  EXPECT_EQ(sampler_to_keep(blocks, std::get<Leaf>(blocks.target->kind)), std::nullopt);
}

TEST_F(KeptSamplerTest, ThatIsNoneIsRefusedAtTheWeights) {
  const std::string must =
      "scene.yaml:2:33: w.safetensors: its metadata 'potluck.sample' must be a JSON object of method, the method's "
      "options, warmup and anneal, got ";
  const std::string then = ". Train the model again, or remove the metadata";
  EXPECT_EQ(complaint_with("mala"), must + "'mala'" + then);
  EXPECT_EQ(complaint_with(R"({"warmup": 3})"), must + "no method" + then);
  EXPECT_EQ(complaint_with(R"({"method": "mala", "chains": 3})"), must + "'chains' too" + then);
  EXPECT_EQ(complaint_with(R"({"method": "mala", "anneal": 3})"), must + "another anneal" + then);
  EXPECT_EQ(complaint_with(R"({"method": "mala", "anneal": {"heat": {"from": 3}, "levels": 2}})"),
            must + "an anneal of 'heat', which is no input of the model" + then);
  // What does not fit is told as if it stood in the file, with the place where it stands.
  EXPECT_EQ(complaint_with(R"({"method": "mala", "warmup": -1})"),
            "w.safetensors (potluck.sample): sample.warmup must be >= 0, got -1");
  EXPECT_THAT(
      complaint_with(R"({"method": "mala", "anneal": {"noise": {"from": 0.25}, "levels": 2, "predictor": true}})"),
      testing::StartsWith("w.safetensors (potluck.sample): sample.anneal.level.from must be above the given "
                          "value"));
}

TEST_F(KeptSamplerTest, IsLeftWhereNothingIsGivenThatItMoves) {
  write_weights({{"potluck.sample", kSampler}});
  const Composition found = read_composition(folder_.write("scene.yaml", text_of("", "")), {}, models_);
  EXPECT_EQ(sampler_text(found), "");
  EXPECT_THAT(
      found.warnings,
      ElementsAre("sample: w.safetensors keeps a sampler that moves the input 'noise', and here that is 'level', "
                  "which is not one given number. Bind it to a variable of one number that is given, or write "
                  "how chains move: sample: {method: mala}"));
}

}  // namespace
}  // namespace potluck
