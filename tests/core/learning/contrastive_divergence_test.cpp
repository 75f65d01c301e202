// SPDX-License-Identifier: Apache-2.0
#include "core/learning/contrastive_divergence.h"

#include <gmock/gmock.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>
#include <random>

#include "core/error.h"
#include "core/learning/objective_sum.h"
#include "tests/core/learning/learning_runs.h"
#include "tests/core/learning/loss_differences.h"
#include "tests/core/learning/row_learnable.h"

namespace potluck {
namespace {

using testing::LearnedQuadratic;
using testing::RowLearnable;

/// Batches of all rows: the data's half of the gradient has no noise.
constexpr int64_t kRows = 200;

ContrastiveOptions options_of(const std::string& method, const OptionWords& words, int64_t steps,
                              int64_t rows = kRows) {
  ContrastiveOptions options;
  options.negatives.method.method = method;
  options.negatives.method.values = option_values(method, words);
  options.negatives.steps = steps;
  options.negatives.buffer = rows;
  options.negatives.restart = 0;
  options.negatives.seed = 5;
  options.rows = rows;
  return options;
}

/// What a training may get wrong.
enum class Twin { kNone, kSign, kStaleBuffer };

/// Contrastive divergence, or what looks like it.
class MaybeBroken final : public Objective {
 public:
  MaybeBroken(BatchEnergy& energy, const ContrastiveOptions& options, Twin twin)
      : energy_(energy), right_(energy, options), twin_(twin) {}
  const char* name() const override { return right_.name(); }
  Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) override {
    if (twin_ == Twin::kStaleBuffer && !first_.empty()) {
      StateArchive archive(first_);
      right_.persist(archive);
    }
    ParameterSums found = testing::zero_sums(energy_.learnable());
    const Figures figures = right_.add_gradient(update, data, found);
    if (twin_ == Twin::kStaleBuffer && first_.empty()) {
      StateArchive archive;
      right_.persist(archive);
      first_ = archive.take();
    }
    ParameterSums of_data = testing::zero_sums(energy_.learnable());
    const std::vector<double> share(static_cast<size_t>(data.rows()), 1 / static_cast<double>(data.rows()));
    energy_.add_gradient(data, share.data(), {}, nullptr, of_data);
    for (size_t a = 0; a < sums.size(); ++a)
      for (size_t i = 0; i < sums[a].size(); ++i)
        sums[a][i] += twin_ == Twin::kSign ? 2 * of_data[a][i] - found[a][i] : found[a][i];
    return figures;
  }
  Figures assess(int64_t first, Batch& data) override { return right_.assess(first, data); }

