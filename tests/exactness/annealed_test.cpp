// SPDX-License-Identifier: Apache-2.0
// log Z by annealing: 16 repeats of 4096 particles against exact values, with four broken twins.
#include "core/sampling/annealing/annealed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "core/random/philox.h"
#include "core/sampling/annealing/evidence.h"
#include "core/sampling/annealing/weights.h"
#include "tests/core/energies.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kParticles = 4096;
constexpr int kRepeats = 16;
/// 16 repeats: |t| with 15 degrees of freedom is above it as rarely as a normal above 6, and a twin's |t| is above 34.
constexpr double kPassT = 12.7, kRejectT = 34;
constexpr double kLargestError = 0.02;

using Row = std::function<double(const double* x, double* g)>;
using RowTarget = RowEnergy<Row>;

/// One row of the table: a density with known Z, the base's scale, the stages and moves that it takes.
struct Case {
  std::string name;
  int64_t n;
  double scale;
  int64_t stages, moves;
  double log_z;
  Row energy;
};

Row normal_row(int64_t n) {
  return [n](const double* x, double* g) {
    double energy = 0;
    for (int64_t j = 0; j < n; ++j) {
      g[j] = x[j];
      energy += x[j] * x[j] / 2;
    }
    return energy;
  };
}

double log_z_of_normal(int64_t n) { return static_cast<double>(n) / 2 * std::log(2 * M_PI); }

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"normal_1", 1, 3, 10, 2, log_z_of_normal(1), normal_row(1)},
      {"normal_8", 8, 3, 20, 3, log_z_of_normal(8), normal_row(8)},
      {"normal_64", 64, 2, 30, 4, log_z_of_normal(64), normal_row(64)},
      // log of the integral of exp(-x^4/4) = log(Gamma(1/4)/sqrt 2)
      {"quartic", 1, 2, 20, 2, 0.94144893,
       [](const double* x, double* g) {
         g[0] = x[0] * x[0] * x[0];
         return x[0] * x[0] * x[0] * x[0] / 4;
       }},
      {"double_well", 1, 2, 20, 2, std::log(1.410915),
       [](const double* x, double* g) {
         const double q = x[0] * x[0] - 1;
         g[0] = 8 * x[0] * q;
         return 2 * q * q;
       }},
      {"deep_wells", 1, 2, 20, 2, std::log(73.185824),
       [](const double* x, double* g) {
         const double square = x[0] * x[0];
         g[0] = 4 * x[0] * square - 8 * x[0];
         return square * square - 4 * square;
       }},
  };
  return all;
}

/// Precisions 1/s^2 + b (1 - 1/s^2) of a normal target fall in a geometric ladder.
std::vector<double> geometric_ladder(double scale, int64_t stages) {
  const double first = 1 / (scale * scale);
  std::vector<double> ladder;
  for (int64_t k = 1; k < stages; ++k) {
    const double precision = std::pow(first, 1 - static_cast<double>(k) / static_cast<double>(stages));
    ladder.push_back((precision - first) / (1 - first));
  }
  ladder.push_back(1);
  return ladder;
}

AnnealedOptions options_of(const Case& one, bool adaptive) {
  AnnealedOptions options;
  options.particles = kParticles;
  options.moves = one.moves;
  options.base.scale = one.scale;
  options.seed = 11;
  options.threads = 2;
  if (!adaptive) options.ladder = geometric_ladder(one.scale, one.stages);
  return options;
}

/// Mean and standard error of Zhat/Z over repeats, and of log Zhat - log Z.
struct Ratio {
  double mean = 0, error = 0, log_mean = 0, log_error = 0;
  double t() const { return (mean - 1) / error; }
  double log_t() const { return log_mean / log_error; }
};

