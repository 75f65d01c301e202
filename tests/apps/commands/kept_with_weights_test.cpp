// SPDX-License-Identifier: Apache-2.0
// What weights keep: the sampler that suits, and log Z.
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
using ::testing::ContainsRegex;
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

/// Two experts that are exactly normal at every level: near has the mean 0, s = 1/2 and an offset of 0.7 of the label
/// 1; far has the mean (2, 0) and s = 1. With V = sigma^2 + (1 + 1e-6) s^2, log Z = log(2 pi V) less the offset.
class KeptLogZTest : public KeptWithWeightsTest {
 protected:
  void SetUp() override {
    make_normal("near", 0, kNearScale, kOffset);
    make_normal("far", kFarMean, 1, 0);
    write("both.yaml",
          "variables: {x: {shape: [2]}, noise: {}, label: {categories: 3}}\n"
          "energies:\n"
          "  near: {model: mlp_energy, weights: near.safetensors, inputs: {x: x, noise: noise, label: "
          "label}}\n"
          "  far: {model: mlp_energy, weights: far.safetensors, inputs: {x: x, noise: noise, label: "
          "label}}\n"
          "  both: {mixture: [{energy: near, weight: 3}, far]}\n"
          "target: both\n"
          "given: [{of: noise, value: 0.5}, {of: label, value: 1}]\n"
          "sample: {method: mala, chains: 1024, warmup: 100, steps: 200, thin: 200}\n");
  }

  void make_normal(const std::string& name, float mean, float scale, float offset) {
    train(name, "");
    Safetensors weights = read_safetensors(path(name + ".safetensors"));
    weights.arrays.at("last_weight") = Array::of({2}, std::vector<float>{0, 0});
    weights.arrays.at("data_mean") = Array::of({2}, std::vector<float>{mean, 0});
    weights.arrays.at("data_scale") = Array::of({1}, std::vector<float>{scale});
    std::vector<float> offsets(16, 0);
    offsets[2 * 4] = offset;  // of none, label 0, label 1, ...; of 1, c, c^2, c^3
    weights.arrays.at("label_offset") = Array::of({4, 4}, offsets);
    write_safetensors(path(name + ".safetensors"), weights);
  }