 private:
  BatchEnergy& energy_;
  ContrastiveDivergence right_;
  Twin twin_;
  std::vector<std::byte> first_;
};

/// False where the training broke off.
bool learned(RowLearnable& learnable, DataColumn column, const ContrastiveOptions& options, Twin twin, double rate,
             int64_t updates) {
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  const TrainingData data(learnable.energy().variables(), {std::move(column)}, {0, 3, Precision::kFloat64});
  MaybeBroken objective(energy, options, twin);
  try {
    testing::learn(energy, data, objective, kRows, rate, updates);
  } catch (const NumericalError&) {
    return false;
  }
  return true;
}

// Descent of a constant rate stands still in the mean where the negatives' mean statistics are the data's. So the
// averaged parameters have the data's statistics within the standard error of the mean of all negatives that were
// averaged over, corrected for the steps that a chain needs to forget: tau.

/// 2-D Gaussian, persistent MALA. The largest distance of the model's moments from the data's in standard errors.
double gaussian_distance(Twin twin) {
  constexpr int64_t kUpdates = 1200;
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  std::vector<double> numbers;
  for (int64_t row = 0; row < kRows; ++row) {
    const double a = normal(random), b = normal(random);
    numbers.push_back(0.5 + 0.9 * a);
    numbers.push_back(-0.3 + 0.5 * a + 0.7 * b);
  }
  LearnedQuadratic learnable(2);
  if (!learned(learnable, testing::column_of(0, kRows, numbers), options_of("mala", {{"step_size", "0.3"}}, 4), twin,
               0.3, kUpdates))
    return INFINITY;
  Eigen::Vector2d mean = Eigen::Vector2d::Zero();
  Eigen::Matrix2d second = Eigen::Matrix2d::Zero(), precision;
  for (int64_t row = 0; row < kRows; ++row) {
    const Eigen::Vector2d x(numbers[static_cast<size_t>(2 * row)], numbers[static_cast<size_t>(2 * row + 1)]);
    mean += x / kRows;
    second += x * x.transpose() / kRows;
  }
  const double off = (learnable.parameter(0, 1) + learnable.parameter(0, 2)) / 2;
  precision << learnable.parameter(0, 0), off, off, learnable.parameter(0, 3);
  const Eigen::Matrix2d covariance = precision.inverse();
  const Eigen::Vector2d centre = covariance * Eigen::Vector2d(learnable.parameter(1, 0), learnable.parameter(1, 1));
  if (!(covariance(0, 0) > 0) || !(covariance(1, 1) > 0)) return INFINITY;
  // A mode of precision p keeps (1 - 0.3 p)^4 of itself in 4 steps: 0.5 for the longest axis, of p = 0.6. tau = 3.
  const double samples = static_cast<double>(kRows * kUpdates / 2) / 3;
  double worst = 0;
  for (int i = 0; i < 2; ++i)
    worst = std::max(worst, std::abs(centre(i) - mean(i)) / std::sqrt(covariance(i, i) / samples));
  for (int i = 0; i < 2; ++i)
    for (int j = i; j < 2; ++j) {
      // Var(x_i x_j) of a Gaussian with mean m and covariance C.
      const double variance = covariance(i, i) * covariance(j, j) + covariance(i, j) * covariance(i, j) +
                              centre(i) * centre(i) * covariance(j, j) + centre(j) * centre(j) * covariance(i, i) +
                              2 * centre(i) * centre(j) * covariance(i, j);
      const double apart = covariance(i, j) + centre(i) * centre(j) - second(i, j);
      worst = std::max(worst, std::abs(apart) / std::sqrt(variance / samples));
    }
  return worst;
}

TEST(ContrastiveDivergenceTest, AGaussianReachesTheMostLikelyOne) { EXPECT_LT(gaussian_distance(Twin::kNone), 6); }
TEST(ContrastiveDivergenceTest, TheSameCheckRejectsTheOtherSignOfTheNegatives) {
  EXPECT_GT(gaussian_distance(Twin::kSign), 60);
}
TEST(ContrastiveDivergenceTest, TheSameCheckRejectsABufferThatIsNeverRefreshed) {
  EXPECT_GT(gaussian_distance(Twin::kStaleBuffer), 20);
}

/// E = -log (e^(-(x - m_0)^2 / 2) + e^(a - (x - m_1)^2 / 2)): parameters m [2] and a.
class TwoNormals final : public RowLearnable {
 public:
  TwoNormals() : RowLearnable({Variable{.name = "x", .shape = {}}}, {{"m", {-1, 1}}, {"a", {0}}}) {}
  double row(const double* x, double* gradient) const override {
    const double r = second(x[0]), first = x[0] - parameter(0, 0), other = x[0] - parameter(0, 1);
    gradient[0] = (1 - r) * first + r * other;
    return first * first / 2 + std::log1p(-r);
  }
  void slopes(const double* x, double cotangent, const double*, ParameterSums& sum) const override {
    const std::array<double, 3> one = slopes_at(x[0]);
    sum[0][0] += cotangent * one[0];
    sum[0][1] += cotangent * one[1];
    sum[1][0] += cotangent * one[2];
  }
  /// dE/d(m_0, m_1, a)
  std::array<double, 3> slopes_at(double x) const {
    const double r = second(x);
    return {-(1 - r) * (x - parameter(0, 0)), -r * (x - parameter(0, 1)), -r};
  }