Ratio ratio_of(const std::vector<double>& log_estimates, double log_z) {
  const auto moments = [&](auto of) {
    double sum = 0, squares = 0;
    const double count = static_cast<double>(log_estimates.size());
    for (const double one : log_estimates) sum += of(one - log_z) / count;
    for (const double one : log_estimates) squares += std::pow(of(one - log_z) - sum, 2);
    return std::pair(sum, std::sqrt(squares / (count - 1) / count));
  };
  Ratio ratio;
  std::tie(ratio.mean, ratio.error) = moments([](double one) { return std::exp(one); });
  std::tie(ratio.log_mean, ratio.log_error) = moments([](double one) { return one; });
  return ratio;
}

class LogZTest : public ::testing::TestWithParam<size_t> {
 protected:
  LogZTest() : energy_(line("x", one().n), one().energy) {}
  const Case& one() const { return cases()[GetParam()]; }
  Target target() const { return {&energy_, {{}}, 1}; }

 private:
  RowTarget energy_;
};

void expect_unbiased(const Ratio& ratio, const std::string& what) {
  EXPECT_LT(ratio.error, kLargestError) << what;
  EXPECT_LT(std::fabs(ratio.t()), kPassT) << what << ": Zhat/Z is " << ratio.mean << " +- " << ratio.error;
  ::testing::Test::RecordProperty(what, fmt::format("{:.4f} +- {:.4f}", ratio.mean, ratio.error));
}

TEST_P(LogZTest, IsUnbiasedAlongAGivenLadder) {
  const Evidence evidence = estimate_evidence(target(), options_of(one(), false), kRepeats, nullptr);
  EXPECT_EQ(evidence.stages.size(), static_cast<size_t>(one().stages));
  expect_unbiased(ratio_of(evidence.repeats, one().log_z), "given");
}

TEST_P(LogZTest, IsUnbiasedAlongTheLadderThatAPilotFinds) {
  const Evidence evidence = estimate_evidence(target(), options_of(one(), true), kRepeats, nullptr);
  expect_unbiased(ratio_of(evidence.repeats, one().log_z), "pilot");
  EXPECT_LT(std::fabs(evidence.log_z - one().log_z), kPassT * evidence.standard_error);
}

TEST_P(LogZTest, IsRightWhereEveryRunFindsItsOwnLadder) {
  Annealed annealed(target(), options_of(one(), true));
  std::vector<double> repeats;
  for (int i = 0; i < kRepeats; ++i) repeats.push_back(annealed.forward().log_z);
  expect_unbiased(ratio_of(repeats, one().log_z), "adaptive");
}

INSTANTIATE_TEST_SUITE_P(Targets, LogZTest, ::testing::Range<size_t>(0, 6),
                         [](const auto& tested) { return cases()[tested.param].name; });

/// Annealing in plain code with knobs that break it.
struct AnnealingFaults {
  bool weight_after_move = false;
  bool sign_of_step = false;    ///< weights of b_{k-1} - b_k
  bool kernel_of_base = false;  ///< moves leave the base invariant, not the rung
  double base_width = 1;        ///< Z_0 of a base that is so many times as wide
};

