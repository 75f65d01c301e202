// SPDX-License-Identifier: Apache-2.0
// Noise-contrastive training as a program, of numbers whose law is known: the loss and log Z that it reports against
// those of the energy that it wrote, by quadrature.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numbers>
#include <random>
#include <sstream>

#include "core/files/formats/npy.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

constexpr int64_t kTraining = 4000, kHeldOut = 1000;
constexpr double kNoise = 1.5;  // standard deviation of the noise, N(0, 1.5^2)
constexpr double kStep = 0.01, kMost = 9;

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double log_normal(double x, double mean, double deviation) {
  const double z = (x - mean) / deviation;
  return -z * z / 2 - std::log(deviation * std::sqrt(2 * std::numbers::pi));
}

/// The law of data, N(mean, deviation^2).
struct Law {
  double mean, deviation;
};

/// What a training said in the end of its held-out rows, and what is true of the energy that it wrote.
struct Outcome {
  double loss = 0, log_z = 0, told_apart = 0;  ///< said
  double true_log_z = 0;                       ///< of the energy
  double expected_loss = 0, loss_error = 0;    ///< of the energy with that log Z: mean, and standard error for the rows
  double least_loss = 0;                       ///< that any energy could have
  double log_z_error = 0;                      ///< standard error of Bennett's estimate for the rows
};

