// SPDX-License-Identifier: Apache-2.0
// Parallel tempering from exact starts at every temperature; the ladder is the unit of all standard errors.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "tests/core/energies.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int kMoves = 20;

/// Equal ratios from 1 to `hottest`, a swap after every step.
std::unique_ptr<Method> tempering(const Energy& energy, double step_size, int replicas, double hottest) {
  auto method = named("parallel_tempering", {{"step_size", fmt::format("{:.17g}", step_size)},
                                             {"replicas", fmt::format("{}", replicas)},
                                             {"hottest", fmt::format("{:.17g}", hottest)},
                                             {"swap_every", "1"},
                                             {"ladder", "geometric"}});
  method->prepare({&energy, {{}}, 1});
  return method;
}

/// MALA on the ladder of `sound` with swaps that are wrong.
class BrokenTempering final : public Method {
 public:
  enum class Fault {
    kEnergiesOverTemperature,  ///< log a = (1/T_r - 1/T_{r+1}) (E_r/T_r - E_{r+1}/T_{r+1})
    kNoOddPairs                ///< rungs 1 and 2 never propose
  };
  BrokenTempering(const Method& sound, Fault fault)
      : inner_(named("mala", {{"step_size", fmt::format("{:.17g}", sound.step_size())}})),
        ladder_(sound.ladder()),
        fault_(fault) {}

  const MethodDescription& description() const override { return method("parallel_tempering"); }
  Needs needs() const override { return inner_->needs(); }
  double step_size() const override { return inner_->step_size(); }
  int64_t replicas() const override { return static_cast<int64_t>(ladder_.temperature.size()); }
  Ladder ladder() const override { return ladder_; }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override {
    for (int64_t i = 0; i < steps.count; ++i) {
      const uint32_t step = steps.first + static_cast<uint32_t>(i);
      inner_->advance(group, kernels, {step, 1});
      const bool odd = step % 2 == 0;
      if (fault_ == Fault::kNoOddPairs) {
        if (!odd) kernels.swap(group, step, odd);
        continue;
      }
      for (int64_t row = 0; row < group.rows; ++row) group.energy[row] /= group.row_temperature[row];
      kernels.swap(group, step, odd);
      group.evaluate();
    }
  }

 private:
  std::unique_ptr<Method> inner_;
  Ladder ladder_;
  Fault fault_;
};

struct NormalCase {
  int64_t dimension;
  double rate;  ///< at T ratio 2: 2 I_{1/3}(d/2, d/2), I the regularised incomplete beta function (Kofke 2002)
};

class NormalLadderTest : public ::testing::TestWithParam<NormalCase> {
 protected:
  static constexpr int64_t kLadders = 50000, kReplicas = 4;

  struct Seen {
    double variance = 0, rate = 0;  ///< largest |z| over temperatures, over pairs
    bool every_pair_tried = true;   ///< as often as scheduled, in every ladder
  };

  Seen seen(const Energy& energy, const Method& method) const {
    const int64_t d = GetParam().dimension;
    const std::vector<double> temperature = method.ladder().temperature;
    std::vector<double> start(kLadders * kReplicas * d);
    std::mt19937_64 random(11);
    std::normal_distribution<> z;
    for (size_t i = 0; i < start.size(); ++i) start[i] = std::sqrt(temperature[i / d % kReplicas]) * z(random);
    Walkers walkers(energy, method, start, 5);
    walkers.move(kMoves);
    const std::vector<double> x = walkers.positions();
    const ChainsState& state = walkers.state();
    Seen seen;
    for (int64_t rung = 0; rung < kReplicas; ++rung) {
      std::vector<double> squares(kLadders), rates(kLadders);
      for (int64_t ladder = 0; ladder < kLadders; ++ladder) {
        const int64_t row = ladder * kReplicas + rung;
        for (int64_t j = 0; j < d; ++j) squares[ladder] += x[row * d + j] * x[row * d + j] / static_cast<double>(d);
        const uint32_t attempts = state.swap_attempts[row];
        if (rung + 1 < kReplicas) seen.every_pair_tried &= attempts == kMoves / 2;
        rates[ladder] = attempts > 0 ? state.swap_acceptance[row] / attempts : GetParam().rate;
      }
      seen.variance = std::max(seen.variance, std::fabs(z_mean(squares, temperature[rung])));
      if (rung + 1 < kReplicas && seen.every_pair_tried) {
        seen.rate = std::max(seen.rate, std::fabs(z_mean(rates, GetParam().rate)));
      }
    }
    return seen;
  }
};