std::vector<double> plain_annealing(const Case& one, const AnnealingFaults& faults) {
  const int64_t particles = one.n > 8 ? kParticles / 4 : kParticles;  // which is seconds saved, and far enough
  const RowTarget target(line("x", one.n), one.energy);
  AnnealedEnergy energy(target, {{}}, 1, {.scale = one.scale});
  // Steps of a tenth of the narrowest stage's stability: acceptance .9 and above throughout.
  const double longest = 1.65 * std::pow(static_cast<double>(one.n), -1.0 / 6) / 1.2;
  const auto mala = named("mala", {{"step_size", fmt::format("{}", longest * longest / 2)}});
  std::vector<double> log_z;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto seed = static_cast<uint32_t>(100 + repeat);
    std::vector<double> x(static_cast<size_t>(particles * one.n));
    for (int64_t i = 0; i < particles; ++i)
      for (int64_t j = 0; j < one.n; ++j)
        x[static_cast<size_t>(i * one.n + j)] =
            one.scale * static_cast<double>(
                            standard_normal({seed, variable_key("x"), static_cast<uint32_t>(i), 0, Purpose::kBase}, j));
    std::vector<double> log_weight(static_cast<size_t>(particles), 0.0);
    double total = energy.base_log_z(), beta = 0;
    total += static_cast<double>(one.n) * std::log(faults.base_width);
    uint32_t step = 0;
    std::vector<double> g(static_cast<size_t>(one.n));
    for (const double next : geometric_ladder(one.scale, one.stages)) {
      const auto weigh = [&] {
        for (int64_t i = 0; i < particles; ++i) {
          const double* row = &x[static_cast<size_t>(i * one.n)];
          double base = 0;
          for (int64_t j = 0; j < one.n; ++j) base += row[j] * row[j] / (2 * one.scale * one.scale);
          log_weight[static_cast<size_t>(i)] -=
              (faults.sign_of_step ? beta - next : next - beta) * (one.energy(row, g.data()) - base);
        }
      };
      if (!faults.weight_after_move) weigh();
      if (effective_share(log_weight) < 0.5) {
        total += log_mean_exp(log_weight);
        const std::vector<int64_t> ancestors =
            systematic_ancestors(log_weight, uniform({seed, variable_key(""), 0, step, Purpose::kResampling}));
        std::vector<double> resampled;
        for (const int64_t ancestor : ancestors)
          resampled.insert(resampled.end(), x.begin() + ancestor * one.n, x.begin() + (ancestor + 1) * one.n);
        x = resampled;
        std::fill(log_weight.begin(), log_weight.end(), 0.0);
      }
      energy.set_beta(faults.kernel_of_base ? 0 : next);
      Walkers walkers(energy, *mala, x, seed + 1000 * ++step);
      walkers.move(one.moves);
      x = walkers.positions();
      if (faults.weight_after_move) weigh();
      beta = next;
    }
    log_z.push_back(total + log_mean_exp(log_weight));
  }
  return log_z;
}

class LogZTwinTest : public ::testing::TestWithParam<size_t> {};

TEST_P(LogZTwinTest, IsRejected) {
  const Case& one = cases()[GetParam()];
  const auto log_t = [&](const AnnealingFaults& faults, const std::string& what) {
    const double t = std::fabs(ratio_of(plain_annealing(one, faults), one.log_z).log_t());
    ::testing::Test::RecordProperty(what, fmt::format("t {:.1f}", t));
    return t;
  };
  EXPECT_LT(log_t({}, "plain"), kPassT);  // the twins' own ground
  EXPECT_GT(log_t({.weight_after_move = true}, "twin: weight after the move"), kRejectT);
  EXPECT_GT(log_t({.kernel_of_base = true}, "twin: kernel of the base on every rung"), kRejectT);
  EXPECT_GT(log_t({.base_width = 1.25}, "twin: Z of a base 1.25 times as wide"), kRejectT);
  // At the other laws few particles have all such weight: its spread keeps the rejection near 26 standard errors.
  const bool normal = one.name.starts_with("normal");
  if (normal) {
    EXPECT_GT(log_t({.sign_of_step = true}, "twin: sign of the step in b"), kRejectT);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, LogZTwinTest, ::testing::Range<size_t>(0, 6),
                         [](const auto& tested) { return cases()[tested.param].name; });

/// Exact draws of N(0, 1) in every coordinate.
class NormalDraws final : public Start {
 public:
  explicit NormalDraws(double scale = 1) : scale_(scale) {}
  std::string description() const override { return "normal"; }
  bool exact() const override { return true; }
  void draw(uint32_t seed, int64_t first, int64_t rows, int attempt, double* const* position) const override {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < n; ++j)
        position[0][row * n + j] =
            scale_ * static_cast<double>(standard_normal({seed, variable_key("x"), static_cast<uint32_t>(first + row),
                                                          static_cast<uint32_t>(attempt), Purpose::kStart},
                                                         j));
  }
  int64_t n = 1;

 private:
  double scale_;
};