class TrainAgainstNoiseTest : public CommandTest {
 protected:
  /// @param learn  further lines of the section, indented by two
  Outcome train(const Law& data, const std::string& learn) {
    std::mt19937 random(7);
    std::normal_distribution<double> normal(data.mean, data.deviation);
    std::vector<double> numbers;
    for (int64_t i = 0; i < kTraining + kHeldOut; ++i) numbers.push_back(normal(random));
    write_rows("x.npy", numbers);
    write("scene.yaml",
          fmt::format("potluck: 1\n"
                      "variables: {{x: {{shape: [1]}}}}\n"
                      "energies:\n"
                      "  bell: {{model: mlp_energy, weights: bell.safetensors, settings: {{hidden: [8], fixed_noise: "
                      "0.4}}, inputs: x}}\n"
                      "  wide: {{model: gaussian, settings: {{mean: 0, variance: 2.25}}, inputs: x}}\n"
                      "target: bell\n"
                      "learn:\n"
                      "  data: {{x: {{file: x.npy}}}}\n"
                      "  objective: noise_contrastive\n"
                      "  noise_law: wide\n"
                      "  hold_out: {}\n"
                      "  batch: 1000\n"
                      "  rate: 0.02\n"
                      "{}",
                      kHeldOut, learn));
    const CommandResult result =
        potluck({"train", "scene.yaml", "--output", "run", "--overwrite", "--continue", "--threads", "1", "--quiet"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const std::map<std::string, double> said = last_line();
    Outcome outcome = judged(data, said.at("held_out_log_z"));
    outcome.loss = said.at("held_out_loss");
    outcome.log_z = said.at("held_out_log_z");
    outcome.told_apart = said.at("held_out_told_apart");
    std::filesystem::remove(path("bell.safetensors"));
    return outcome;
  }

 private:
  void write_rows(const std::string& name, const std::vector<double>& numbers) const {
    write_npy(path(name), Array::of({static_cast<int64_t>(numbers.size()), 1}, numbers));
  }

  /// Of training.csv, by the names of its columns.
  std::map<std::string, double> last_line() const {
    std::istringstream log(read("run/training.csv"));
    std::string heading, line, last;
    std::getline(log, heading);
    while (std::getline(log, line)) last = line;
    std::map<std::string, double> cells;
    std::istringstream names(heading), values(last);
    for (std::string name, value; std::getline(names, name, ',');) {
      std::getline(values, value, ',');
      if (name.starts_with("held_out_") && !value.empty()) cells[name] = std::stod(value);
    }
    return cells;
  }

  /// The energy that was written, at the points of the grid.
  std::vector<double> energies() {
    std::vector<double> grid;
    for (double x = -kMost; x <= kMost; x += kStep) grid.push_back(x);
    write_rows("grid.npy", grid);
    const CommandResult result =
        potluck({"evaluate", "scene.yaml", "--at", "x=grid.npy", "--output", "scores.csv", "--overwrite", "--quiet"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::istringstream scores(read("scores.csv"));
    std::vector<double> energies;
    std::string line;
    std::getline(scores, line);
    while (std::getline(scores, line)) energies.push_back(std::stod(line));
    EXPECT_EQ(energies.size(), grid.size());
    return energies;
  }

  /// With G = -E - log Z - log q, p the law of data and q that of noise, the loss of a row of each is
  /// log(1 + e^-G) under p and log(1 + e^G) under q. Bennett's estimate sets mean s(-G) over data to mean s(G) over
  /// noise, s the logistic function: its error is that of their difference over its slope by log Z.
  Outcome judged(const Law& data, double log_z) {
    const std::vector<double> energy = energies();
    Outcome outcome;
    double z = 0, squares = 0, of_data = 0, of_noise = 0;
    double share_of_data = 0, share_of_noise = 0, share_squares = 0, slope = 0;
    for (size_t i = 0; i < energy.size(); ++i) {
      const double x = -kMost + kStep * static_cast<double>(i);
      const double log_p = log_normal(x, data.mean, data.deviation), log_q = log_normal(x, 0, kNoise);
      const double p = kStep * std::exp(log_p), q = kStep * std::exp(log_q);
      const double g = -energy[i] - log_z - log_q, best = log_p - log_q;
      const double from_data = softplus(-g), from_noise = softplus(g);
      const double missed = std::exp(-from_noise), taken = std::exp(-from_data);  // s(-G), s(G)
      z += kStep * std::exp(-energy[i]);
      of_data += p * from_data;
      of_noise += q * from_noise;
      squares += p * from_data * from_data + q * from_noise * from_noise;
      outcome.least_loss += p * softplus(-best) + q * softplus(best);
      share_of_data += p * missed;
      share_of_noise += q * taken;
      share_squares += p * missed * missed + q * taken * taken;
      slope += (p + q) * missed * taken;
    }
    const auto error = [](double of_squares, double first, double second) {
      return std::sqrt((of_squares - first * first - second * second) / static_cast<double>(kHeldOut));
    };
    outcome.true_log_z = std::log(z);
    outcome.expected_loss = of_data + of_noise;
    outcome.loss_error = error(squares, of_data, of_noise);
    outcome.log_z_error = error(share_squares, share_of_data, share_of_noise) / slope;
    return outcome;
  }
};

// Where both laws are one, a row is told apart rightly with probability 1/2 whatever the energy, since the signs of G
// are alike under both.
const double kToldApartError = 0.5 / std::sqrt(2 * static_cast<double>(kHeldOut));

TEST_F(TrainAgainstNoiseTest, DataThatAreLikeTheNoiseAreNotToldApart) {
  const Outcome found = train({0, kNoise}, "  until: {updates: 120}\n");
  EXPECT_NEAR(found.told_apart, 0.5, 6 * kToldApartError);
  EXPECT_NEAR(found.least_loss, 2 * std::log(2), 1e-6);
  EXPECT_NEAR(found.loss, found.expected_loss, 6 * found.loss_error + 1e-4);
  EXPECT_NEAR(found.loss, 2 * std::log(2), 0.02);
  EXPECT_NEAR(found.log_z, found.true_log_z, 6 * found.log_z_error + 1e-4);
  EXPECT_LT(found.log_z_error, 0.02);
  // The same checks tell data of half the width.
  const Outcome other = train({0, kNoise / 2}, "  until: {updates: 120}\n");
  EXPECT_GT(other.told_apart, 0.5 + 6 * kToldApartError);
  EXPECT_LT(other.loss, 2 * std::log(2) - 0.02 - 6 * other.loss_error);
  EXPECT_NEAR(other.log_z, other.true_log_z, 6 * other.log_z_error);
}

// With log Z taken for 0 the energy learns the constant that makes it so. Its error is Bennett's for all rows.
TEST_F(TrainAgainstNoiseTest, AnEnergyWithAConstantOfItsOwnIsNormalised) {
  const Law data = {0.5, 0.8};
  const Outcome found = train(data, "  fit_log_z: false\n  until: {updates: 200}\n");
  const double error = found.log_z_error * std::sqrt(static_cast<double>(kHeldOut) / kTraining);
  EXPECT_EQ(found.log_z, 0);
  EXPECT_NEAR(found.true_log_z, 0, 6 * error);
  EXPECT_NEAR(found.loss, found.expected_loss, 6 * found.loss_error);
  EXPECT_NEAR(found.expected_loss, found.least_loss, 0.02);
  // The same checks reject a network that has learned next to nothing.
  const Outcome untrained = train(data, "  fit_log_z: false\n  until: {updates: 1}\n");
  EXPECT_GT(std::abs(untrained.true_log_z), 12 * error);
  EXPECT_GT(untrained.expected_loss, untrained.least_loss + 0.04);
}

}  // namespace
}  // namespace potluck::testing