 private:
  /// The probability that x is of the second one.
  double second(double x) const {
    const double log_odds = parameter(1) + (std::pow(x - parameter(0, 0), 2) - std::pow(x - parameter(0, 1), 2)) / 2;
    return 1 / (1 + std::exp(-log_odds));
  }
};

// The most likely parameters come from EM, the Fisher information from a sum over a grid.
double mixture_distance(Twin twin) {
  constexpr int64_t kUpdates = 2400;
  std::mt19937 random(13);
  std::normal_distribution<double> normal;
  std::bernoulli_distribution second(0.35);
  std::vector<double> numbers;
  for (int64_t row = 0; row < kRows; ++row) numbers.push_back((second(random) ? 1.4 : -1.3) + normal(random));
  double m[2] = {-1, 1}, share = 0.5;
  for (int i = 0; i < 2000; ++i) {
    double sum[2] = {}, of[2] = {};
    for (const double x : numbers) {
      const double p = share * std::exp(-std::pow(x - m[1], 2) / 2);
      const double r = p / (p + (1 - share) * std::exp(-std::pow(x - m[0], 2) / 2));
      sum[0] += 1 - r;
      sum[1] += r;
      of[0] += (1 - r) * x;
      of[1] += r * x;
    }
    for (int k = 0; k < 2; ++k) m[k] = of[k] / sum[k];
    share = sum[1] / kRows;
  }
  TwoNormals learnable;
  if (!learned(learnable, testing::column_of(0, kRows, numbers), options_of("mala", {{"step_size", "1"}}, 8), twin, 0.5,
               kUpdates))
    return INFINITY;
  TwoNormals best;
  best.parameter(0, 0) = m[0];
  best.parameter(0, 1) = m[1];
  best.parameter(1) = std::log(share / (1 - share));
  Eigen::Matrix3d moments = Eigen::Matrix3d::Zero();
  Eigen::Vector3d mean = Eigen::Vector3d::Zero();
  for (double x = -8; x < 8; x += 0.01) {
    const double p =
        0.01 * ((1 - share) * std::exp(-std::pow(x - m[0], 2) / 2) + share * std::exp(-std::pow(x - m[1], 2) / 2)) /
        std::sqrt(2 * std::numbers::pi);
    const std::array<double, 3> slopes = best.slopes_at(x);
    const Eigen::Vector3d g(slopes[0], slopes[1], slopes[2]);
    mean += p * g;
    moments += p * g * g.transpose();
  }
  // 8 steps of MALA take chains from one normal to the other: they keep less than half. tau = 3.
  const Eigen::Matrix3d covariance =
      (moments - mean * mean.transpose()).inverse() * 3 / static_cast<double>(kRows * kUpdates / 2);
  double worst = 0;
  for (int i = 0; i < 3; ++i) {
    const double apart =
        i < 2 ? learnable.parameter(0, static_cast<size_t>(i)) - best.parameter(0, static_cast<size_t>(i))
              : learnable.parameter(1) - best.parameter(1);
    worst = std::max(worst, std::abs(apart) / std::sqrt(covariance(i, i)));
  }
  return std::isnan(worst) ? INFINITY : worst;
}

TEST(ContrastiveDivergenceTest, AMixtureReachesTheMostLikelyOne) { EXPECT_LT(mixture_distance(Twin::kNone), 6); }
TEST(ContrastiveDivergenceTest, TheSameCheckRejectsAMixtureOfTheOtherSign) {
  EXPECT_GT(mixture_distance(Twin::kSign), 60);
}

/// A Boltzmann machine of four visible units (Ackley, Hinton & Sejnowski 1985): E = -b's - sum over pairs W_ij s_i s_j.
class Boltzmann final : public RowLearnable {
 public:
  static constexpr size_t kUnits = 4, kStatistics = 10;
  Boltzmann()
      : RowLearnable({Variable{.name = "s", .shape = {kUnits}, .categories = 2}},
                     {{"b", std::vector<double>(kUnits)}, {"W", std::vector<double>(kStatistics - kUnits)}}) {}
  double row(const double* s, double*) const override {
    const Eigen::VectorXd t = statistics(s);
    double energy = 0;
    for (size_t i = 0; i < kStatistics; ++i)
      energy -= t(static_cast<int>(i)) * (i < kUnits ? parameter(0, i) : parameter(1, i - kUnits));
    return energy;
  }
  void slopes(const double* s, double cotangent, const double*, ParameterSums& sum) const override {
    const Eigen::VectorXd t = statistics(s);
    for (size_t i = 0; i < kStatistics; ++i)
      (i < kUnits ? sum[0][i] : sum[1][i - kUnits]) -= cotangent * t(static_cast<int>(i));
  }
  static Eigen::VectorXd statistics(const double* s) {
    Eigen::VectorXd t(kStatistics);
    int next = 0;
    for (size_t i = 0; i < kUnits; ++i) t(next++) = s[i];
    for (size_t i = 0; i < kUnits; ++i)
      for (size_t j = 0; j < i; ++j) t(next++) = s[i] * s[j];
    return t;
  }
};

/// Mean and covariance of the statistics over all states.
void enumerate(const Eigen::VectorXd& theta, Eigen::VectorXd& mean, Eigen::MatrixXd& covariance) {
  constexpr auto n = static_cast<int>(Boltzmann::kStatistics);
  double z = 0;
  mean = Eigen::VectorXd::Zero(n);
  covariance = Eigen::MatrixXd::Zero(n, n);
  for (int state = 0; state < (1 << Boltzmann::kUnits); ++state) {
    double s[Boltzmann::kUnits];
    for (size_t i = 0; i < Boltzmann::kUnits; ++i) s[i] = (state >> i) & 1;
    const Eigen::VectorXd t = Boltzmann::statistics(s);
    const double p = std::exp(theta.dot(t));
    z += p;
    mean += p * t;
    covariance += p * t * t.transpose();
  }
  mean /= z;
  covariance = covariance / z - mean * mean.transpose();
}

double boltzmann_distance(Twin twin) {
  constexpr int64_t kUpdates = 800;
  constexpr auto n = static_cast<int>(Boltzmann::kStatistics);
  std::mt19937 random(19);
  std::bernoulli_distribution coin(0.5), follows(0.75);
  std::vector<int64_t> states;
  Eigen::VectorXd of_data = Eigen::VectorXd::Zero(n);
  for (int64_t row = 0; row < kRows; ++row) {
    double s[Boltzmann::kUnits] = {coin(random) ? 1.0 : 0.0};
    for (size_t i = 1; i < Boltzmann::kUnits; ++i) s[i] = follows(random) ? s[i - 1] : coin(random) ? 1 : 0;
    for (const double one : s) states.push_back(static_cast<int64_t>(one));
    of_data += Boltzmann::statistics(s) / kRows;
  }
  Eigen::VectorXd best = Eigen::VectorXd::Zero(n), mean;
  Eigen::MatrixXd covariance;
  for (int i = 0; i < 50; ++i) {  // Newton
    enumerate(best, mean, covariance);
    best += covariance.ldlt().solve(of_data - mean);
  }
  enumerate(best, mean, covariance);
  EXPECT_LT((of_data - mean).norm(), 1e-10);

  Boltzmann learnable;
  if (!learned(learnable, testing::labels_of(0, kRows, states), options_of("gibbs", {}, 3), twin, 1, kUpdates))
    return INFINITY;
  // A sweep keeps about half of a unit, three an eighth. tau = 1.3; and the covariance of the statistics is that of the
  // gradient's noise and its slope at once.
  const Eigen::MatrixXd error = covariance.inverse() * 1.3 / static_cast<double>(kRows * kUpdates / 2);
  double worst = 0;
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<size_t>(i);
    const double found =
        k < Boltzmann::kUnits ? learnable.parameter(0, k) : learnable.parameter(1, k - Boltzmann::kUnits);
    worst = std::max(worst, std::abs(found - best(i)) / std::sqrt(error(i, i)));
  }
  return std::isnan(worst) ? INFINITY : worst;
}