// Without resampling the mean log weight is below log Z from the base and above it from the target, each by at least 6
// standard errors of 4096 particles.
TEST(BracketTest, HoldsTheTruthOfNormalTargets) {
  for (size_t which = 0; which < 3; ++which) {
    const Case& one = cases()[which];
    const RowTarget energy(line("x", one.n), one.energy);
    NormalDraws exact;
    exact.n = one.n;
    const Evidence evidence = estimate_evidence({&energy, {{}}, 1}, options_of(one, false), 2, &exact);
    ASSERT_TRUE(evidence.bracket);
    const EvidenceBracket& bracket = *evidence.bracket;
    EXPECT_LT(bracket.lower + kPass * bracket.lower_error, one.log_z) << one.name;
    EXPECT_GT(bracket.upper - kPass * bracket.upper_error, one.log_z) << one.name;
  }
}

// The reverse estimate of Z itself is unbiased in 1/Z: log of the mean of exp(-log weight).
TEST(BracketTest, ReverseRunsEstimateTheSameZ) {
  const Case& one = cases()[1];
  const RowTarget energy(line("x", one.n), one.energy);
  NormalDraws exact, wide(1.5);
  exact.n = wide.n = one.n;
  Annealed annealed({&energy, {{}}, 1}, options_of(one, false));
  const std::vector<AnnealedStage> stages = annealed.forward().stages;
  std::vector<double> right, wrong;
  for (int i = 0; i < kRepeats; ++i) {
    right.push_back(annealed.reverse(stages, exact).log_z);
    wrong.push_back(annealed.reverse(stages, wide).log_z);  // twin: draws of another law
  }
  EXPECT_LT(std::fabs(ratio_of(right, one.log_z).log_t()), kPassT);
  EXPECT_GT(std::fabs(ratio_of(wrong, one.log_z).log_t()), kRejectT);
}

// Half-lines, boxes, held coordinates and a temperature, each with its own base: x >= 0 of exp(-x) at T = 2 is 2, the
// box [0, 1] of exp(-x) is 1 - 1/e, and a normal with coordinate 1 of 3 held at .7 has (2 pi) exp(-.245).
TEST(AnnealedTest, KnowsTheBasesOfSupports) {
  const Row slope = [](const double* x, double* g) {
    g[0] = 1;
    return x[0];
  };
  AnnealedOptions options;
  options.base.scale = 2;
  options.threads = 2;
  const auto check = [&](const RowTarget& energy, const Held& held, double temperature, double log_z) {
    const Evidence evidence = estimate_evidence({&energy, {held}, temperature}, options, kRepeats, nullptr);
    EXPECT_LT(evidence.standard_error, kLargestError);
    EXPECT_LT(std::fabs(evidence.log_z - log_z), kPassT * evidence.standard_error) << evidence.log_z;
  };
  const RowTarget half_line(line("x", 1, 0, INFINITY), slope);
  check(half_line, {}, 2, std::log(2.0));
  const RowTarget below(line("x", 1, -INFINITY, 3), [](const double* x, double* g) {
    g[0] = -1;
    return 3 - x[0];
  });
  check(below, {}, 1, 0);
  const RowTarget box(line("x", 1, 0, 1), slope);
  check(box, {}, 1, std::log(1 - std::exp(-1.0)));
  const RowTarget three(line("x", 3), normal_row(3), Precision::kFloat32);
  Held held;
  held.mask = {0, 1, 0};
  held.value = {0, 0.7, 0};
  check(three, held, 1, std::log(2 * M_PI) - 0.245);
}

// A wall inside the support: half of the base has no density. The integral of exp(-x^2/2) above 0 is sqrt(pi/2).
TEST(AnnealedTest, LosesParticlesWithoutDensity) {
  RowTarget energy(line("x"), [](const double* x, double* g) {
    g[0] = x[0];
    return x[0] > 0 ? x[0] * x[0] / 2 : INFINITY;
  });
  energy.set_hard_walls();
  AnnealedOptions options;
  options.base.scale = 2;
  const Evidence evidence = estimate_evidence({&energy, {{}}, 1}, options, kRepeats, nullptr);
  EXPECT_LT(evidence.standard_error, kLargestError);
  EXPECT_LT(std::fabs(evidence.log_z - std::log(M_PI / 2) / 2), kPassT * evidence.standard_error);
}

