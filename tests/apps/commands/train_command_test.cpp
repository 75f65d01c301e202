// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/files/formats/npy.h"
#include "core/files/formats/safetensors.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Words = std::vector<std::string>;

/// Small networks of points on a ring, trained for updates, so that every bit can be compared.
class TrainCommandTest : public CommandTest {
 protected:
  TrainCommandTest() {
    std::vector<float> points;
    for (int i = 0; i < kRows; ++i) {
      const double angle = 2.4 * i, radius = 1 + 0.1 * std::sin(7.0 * i);
      points.push_back(static_cast<float>(radius * std::cos(angle)));
      points.push_back(static_cast<float>(radius * std::sin(angle)));
    }
    write_npy(path("x.npy"), Array::of({kRows, 2}, points));
  }

  /// @param learn  further lines of the section, indented by two
  void write_training(const std::string& learn) const { write_scene_of(kExpert, learn); }

  /// @param expert  what stands behind `  ring: `
  void write_scene_of(const std::string& expert, const std::string& learn, const std::string& name = "scene.yaml",
                      const std::string& target = "ring") const {
    write(name,
          fmt::format("potluck: 1\n"
                      "variables: {{x: {{shape: [2], support: [-9, 9]}}, noise: {{}}, label: {{categories: 3}}}}\n"
                      "energies:\n"
                      "  ring: {}\n"
                      "  round: {{model: gaussian, inputs: x}}\n"
                      "target: {}\n"
                      "given: [{{of: noise, value: 0.1}}, {{of: label, value: 1}}]\n"
                      "learn:\n"
                      "  data: {{x: {{file: x.npy}}}}\n"
                      "  batch: 32\n"
                      "{}",
                      expert, target, learn));
  }

  /// Of one thread, where nothing else is said: the networks are small.
  static Words training(Words words) {
    words.insert(words.begin(), "train");
    if (std::find(words.begin(), words.end(), "--threads") == words.end())
      words.insert(words.end(), {"--threads", "1"});
    return words;
  }

  CommandResult train(Words words, const Words& settings = {}) {
    return potluck_with_bench(training(std::move(words)), settings);
  }

  std::unique_ptr<RunningCommand> start(Words words) { return start_with_bench(training(std::move(words))); }

  /// training.csv without the columns of time.
  std::vector<std::string> figures(const std::string& run) const {
    std::vector<std::string> lines;
    std::istringstream log(read(run + "/training.csv"));
    for (std::string line; std::getline(log, line);) {
      std::istringstream cells(line);
      std::string kept;
      int column = 0;
      for (std::string cell; std::getline(cells, cell, ','); ++column)
        if (column != kSeconds && column != kSpeed) kept += cell + ",";
      lines.push_back(kept);
    }
    return lines;
  }

  void expect_same(const std::string& run, const std::string& whole) const {
    EXPECT_EQ(figures(run), figures(whole));
    EXPECT_TRUE(read(run + "/weights/ring.safetensors") == read(whole + "/weights/ring.safetensors"));
    EXPECT_EQ(read_json(run + "/run.json").at("state"), "done");
    EXPECT_FALSE(exists(run + "/checkpoint"));
    EXPECT_TRUE(read("ring.safetensors") == read(whole + "/weights/ring.safetensors"));
  }

  /// Number `column` of a line of figures().
  static double cell(const std::string& line, int column) {
    std::istringstream cells(line);
    std::string text;
    for (int i = 0; i <= column; ++i) std::getline(cells, text, ',');
    return std::stod(text);
  }

