// SPDX-License-Identifier: Apache-2.0
// Energies at rows of data: what is refused, and what is left where the evaluation does not end well. evaluate_test.py
// holds the numbers against numpy.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <thread>

#include "core/files/formats/npy.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;

class EvaluateCommandTest : public CommandTest {
 protected:
  EvaluateCommandTest() {
    write("scene.yaml",
          "variables: {x: {shape: [2], support: [-9, 9]}, label: {categories: 2}}\n"
          "views: {first: {of: x, slice: [0]}}\n"
          "target: {product: [{model: gaussian, inputs: x}, {model: class_gaussian, settings: {mean: [0, 0, 1, 1]}, "
          "inputs: {image: x, label: label}}]}\n");
    write_rows("x.npy", {1, 2, 3, 4, 5, 6});
    write_npy(path("label.npy"), Array::of({3}, std::vector<int64_t>{0, 1, 0}));
  }
  void write_rows(const std::string& name, const std::vector<double>& numbers) const {
    write_npy(path(name), Array::of({static_cast<int64_t>(numbers.size()) / 2, 2}, numbers));
  }
  CommandResult evaluate(std::vector<std::string> words) {
    words.insert(words.begin(), {"evaluate", "scene.yaml"});
    return potluck(words);
  }
  std::string refused(const std::vector<std::string>& words) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--output", "scores.npz"});
    const CommandResult result = evaluate(all);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_TRUE(is_clean());
    return result.err;
  }
  /// Nothing is left of scores.
  bool is_clean() const {
    for (const auto& entry : std::filesystem::directory_iterator(path("")))
      if (entry.path().filename().string().find("scores") != std::string::npos) return false;
    return true;
  }
};

TEST_F(EvaluateCommandTest, ItSaysWhatItWrote) {
  const CommandResult result = evaluate({"--at", "x=x.npy", "--at", "label=label.npy", "--output", "scores.csv"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::ContainsRegex("^Evaluated 3 rows in .*: scores.csv. Energies from .* to .*\\.\n"));
  const std::string text = read("scores.csv");
  EXPECT_EQ(text.substr(0, text.find('\n')), "energy");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_EQ(evaluate({"--at", "x=x.npy", "--at", "label=label.npy", "--output", "scores.csv", "--quiet"}).err,
            "potluck: error: output must be a new file, got 'scores.csv', which is there. Name another, or use "
            "--overwrite\n");
  EXPECT_EQ(evaluate({"--at", "x=x.npy", "--at", "label=label.npy", "--output", "scores.csv", "--overwrite"}).exit_code,
            0);
}

TEST_F(EvaluateCommandTest, WhatDoesNotFitIsRefusedAndLeavesNothing) {
  EXPECT_THAT(refused({}), HasSubstr("--at must name a file of rows, got none. Write --at NAME=points.npy"));
  EXPECT_THAT(refused({"--at", "x="}),
              HasSubstr("--at x must be a file of rows, got nothing. Write --at x=points.npy"));
  EXPECT_THAT(refused({"--at", "y=x.npy"}), HasSubstr("--at y: must be of a variable, got 'y'. "));
  EXPECT_THAT(refused({"--at", "first=x.npy"}), HasSubstr("--at first: must be of a variable, got 'first'. "));
  EXPECT_THAT(refused({"--at", "x=x.npy", "--at", "x=x.npy"}), HasSubstr("--at x: must be said once, got it twice"));
  EXPECT_THAT(refused({"--at", "x=x.npy", "--at", "label=1"}),
              HasSubstr("--at label: must be a file of rows, got '1'. Where it is the same in every row, write --given "
                        "label=1"));
  EXPECT_THAT(refused({"--at", "x={file: x.npy, row: 3}"}),
              HasSubstr("--at x: unknown key 'row'. Known: file, array, scale"));
  EXPECT_THAT(refused({"--at", "x=none.npy", "--at", "label=label.npy"}),
              HasSubstr("none.npy: must be a file, got nothing there"));
  EXPECT_THAT(refused({"--at", "x=x.txt", "--at", "label=label.npy"}),
              HasSubstr("--at x: file must be named .npy, .safetensors, .png, .idx or -ubyte"));
  EXPECT_THAT(refused({"--at", "x={file: x.npy, array: a}", "--at", "label=label.npy"}),
              HasSubstr("--at x: array must stand with a safetensors file"));
  EXPECT_THAT(refused({"--at", "x=x.npy", "--at", "label={file: label.npy, scale: 2}"}),
              HasSubstr("--at label: scale must be left out, got one: labels are not scaled"));
  EXPECT_THAT(refused({"--at", "x=x.npy"}), HasSubstr("points must have numbers of 'label', got none"));
  EXPECT_THAT(refused({"--at", "x=x.npy", "--at", "label=label.npy", "--over", "label"}),
              HasSubstr("--over label: must be said once, got it twice"));
  EXPECT_THAT(refused({"--at", "x=x.npy", "--over", "lable"}), HasSubstr("--over lable: must be of a variable"));
  EXPECT_THAT(refused({"--at", "label=label.npy", "--over", "x"}),
              HasSubstr("over must be a variable of one label, got 'x', whose numbers are real"));
  EXPECT_THAT(refused({"--at", "x=x.npy", "--over", "label", "--gradient"}),
              HasSubstr("--gradient must be given without --over, got both"));
}

TEST_F(EvaluateCommandTest, RowsThatDoNotFitAreRefusedWithTheirPlace) {
  write_npy(path("one.npy"), Array::of({2}, std::vector<double>{1, 2}));
  write_npy(path("whole.npy"), Array::of({1, 2}, std::vector<int64_t>{1, 2}));
  write_npy(path("empty.npy"), Array::of({0, 2}, std::vector<double>{}));
  write_rows("far.npy", std::vector<double>(10000, 1));
  const auto text = [&](const std::string& file) { return refused({"--at", "x=" + file, "--given", "label=0"}); };
  EXPECT_THAT(text("one.npy"), HasSubstr("one.npy must have the shape [rows, 2] of 'x', got [2]"));
  EXPECT_THAT(text("whole.npy"),
              HasSubstr("whole.npy must have a scale, since it holds integers (int64). Add it as in"));
  EXPECT_THAT(text("empty.npy"), HasSubstr("empty.npy must have rows, got none"));
  std::vector<double> numbers(10000, 1);
  numbers[9999] = 10;
  write_rows("far.npy", numbers);
  EXPECT_THAT(text("far.npy"), HasSubstr("points.x must be in the support [-9, 9], got 10 in row 4999, number 1"));
  numbers[9001] = NAN;
  write_rows("far.npy", numbers);
  EXPECT_THAT(text("far.npy"), HasSubstr("points.x must be finite, got nan in row 4500, number 1"));
  EXPECT_THAT(refused({"--at", "x=far.npy", "--at", "label=label.npy"}),
              HasSubstr("--at label: must have as many rows as --at x (5000), got 3"));
  write_npy(path("label.npy"), Array::of({3}, std::vector<int64_t>{0, 2, 0}));
  EXPECT_THAT(refused({"--at", "x=x.npy", "--at", "label=label.npy"}),
              HasSubstr("points.label must be labels 0 ... 1, got 2 in row 1, number 0"));
}

TEST_F(EvaluateCommandTest, TheOutputIsNamedByItsFormat) {
  const std::vector<std::string> words = {"--at", "x=x.npy", "--given", "label=0"};
  const auto with = [&](const std::string& name) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--output", name});
    return evaluate(all);
  };
  EXPECT_THAT(with("scores.txt").err, HasSubstr("output must be a file named .npz, .nc or .csv, got 'scores.txt'"));
  EXPECT_THAT(evaluate(words).err, HasSubstr("--output must name the file of the scores, got none"));
  EXPECT_THAT(with("nowhere/scores.nc").err, HasSubstr("nowhere/scores.nc: must be a file that can be written"));
}

