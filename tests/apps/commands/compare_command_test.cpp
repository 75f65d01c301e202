// SPDX-License-Identifier: Apache-2.0
// A run of a known law against exact draws of it and of others; what is refused; what is left. compare_features_test.py
// holds networks of features against numpy.
#include <cmath>
#include <random>

#include "core/files/formats/npy.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

/// Of exact draws. By its own words the command accuses one in twenty of them: seed 1 has p = .031 after Holm.
constexpr uint64_t kSeed = 2;

class CompareCommandTest : public CommandTest {
 protected:
  /// Draws a run of two standard normal numbers, and writes exact draws of them.
  CompareCommandTest() {
    write("normal.yaml",
          "variables: {x: {shape: [2]}}\n"
          "target: {model: gaussian, inputs: x}\n"
          "sample: {method: mala, chains: 40, warmup: 200, steps: 300, seed: 3}\n"
          "output: {folder: run}\n");
    write_rows("exact.npy", 400, 0, kSeed);
  }
  void draw() {
    const CommandResult result = potluck({"sample", "normal.yaml", "--quiet"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  void write_rows(const std::string& name, int64_t count, double shift, uint64_t seed) const {
    std::mt19937_64 engine(seed);
    std::normal_distribution<double> normal;
    std::vector<double> numbers;
    for (int64_t i = 0; i < 2 * count; ++i) numbers.push_back(normal(engine) + (i % 2 == 0 ? shift : 0));
    write_npy(path(name), Array::of({count, 2}, numbers));
  }
  CommandResult compare(std::vector<std::string> words) {
    words.insert(words.begin(), "compare");
    return potluck(words);
  }
  json compared(std::vector<std::string> words) {
    words.push_back("--json");
    const CommandResult result = compare(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }
  static json measure(const json& found, const std::string& name) {
    for (const json& one : found["measures"])
      if (one["name"] == name) return one;
    return {};
  }
  std::string refused(const std::vector<std::string>& words) {
    const CommandResult result = compare(words);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    return result.err;
  }
};

TEST_F(CompareCommandTest, DrawsOfALawAreToldApartFromAShiftedTwinAndNotFromExactDraws) {
  draw();
  const json same = compared({"run", "exact.npy", "--rows", "500"});
  EXPECT_FALSE(same["differs"]);
  EXPECT_EQ(same["run"]["kind"], "run");
  EXPECT_EQ(same["run"]["variable"], "x");
  EXPECT_EQ(same["run"]["draws_of_all_chains"], 40 * 300);
  // Of each chain as many draws as are spaced so that a chain x' = r x + noise of this effective sample size keeps 2 %.
  const double time = 12000 / same["run"]["effective_sample_size"].get<double>(), forgets = (time - 1) / (time + 1);
  EXPECT_EQ(same["run"]["independent_draws"], 40 * static_cast<int64_t>(300 / (std::log(0.02) / std::log(forgets))));
  EXPECT_EQ(same["data"]["rows"], 400);
  for (const char* name : {"mmd_squared", "energy_distance", "sliced_wasserstein_squared", "classifier_accuracy"})
    EXPECT_GT(measure(same, name)["p_holm"].get<double>(), 0.05) << name;
  EXPECT_THAT(same["sentence"].get<std::string>(),
              ContainsRegex("^The draws cannot be told apart from the data: none of 4 tests rejects at 5 %"));
  EXPECT_THAT(same["sentence"].get<std::string>(), HasSubstr("Both the draws"));

  write_rows("shifted.npy", 400, 0.5, kSeed);
  const json shifted = compared({"run", "shifted.npy", "--rows", "500"});
  EXPECT_TRUE(shifted["differs"]);
  for (const char* name : {"mmd_squared", "energy_distance", "sliced_wasserstein_squared"}) {
    EXPECT_EQ(measure(shifted, name)["p"].get<double>(), 1.0 / 501) << name;
    EXPECT_GT(measure(shifted, name)["value"].get<double>(), measure(shifted, name)["level"].get<double>()) << name;
  }
  EXPECT_THAT(shifted["sentence"].get<std::string>(),
              ContainsRegex("^The draws differ from the data: the squared MMD is [0-9.]+ times its level"));
  // The target tells which of both is off.
  EXPECT_THAT(shifted["sentence"].get<std::string>(), HasSubstr("the target is not the law of the data"));
  EXPECT_EQ(measure(shifted, "stein_discrepancy_of_data")["p"].get<double>(), 1.0 / 501);
  // The means are .5 apart and the rest is the same, up to what 400 rows know: some hundredths.
  EXPECT_NEAR(measure(shifted, "frechet_squared")["value"].get<double>(), 0.25, 0.15);
  EXPECT_LT(measure(shifted, "frechet_squared_floor")["value"].get<double>(), 0.1);
}

TEST_F(CompareCommandTest, ItPrintsATableAndASentence) {
  draw();
  const CommandResult result = compare({"run", "exact.npy", "--rows", "500"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              ContainsRegex("^run: [0-9]+ of 12000 draws of 'x' \\(40 chains, effective sample size [0-9]+; "
                            "[0-9]+ count as independent\\)\nexact.npy: 400 of 400 rows\n"));
  EXPECT_THAT(result.out, ContainsRegex("  measure +value +level +p +p \\(Holm\\)"));
  EXPECT_THAT(result.out, HasSubstr("\nThe draws cannot be told apart from the data"));
  // Two files have no target.
  write_rows("other.npy", 300, 0, 3);
  const CommandResult files = compare({"exact.npy", "other.npy"});
  EXPECT_THAT(files.out, HasSubstr("Not measured: Stein discrepancy, as the first side is no run, and has no target."));
  EXPECT_THAT(compare({"run", "exact.npy", "--no-gradients", "--rows", "100"}).out,
              HasSubstr("Not measured: Stein discrepancy, as it was not asked for (--no-gradients)."));
}

TEST_F(CompareCommandTest, ARunThatIsNotUsableYetIsComparedWithAWarning) {
  const CommandResult drawn =
      potluck({"sample", "normal.yaml", "--quiet", "--set", "sample.warmup=0", "--set", "sample.steps=30", "--set",
               "sample.step_size=0.001", "--set", "sample.start=normal"});
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  const CommandResult result = compare({"run", "exact.npy", "--rows", "100"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("warning: the draws of run: Not usable yet"));
  // Chains that hardly move: the last draw of each counts.
  EXPECT_THAT(result.out, HasSubstr("; 40 count as independent)"));
  // The broken twin: a run that is usable has no warning.
  ASSERT_EQ(potluck({"sample", "normal.yaml", "--quiet", "--overwrite"}).exit_code, 0);
  EXPECT_THAT(compare({"run", "exact.npy", "--rows", "100"}).err, ::testing::Not(HasSubstr("warning")));
}

TEST_F(CompareCommandTest, NumbersDoNotDependOnThreadsAndDependOnTheSeed) {
  draw();
  const json one = compared({"run", "exact.npy", "--rows", "100", "--threads", "1"});
  EXPECT_EQ(one, compared({"run", "exact.npy", "--rows", "100", "--threads", "3"}));
  EXPECT_EQ(one["run"]["rows"], 100);
  EXPECT_EQ(one["data"]["rows"], 100);
  EXPECT_NE(one["measures"], compared({"run", "exact.npy", "--rows", "100", "--seed", "2"})["measures"]);
}

TEST_F(CompareCommandTest, TheJsonGoesToAFileThatIsNew) {
  write_rows("other.npy", 300, 0, 3);
  const CommandResult result = compare({"exact.npy", "other.npy", "--json", "--output", "found.json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read("found.json"), result.out);
  EXPECT_EQ(refused({"exact.npy", "other.npy", "--output", "found.json"}),
            "potluck: error: output must be a new file, got 'found.json', which is there. Name another, or use "
            "--overwrite\n");
  EXPECT_EQ(compare({"exact.npy", "other.npy", "--quiet", "--output", "found.json", "--overwrite"}).out, "");
}

TEST_F(CompareCommandTest, FilesAreReadAsTrainingDataAre) {
  write_npy(path("whole.npy"), Array::of({30}, std::vector<int64_t>(30, 4)));
  std::vector<double> numbers;
  for (int64_t i = 0; i < 30; ++i) numbers.push_back(static_cast<double>(i));
  write_npy(path("line.npy"), Array::of({30}, numbers));
  std::string csv = "a,b,c\n";
  for (int i = 0; i < 30; ++i) csv += std::to_string(i) + ".5,7,8.25\n";
  write("table.csv", csv);
  EXPECT_THAT(refused({"whole.npy", "line.npy"}),
              HasSubstr("RUN: must have a scale, since 'whole.npy' holds integers (int64). Add"));
  EXPECT_EQ(compared({"{file: whole.npy, scale: 0.5}", "line.npy"})["row_shape"], json::array());
  EXPECT_EQ(compared({"{file: table.csv, columns: [a, c]}", "exact.npy"})["row_shape"], json({2}));
  EXPECT_THAT(refused({"{file: line.npy, scal: 2}", "exact.npy"}), HasSubstr("RUN: unknown key 'scal'. Did you mean "
                                                                             "'scale'?"));
  EXPECT_THAT(refused({"{scale: 2}", "exact.npy"}), HasSubstr("RUN: must name a file, got '{scale: 2}'. Write {file: "
                                                              "rows.npy}"));
  EXPECT_THAT(refused({"{file: line.npy, array: a}", "exact.npy"}),
              HasSubstr("RUN: array must stand with a safetensors file, got 'line.npy'"));
  EXPECT_THAT(refused({"{file: line.npy, columns: [a]}", "exact.npy"}),
              HasSubstr("RUN: columns and header must stand with a CSV file, got 'line.npy'"));
}

TEST_F(CompareCommandTest, RowsThatCannotBeComparedAreRefused) {
  EXPECT_THAT(refused({"exact.npy", "none.npy"}), HasSubstr("DATA: rows.file must be a file or a folder of PNG images "
                                                            "that is there, got 'none.npy'"));
  EXPECT_THAT(refused({"exact.npy", "normal.yaml"}), HasSubstr("DATA: rows.file must be named .npy, .safetensors"));
  write("broken.npy", "no array");
  EXPECT_THAT(refused({"exact.npy", "broken.npy"}), HasSubstr("broken.npy: "));
  EXPECT_THAT(refused({"exact.npy", "exact.npy"}),
              HasSubstr("DATA: exact.npy must be other rows than RUN, got the same. Compare with data that were held "
                        "out"));
  write_npy(path("three.npy"), Array::of({40, 3}, std::vector<double>(120, 1)));
  EXPECT_THAT(refused({"exact.npy", "three.npy"}),
              HasSubstr("DATA: three.npy must hold rows of the shape of exact.npy, [2], got rows [3]"));
  write_rows("few.npy", 19, 0, 1);
  EXPECT_THAT(refused({"exact.npy", "few.npy"}),
              HasSubstr("DATA: few.npy must have at least 20 rows, got 19. A few rows say nothing of a law"));
  std::vector<double> numbers(80, 1);
  numbers[63] = NAN;
  write_npy(path("nan.npy"), Array::of({40, 2}, numbers));
  EXPECT_THAT(refused({"exact.npy", "nan.npy"}),
              HasSubstr("DATA: nan.npy must hold finite numbers, got nan in row 31, number 1"));
  EXPECT_THAT(refused({"exact.npy", "few.npy", "--rows", "19"}),
              HasSubstr("--rows must be between 20 and 20000, got 19"));
  EXPECT_THAT(refused({"nan.npy", "exact.npy", "--variable", "x"}), HasSubstr("nan.npy must hold finite numbers"));
  EXPECT_THAT(refused({"three.npy", "exact.npy", "--variable", "x"}),
              HasSubstr("variable must stand with a run, got 'x' and two files"));
}

TEST_F(CompareCommandTest, RunsThatCannotBeComparedAreRefused) {
  write("two.yaml",
        "variables: {x: {shape: [2]}, y: {}, label: {categories: 2}, z: {}}\n"
        "target: {product: [{model: gaussian, inputs: x}, {model: gaussian, inputs: y}, {model: gaussian, inputs: z},\n"
        "  {model: class_gaussian, settings: {mean: [0, 1]}, inputs: {image: y, label: label}}]}\n"
        "given: [{of: z, value: 1}]\n"
        "sample: {blocks: [{variables: [x, y], method: mala}, {variables: [label], method: gibbs}], chains: 5, warmup: "
        "50, "
        "steps: 3}\n"
        "output: {folder: two}\n");
  const CommandResult drawn = potluck({"sample", "two.yaml", "--quiet"});
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_THAT(refused({"two", "exact.npy"}),
              HasSubstr("variable must say which variable of two is compared, got none. Known: x, y, label"));
  EXPECT_THAT(refused({"two", "exact.npy", "--variable", "w"}),
              HasSubstr("variable must be one that two draws, got 'w'."));
  EXPECT_THAT(refused({"two", "exact.npy", "--variable", "z"}),
              HasSubstr("variable must be one that two draws, got 'z', all of which is given"));
  EXPECT_THAT(refused({"two", "exact.npy", "--variable", "label"}),
              HasSubstr("variable must be of real numbers, got 'label', which has labels"));
  // 3 draws of a chain are too few to tell how they depend on each other: the last of each counts.
  EXPECT_THAT(
      refused({"two", "exact.npy", "--variable", "x"}),
      HasSubstr("RUN: two must have at least 20 rows that count as independent, got 5. Draw more steps, or more "
                "chains"));
  std::filesystem::remove_all(path("two/draws"));
  EXPECT_THAT(refused({"two", "exact.npy", "--variable", "x"}),
              HasSubstr("two/draws: must be a folder with 0000.part, got none. Name the folder of a run"));
}

}  // namespace
}  // namespace potluck::testing