TEST(ContrastiveDivergenceTest, ABoltzmannMachineReachesTheMostLikelyOne) {
  EXPECT_LT(boltzmann_distance(Twin::kNone), 6);
}
TEST(ContrastiveDivergenceTest, TheSameCheckRejectsABoltzmannMachineOfTheOtherSign) {
  EXPECT_GT(boltzmann_distance(Twin::kSign), 60);
}

Batch any_rows(const Energy& energy, int64_t rows) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  Batch batch(energy.variables(), energy.precision(), rows);
  for (int64_t i = 0; i < batch.size(0); ++i) batch.set(0, i, normal(random));
  return batch;
}

TEST(ContrastiveDivergenceTest, ItsGradientIsThatOfItsLossAtTheNegativesThatItDrew) {
  LearnedQuadratic learnable(2);
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  ContrastiveOptions options = options_of("langevin", {{"step_size", "0.2"}}, 3, 40);
  options.energy_l2 = 0.3;
  options.trim = 0.1;
  options.negatives.start = NegativeOptions::Start::kData;
  ContrastiveDivergence objective(energy, options);
  const Batch rows = any_rows(learnable.energy(), 40);
  Batch copy = rows;
  ParameterSums sums = testing::zero_sums(learnable);
  const double loss = objective.add_gradient(1, copy, sums).front().second;
  const auto again = [&] {
    Batch held_out = rows;
    return objective.assess(0, held_out).front().second;  // against the same negatives
  };
  EXPECT_EQ(again(), loss);
  EXPECT_LT(testing::worst_against_differences(learnable, sums, again), 1e-7);
}

