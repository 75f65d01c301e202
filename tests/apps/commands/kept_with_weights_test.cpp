// SPDX-License-Identifier: Apache-2.0
// What weights keep: the sampler that suits.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/files/formats/npy.h"
#include "core/files/formats/safetensors.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class KeptWithWeightsTest : public CommandTest {
 protected:
  KeptWithWeightsTest() {
    std::vector<float> points;
    for (int i = 0; i < kRows; ++i) {
      points.push_back(static_cast<float>(3 + std::cos(2.4 * i)));
      points.push_back(static_cast<float>(std::sin(2.4 * i)));
    }
    write_npy(path("x.npy"), Array::of({kRows, 2}, points));
  }

  /// Of an expert of its own, in NAME.safetensors. @param sample  a line, or none
  void train(const std::string& name, const std::string& sample) {
    write("train.yaml", fmt::format("variables: {{x: {{shape: [2]}}, sigma: {{}}, label: {{categories: 3}}}}\n"
                                    "energies: {{e: {{model: mlp_energy, weights: {}.safetensors, settings: {{hidden: "
                                    "[2]}}, inputs: {{x: x, noise: sigma, label: label}}}}}}\n"
                                    "target: e\n"
                                    "given: [{{of: sigma, value: 0.5}}, {{of: label, value: 1}}]\n"
                                    "learn: {{data: {{x: {{file: x.npy}}}}, hold_out: 8, batch: 16, report_every: 2, "
                                    "until: {{updates: 3}}}}\n{}",
                                    name, sample));
    const CommandResult result =
        potluck({"train", "train.yaml", "--threads", "1", "--output", "training", "--overwrite"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  static constexpr int kRows = 40;
};

constexpr const char* kSample =
    "sample: {method: langevin, step_size: 0.03, warmup: 30, chains: 16, steps: 20, anneal: {sigma: {from: 4}, levels: "
    "9, steps: 2, spacing: karras, predictor: true}}\n";

/// Another composition of the same weights, which calls the noise otherwise.
std::string composition(const std::string& sample, const std::string& noise = "level") {
  return "variables: {x: {shape: [2]}, level: {}}\n"
         "energies: {e: {model: mlp_energy, weights: e.safetensors, inputs: {x: x, noise: " +
         noise + ", label: 2}}, wide: {model: gaussian, inputs: x}}\n" + "target: {product: [e, wide" +
         std::string(noise == "level" ? "" : ", {model: gaussian, inputs: level}") + "]}\n" +
         (noise == "level" ? "given: [{of: level, value: 0.25}]\n" : "") + sample;
}

TEST_F(KeptWithWeightsTest, ATrainingKeepsItselfAndTheSamplerThatSuits) {
  train("e", kSample);
  const auto metadata = read_safetensors(path("e.safetensors")).metadata;
  EXPECT_EQ(metadata.at("potluck.sample"),
            R"({"method":"langevin","step_size":0.03,"warmup":30,"anneal":{"noise":{"from":4.0},)"
            R"("levels":9,"steps":2,"spacing":"karras","predictor":true,"step_size":"auto"}})");
  const Json learn = Json::parse(metadata.at("potluck.learn"));
  EXPECT_EQ(learn.at("phases").at(0).at("objective"), "denoising_score_matching");
  // Half of the squares of cos and sin about their means: s is about .7, and the noise is cut at 40 s.
  const double scale = learn.at("data").at("scale");
  EXPECT_NEAR(scale, std::sqrt(0.5), 0.05);
  EXPECT_NEAR(learn.at("data").at("mean").get<double>(), 1.5, 0.1);
  EXPECT_NEAR(learn.at("phases").at(0).at("noise").at("most").get<double>(), 40 * scale, 1e-9);
  EXPECT_EQ(learn.at("updates"), 3);
  EXPECT_EQ(learn.at("seed"), 1);
  EXPECT_GT(learn.at("held_out_loss").get<double>(), 0);
  EXPECT_TRUE(learn.contains("version"));
}

TEST_F(KeptWithWeightsTest, WhatTheFileDoesNotSayIsNotKept) {
  for (const char* sample :
       {"", "sample: {chains: 16, steps: 20}\n", "sample: {blocks: [{variables: [x], method: mala}], steps: 20}\n"}) {
    filesystem::remove(path("e.safetensors"));
    train("e", sample);
    EXPECT_EQ(read_safetensors(path("e.safetensors")).metadata.count("potluck.sample"), 0u) << sample;
  }
}

TEST_F(KeptWithWeightsTest, ASilentFileDrawsWithTheSamplerOfTheWeights) {
  train("e", kSample);
  const std::string said = "sample: from the weights " + path("e.safetensors").string() + "\n";
  write("written.yaml",
        composition("sample: {chains: 12, steps: 40, thin: 10, method: langevin, step_size: 0.03, warmup: 30, anneal: "
                    "{level: {from: 4}, levels: 9, steps: 2, spacing: karras, predictor: true}}\n"));
  write("silent.yaml", composition("sample: {chains: 12, steps: 40, thin: 10}\n"));
  const CommandResult written = potluck({"sample", "written.yaml", "--output", "written", "--threads", "1"});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_THAT(written.err, Not(HasSubstr("sample: from")));
  const CommandResult silent = potluck({"sample", "silent.yaml", "--output", "silent", "--threads", "1"});
  ASSERT_EQ(silent.exit_code, 0) << silent.err;
  EXPECT_THAT(silent.err, HasSubstr(said));
  EXPECT_TRUE(records("silent") == records("written"));
  // A key of the file wins, and then the draws are others.
  const CommandResult own =
      potluck({"sample", "silent.yaml", "--output", "own", "--threads", "1", "--set", "sample.warmup=31"});
  ASSERT_EQ(own.exit_code, 0) << own.err;
  EXPECT_EQ(read_json("own/run.json").at("warmup"), 31);
  EXPECT_EQ(read_json("own/run.json").at("anneal").at("level").at("from"), 4.0);
  EXPECT_FALSE(records("own") == records("written"));
  // A method of the file leaves nothing to the weights.
  const CommandResult other =
      potluck({"sample", "silent.yaml", "--output", "other", "--threads", "1", "--set", "sample.method=mala"});
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_THAT(other.err, Not(HasSubstr("sample: from")));
  EXPECT_FALSE(read_json("other/run.json").contains("anneal"));
  const std::string explained = potluck({"explain", "silent.yaml"}).out;
  EXPECT_THAT(explained, HasSubstr("  " + said));
  EXPECT_THAT(explained, HasSubstr("40 after 30 of warm-up and 18 that anneal from level = 4 with a predictor"));
}

TEST_F(KeptWithWeightsTest, AnAnnealThatHasNothingToMoveIsNotTaken) {
  train("e", kSample);
  write("literal.yaml", composition("sample: {steps: 10}\n", "0.25"));
  const std::string warning =
      "warning: sample: e.safetensors keeps a sampler that moves the input 'noise', and here that is the literal 0.25. "
      "Bind it to a variable of one number that is given, or write how chains move: sample: {method: mala}\n";
  const CommandResult result = potluck({"check", "literal.yaml"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(warning));
  EXPECT_THAT(potluck({"explain", "literal.yaml"}).out, Not(HasSubstr("sample: from")));
  EXPECT_THAT(potluck({"check", "literal.yaml", "--set", "sample.method=mala"}).out, Not(HasSubstr("keeps a sampler")));
}

TEST_F(KeptWithWeightsTest, DifferentSamplersMustBeDecidedBetween) {
  train("e", kSample);
  train("f", "sample: {method: langevin, step_size: 0.03, warmup: 30}\n");
  write("two.yaml",
        "variables: {x: {shape: [2]}, level: {}}\n"
        "energies:\n"
        "  e: {model: mlp_energy, weights: e.safetensors, inputs: {x: x, noise: level, label: 0}}\n"
        "  f: {model: mlp_energy, weights: f.safetensors, inputs: {x: x, noise: level, label: 0}}\n"
        "target: {product: [e, f]}\n"
        "given: [{of: level, value: 0.25}]\n");
  const CommandResult refused = potluck({"check", "two.yaml"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.err,
            "two.yaml:1:1: sample must say how chains move where weights keep different samplers, got anneal: {level: "
            "{from: 4.0}, levels: 9, steps: 2, spacing: karras, predictor: true, step_size: auto} of e.safetensors "
            "and no anneal of f.safetensors. Write a method, and an anneal where it is wanted\n");
  EXPECT_EQ(potluck({"check", "two.yaml", "--set", "sample.method=mala"}).exit_code, 0);
  // Alike, they are taken.
  filesystem::copy_file(path("e.safetensors"), path("f.safetensors"), filesystem::copy_options::overwrite_existing);
  const CommandResult alike = potluck({"explain", "two.yaml"});
  EXPECT_EQ(alike.exit_code, 0) << alike.err;
  EXPECT_THAT(alike.out, HasSubstr("  sample: from the weights " + path("e.safetensors").string() + "\n"));
}

}  // namespace
}  // namespace potluck::testing