TEST_P(NormalLadderTest, HasTheVarianceOfEveryTemperatureAndTheExactSwapRate) {
  const auto energy = normal_energy(line("x", GetParam().dimension), 1);
  const auto method = tempering(energy, 0.4, kReplicas, 8);
  const Seen right = seen(energy, *method);
  EXPECT_LT(right.variance, kPass);
  EXPECT_LT(right.rate, kPass);
  EXPECT_TRUE(right.every_pair_tried);
  const Seen wrong = seen(energy, BrokenTempering(*method, BrokenTempering::Fault::kEnergiesOverTemperature));
  EXPECT_GT(wrong.variance, kReject);
  EXPECT_GT(wrong.rate, kReject);
  RecordProperty("z", fmt::format("{:.1f}, rates {:.1f}; twin {:.0f}", right.variance, right.rate, wrong.variance));
}

// Every replica keeps its own law, so no test of draws sees it; the counter of proposals does.
TEST_P(NormalLadderTest, CountsTheProposalsThatADisconnectedLadderLacks) {
  const auto energy = normal_energy(line("x", GetParam().dimension), 1);
  const auto method = tempering(energy, 0.4, kReplicas, 8);
  const Seen wrong = seen(energy, BrokenTempering(*method, BrokenTempering::Fault::kNoOddPairs));
  EXPECT_LT(wrong.variance, kPass);
  EXPECT_FALSE(wrong.every_pair_tried);
}

INSTANTIATE_TEST_SUITE_P(Dimensions, NormalLadderTest,
                         ::testing::Values(NormalCase{1, 0.78365}, NormalCase{2, 2.0 / 3}, NormalCase{8, 0.34659}),
                         [](const auto& one) { return fmt::format("d{}", one.param.dimension); });

/// exp(-E/T) of a one-dimensional energy.
TabulatedLaw law_at(const Energy& energy, double temperature, double least, double most) {
  const auto density = [&](double x) {
    double value = 0;
    const void* position[] = {&x};
    EnergyCall call;
    call.rows = 1;
    call.position = position;
    call.energy = &value;
    energy.evaluate(call);
    return std::exp(-value / temperature);
  };
  return TabulatedLaw(density, least, most);
}

struct Case {
  size_t target;
  double step_size, least, most;
};

class TemperedLawTest : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr int64_t kLadders = 1000000, kReplicas = 3;

  struct Seen {
    double d = 0;          ///< the largest over temperatures
    double mode_mass = 0;  ///< |z| of P(x > 0) in the coldest replica, of the mixture
  };
  Seen seen(const Energy& energy, const Method& method) const {
    std::vector<TabulatedLaw> laws;
    for (const double t : method.ladder().temperature) {
      laws.push_back(law_at(energy, t, GetParam().least, GetParam().most));
    }
    std::vector<double> start(kLadders * kReplicas);
    std::mt19937_64 random(12);
    std::uniform_real_distribution<> u;
    for (size_t i = 0; i < start.size(); ++i) start[i] = laws[i % kReplicas].quantile(u(random));
    Walkers walkers(energy, method, start, 6);
    walkers.move(kMoves);
    const std::vector<double> x = walkers.positions();
    Seen seen;
    for (int64_t rung = 0; rung < kReplicas; ++rung) {
      const TabulatedLaw& law = laws[rung];
      seen.d = std::max(seen.d, kolmogorov(column(x, rung, kReplicas), [&](double at) { return law.cdf(at); }));
    }
    std::vector<double> right = column(x, 0, kReplicas);
    for (double& one : right) one = one > 0;
    seen.mode_mass = std::fabs(z_mean(right, 0.298148));
    return seen;
  }
};

