// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <sstream>

#include "core/files/formats/npy.h"
#include "core/files/formats/safetensors.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;
using Row = std::array<double, 2>;

/// Uniform and normal numbers that are the same everywhere.
class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}
  double uniform() {
    state_ += 0x9e3779b97f4a7c15;  // splitmix64
    uint64_t word = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return (static_cast<double>((word ^ (word >> 31)) >> 11) + 0.5) * 0x1p-53;
  }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t state_;
};

/// `objective: maximum_likelihood` on points in the plane, in float64.
class LikelihoodCommandTest : public CommandTest {
 protected:
  void write_points(const std::string& name, const std::vector<Row>& rows) const {
    std::vector<double> numbers;
    for (const Row& row : rows) numbers.insert(numbers.end(), row.begin(), row.end());
    write_npy(path(name), Array::of({static_cast<int64_t>(rows.size()), 2}, numbers));
  }

  /// @param leaf   model and settings of the target  @param learn  further keys of the section
  void write_scene(const std::string& leaf, const std::string& learn = "") const {
    const bool conditional = leaf.find("z: z") != std::string::npos;
    write("scene.yaml",
          fmt::format("potluck: 1\n"
                      "variables: {{x: {{shape: 2}}{}}}\n"
                      "energies: {{it: {{{}, weights: w.safetensors}}}}\n"
                      "target: it\n"
                      "learn: {{data: {{x: {{file: x.npy}}{}}}, objective: maximum_likelihood{}}}\n"
                      "sample: {{precision: float64, chains: 8, steps: 20}}\n",
                      conditional ? ", z: {shape: 2}" : "", leaf, conditional ? ", z: {file: z.npy}" : "", learn));
  }