// Other exact kernels leave the same Z.
TEST(AnnealedTest, TakesAnyExactKernel) {
  const Case& one = cases()[1];
  const RowTarget energy(line("x", one.n), one.energy);
  for (const char* kernel : {"hmc", "ghmc", "adjusted_mclmc"}) {
    AnnealedOptions options = options_of(one, true);
    options.method = kernel;
    options.moves = 2;
    const Evidence evidence = estimate_evidence({&energy, {{}}, 1}, options, kRepeats, nullptr);
    expect_unbiased(ratio_of(evidence.repeats, one.log_z), kernel);
  }
}

TEST(AnnealedTest, GivesTheSameBitsWithAnyNumberOfThreads) {
  const Case& one = cases()[1];
  const RowTarget energy(line("x", one.n), one.energy, Precision::kFloat32);
  const auto found = [&](int threads, uint32_t seed) {
    AnnealedOptions options = options_of(one, true);
    options.particles = 1000;  // the last tile is not full
    options.threads = threads;
    options.seed = seed;
    return estimate_evidence({&energy, {{}}, 1}, options, 3, nullptr).repeats;
  };
  const std::vector<double> alone = found(1, 5);
  EXPECT_EQ(found(2, 5), alone);
  EXPECT_EQ(found(5, 5), alone);
  EXPECT_NE(found(1, 6), alone);
}

TEST(AnnealedTest, SaysWhatIsWrong) {
  const RowTarget energy(line("x"), normal_row(1));
  const auto text = [&](const std::function<void(AnnealedOptions&)>& change, const RowTarget& of) {
    AnnealedOptions options;
    options.particles = 512;
    change(options);
    try {
      Annealed({&of, {{}}, 1}, options).forward();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(text([](AnnealedOptions& o) { o.particles = 1; }, energy), "annealing: particles must be >= 2, got 1");
  EXPECT_EQ(text([](AnnealedOptions& o) { o.particles = int64_t{1} << 40; }, energy),
            "annealing: particles must be <= 4294967295, got 1099511627776");
  EXPECT_EQ(text([](AnnealedOptions& o) { o.moves = 1000000; }, energy),
            "annealing: moves must be <= 858821, got 1000000");
  EXPECT_EQ(text(
                [](AnnealedOptions& o) {
                  o.ladder = {0.5, 0.2, 1};
                },
                energy),
            "annealing: a ladder must rise from above 0 to 1, got 0.2 behind 0.5");
  EXPECT_EQ(text([](AnnealedOptions& o) { o.method = "langevin"; }, energy),
            "annealing: the method must leave its target invariant, got 'langevin'. Use mala");
  EXPECT_EQ(text([](AnnealedOptions& o) { o.method = "parallel_tempering"; }, energy),
            "annealing: the method must move every particle alone, got 'parallel_tempering'. Use mala");
  const auto with_a_dense_metric = [](AnnealedOptions& o) {
    o.method = "hmc";
    o.values = option_values("hmc", {{"step_size", "auto"}, {"trajectory_length", "auto"}, {"metric", "dense"}});
  };
  EXPECT_EQ(text(with_a_dense_metric, energy), "annealing: the metric must be auto or identity, got dense. Use auto");
  EXPECT_EQ(text([](AnnealedOptions& o) { o.base.scale = 0; }, energy),
            "the scale of annealing's base must be > 0, got 0");
  const RowTarget nowhere(line("x"), [](const double*, double* g) {
    g[0] = 0;
    return INFINITY;
  });
  EXPECT_EQ(text([](AnnealedOptions&) {}, nowhere),
            "annealing at b = 1: a particle must have density in the target, got none of 512. Begin nearer to the "
            "target: mean and scale of the base");
  const RowTarget broken(line("x"), [](const double* x, double* g) {
    g[0] = x[0];
    return x[0] > 2 ? NAN : x[0] * x[0] / 2;
  });
  EXPECT_NE(text([](AnnealedOptions&) {}, broken).find("energies must be numbers, got "), std::string::npos);
}

}  // namespace
}  // namespace potluck::testing
