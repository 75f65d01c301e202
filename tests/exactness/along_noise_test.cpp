// SPDX-License-Identifier: Apache-2.0
// log Z down levels of noise, against exact values: 32 repeats of 1024 particles, with broken twins.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "core/random/philox.h"
#include "core/sampling/annealing/evidence.h"
#include "tests/core/host_energy.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kParticles = 1024;
constexpr int64_t kRepeats = 32;  // |t| with 31 degrees of freedom is above 6 once in 10^6 times
constexpr double kLargestError = 0.02;

/// w_k exp(-|x - m_k|^2 / 2v) added up, v = s^2 + noise^2, of n numbers x: all coordinates of m_k are equal. Not
/// normalised, so that Z = (2 pi v)^(n/2) at weights of sum 1 changes from level to level.
struct Law {
  std::string name;
  int64_t n = 1;
  std::vector<double> mean = {0}, weight = {1};
  double deviation = 0.5;

  double variance(double noise) const { return deviation * deviation + noise * noise; }
  double log_z(double noise) const { return static_cast<double>(n) / 2 * std::log(2 * M_PI * variance(noise)); }
};

/// What a twin gets wrong.
struct Fault {
  double level = -1;       ///< of noise; below 0: none
  double factor = 1;       ///< by which it is taken for more
  int64_t rows = 1 << 30;  ///< for so many rows whenever the noise gets there: those that are weighed, if few
};

class LawEnergy final : public HostEnergy {
 public:
  LawEnergy(const Law& law, const Fault& fault)
      : HostEnergy({variable("x", law.n), variable("noise", 1)}, {"law"}), law_(law), fault_(fault) {}

  void evaluate(const EnergyCall& call) const override {
    const auto n = static_cast<size_t>(law_.n);
    for (int64_t row = 0; row < call.rows; ++row) {
      const double* x = static_cast<const double*>(call.position[0]) + static_cast<size_t>(row) * n;
      const double v = law_.variance(seen(static_cast<const double*>(call.position[1])[row]));
      std::vector<double> energy(law_.mean.size());
      double least = INFINITY;
      for (size_t k = 0; k < energy.size(); ++k) {
        double squares = 0;
        for (size_t j = 0; j < n; ++j) squares += (x[j] - law_.mean[k]) * (x[j] - law_.mean[k]);
        energy[k] = squares / (2 * v) - std::log(law_.weight[k]);
        least = std::min(least, energy[k]);
      }
      double sum = 0, centre = 0;
      for (size_t k = 0; k < energy.size(); ++k) sum += std::exp(least - energy[k]);
      for (size_t k = 0; k < energy.size(); ++k) centre += law_.mean[k] * std::exp(least - energy[k]) / sum;
      call.energy[row] = least - std::log(sum);
      if (call.expert_energy) call.expert_energy[row] = call.energy[row];
      if (!call.gradient || !call.gradient[0]) continue;
      double* gradient = static_cast<double*>(call.gradient[0]) + static_cast<size_t>(row) * n;
      for (size_t j = 0; j < n; ++j) gradient[j] = (x[j] - centre) / v;
    }
  }

 private:
  static Variable variable(const char* name, int64_t n) {
    Variable variable;
    variable.name = name;
    variable.shape = {n};
    return variable;
  }

  double seen(double noise) const {
    if (fault_.level < 0) return noise;
    rows_there_ = std::fabs(noise - fault_.level) < 1e-9 * fault_.level ? rows_there_ + 1 : 0;
    return rows_there_ > 0 && rows_there_ <= fault_.rows ? noise * fault_.factor : noise;
  }

  Law law_;
  Fault fault_;
  mutable int64_t rows_there_ = 0;  ///< evaluated since the noise got there, by one thread
};

/// N(mean, variance) in each coordinate, and what is said of its energies.
class Base final : public WeighedStart {
 public:
  Base(const Law& law, double mean, double variance) : n_(law.n), mean_(mean), variance_(variance) {}
  /// A twin: its weights are 1, as if its law were that of the first level.
  void leave_uncorrected(const Law& law, double noise) { claimed_ = law.variance(noise); }

  std::string description() const override { return "normal"; }
  bool exact() const override { return false; }
  void draw(uint32_t seed, int64_t first, int64_t rows, int attempt, double* const* position) const override {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < n_; ++j)
        position[0][row * n_ + j] =
            mean_ + std::sqrt(variance_) * standard_normal({seed, variable_key("x"), static_cast<uint32_t>(first + row),
                                                            static_cast<uint32_t>(attempt), Purpose::kBase},
                                                           j);
  }
  void energies(int64_t rows, const double* const* position, double* energy) const override {
    for (int64_t row = 0; row < rows; ++row) {
      double squares = 0;
      for (int64_t j = 0; j < n_; ++j) squares += std::pow(position[0][row * n_ + j] - mean_, 2);
      energy[row] = squares / (2 * (claimed_ > 0 ? claimed_ : variance_));
    }
  }
  double log_z() const override { return static_cast<double>(n_) / 2 * std::log(2 * M_PI * variance_); }
  double length() const override { return std::sqrt(variance_); }

 private:
  int64_t n_;
  double mean_, variance_, claimed_ = 0;
};