  CommandResult train(Words words, const std::string& threads = "1") {
    words.insert(words.begin(), {"train", "scene.yaml"});
    words.insert(words.end(), {"--threads", threads});
    return potluck_with_bench(words);
  }
  /// From scratch, into `folder`.
  void train_anew(const std::string& folder, const std::string& threads = "1") {
    filesystem::remove_all(path(folder));
    filesystem::remove(path("w.safetensors"));
    const CommandResult result = train({"--output", folder}, threads);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  /// A column of training.csv, line by line.
  std::vector<double> column(const std::string& folder, const std::string& name) const {
    std::istringstream log(read(folder + "/training.csv"));
    std::vector<double> values;
    size_t at = 0;
    for (std::string line; std::getline(log, line);) {
      std::vector<std::string> cells;
      std::istringstream parts(line);
      for (std::string cell; std::getline(parts, cell, ',');) cells.push_back(cell);
      if (cells[0] == "phase")
        at = static_cast<size_t>(std::find(cells.begin(), cells.end(), name) - cells.begin());
      else
        values.push_back(std::stod(cells.at(at)));
    }
    return values;
  }
  std::vector<double> weights(const std::string& array) const {
    return to_doubles(read_safetensors(path("w.safetensors")).arrays.at(array));
  }

  static std::vector<double> to_doubles(const Array& array) {
    std::vector<double> numbers(array.bytes.size() / sizeof(double));
    std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
    return numbers;
  }

  static std::vector<Row> correlated(int64_t rows, double far) {
    Generator generator(3);
    std::vector<Row> all;
    for (int64_t b = 0; b < rows; ++b) {
      const double first = generator.normal(), second = generator.normal();
      all.push_back({far + 2 * first, -1 + first + 0.5 * second});
    }
    return all;
  }

  /// Mean and covariance (with 1/N) of rows in double.
  struct Moments {
    Row mean{};
    double xx = 0, xy = 0, yy = 0;
  };
  static Moments moments_of(const std::vector<Row>& rows) {
    Moments found;
    const auto n = static_cast<double>(rows.size());
    for (const Row& row : rows) found.mean[0] += row[0] / n, found.mean[1] += row[1] / n;
    for (const Row& row : rows) {
      const double x = row[0] - found.mean[0], y = row[1] - found.mean[1];
      found.xx += x * x / n, found.xy += x * y / n, found.yy += y * y / n;
    }
    return found;
  }
  /// The covariance that log_cholesky [2, 2] of a precision has: P = L L', C = P^-1.
  static std::array<double, 3> covariance_of(const double* log_cholesky) {
    const double a = std::exp(log_cholesky[0]), b = log_cholesky[2], c = std::exp(log_cholesky[3]);
    const double xx = a * a, xy = a * b, yy = b * b + c * c, determinant = a * a * c * c;
    return {yy / determinant, -xy / determinant, xx / determinant};
  }

  static constexpr const char* kFull = "model: gaussian, settings: {form: full}, inputs: x";
};

// The maximum of the likelihood of N rows is at their mean and their covariance with 1/N. The mean is far from 0: sums
// of squares about 0 would leave 10^12 * 2^-52 = 2e-4 of rounding.
TEST_F(LikelihoodCommandTest, AGaussianIsTheMeanAndTheCovarianceOfItsRows) {
  const std::vector<Row> rows = correlated(500, 1e6);
  write_points("x.npy", rows);
  write_scene(kFull);
  train_anew("run");
  const Moments exact = moments_of(rows);
  EXPECT_NEAR(weights("mean")[0], exact.mean[0], 1e-9 * 1e6);
  EXPECT_NEAR(weights("mean")[1], exact.mean[1], 1e-12);
  const auto covariance = covariance_of(weights("log_cholesky").data());
  EXPECT_NEAR(covariance[0], exact.xx, 1e-8);
  EXPECT_NEAR(covariance[1], exact.xy, 1e-8);
  EXPECT_NEAR(covariance[2], exact.yy, 1e-8);
  // log p = -log 2 pi - log det C / 2 - 1 in the mean over the rows.
  const double determinant = exact.xx * exact.yy - exact.xy * exact.xy;
  EXPECT_NEAR(column("run", "log_likelihood").back(), -std::log(2 * std::numbers::pi) - std::log(determinant) / 2 - 1,
              1e-6);
  EXPECT_THAT(read("run/training.csv"), HasSubstr("\n0,maximum_likelihood (closed form),2,"));
  EXPECT_EQ(column("run", "update"), (std::vector<double>{1, 2}));
  // What was learned is sampled.
  EXPECT_EQ(sample({"scene.yaml", "--output", "drawn", "--quiet"}).exit_code, 0);
}

TEST_F(LikelihoodCommandTest, WhatTheSettingsGiveIsNotLearned) {
  const std::vector<Row> rows = correlated(300, 1);
  write_points("x.npy", rows);
  write_scene("model: gaussian, settings: {mean: [1, 0]}, inputs: x");
  train_anew("run");
  double square = 0;
  for (const Row& row : rows) square += row[1] * row[1] / 300;
  EXPECT_EQ(read_safetensors(path("w.safetensors")).arrays.size(), 1u);
  EXPECT_NEAR(weights("log_variance")[1], std::log(square), 1e-12);
}

// The normal equations of x_i on (1, z_1, z_2).
TEST_F(LikelihoodCommandTest, ALinearGaussianIsLeastSquares) {
  Generator generator(5);
  std::vector<Row> x, z;
  for (int b = 0; b < 400; ++b) {
    z.push_back({3 + generator.normal(), 2 * generator.normal()});
    x.push_back({1 + 2 * z[b][0] - z[b][1] + 0.1 * generator.normal(), 0.5 * z[b][1] + generator.normal()});
  }
  write_points("x.npy", x);
  write_points("z.npy", z);
  write_scene("model: linear_gaussian, settings: {learned: true}, inputs: {x: x, z: z}");
  train_anew("run");
  const std::vector<double> matrix = weights("matrix"), offset = weights("offset"), noise = weights("log_variance");
  for (size_t i = 0; i < 2; ++i) {
    // Residuals are orthogonal to 1 and to z, and their mean square is the noise.
    double sum = 0, first = 0, second = 0, square = 0;
    for (size_t b = 0; b < x.size(); ++b) {
      const double rest = x[b][i] - matrix[2 * i] * z[b][0] - matrix[2 * i + 1] * z[b][1] - offset[i];
      sum += rest / 400, first += rest * z[b][0] / 400, second += rest * z[b][1] / 400, square += rest * rest / 400;
    }
    EXPECT_NEAR(sum, 0, 1e-10);
    EXPECT_NEAR(first, 0, 1e-10);
    EXPECT_NEAR(second, 0, 1e-10);
    EXPECT_NEAR(std::log(square), noise[i], 1e-10);
  }
  EXPECT_NEAR(matrix[0], 2, 6 * 0.1 / std::sqrt(400));
}

TEST_F(LikelihoodCommandTest, LbfgsComesToTheClosedForm) {
  const std::vector<Row> rows = correlated(300, 2);
  write_points("x.npy", rows);
  write_scene(kFull, ", optimiser: lbfgs, tolerance: 0");
  train_anew("run");
  EXPECT_THAT(read("run/training.csv"), HasSubstr("maximum_likelihood (L-BFGS)"));
  EXPECT_LT(column("run", "gradient_norm").back(), 1e-5);
  const Moments exact = moments_of(rows);
  EXPECT_NEAR(weights("mean")[0], exact.mean[0], 1e-4);
  const auto covariance = covariance_of(weights("log_cholesky").data());
  EXPECT_NEAR(covariance[0], exact.xx, 1e-4);
  EXPECT_NEAR(covariance[1], exact.xy, 1e-4);
}

// N(m, 1)^2 is N(m, 1/2): the product of two experts of one variable, whose log Z is known as that of a quadratic form.
TEST_F(LikelihoodCommandTest, AQuadraticCompositeIsLearnedAsAWhole) {
  const std::vector<Row> rows = correlated(300, 2);
  write_points("x.npy", rows);
  write("scene.yaml",
        "potluck: 1\n"
        "variables: {x: {shape: 2}}\n"
        "energies: {it: {model: gaussian, weights: w.safetensors, inputs: x}, wide: {model: gaussian, settings: "
        "{mean: 3, variance: 25}, inputs: x}}\n"
        "target: {product: [it, {energy: wide, weight: 2}]}\n"
        "learn: {data: {x: {file: x.npy}}, objective: maximum_likelihood, tolerance: 0}\n"
        "sample: {precision: float64}\n");
  train_anew("run");
  // Precisions add up, and so do their means: 1/s = 1/v + 2/25 and mean/s = m/v + 2 * 3/25 at the moments of the rows.
  const Moments exact = moments_of(rows);
  const double precision = 1 / exact.xx - 2.0 / 25;
  EXPECT_NEAR(-weights("log_variance")[0], std::log(precision), 1e-4);
  EXPECT_NEAR(weights("mean")[0], (exact.mean[0] / exact.xx - 6.0 / 25) / precision, 1e-3);
}

// At the maximum the gradient of the enumerated likelihood is 0.
TEST_F(LikelihoodCommandTest, ABoltzmannMachineReachesTheMaximumOfItsLikelihood) {
  Generator generator(7);
  std::vector<Row> rows;
  for (int b = 0; b < 200; ++b) {
    const double side = generator.uniform() < 0.3 ? 2 : -2;
    rows.push_back({side + generator.normal(), side / 2 + generator.normal()});
  }
  write_points("x.npy", rows);
  write_scene("model: boltzmann, settings: {hidden: 2}, inputs: x", ", tolerance: 0");
  train_anew("run");
  const std::vector<double> found = column("run", "log_likelihood"), norm = column("run", "gradient_norm");
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  EXPECT_LT(norm.back(), 1e-4);
  EXPECT_GT(norm.front(), 1e-2);
}

/// Rows of 0.7 N((-2, 0), 1) + 0.3 N((3, 1), diag(0.25, 1)).
std::vector<Row> two_blobs(int rows) {
  Generator generator(11);
  std::vector<Row> all;
  for (int b = 0; b < rows; ++b) {
    const bool first = generator.uniform() < 0.7;
    all.push_back({first ? -2 + generator.normal() : 3 + 0.5 * generator.normal(),
                   first ? generator.normal() : 1 + generator.normal()});
  }
  return all;
}

TEST_F(LikelihoodCommandTest, EmNeverLowersTheLikelihood) {
  const std::vector<Row> rows = two_blobs(1000);
  write_points("x.npy", rows);
  for (const char* form : {"diagonal", "full"})
    for (int seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(fmt::format("{}, seed {}", form, seed));
      write_scene(fmt::format("model: gaussian_mixture, settings: {{components: 3, form: {}}}, inputs: x", form),
                  fmt::format(", seed: {}, until: {{updates: 60}}", seed));
      train_anew("run");
      const std::vector<double> found = column("run", "log_likelihood");
      ASSERT_GT(found.size(), 5u);
      for (size_t round = 1; round < found.size(); ++round) EXPECT_GE(found[round], found[round - 1] - 1e-9);
      EXPECT_GT(found.back(), found.front() + 0.01);
    }
}

TEST_F(LikelihoodCommandTest, EmFindsTheMixtureThatTheRowsAreOf) {
  constexpr int kRows = 4000;
  write_points("x.npy", two_blobs(kRows));
  write_scene("model: gaussian_mixture, settings: {components: 2}, inputs: x", ", hold_out: 400");
  train_anew("run");
  EXPECT_THAT(read("run/training.csv"), HasSubstr("maximum_likelihood (EM)"));
  const std::vector<double> mean = weights("mean"), log_weight = weights("log_weight"),
                            spread = weights("log_variance");
  const size_t left = mean[0] < mean[2] ? 0 : 1, right = 1 - left;
  const double rows = kRows - 400, n1 = 0.7 * rows, n2 = 0.3 * rows;
  // Standard errors where every row is known to be of its component; the two hardly overlap (5 apart).
  const double share = 1 / (1 + std::exp(log_weight[right] - log_weight[left]));
  EXPECT_NEAR(share, 0.7, 6 * std::sqrt(0.7 * 0.3 / rows));
  EXPECT_NEAR(mean[2 * left], -2, 6 / std::sqrt(n1));
  EXPECT_NEAR(mean[2 * right], 3, 6 * 0.5 / std::sqrt(n2));
  EXPECT_NEAR(mean[2 * right + 1], 1, 6 / std::sqrt(n2));
  EXPECT_NEAR(spread[2 * left], 0, 6 * std::sqrt(2 / n1));
  EXPECT_NEAR(spread[2 * right], std::log(0.25), 6 * std::sqrt(2 / n2));
  // Held-out rows are of the same law: their mean differs by its standard error, sd(log p) is about 1.
  EXPECT_NEAR(column("run", "held_out_log_likelihood").back(), column("run", "log_likelihood").back(),
              6 * 1.2 / std::sqrt(400));
  EXPECT_EQ(sample({"scene.yaml", "--output", "drawn", "--quiet"}).exit_code, 0);
}

TEST_F(LikelihoodCommandTest, ThreadsAndInterruptionsChangeNoBit) {
  const std::vector<Row> rows = two_blobs(3000);
  write_points("x.npy", rows);
  for (const char* optimiser : {"", ", optimiser: lbfgs"}) {
    SCOPED_TRACE(optimiser);
    write_scene("model: gaussian_mixture, settings: {components: 2, form: full}, inputs: x",
                fmt::format(", until: {{updates: 12}}, tolerance: 0{}", optimiser));
    train_anew("whole");
    const std::string whole = read("w.safetensors");
    train_anew("run", "3");
    EXPECT_TRUE(read("w.safetensors") == whole);
    filesystem::remove_all(path("run"));
    filesystem::remove(path("w.safetensors"));
    auto running = start_with_bench({"train", "scene.yaml", "--output", "run", "--threads", "1"});
    ASSERT_TRUE(wait_for("run/training.csv", 300));
    running->send(SIGKILL);
    running->wait();
    if (!exists("w.safetensors")) {
      const CommandResult more = potluck_with_bench({"train", "--resume", "run", "--threads", "2"});
      ASSERT_EQ(more.exit_code, 0) << more.err;
    }
    EXPECT_TRUE(read("w.safetensors") == whole);
  }
}

TEST_F(LikelihoodCommandTest, WhatCannotBeDoneIsToldWithItsPlace) {
  const std::vector<Row> rows = correlated(50, 0);
  write_points("x.npy", rows);
  std::vector<Row> alike(50, Row{1, 2});
  write_points("alike.npy", alike);
  struct Case {
    std::string leaf, learn;
    Words words;
    int exit_code;
    std::string text;
  };
  const std::string mixture = "model: gaussian_mixture, settings: {components: 2}, inputs: x";
  const std::vector<Case> cases = {
      {"model: mlp_energy, settings: {hidden: [4]}, inputs: {x: x}",
       "",
       {},
       2,
       "log Z of the target must be known for maximum_likelihood, got none: model 'mlp_energy' does not say it"},
      {kFull, ", batch: 10", {}, 2, "learn.batch must be left out where each update reads all rows"},
      {kFull, ", rate: 0.1", {}, 2, "learn.rate must be left out where each update reads all rows"},
      {kFull, ", optimiser: adam", {}, 2, "learn must say when the training ends, got nothing"},
      {kFull,
       ", until: {updates: 5}",
       {"--set", "learn.objective=denoising_score_matching", "--set", "learn.optimiser=lbfgs"},
       2,
       "learn.optimiser must be one of steps for denoising_score_matching, got lbfgs, which is of maximum_likelihood"},
      {"model: gaussian, settings: {mean: 0, variance: 1}, inputs: x",
       "",
       {},
       2,
       "the target must have a model with parameters that can be learned, got none"},
      {mixture, ", contrast: 1", {}, 2, "contrast must stand beside denoising_score_matching, got maximum_likelihood"},
      {"model: gaussian, inputs: x",
       "",
       {"--set", "learn.data.x.file=alike.npy"},
       3,
       "the covariance of 50 rows must have variances above 0, got 0 of number 0, which is the same in all rows. Set "
       "least_variance above 0"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text);
    write_scene(one.leaf, one.learn);
    Words words = {"--output", "run", "--overwrite"};
    words.insert(words.end(), one.words.begin(), one.words.end());
    const CommandResult result = train(words);
    EXPECT_EQ(result.exit_code, one.exit_code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(one.text));
    if (one.exit_code == 2 && one.words.empty()) {
      EXPECT_THAT(result.err, ContainsRegex("scene\\.yaml:[0-9]+:[0-9]+: "));
    }
  }
  write("labels.yaml",
        "potluck: 1\nvariables: {x: {shape: 2}, label: {categories: 2}}\n"
        "target: {product: [{model: class_gaussian, settings: {mean: [0, 0, 1, 1]}, inputs: {image: x, label: label}}, "
        "{model: gaussian, weights: w.safetensors, inputs: x}]}\n"
        "learn: {data: {x: {file: x.npy}}, objective: maximum_likelihood}\n");
  EXPECT_THAT(potluck_with_bench({"train", "labels.yaml"}).err,
              ContainsRegex("labels\\.yaml:4:[0-9]+: learn.data must have all variables that are not given for "
                            "maximum_likelihood, got none for 'label'"));
  write("missing.yaml",
        "potluck: 1\nvariables: {x: {shape: 2}, z: {shape: 2}}\n"
        "target: {model: linear_gaussian, weights: w.safetensors, inputs: {x: x, z: z}}\n"
        "learn: {data: {x: {file: x.npy}}, objective: maximum_likelihood}\n");
  EXPECT_THAT(potluck_with_bench({"train", "missing.yaml"}).err,
              ContainsRegex("missing\\.yaml:4:[0-9]+: learn.data must have all variables that are not given for "
                            "maximum_likelihood, got none for 'z'"));
}

}  // namespace
}  // namespace potluck::testing