  /// Trains to the end in `whole`, and takes the weights away.
  void train_whole(const Words& more = {}) {
    Words words = {"scene.yaml", "--output", "whole"};
    words.insert(words.end(), more.begin(), more.end());
    const CommandResult result = train(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    filesystem::remove(path("ring.safetensors"));
  }

  static constexpr int kRows = 300;
  static constexpr int kSeconds = 4, kSpeed = 8;  // columns
  static constexpr const char* kExpert =
      "{model: mlp_energy, weights: ring.safetensors, settings: {hidden: [16, 16]}, inputs: {x: x, noise: noise, "
      "label: label}}";
};

TEST_F(TrainCommandTest, LearnsAndWritesWeightsAndLog) {
  write_training(
      "  hold_out: 60\n  report_every: 25\n  rate: 0.02\n  rate_warmup: 20\n  noise: {most: 0.3}\n  until: {updates: "
      "200}\n");
  const CommandResult result = train({"scene.yaml", "--output", "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("^Trained in .*: 200 updates\\. Log and weights are in .*run\\. The weights:\n"
                                        ".*ring\\.safetensors\nHeld-out rows .*AUROC 0\\.[0-9]* ± 0\\.[0-9]*\\."));
  EXPECT_THAT(result.err, HasSubstr("update 200, epoch 26, loss 0."));
  EXPECT_THAT(result.err, ContainsRegex("held-out loss 0\\.[0-9]*, .*updates/s, .* left"));
  EXPECT_TRUE(read("ring.safetensors") == read("run/weights/ring.safetensors"));
  const Safetensors weights = read_safetensors(path("ring.safetensors"));
  EXPECT_EQ(weights.metadata.at("potluck.model"), "mlp_energy");
  const std::vector<std::string> log = figures("run");
  ASSERT_EQ(log.size(), 9u);
  EXPECT_EQ(log[0], "phase,objective,update,epoch,rate,gradient_norm,clipped,loss,held_out_loss,held_out_auroc,");
  EXPECT_THAT(log[8], StartsWith("0,denoising_score_matching,200,26,"));
  // It learns: an untrained network has the loss 1 at every level.
  EXPECT_LT(cell(log[8], 8), 0.9);
  EXPECT_GT(cell(log[1], 8), 0.9);
  bool events = false;
  for (const auto& entry : filesystem::directory_iterator(path("run")))
    events = events || entry.path().filename().string().starts_with("events.out.tfevents.");
  EXPECT_TRUE(events);
  // What was learned is sampled.
  const CommandResult drawn = sample({"scene.yaml", "--output", "drawn", "--quiet", "--set", "sample.steps=20"});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
}

TEST_F(TrainCommandTest, QuietPrintsTheWeightsAndNothingElse) {
  write_training("  until: {updates: 3}\n");
  const CommandResult result = train({"scene.yaml", "--output", "run", "--quiet"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, path("ring.safetensors").string() + "\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(TrainCommandTest, ThreadsChangeNoBit) {
  write_training("  hold_out: 60\n  report_every: 10\n  until: {updates: 20}\n");
  train_whole({"--threads", "1"});
  for (const char* threads : {"2", "3"}) {
    filesystem::remove_all(path("run"));
    filesystem::remove(path("ring.safetensors"));
    ASSERT_EQ(train({"scene.yaml", "--output", "run", "--threads", threads}).exit_code, 0);
    expect_same("run", "whole");
  }
  filesystem::remove(path("ring.safetensors"));
  ASSERT_EQ(train({"scene.yaml", "--output", "other", "--set", "learn.seed=2"}).exit_code, 0);
  EXPECT_FALSE(read("other/weights/ring.safetensors") == read("whole/weights/ring.safetensors"));
}

const std::string kTwoPhases =
    "  hold_out: 60\n"
    "  report_every: 5\n"
    "  phases:\n"
    "  - {until: {updates: 100}}\n"
    "  - {optimiser: sgd, rate: 0.001, until: {updates: 102}}\n";

TEST_F(TrainCommandTest, CtrlCIsNoLoss) {
  write_training(kTwoPhases);
  train_whole();
  EXPECT_THAT(figures("whole").back(), StartsWith("1,denoising_score_matching,102,"));
  auto running = start({"scene.yaml", "--output", "run"});
  for (const uintmax_t bytes : {300u, 2700u}) {  // in the first phase, and in the second
    ASSERT_TRUE(wait_for("run/training.csv", bytes)) << running->wait().err;
    running->send(SIGINT);
    const CommandResult cut = running->wait();
    ASSERT_EQ(cut.exit_code, 130) << cut.err;
    EXPECT_THAT(cut.out, HasSubstr("Interrupted. The weights so far:\n"));
    EXPECT_THAT(cut.out, HasSubstr("run/weights/ring.safetensors\n"));
    EXPECT_THAT(cut.err, HasSubstr("To go on from the last checkpoint: potluck train --resume "));
    EXPECT_EQ(read_json("run/run.json").at("state"), "interrupted");
    EXPECT_TRUE(exists("run/weights/ring.safetensors"));
    EXPECT_FALSE(exists("ring.safetensors"));
    running = start({"--resume", "run"});
  }
  const CommandResult result = running->wait();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_same("run", "whole");
  EXPECT_EQ(train({"--resume", "run"}).exit_code, 2);
}

TEST_F(TrainCommandTest, CtrlCAtTheVeryBeginningIsNone) {
  write_training(kTwoPhases);
  train_whole();
  auto running = start({"scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/run.json", 1));
  running->send(SIGINT);
  ASSERT_EQ(running->wait().exit_code, 130);
  ASSERT_EQ(train({"--resume", "run"}).exit_code, 0);
  expect_same("run", "whole");
}

TEST_F(TrainCommandTest, AKilledTrainingGoesOnToTheSameBits) {
  write_training(kTwoPhases);
  train_whole();
  auto running = start({"scene.yaml", "--output", "run"});
  for (const uintmax_t bytes : {700u, 2700u}) {
    ASSERT_TRUE(wait_for("run/training.csv", bytes)) << running->wait().err;
    running->send(SIGKILL);
    ASSERT_EQ(running->wait().signal, SIGKILL);
    EXPECT_EQ(read_json("run/run.json").at("state"), "running");
    running = start({"--resume", "run"});
  }
  const CommandResult result = running->wait();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_same("run", "whole");
}

TEST_F(TrainCommandTest, WeightsThatAreThereAreNotLost) {
  write_training("  until: {updates: 20}\n");
  ASSERT_EQ(train({"scene.yaml", "--output", "run"}).exit_code, 0);
  const std::string first = read("ring.safetensors");
  const CommandResult refused = train({"scene.yaml", "--output", "again"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, ContainsRegex("scene\\.yaml:4:[0-9]*: .*ring\\.safetensors must not be there yet, got the "
                                         "weights of an earlier training\\. Begin from them with --continue, or move "
                                         "them away"));
  EXPECT_TRUE(read("ring.safetensors") == first);
  EXPECT_FALSE(exists("again"));
  ASSERT_EQ(train({"scene.yaml", "--output", "again", "--continue"}).exit_code, 0);
  EXPECT_FALSE(read("ring.safetensors") == first);
}

TEST_F(TrainCommandTest, NoLevelOfNoiseIsReadWhereDataStayAsTheyAre) {
  write_training("  objective: noise_contrastive\n  noise_law: round\n  until: {updates: 20}\n");
  const CommandResult refused = train({"scene.yaml", "--output", "run"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, ContainsRegex("scene\\.yaml:[0-9]*:[0-9]*: .*the experts must read no level of noise for "
                                         "noise_contrastive, which learns the data as they are, got 'noise'\\. Leave "
                                         "that input out, or choose another objective"));
  EXPECT_FALSE(exists("ring.safetensors"));
}

TEST_F(TrainCommandTest, WeightsHaveAFolderBeforeTheTrainingBegins) {
  write_training("  until: {updates: 20}\n");
  const auto into_folder = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"scene.yaml", "--output", "run", "--set",
                                          "energies.ring.weights=learned/ring.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return train(arguments);
  };
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--continue"}}) {
    const CommandResult refused = into_folder(more);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, ContainsRegex("learned/ring\\.safetensors must be in a folder that is there, got "
                                           "[^ ]*/learned\\. Make the folder"));
    EXPECT_FALSE(exists("run"));
  }
  filesystem::create_directory(path("learned"));
  EXPECT_EQ(into_folder({}).exit_code, 0);
  EXPECT_TRUE(exists("learned/ring.safetensors"));
}

TEST_F(TrainCommandTest, AnOlderTrainingIsReplacedOnceTheNewOneIsDone) {
  write_training("  until: {updates: 20}\n");
  ASSERT_EQ(train({"scene.yaml", "--output", "run"}).exit_code, 0);
  filesystem::remove(path("ring.safetensors"));
  EXPECT_EQ(train({"scene.yaml", "--output", "run"}).exit_code, 2);
  const std::string first = read("run/weights/ring.safetensors");
  ASSERT_EQ(train({"scene.yaml", "--output", "run", "--overwrite", "--set", "learn.seed=2"}).exit_code, 0);
  EXPECT_FALSE(read("run/weights/ring.safetensors") == first);
  EXPECT_TRUE(read("run/weights/ring.safetensors") == read("ring.safetensors"));
  EXPECT_FALSE(exists(".run.potluck-new"));
}

TEST_F(TrainCommandTest, ResumesTheTrainingThatItWasAndNoOther) {
  write_training("  report_every: 10\n  until: {updates: 100000}\n");
  auto running = start({"scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/training.csv", 300)) << running->wait().err;
  running->send(SIGINT);
  ASSERT_EQ(running->wait().exit_code, 130);
  write_training("  report_every: 10\n  rate: 0.5\n  until: {updates: 100000}\n");
  const CommandResult other = train({"--resume", "run"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("learn.rate: not in the checkpoint, 0.5 now"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "interrupted");
}

// Steps of SGD of this size throw the parameters to where nothing is finite.
TEST_F(TrainCommandTest, ADivergedTrainingStopsAtTheLastGoodCheckpointWithAdvice) {
  write_training(
      "  report_every: 10\n"
      "  phases:\n"
      "  - {until: {updates: 30}}\n"
      "  - {optimiser: sgd, rate: 1e30, clip: 0, rate_warmup: 0, decay: none, until: {updates: 1000}}\n");
  const CommandResult result = train({"scene.yaml", "--output", "run"});
  EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
  EXPECT_THAT(result.err, HasSubstr("potluck: error: the loss and its gradient must be finite, got loss "));
  EXPECT_THAT(result.err,
              HasSubstr(" at rate 1e+30. Look for odd rows in the data, or lower learn.rate (it is 1e+30 in "
                        "the file). The weights of before, of update 0 of phase 2, are in "));
  EXPECT_THAT(result.err,
              HasSubstr("run/weights: to begin from them, copy them to where the composition names them and "
                        "add --continue\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("--resume")));
  EXPECT_EQ(read_json("run/run.json").at("state"), "failed");
  EXPECT_FALSE(exists("ring.safetensors"));
  // The weights are those that the first phase came to.
  write_training("  report_every: 10\n  until: {updates: 30}\n");
  ASSERT_EQ(train({"scene.yaml", "--output", "good"}).exit_code, 0);
  EXPECT_TRUE(read("run/weights/ring.safetensors") == read("good/weights/ring.safetensors"));
}

TEST_F(TrainCommandTest, ALossBeyondBoundsEndsATrainingToo) {
  // Adam moves every parameter by about the rate an update, so that the numbers stay finite for long.
  write_training(
      "  hold_out: 60\n"
      "  report_every: 5\n"
      "  optimiser: adam\n"
      "  rate: 1\n"
      "  rate_warmup: 0\n"
      "  decay: none\n"
      "  until: {updates: 1000}\n");
  const CommandResult result = train({"scene.yaml", "--output", "run"});
  EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
  EXPECT_THAT(result.err,
              ContainsRegex("the loss of held-out rows must stay below 100 times its best, [0-9.]*, got more in 3 "
                            "reports in a row, .* in "
                            "update 15 at rate 1\\. Lower learn\\.clip, or learn\\.rate \\(it is 1 in the file\\)\\. "
                            "No weights were kept yet\n"));
  EXPECT_FALSE(exists("ring.safetensors"));
}

TEST_F(TrainCommandTest, RowsThatWereLearnedByHeartAreTold) {
  std::vector<float> rows;
  uint32_t word = 1;
  for (int i = 0; i < 120 * 16; ++i) {
    word = word * 1664525u + 1013904223u;  // Numerical Recipes' generator
    rows.push_back(static_cast<float>(static_cast<double>(word) / 4294967296.0));
  }
  write_npy(path("x.npy"), Array::of({120, 16}, rows));
  const auto train_on = [&](const std::string& until) {
    write("scene.yaml",
          "potluck: 1\n"
          "variables: {x: {shape: [16]}, noise: {}}\n"
          "target: {model: mlp_energy, weights: w.safetensors, inputs: {x: x, noise: noise}}\n"
          "learn:\n"
          "  data: {x: {file: x.npy}}\n"
          "  hold_out: 80\n"
          "  batch: 40\n"
          "  rate: 0.01\n"
          "  noise: {log_mean: -2, log_sd: 0.5}\n" +
              until);
    const CommandResult result = train({"scene.yaml", "--output", "run", "--overwrite", "--continue"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  EXPECT_THAT(train_on("  until: {updates: 1}\n"), HasSubstr("Held-out rows look like training rows: AUROC 0."));
  EXPECT_THAT(train_on("  until: {updates: 100}\n"),
              ContainsRegex("Held-out rows have higher energies than training rows: AUROC (0\\.[89]|1\\.0).*\\. "
                            "Training rows were learned by heart: train for less long, or on more of them\\.\n"));
}

TEST_F(TrainCommandTest, WeightsSayWhichNoiseTheyWereLearnedAt) {
  const auto write_noise = [&](const std::string& expert) {
    write("fixed.yaml",
          "potluck: 1\nvariables: {x: {shape: [2]}}\ntarget: {model: mlp_energy, weights: w.safetensors, " + expert +
              "}\nlearn: {data: {x: {file: x.npy}}, until: {updates: 2}}\n");
  };
  const auto complaint = [&](const std::string& expert) {
    write_noise(expert);
    const CommandResult result = potluck({"check", "fixed.yaml"});
    return result.exit_code == 0 ? "" : result.err;
  };
  write_noise("settings: {hidden: [8], fixed_noise: 0.4}, inputs: x");
  ASSERT_EQ(train({"fixed.yaml", "--output", "run"}).exit_code, 0);
  EXPECT_EQ(complaint("inputs: x"), "");
  EXPECT_EQ(complaint("settings: {fixed_noise: 2/5}, inputs: x"), "");
  EXPECT_EQ(
      complaint("settings: {fixed_noise: 0.3}, inputs: x"),
      "fixed.yaml:3:77: target.settings.fixed_noise must be 0.4, as w.safetensors says, got 0.3. Leave it out, or "
      "use other weights\n");
  const std::string refused =
      "setting 'fixed_noise' must be left out where the input 'noise' is bound, got 0.4. Remove "
      "it, or leave 'noise' out\n";
  // The network knows no other noise than that.
  EXPECT_THAT(complaint("inputs: {x: x, noise: 0.2}"), StartsWith("fixed.yaml:3:38: model 'mlp_energy' "));
  EXPECT_THAT(complaint("inputs: {x: x, noise: 0.2}"), HasSubstr(refused));
  filesystem::remove(path("w.safetensors"));
  write_noise("settings: {hidden: [8], fixed_noise: 0.4}, inputs: {x: x, noise: 0.2}");
  const CommandResult begun = train({"fixed.yaml", "--output", "again"});
  EXPECT_EQ(begun.exit_code, 2);
  EXPECT_THAT(begun.err, HasSubstr("fixed.yaml:3:90: model 'mlp_energy' "));
  EXPECT_THAT(begun.err, HasSubstr(refused));
}

/// The level of the negatives is that of the section, of the noise's least where it says none: what is learned tells.
TEST_F(TrainCommandTest, NegativesHaveALevelOfTheirOwn) {
  const auto learned = [&](const std::string& noise, const std::string& of_negatives) {
    write(
        "level.yaml",
        fmt::format("potluck: 1\n"
                    "variables: {{x: {{shape: [2]}}, noise: {{}}}}\n"
                    "target: {{model: mlp_energy, weights: w.safetensors, settings: {{hidden: [8]}}, inputs: {{x: x, "
                    "noise: noise}}}}\n"
                    "learn: {{data: {{x: {{file: x.npy}}}}, objective: contrastive_divergence, noise: {{{}}}, "
                    "negatives: {{steps: 3, step_size: 0.01, start: data, buffer: 64{}}}, batch: 16, until: {{updates: "
                    "4}}}}\n",
                    noise, of_negatives));
    const CommandResult result = train({"level.yaml", "--output", "run", "--overwrite"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    Safetensors weights = read_safetensors(path("w.safetensors"));
    filesystem::remove(path("w.safetensors"));
    return weights;
  };
  const auto numbers = [](const Safetensors& weights) { return weights.arrays.at("last_weight").as_doubles(); };
  const Safetensors own = learned("least: 0.1", ", noise: 0.3");
  const nlohmann::json law = nlohmann::json::parse(own.metadata.at("potluck.learn")).at("phases").at(0).at("noise");
  EXPECT_EQ(law.at("least"), 0.3);
  EXPECT_EQ(law.at("most"), 0.3);
  EXPECT_EQ(numbers(own), numbers(learned("least: 0.3", "")));
  EXPECT_NE(numbers(own), numbers(learned("least: 0.1", "")));
}

TEST_F(TrainCommandTest, BadInputIsToldWithItsPlace) {
  const std::string until = "  until: {updates: 5}\n";
  write_npy(path("far.npy"), Array::of({2, 2}, std::vector<float>{0, 1, 2, 30}));
  write_npy(path("nan.npy"), Array::of({2, 2}, std::vector<float>{0, 1, std::nanf(""), 3}));
  write_npy(path("wide.npy"), Array::of({2, 3}, std::vector<float>(6, 1)));
  write_npy(path("alike.npy"), Array::of({4, 2}, std::vector<float>(8, 1)));
  write_npy(path("kinds.npy"), Array::of({kRows}, std::vector<int64_t>(kRows, 3)));
  Safetensors other;
  other.arrays["first_weight"] = Array::of({2}, std::vector<float>{1, 2});
  write_safetensors(path("other.safetensors"), other);
  write("torn.safetensors", "no weights");
  const std::string with = "{model: mlp_energy, weights: ";
  const std::string inputs = ", settings: {hidden: [8]}, inputs: {x: x, noise: noise, label: label}}";
  struct Case {
    std::string expert, learn;
    Words words;
    std::string text;  ///< a part of what is told, behind the name of the file
  };
  const std::vector<Case> cases = {
      {kExpert,
       until,
       {"--set", "learn.data.x.file=far.npy"},
       "learn.data.x: row 1: x[1] must be in its support [-9, 9], got 30"},
      {kExpert, until, {"--set", "learn.data.x.file=nan.npy"}, "learn.data.x: row 1: x[0] must be finite, got nan"},
      {kExpert,
       until,
       {"--set", "learn.data.x.file=wide.npy"},
       "learn.data.x must hold rows of the shape of 'x' [2], got an array [2, 3]"},
      {kExpert,
       until,
       {"--set", "learn.data.x.file=none.npy"},
       "learn.data.x.file must be a file or a folder of PNG images that is there, got 'none.npy'"},
      {kExpert,
       until,
       {"--set", "learn.data.x.file=alike.npy"},
       "training data must differ from row to row, got rows that are all alike"},
      {kExpert,
       until,
       {"--set", "learn.data.label.file=kinds.npy"},
       "learn.data.label: row 0: label must be a label 0 ... 2, got 3"},
      {"{model: mlp_energy, inputs: {x: x, noise: noise, label: label}}",
       until,
       {},
       ":4:17: 'ring' must name a file for its weights, got none. Add weights: ring.safetensors, which the training "
       "makes, or leave 'ring' out of learn.experts"},
      {kExpert,
       "  experts: [rnig]\n" + until,
       {},
       ":11:13: learn.experts must name energies, got 'rnig'. Did you mean 'ring'? Known: ring, round"},
      {kExpert,
       "  experts: [round]\n" + until,
       {},
       ":11:13: learn.experts must name leaves of the target whose models have parameters to learn, got 'round'"},
      {with + "other.safetensors" + inputs, until, {"--continue"}, "weights must have an array 'label_embedding', got"},
      {with + "torn.safetensors" + inputs, until, {"--continue"}, "torn.safetensors"},
      {kExpert, "", {}, "learn must say when the training ends, got nothing. Add until: {time: 10min}"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text);
    write_scene_of(one.expert, one.learn);
    Words words = {"scene.yaml", "--output", "run"};
    words.insert(words.end(), one.words.begin(), one.words.end());
    const CommandResult result = train(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(one.text));
    const std::string place = one.words.empty() ? "scene\\.yaml:[0-9]+:[0-9]+: " : ": ";
    EXPECT_THAT(result.err, ContainsRegex(place));
    EXPECT_FALSE(exists("run"));
  }
  write("fixed.yaml",
        "variables: {x: {shape: [2]}}\ntarget: {model: test_bench.bowl, inputs: x}\n"
        "learn: {data: {x: {file: x.npy}}, until: {updates: 5}}\n");
  EXPECT_THAT(train({"fixed.yaml"}).err,
              HasSubstr("fixed.yaml:3:8: the target must have a model with parameters that can be learned, got none"));
  write("bare.yaml", "variables: {x: {}}\ntarget: {model: gaussian, inputs: x}\n");
  const CommandResult bare = train({"bare.yaml"});
  EXPECT_EQ(bare.exit_code, 2);
  EXPECT_EQ(bare.err,
            "potluck: error: bare.yaml: a composition must have a section 'learn' to be trained, got none. Add "
            "one with data, an objective and until\n");
}

/// A disk that refuses (tests/apps/refusals.cpp).
class TrainOnARefusedDisk : public TrainCommandTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(TrainOnARefusedDisk, KeepsTheLastCheckpoint) {
  write_training("  hold_out: 60\n  report_every: 5\n  until: {updates: 10}\n");
  train_whole();
  int failed = 0, resumed = 0;
  for (int n = 0; n < 1000; n += n < 6 ? 1 : 7) {
    SCOPED_TRACE(fmt::format("{}={}", GetParam(), n));
    for (const char* there : {"run", ".run.potluck-new"}) filesystem::remove_all(path(there));
    filesystem::remove(path("ring.safetensors"));
    const CommandResult result = train({"scene.yaml", "--output", "run", "--quiet"},
                                       {"LD_PRELOAD=" POTLUCK_REFUSALS, fmt::format("{}={}", GetParam(), n)});
    ASSERT_EQ(result.signal, 0);
    if (result.exit_code == 0) break;
    ++failed;
    ASSERT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("potluck: error: "));
    EXPECT_FALSE(exists("run/checkpoint/latest") && !exists("run/run.json"));
    if (!exists("run/checkpoint/latest")) continue;
    ++resumed;
    const CommandResult more = train({"--resume", "run", "--quiet"});
    ASSERT_EQ(more.exit_code, 0) << result.err << more.err;
    expect_same("run", "whole");
    if (HasFailure()) return;
  }
  EXPECT_GT(failed, 2);
  EXPECT_GT(resumed, 0);
}

INSTANTIATE_TEST_SUITE_P(Disks, TrainOnARefusedDisk,
                         ::testing::Values("POTLUCK_TEST_WRITES", "POTLUCK_TEST_SYNCS", "POTLUCK_TEST_RENAMES",
                                           "POTLUCK_TEST_FILES"),
                         [](const auto& test) { return std::string(test.param).substr(13); });

}  // namespace
}  // namespace potluck::testing