TEST(ContrastiveDivergenceTest, SavedAndRestoredItGoesOnWithTheSameBits) {
  LearnedQuadratic learnable(2);
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  ContrastiveOptions options = options_of("langevin", {{"step_size", "0.2"}}, 3, 20);
  options.negatives.buffer = 50;
  options.negatives.restart = 0.2;
  const Batch rows = any_rows(learnable.energy(), 20);
  const auto update = [&](ContrastiveDivergence& objective, int64_t number) {
    Batch copy = rows;
    ParameterSums sums = testing::zero_sums(learnable);
    objective.add_gradient(number, copy, sums);
    return sums;
  };
  ContrastiveDivergence whole(energy, options), resumed(energy, options);
  for (int64_t i = 0; i < 6; ++i) update(whole, i);
  StateArchive saved;
  whole.persist(saved);
  const std::vector<std::byte> bytes = saved.take();
  StateArchive read(bytes);
  resumed.persist(read);
  EXPECT_TRUE(read.at_end());
  const ParameterSums next = update(whole, 6);
  EXPECT_EQ(update(resumed, 6), next);
  ContrastiveDivergence anew(energy, options);
  EXPECT_NE(update(anew, 6), next);
}

TEST(ContrastiveDivergenceTest, ASumOfObjectivesHasTheSumOfTheirGradients) {
  LearnedQuadratic learnable(2);
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  const ContrastiveOptions options = options_of("langevin", {{"step_size", "0.2"}}, 3, 20);
  const auto one = [&] { return std::make_unique<ContrastiveDivergence>(energy, options); };
  const Batch rows = any_rows(learnable.energy(), 20);
  const auto gradient = [&](Objective& objective) {
    Batch copy = rows;
    ParameterSums sums = testing::zero_sums(learnable);
    const Figures figures = objective.add_gradient(0, copy, sums);
    return std::pair(sums, figures);
  };
  ObjectiveSum sum(one(), 0.5, one());
  const auto [of_sum, figures] = gradient(sum);
  const auto [of_one, own] = gradient(*one());
  for (size_t a = 0; a < of_sum.size(); ++a)
    for (size_t i = 0; i < of_sum[a].size(); ++i) EXPECT_NEAR(of_sum[a][i], 1.5 * of_one[a][i], 1e-14);
  EXPECT_NEAR(figures[0].second, 1.5 * own[0].second, 1e-14);
  EXPECT_EQ(figures[2].first, "contrastive_divergence_energy");
}

std::string refusal(const ContrastiveOptions& options) {
  LearnedQuadratic learnable(2);
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  try {
    ContrastiveDivergence objective(energy, options);
  } catch (const SettingError& error) {
    return error.what();
  }
  return "";
}

TEST(ContrastiveDivergenceTest, MethodsThatATrainingCannotMoveChainsByAreRefused) {
  EXPECT_EQ(refusal(options_of("mala", {}, 3)),
            "learn.negatives.step_size must be a number, got auto: the chains of a training have no warm-up that could "
            "tune 'mala'. Give step_size, and what else is auto");
  EXPECT_EQ(refusal(options_of("parallel_tempering", {}, 3)),
            "learn.negatives.method must move each chain by itself, got 'parallel_tempering'. Use langevin or mala");
  EXPECT_EQ(refusal(options_of("langevin", {{"step_size", "0.1"}}, 3)), "");
}

}  // namespace
}  // namespace potluck
