// SPDX-License-Identifier: Apache-2.0
// Labels that are not given, from the file to the report.
#include <cmath>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LabelsCommandTest : public CommandTest {
 protected:
  /// Two numbers near -1, 0 or 1, by a label of prior masses .2, .5 and .3.
  void write_scene(const std::string& rest) const {
    write("scene.yaml",
          "variables: {image: {shape: [2]}, label: {categories: 3}}\n"
          "target: {model: class_gaussian, settings: {mean: [-1, -1, 0, 0, 1, 1], variance: 2, log_prior: "
          "[-1.6094379124341003, -0.6931471805599453, -1.2039728043259361]}, inputs: {image: image, label: label}}\n" +
              rest);
  }
  /// The row of a label in summary.json.
  nlohmann::json label(const std::string& run, size_t k) {
    const nlohmann::json summary = read_json(run + "/summary.json");
    for (const nlohmann::json& variable : summary.at("variables"))
      if (variable.at("name") == "label") return variable.at("scalars").at(k);
    return {};
  }
};

TEST_F(LabelsCommandTest, ARunDrawsThemAndSaysHowOftenEachCame) {
  write_scene("sample: {chains: 64, warmup: 100, steps: 500, seed: 3}\n");
  EXPECT_THAT(potluck({"explain", "scene.yaml"}).out, HasSubstr("a sweep: gibbs on label, then mala on image"));
  const CommandResult result = potluck({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("sweep of gibbs + mala at step size "), HasSubstr("Block label: gibbs.\n"),
                                HasSubstr("Block image: mala at step size ")));
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("blocks").at(0).at("method"), "gibbs");
  EXPECT_FALSE(record.at("blocks").at(0).contains("step_size"));
  EXPECT_EQ(record.at("wanted_acceptance"), 0.574);  // of mala alone
  const double prior[] = {0.2, 0.5, 0.3};
  for (size_t k = 0; k < 3; ++k) {
    const nlohmann::json row = label("run", k);
    EXPECT_EQ(row.at("name"), "label = " + std::to_string(k));
    EXPECT_LT(std::abs(row.at("mean").get<double>() - prior[k]), 6 * row.at("mcse_mean").get<double>()) << k;
    EXPECT_LT(row.at("mcse_mean").get<double>(), 0.02);
  }
}

TEST_F(LabelsCommandTest, AloneTheyNeedNoMethod) {
  write_scene("given: [{of: image, value: [0.5, 0.2]}]\nsample: {chains: 64, warmup: 0, steps: 500, seed: 3}\n");
  const CommandResult result = potluck({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("500 steps of sweep of gibbs, acceptance 1.00"), HasSubstr("Usable: "),
                                Not(HasSubstr("larger"))));
  EXPECT_TRUE(read_json("run/run.json").at("wanted_acceptance").is_null());
  // exp(-|x - m|^2 / 4) of each class: |x - m|^2 = 3.69, .29 and .89.
  double weight[] = {0.2 * std::exp(-3.69 / 4), 0.5 * std::exp(-0.29 / 4), 0.3 * std::exp(-0.89 / 4)};
  for (size_t k = 0; k < 3; ++k) {
    const nlohmann::json row = label("run", k);
    const double expected = weight[k] / (weight[0] + weight[1] + weight[2]);
    EXPECT_LT(std::abs(row.at("mean").get<double>() - expected), 6 * row.at("mcse_mean").get<double>()) << k;
  }
}

TEST_F(LabelsCommandTest, ARunThatGoesOnDrawsThemAsIfItHadNotEnded) {
  write_scene("sample: {chains: 10, warmup: 40, steps: 60, seed: 3}\n");
  ASSERT_EQ(potluck({"sample", "scene.yaml", "--output", "whole"}).exit_code, 0);
  ASSERT_EQ(potluck({"sample", "scene.yaml", "--output", "run", "--set", "sample.steps=20"}).exit_code, 0);
  ASSERT_EQ(potluck({"sample", "--resume", "run", "--set", "sample.steps=60"}).exit_code, 0);
  EXPECT_EQ(records("run"), records("whole"));
  // Positions that a run left are a start, labels and all.
  EXPECT_EQ(potluck({"sample", "scene.yaml", "--output", "again", "--set", "sample.start=run/state.safetensors"})
                .err.find("error"),
            std::string::npos);
  EXPECT_THAT(potluck({"sample", "scene.yaml", "--output", "third", "--set", "sample.start=run/state.safetensors",
                       "--set", "variables.label.categories=2", "--set", "target.settings={mean: [-1, -1, 0, 0]}"})
                  .err,
              HasSubstr("sample.start: chain 5: label must be a label 0 ... 1, got 2 ("));
}

TEST_F(LabelsCommandTest, EvidenceIsOfNumbersAlone) {
  write_scene("");
  const CommandResult result = potluck({"evidence", "scene.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("annealing: categorical variable 'label' must be given, got labels that are free: "
                                    "annealing moves numbers alone. Give it a label: --given label=0"));
}

}  // namespace
}  // namespace potluck::testing