  CommandResult keep(const std::string& name, const std::vector<std::string>& more = {},
                     const std::string& particles = "256") {
    std::vector<std::string> words = {"evidence", "both.yaml",   "--set",   "target=" + name, "--along", "noise=10",
                                      "--keep",   "--particles", particles, "--threads",      "1",       "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return potluck(words);
  }

  Json kept(const std::string& name) const {
    return Json::parse(read_safetensors(path(name + ".safetensors")).metadata.at("potluck.log_z"));
  }

  static double variance(double scale, double noise) { return noise * noise + scale * scale * (1 + 1e-6); }
  static double log_z(double scale, double noise, double offset) {
    return std::log(2 * M_PI * variance(scale, noise)) - offset;
  }
  /// P(x_0 > 1) of the mixture, of which the branches have these weights.
  static double share_beyond_1(double near, double far) {
    const auto beyond = [](double mean, double of) { return std::erfc((1 - mean) / std::sqrt(2 * of)) / 2; };
    return (near * beyond(0, variance(kNearScale, 0.5)) + far * beyond(kFarMean, variance(1, 0.5))) / (near + far);
  }
  /// Of the chains, where they ended; each an independent draw.
  double share_drawn(const std::string& run) const {
    const std::vector<double> x = read_safetensors(path(run) / "state.safetensors").arrays.at("x").as_doubles();
    double beyond = 0;
    for (size_t i = 0; i < x.size(); i += 2) beyond += x[i] > 1 ? 1 : 0;
    return beyond / (static_cast<double>(x.size()) / 2);
  }
  static double error_of_share(double share) { return std::sqrt(share * (1 - share) / 1024); }

  static constexpr float kNearScale = 0.5F, kOffset = 0.7F, kFarMean = 2;
};

TEST_F(KeptLogZTest, IsAskedForWhereItIsMissing) {
  const CommandResult refused = potluck({"check", "both.yaml"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("the normaliser of branch 1 of mixture 'both' must be known, got none: model "
                                     "'mlp_energy' does not say it"));
  EXPECT_THAT(refused.err,
              ContainsRegex("; near\\.safetensors keeps no estimate of it: `potluck evidence .*both\\.yaml --set "
                            "target=near --along noise=FROM --keep` adds it\\. Write log_z: NUMBER or log_z: estimate "
                            "in the branch, or unnormalised: true in the mixture"));
}

TEST_F(KeptLogZTest, IsLeftInTheWeightsAndChangesNothingElseThere) {
  const std::string before = read("near.safetensors");
  const CommandResult result = keep("near");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\nlog Z is kept in " + path("near.safetensors").string() + "\n"));
  const Json all = kept("near");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("given"), Json::parse(R"({"noise": 0.5, "label": 1.0})"));
  EXPECT_EQ(all[0].at("along"), Json::parse(R"({"noise": 10.0})"));
  EXPECT_EQ(all[0].at("particles"), 256);
  EXPECT_EQ(all[0].at("repeats"), 8);
  EXPECT_EQ(all[0].at("seed"), 1);
  const double error = all[0].at("standard_error");
  EXPECT_LT(error, 0.07);
  EXPECT_NEAR(all[0].at("value").get<double>(), log_z(kNearScale, 0.5, kOffset), 12.7 * error);
  // Twin: another level is another number.
  EXPECT_GT(std::abs(all[0].at("value").get<double>() - log_z(kNearScale, 1, kOffset)), 12.7 * error);
  const std::string after = read("near.safetensors");
  const auto numbers = [](const std::string& file) {
    uint64_t length = 0;
    std::copy_n(file.data(), sizeof length, reinterpret_cast<char*>(&length));
    return file.substr(sizeof length + length);
  };
  EXPECT_TRUE(numbers(before) == numbers(after));
  // Another level is kept beside it, and the same one in its place.
  ASSERT_EQ(keep("near", {"--given", "noise=2"}).exit_code, 0);
  ASSERT_EQ(keep("near", {"--seed", "5"}).exit_code, 0);
  const Json three = kept("near");
  ASSERT_EQ(three.size(), 2u);
  EXPECT_EQ(three[0].at("given").at("noise"), 2.0);
  EXPECT_EQ(three[1].at("seed"), 5);
}

TEST_F(KeptLogZTest, GivesABranchItsShareOfTheMass) {
  ASSERT_EQ(keep("near").exit_code, 0);
  ASSERT_EQ(keep("far").exit_code, 0);
  const std::string explained = potluck({"explain", "both.yaml"}).out;
  EXPECT_THAT(explained, ContainsRegex("mixture 'both': log Z of 'near' is 0\\.[34].* \\+- .*\\(an estimate that "
                                       "near\\.safetensors keeps, at label = 1, noise = 0\\.5\\)"));
  const CommandResult drawn = potluck({"sample", "both.yaml", "--output", "run", "--threads", "1", "--quiet"});
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  const Json used = read_json("run/run.json").at("log_z");
  ASSERT_EQ(used.size(), 2u);
  EXPECT_EQ(used[0].at("branch"), "near");
  EXPECT_EQ(used[0].at("from"), "weights near.safetensors");
  EXPECT_EQ(used[0].at("value"), kept("near")[0].at("value"));
  EXPECT_EQ(used[0].at("standard_error"), kept("near")[0].at("standard_error"));
  const double exact = share_beyond_1(3, 1);
  EXPECT_NEAR(share_drawn("run"), exact, 6 * error_of_share(exact));
  // Twin: with log Z of the level 5 in their place, the shares are those of other weights, and the check sees it.
  write("other.yaml", [&] {
    std::string text = read("both.yaml");
    const std::string branches = "{energy: near, weight: 3}, far";
    text.replace(text.find(branches), branches.size(),
                 fmt::format("{{energy: near, weight: 3, log_z: {}}}, {{energy: far, log_z: {}}}",
                             log_z(kNearScale, 5, kOffset), log_z(1, 5, 0)));
    return text;
  }());
  const CommandResult other = potluck({"sample", "other.yaml", "--output", "other", "--threads", "1", "--quiet"});
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_GT(std::abs(share_drawn("other") - exact), 6 * error_of_share(exact));
}

TEST_F(KeptLogZTest, IsUsedForTheSameArraysLevelAndLabelOnly) {
  ASSERT_EQ(keep("near", {}, "32").exit_code, 0);
  ASSERT_EQ(keep("far", {}, "32").exit_code, 0);
  ASSERT_EQ(potluck({"check", "both.yaml"}).exit_code, 0);
  EXPECT_THAT(potluck({"check", "both.yaml", "--given", "noise=2"}).err,
              HasSubstr("near.safetensors keeps it at label = 1, noise = 0.5, not at label = 1, noise = 2: `potluck "));
  EXPECT_THAT(
      potluck({"check", "both.yaml", "--given", "label=0"}).err,
      HasSubstr("near.safetensors keeps it at label = 1, noise = 0.5, not at label = 0, noise = 0.5: `potluck "));
  Safetensors weights = read_safetensors(path("far.safetensors"));
  weights.arrays.at("data_scale") = Array::of({1}, std::vector<float>{1.25F});
  write_safetensors(path("far.safetensors"), weights);
  const std::string edited = potluck({"check", "both.yaml"}).err;
  EXPECT_THAT(edited, HasSubstr("far.safetensors keeps it of other arrays or settings: `potluck evidence "));
  EXPECT_THAT(edited, Not(HasSubstr("near.safetensors keeps")));
  weights.metadata["potluck.log_z"] = "[{}]";
  write_safetensors(path("far.safetensors"), weights);
  EXPECT_THAT(potluck({"check", "both.yaml"}).err,
              HasSubstr("far.safetensors (potluck.log_z): [0] must have the key 'given', got none of that name"));
}

TEST_F(KeptLogZTest, IsKeptOfWholeExpertsOnly) {
  const auto refused = [&](const std::string& name, const std::vector<std::string>& more) {
    const CommandResult result = keep(name, more);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    return result.err;
  };
  EXPECT_THAT(refused("{product: [near, far]}", {}),
              HasSubstr("keep must be of a target that is one expert with weights, got a product. Name such an expert: "
                        "--set target=NAME"));
  EXPECT_THAT(refused("near", {"--set", "sample.temperature=2"}),
              HasSubstr("keep must be at T = 1, got 2. Estimate with --set sample.temperature=1"));
  EXPECT_FALSE(read_safetensors(path("near.safetensors")).metadata.contains("potluck.log_z"));
}

}  // namespace
}  // namespace potluck::testing