struct Run {
  double noise = 0;  ///< given
  int64_t levels = 240;
  Spacing spacing = Spacing::kKarras;
  Fault fault = {};
  double temperature = 1;
};

Evidence estimate(const Law& law, const Base& base, const Run& run) {
  const LawEnergy energy(law, run.fault);
  AnnealedOptions options;
  options.particles = kParticles;
  options.moves = 3;
  options.seed = 5;
  options.threads = run.fault.level < 0 ? 2 : 1;
  return estimate_evidence_along({&energy, {{}, {{1}, {run.noise}}}, run.temperature},
                                 {1, 20, run.spacing, run.levels, &base}, options, kRepeats, nullptr);
}

double z(const Evidence& found, double exact) { return (found.log_z - exact) / found.standard_error; }

void expect_exact(const Evidence& found, double exact, const std::string& what) {
  EXPECT_LT(std::fabs(z(found, exact)), kPass) << what << ": " << found.log_z << " +- " << found.standard_error;
  EXPECT_LT(found.standard_error, kLargestError) << what;
  ::testing::Test::RecordProperty(what, fmt::format("{:.4f} +- {:.4f}", found.log_z - exact, found.standard_error));
}

const Law kOne{"normal_1"};
const Law kMany{"normal_16", 16};
const Law kModes{"modes_1", 1, {-3, 3}, {0.3, 0.7}};
const Law kManyModes{"modes_8", 8, {-1, 2}, {0.3, 0.7}};

/// Wider than the first level, and beside it: weights from it are not 1.
Base base_of(const Law& law) { return {law, 1, 1.1 * law.variance(20)}; }

class AlongNoiseTest : public ::testing::TestWithParam<Law> {};

TEST_P(AlongNoiseTest, LogZIsExactAtEveryLevel) {
  const Law& law = GetParam();
  for (const double noise : {0.0, 0.03, 0.4, 2.5, 9.0})
    expect_exact(estimate(law, base_of(law), {.noise = noise}), law.log_z(noise), fmt::format("noise {:g}", noise));
}

TEST_P(AlongNoiseTest, LogZIsExactDownLevelsThatAPilotFinds) {
  const Law& law = GetParam();
  const Evidence found = estimate(law, base_of(law), {.noise = 0.03, .levels = 0});
  expect_exact(found, law.log_z(0.03), "found");
  ASSERT_EQ(found.noise.size(), found.stages.size());
  EXPECT_EQ(found.noise.front(), 20);
  EXPECT_EQ(found.noise.back(), 0.03);
  // Levels of one normal: their mean effective share falls by about 5 % between resamplings, never to below half of it.
  for (const AnnealedStage& stage : found.stages) EXPECT_GT(stage.ess, 0.4);
}

// The check rejects a level that is taken for 5 % more: in the weights of the particles that come to it, after which
// they move at the right one, and at the given one.
TEST_P(AlongNoiseTest, ALevelThatIsOffByFivePercentIsRejected) {
  const Law& law = GetParam();
  const Evidence right = estimate(law, base_of(law), {.noise = 2.5});
  const double level = right.noise[80];
  ASSERT_GT(level, 5);
  const Evidence between =
      estimate(law, base_of(law), {.noise = 2.5, .fault = {.level = level, .factor = 1.05, .rows = kParticles}});
  EXPECT_GT(std::fabs(z(between, law.log_z(2.5))), kReject) << between.log_z << " +- " << between.standard_error;
  const Evidence last = estimate(law, base_of(law), {.noise = 2.5, .fault = {.level = 2.5, .factor = 1.05}});
  EXPECT_GT(std::fabs(z(last, law.log_z(2.5))), kReject) << last.log_z << " +- " << last.standard_error;
}

// The check rejects a base that is taken for the law of the first level, which is 10 % less wide.
TEST_P(AlongNoiseTest, ABaseWithoutImportanceWeightsIsRejected) {
  const Law& law = GetParam();
  Base base(law, 0, 1.1 * law.variance(20));
  base.leave_uncorrected(law, 20);
  EXPECT_GT(std::fabs(z(estimate(law, base, {.noise = 2.5}), law.log_z(2.5))), kReject);
}

INSTANTIATE_TEST_SUITE_P(Laws, AlongNoiseTest, ::testing::Values(kOne, kMany, kModes, kManyModes),
                         [](const auto& tested) { return tested.param.name; });

// exp(-E/2) of a normal has the variance 2 v.
TEST(AlongNoiseTemperatureTest, LogZIsThatOfTheTemperature) {
  const Evidence found = estimate(kMany, {kMany, 0, 2 * kMany.variance(20)},
                                  {.noise = 0.4, .spacing = Spacing::kGeometric, .temperature = 2});
  expect_exact(found, kMany.log_z(0.4) + 8 * std::log(2.0), "T = 2");
}

}  // namespace
}  // namespace potluck::testing