TEST_F(EvaluateCommandTest, CtrlCLeavesNothing) {
  write("scene.yaml",
        "variables: {x: {shape: [2]}}\n"
        "target: {model: test_bench.slow, settings: {pause: 20000}, inputs: x}\n");
  write_rows("points.npy", std::vector<double>(100000, 0.5));
  for (const std::string end : {"npz", "nc", "csv"}) {
    const auto run = start_with_bench({"evaluate", "scene.yaml", "--at", "x=points.npy", "--output", "scores." + end});
    while (!run->ended() && is_clean()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    run->send(SIGINT);
    const CommandResult result = run->wait();
    EXPECT_EQ(result.exit_code, 130) << result.err << end;
    EXPECT_THAT(result.err, HasSubstr(": nothing was written\n"));
    EXPECT_TRUE(is_clean()) << end;
  }
}

TEST_F(EvaluateCommandTest, AModelThatFailsLeavesNothing) {
  write("scene.yaml",
        "variables: {x: {shape: [2]}}\ntarget: {model: test_bench.failing, settings: {rows: 2}, inputs: x}\n");
  const CommandResult result =
      potluck_with_bench({"evaluate", "scene.yaml", "--at", "x=x.npy", "--output", "scores.npz"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("ran out of porridge"));
  EXPECT_TRUE(is_clean());
}

TEST_F(EvaluateCommandTest, EnergiesThatAreNoNumbersAreWrittenAndCounted) {
  write("scene.yaml", "variables: {x: {shape: [2]}}\ntarget: {model: test_bench.nowhere, inputs: x}\n");
  const CommandResult result =
      potluck_with_bench({"evaluate", "scene.yaml", "--at", "x=x.npy", "--output", "scores.csv"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("warning: 3 energies are no numbers: a model failed there (first: row 0)\n"));
  EXPECT_EQ(read("scores.csv"), "energy\nnan\nnan\nnan\n");
}

}  // namespace
}  // namespace potluck::testing
