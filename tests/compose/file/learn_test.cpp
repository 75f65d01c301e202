// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "compose/file/file.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

/// The section `learn` of a composition. Its data are not looked at.
class LearnTest : public testing::Test {
 protected:
  static std::string scene(const std::string& learn) {
    return "variables: {x: {shape: [2]}}\ntarget: {model: gaussian, inputs: x}\n"
           "learn:\n  data: {x: {file: x.npy}}\n" +
           learn;
  }
  LearnSettings read(const std::string& learn) {
    return *read_composition(folder_.write("scene.yaml", scene(learn)), {}, models_).learn;
  }
  std::string wrong(const std::string& learn) { return complaint(folder_, scene(learn)); }

  ScratchFolder folder_;
  TableOfModels models_;
};

TEST_F(LearnTest, WordsMeanWhatTheySay) {
  using Decay = LearningRate::Decay;
  for (const auto& [word, decay] :
       {std::pair{"cosine", Decay::kCosine}, std::pair{"linear", Decay::kLinear}, std::pair{"none", Decay::kNone}})
    EXPECT_EQ(read(std::string("  until: {updates: 5}\n  decay: ") + word).phases[0].trainer.rate.decay, decay) << word;
  using Kind = OptimiserChoice::Kind;
  for (const auto& [word, kind] : {std::pair{"adam", Kind::kAdam}, std::pair{"adamw", Kind::kAdamW},
                                   std::pair{"sgd", Kind::kSgd}, std::pair{"rmsprop", Kind::kRmsprop}})
    EXPECT_EQ(read(std::string("  until: {updates: 5}\n  optimiser: ") + word).phases[0].optimiser.kind, kind) << word;
  EXPECT_EQ(read("  until: {updates: 5}\n").phases[0].trainer.rate.decay, Decay::kCosine);
}

TEST_F(LearnTest, PhasesTakeWhatTheyLeaveOutFromTheSection) {
  const LearnSettings learn = read(
      "  rate: 0.5\n  batch: 7\n  phases:\n    - {until: {updates: 5}}\n    - {until: {time: 2min}, rate: 0.25}\n");
  ASSERT_EQ(learn.phases.size(), 2u);
  EXPECT_EQ(learn.phases[0].trainer.rate.rate, 0.5);
  EXPECT_EQ(learn.phases[0].trainer.budget.updates, 5);
  EXPECT_EQ(learn.phases[1].trainer.rate.rate, 0.25);
  EXPECT_EQ(learn.phases[1].trainer.batch, 7);
  EXPECT_EQ(learn.phases[1].trainer.budget.seconds, 120);
}

TEST_F(LearnTest, MistakesAreToldAtTheirPlaces) {
  EXPECT_EQ(wrong("  rate: 0.5\n"),
            "scene.yaml:4:3: learn must say when the training ends, got nothing. Add until: {time: 10min} or until: "
            "{updates: 10000}");
  EXPECT_EQ(wrong("  until: {time: soon}\n"),
            "scene.yaml:5:17: learn.until.time must be a time > 0 such as 90s, 10min, 2h or 1d, got 'soon'");
  EXPECT_EQ(wrong("  until: {updates: 5}\n  rate: 0\n"), "scene.yaml:6:9: learn.rate must be finite and > 0, got 0");
  EXPECT_EQ(wrong("  until: {updates: 5}\n  phases: []\n"),
            "scene.yaml:6:11: learn.phases must be a list of maps, got a list");
  EXPECT_EQ(wrong("  until: {updates: 5}\n  noise: {least: 2, most: 1}\n"),
            "scene.yaml:6:10: learn.noise.least must be <= learn.noise.most, got 2 and 1");
}

TEST_F(LearnTest, WeightsThatAreNotThereAreMadeByATraining) {
  const std::string text =
      "variables: {x: {shape: [2]}}\ntarget: {model: gaussian, weights: w.safetensors, inputs: x}\n"
      "learn: {data: {x: {file: x.npy}}, until: {updates: 5}}\n";
  EXPECT_EQ(
      complaint(folder_, text),
      "scene.yaml:2:36: target.weights must be a file that is there, got 'w.safetensors'. `potluck train` of this "
      "file makes it");
}

}  // namespace
}  // namespace potluck