TEST_P(TemperedLawTest, KeepsAnExactStartAtEveryTemperature) {
  const ExactTarget& target = exact_targets()[GetParam().target];
  const auto energy = target.energy(1);
  const auto method = tempering(*energy, GetParam().step_size, kReplicas, 4);
  const Seen right = seen(*energy, *method);
  const Seen wrong = seen(*energy, BrokenTempering(*method, BrokenTempering::Fault::kEnergiesOverTemperature));
  EXPECT_LT(right.d, kPassD);
  EXPECT_GT(wrong.d, kRejectD);
  if (GetParam().target == 1) {
    EXPECT_LT(right.mode_mass, kPass);
    EXPECT_GT(wrong.mode_mass, kReject);
  }
  RecordProperty("d", fmt::format("{:.4f}; twin {:.4f}", right.d, wrong.d));
}

// log-gamma, the mixture of two normals, x^4.
INSTANTIATE_TEST_SUITE_P(Targets, TemperedLawTest,
                         ::testing::Values(Case{0, 1.1, -150, 6}, Case{1, 0.485, -20, 20}, Case{2, 0.3245, -5, 5}),
                         [](const auto& one) {
                           return std::string(std::array{"LogGamma", "Mixture", "Quartic"}[one.param.target]);
                         });

// .7 N(-4, .5^2) + .3 N(4, .5^2), all chains beginning in the left mode, 32 T below the barrier.
TEST(ParallelTemperingTest, FindsTheMassOfAModeThatMalaNeverSees) {
  const RowEnergy energy(line("x"), [](const double* x, double* g) {
    const double a = (x[0] + 4) / 0.5, b = (x[0] - 4) / 0.5;
    const double log_p = std::log(0.7) - a * a / 2, log_q = std::log(0.3) - b * b / 2, top = std::max(log_p, log_q);
    const double p = std::exp(log_p - top), q = std::exp(log_q - top);
    g[0] = (p * a + q * b) / 0.5 / (p + q);
    return -top - std::log(p + q);
  });
  const auto z_of_right_mode = [&](const std::string& name, RunSummary& summary) {
    RunOptions options;
    options.method = name;
    for (const SettingDescription& option : method(name).options) {
      options.values.push_back(option.name == "hottest" ? parse_setting(option, {"40"}, "hottest")
                                                        : preset_value(option, option.name));
    }
    options.chains = 2000;
    options.warmup = 500;
    options.steps = options.thin = 1000;
    Keeper keeper(1, Precision::kFloat64);
    Observer* observers[] = {&keeper};
    summary = run({&energy, {{}}, 1}, *given_start({{-4.0}}, 1, energy.variables(), "left mode"), options, observers,
                  std::atomic<bool>{false});
    std::vector<double> right;
    for (const double x : keeper.positions.at(0)) right.push_back(x > 0);
    right.push_back(1);  // a standard error even where no chain is there
    return z_mean(right, 0.3);
  };
  RunSummary tempered, mala;
  EXPECT_LT(std::fabs(z_of_right_mode("parallel_tempering", tempered)), kPass);
  EXPECT_LT(z_of_right_mode("mala", mala), -kReject);
  EXPECT_GT(tempered.swaps.round_trips, 0.01);
  // Equal rates: the last spacing is of some thousand swaps a pair.
  for (const double rate : tempered.swaps.rate) EXPECT_NEAR(rate, 1 - tempered.swaps.barrier / 7, 0.06);
}

}  // namespace
}  // namespace potluck::testing
