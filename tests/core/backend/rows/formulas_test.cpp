// SPDX-License-Identifier: Apache-2.0
// The formulas against what they stand for, written down once more in another way.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/backend/rows/decision.h"
#include "core/backend/rows/energy_error.h"
#include "core/backend/rows/energy_sums.h"
#include "core/backend/rows/faces.h"
#include "core/backend/rows/freezing.h"
#include "core/backend/rows/isokinetic.h"
#include "core/backend/rows/ladder.h"
#include "core/backend/rows/langevin.h"
#include "core/backend/rows/splitting.h"
#include "core/backend/rows/trajectory.h"

namespace potluck {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Rows with all numbers that the formulas take.
struct Rows {
  explicit Rows(int64_t count)
      : chain(count),
        step(count),
        nan(count),
        diverged(count),
        attempts(count),
        replica(count),
        trips(count),
        frozen(count),
        left(count),
        has_been(count),
        energy(count),
        proposal(count),
        expert(count),
        proposal_expert(count),
        ratio(count),
        acceptance(count),
        error(count),
        slope(count),
        swapped(count) {
    numbers.rows = count;
    numbers.experts = 1;
    numbers.seed = 4;
    numbers.chain = chain.data();
    numbers.frozen = frozen.data();
    numbers.frozen_step = step.data();
    numbers.left = left.data();
    numbers.nan_proposals = nan.data();
    numbers.divergences = diverged.data();
    numbers.energy = energy.data();
    numbers.expert_energy = expert.data();
    numbers.proposal_energy = proposal.data();
    numbers.proposal_expert_energy = proposal_expert.data();
    numbers.log_ratio = ratio.data();
    numbers.acceptance = acceptance.data();
    numbers.energy_error = error.data();
    numbers.trajectory_slope = slope.data();
    numbers.swap_attempts = attempts.data();
    numbers.swap_acceptance = swapped.data();
    numbers.replica = replica.data();
    numbers.has_been = has_been.data();
    numbers.round_trips = trips.data();
    for (int64_t row = 0; row < count; ++row) chain[row] = static_cast<uint32_t>(row);
  }
  std::vector<uint32_t> chain, step, nan, diverged, attempts, replica, trips;
  std::vector<uint8_t> frozen, left, has_been;
  std::vector<double> energy, proposal, expert, proposal_expert, ratio, acceptance, error, slope, swapped;
  RowNumbers numbers;
};

// Folding into [-1, 2] is a triangle wave of period 6: with t = (y + 1) mod 6 it is -1 + t up to t = 3, then 5 - t.
TEST(FacesTest, FoldAsATriangleWave) {
  for (double y = -40; y < 40; y += 0.1875) {
    const double t = std::fmod(y + 1 + 60, 6.0), expected = t <= 3 ? -1 + t : 5 - t;
    for (const bool kept : {false, true}) EXPECT_NEAR(formula::folded(y, -1.0, 2.0, kept), expected, 1e-13) << y;
    // The twin: one reflection at each face is enough next to the support alone.
    EXPECT_EQ(std::fabs(formula::reflected_once(y, -1.0, 2.0) - expected) < 1e-13, y >= -7 && y <= 5) << y;
    EXPECT_EQ(formula::clamped(y, -1.0, 2.0), std::fmin(std::fmax(y, -1.0), 2.0));
  }
}

TEST(FacesTest, AVelocityTurnsWithEachReflection) {
  double x = 2.5, v = 3;
  formula::bounce(x, v, -1.0, 2.0);
  EXPECT_EQ(x, 1.5);
  EXPECT_EQ(v, -3);
  x = 5.5;  // 2 - 3.5 = -1.5 and then -0.5
  formula::bounce(x, v, -1.0, 2.0);
  EXPECT_EQ(x, -0.5);
  EXPECT_EQ(v, -3);
}

// In u = x/s the gradient is s g: u' = u - drift s g + noise z.
TEST(LangevinTest, MovesInTheCoordinatesOfTheMetric) {
  const double x = 0.75, g = -1.25, s = 0.5, drift = 0.125, noise = 0.5;
  const float z = 1.5f;
  EXPECT_DOUBLE_EQ(formula::scaled_langevin(x, g, z, drift, noise, s), s * (x / s - drift * (s * g) + noise * 1.5));
  EXPECT_EQ(formula::scaled_langevin(x, g, z, drift, noise, 1.0), element::langevin(x, g, z, drift, noise));
}

// With y = x - eps g + sqrt(2 eps T) z the proposal is N(x - eps g, 2 eps T), so that T log q(y|x)/q(x|y) is
//   (|x - y + eps h|^2 - |y - x + eps g|^2) / (4 eps), all in u.
TEST(LangevinTest, RatioIsThatOfTheProposalsDensities) {
  const double eps = 0.125, s = 0.5;
  for (const double x : {-1.0, 0.25}) {
    for (const double y : {-0.5, 2.0}) {
      for (const double g : {-2.0, 0.5}) {
        for (const double h : {1.5, -0.25}) {
          const double there = y / s - x / s + eps * s * g, back = x / s - y / s + eps * s * h;
          EXPECT_NEAR(formula::langevin_ratio(x, y, g, h, 1, eps / 4, s * s), (back * back - there * there) / (4 * eps),
                      1e-12);
        }
      }
    }
  }
  // At a face the gradient of the unfolded energy changes sign with the fold.
  EXPECT_EQ(formula::langevin_ratio(1.0, 2.5, 0.5, 3.0, -1, eps / 4, 1),
            formula::langevin_ratio(1.0, 2.5, 0.5, -3.0, 1, eps / 4, 1));
}

TEST(LangevinTest, ClipsAndKeepsWhatIsNotANumber) {
  EXPECT_EQ(formula::clipped(3.0, 0.5), 0.5);
  EXPECT_EQ(formula::clipped(-kInfinity, 0.5), -0.5);
  EXPECT_EQ(formula::clipped(0.25, 0.5), 0.25);
  EXPECT_TRUE(std::isnan(formula::clipped(kNaN, 0.5)));
}

TEST(SplittingTest, HasThePiecesOfLangevinDynamics) {
  EXPECT_EQ(formula::kicked(1.0, 4.0, 0.125), 0.5);
  EXPECT_EQ(formula::drifted(1.0, 4.0, 0.125), 1.5);
  EXPECT_EQ(formula::refreshed(4.0, 2.0f, 0.5, 0.25), 2.5);
  EXPECT_EQ(formula::combined(4.0, 2.0, 0.5, 0.25), 2.5);
}

// The formula of the paper where nothing overflows: v <- (v + e (sinh + c (cosh - 1))) / (cosh + c sinh).
TEST(IsokineticTest, IsTheFlowOfThePaper) {
  const double dimension = 5, temperature = 0.8, time = 0.7;
  const double v[] = {0.6, 0.8}, g[] = {1.2, -3.0};
  const double slope2 = g[0] * g[0] + g[1] * g[1], along = g[0] * v[0] + g[1] * v[1], slope = std::sqrt(slope2);
  const IsokineticKick kick = formula::isokinetic_kick(slope2, along, 1, dimension, time, temperature);
  const double delta = time * slope / (temperature * (dimension - 1)), c = -along / slope;
  const double divisor = std::cosh(delta) + c * std::sinh(delta);
  double length = 0;
  for (int j = 0; j < 2; ++j) {
    const double got = kick.kept * v[j] + kick.added * g[j];
    EXPECT_NEAR(got, (v[j] - g[j] / slope * (std::sinh(delta) + c * (std::cosh(delta) - 1))) / divisor, 1e-14);
    length += got * got;
  }
  EXPECT_NEAR(length, 1, 1e-14);
  EXPECT_NEAR(kick.kinetic, temperature * 4 * std::log(divisor), 1e-14);
}

// However long, it ends in the direction of steepest descent: v = -g/|g|, with log(cosh + c sinh) -> delta +
// log((1+c)/2).
TEST(IsokineticTest, DoesNotOverflow) {
  const IsokineticKick kick = formula::isokinetic_kick(4, 1, 1, 3, 2000, 1);
  EXPECT_EQ(kick.kept, 0);
  EXPECT_NEAR(kick.added, -0.5, 1e-15);
  EXPECT_NEAR(kick.kinetic, 2 * (2000 + std::log(0.25)), 1e-9);
  EXPECT_EQ(formula::isokinetic_kick(0, 0, 1, 3, 1, 1).kept, 1);      // a flat energy
  EXPECT_EQ(formula::isokinetic_kick(4, 2, 1, 3, 2000, 1).added, 0);  // exactly uphill
}

struct Decided {
  bool accepted;
  uint32_t divergences, nan_proposals;
  double acceptance, energy_error;
};
bool operator==(const Decided& a, const Decided& b) {
  return a.accepted == b.accepted && a.divergences == b.divergences && a.nan_proposals == b.nan_proposals &&
         a.acceptance == b.acceptance && a.energy_error == b.energy_error;
}

Decided decided(double proposal, double ratio, bool left = false, double expert = 0) {
  Rows rows(1);
  rows.proposal[0] = proposal;
  rows.ratio[0] = ratio;
  rows.left[0] = left;
  rows.proposal_expert[0] = expert;
  rows.numbers.temperature = 2;
  const bool accepted = formula::accepts(rows.numbers, 3, 0);
  return {accepted, rows.diverged[0], rows.nan[0], rows.acceptance[0], rows.error[0]};
}

// E(x) = 0 and T = 2: log a = -(E(y) + log_ratio)/2.
TEST(DecisionTest, CountsWhatBecomesOfAProposal) {
  EXPECT_EQ(decided(-3, 1), (Decided{true, 0, 0, 1, 1}));  // log a = 1
  EXPECT_EQ(decided(0, 0), (Decided{true, 0, 0, 1, 0}));
  EXPECT_EQ(decided(kInfinity, 0), (Decided{false, 1, 0, 0, 0}));
  EXPECT_EQ(decided(-kInfinity, 0), (Decided{false, 0, 1, 0, 0}));
  EXPECT_EQ(decided(kNaN, 0), (Decided{false, 0, 1, 0, 0}));
  EXPECT_EQ(decided(kNaN, 0, true), (Decided{false, 1, 0, 0, 0}));              // its trajectory had left
  EXPECT_EQ(decided(kNaN, 0, false, kInfinity), (Decided{false, 1, 0, 0, 0}));  // an expert overflowed
  EXPECT_EQ(decided(1, kNaN), (Decided{false, 0, 1, 0, 0}));
  EXPECT_EQ(decided(2001, 0), (Decided{false, 1, 0, 0, 1e6}));  // beyond 1000 T; the error counts as 1000 T
  EXPECT_EQ(decided(2000, 0), (Decided{false, 0, 0, 0, 1e6}));
}

// 40 000 rows with a = 0.3: the share that is accepted has a standard error of sqrt(0.3 0.7 / 40000) = 0.0023.
TEST(DecisionTest, AcceptsWithTheProbability) {
  Rows rows(40000);
  double accepted = 0;
  for (int64_t row = 0; row < 40000; ++row) {
    rows.proposal[row] = -std::log(0.3);
    accepted += formula::accepts(rows.numbers, 5, row);
  }
  EXPECT_NEAR(accepted / 40000, 0.3, 6 * 0.0023);
  EXPECT_NEAR(rows.acceptance[7], 0.3, 1e-15);
  EXPECT_GT(std::fabs(accepted / 40000 - 0.32), 6 * 0.0023);  // the twin: another probability
}

TEST(EnergyErrorTest, OfATrajectoryAndOfAStep) {
  EXPECT_FALSE(formula::has_left(1999, 5, 2));
  EXPECT_TRUE(formula::has_left(2001, 5, 2));
  EXPECT_TRUE(formula::has_left(kNaN, kInfinity, 2));
  EXPECT_FALSE(formula::has_left(kNaN, kNaN, 2));
  EXPECT_EQ(formula::trajectory_error(3, 7, -1.5), 2.5);
  Rows rows(2);
  rows.numbers.temperature = 2;
  rows.energy = {3, kInfinity};
  for (int64_t row = 0; row < 2; ++row) formula::begin_energy_error(rows.numbers, row);
  rows.energy = {4, 4};
  rows.ratio[0] += 2;  // kinetic: the whole has grown by 3, that is 1.5 T
  for (int64_t row = 0; row < 2; ++row) formula::end_energy_error(rows.numbers, row);
  EXPECT_EQ(rows.error, (std::vector<double>{2.25, 0}));
}

// log a = 0, so that the slope is reach D along - D^2/4 = 0.5 * 2 * 3 - 1; and -1 where a = exp(-1).
TEST(TrajectoryTest, SlopeIsWeightedByTheProbability) {
  Rows rows(3);
  rows.proposal = {0, 1, 0};
  rows.frozen = {0, 0, 1};
  for (int64_t row = 0; row < 3; ++row) formula::add_trajectory_slope(rows.numbers, 0.5, 2, 3, row);
  EXPECT_EQ(rows.slope, (std::vector<double>{2, std::exp(-1) * 2, 0}));
}

TEST(EnergySumsTest, AddDistancesFromReferences) {
  Rows rows(2);
  std::vector<double> sums(2 * 7);
  rows.numbers.energy_sums = sums.data();
  rows.numbers.energy_stride = 2;
  sums[1] = 10;         // the reference of row 1
  sums[3 * 2 + 1] = 4;  // of its expert
  rows.energy[1] = 13;
  rows.expert[1] = 2;
  formula::add_energies(rows.numbers, 1);
  formula::add_energies(rows.numbers, 1);
  // Twice 3, 9, -2, 4 and 3 * -2; row 0 has nothing.
  EXPECT_EQ(sums, (std::vector<double>{0, 10, 0, 6, 0, 18, 0, 4, 0, -4, 0, 8, 0, -12}));
}

TEST(FreezingTest, FreezesARowOnceWhereItFails) {
  Rows rows(4);
  rows.energy = {1, kNaN, -kInfinity, 1};
  for (int64_t row = 0; row < 4; ++row) formula::freeze_failed(rows.numbers, 8, row == 3, row);
  for (int64_t row = 0; row < 4; ++row) formula::freeze_failed(rows.numbers, 9, true, row);
  EXPECT_EQ(rows.step, (std::vector<uint32_t>{9, 8, 8, 8}));
  EXPECT_EQ(rows.frozen, (std::vector<uint8_t>{1, 1, 1, 1}));
}

// T = 1 and 2, so log a = (1 - 1/2) (E_0 - E_1): with 0.5 below it is exp(-1/4).
TEST(LadderTest, SwapsWithTheProbability) {
  const double temperatures[] = {1, 2};
  int64_t swapped = 0;
  for (uint32_t step = 0; step < 40000; ++step) {
    Rows rows(2);
    rows.numbers.row_temperature = temperatures;
    rows.energy = {1.0, 1.5};
    swapped += formula::swaps(rows.numbers, step, 0);
    EXPECT_EQ(rows.attempts[0], 1u);
    EXPECT_EQ(rows.swapped[0], std::exp(-0.25));
  }
  // Its standard error is sqrt(0.7788 0.2212 / 40000) = 0.0021. The twin: exp(-1/2), as of temperatures 1 and infinity.
  EXPECT_NEAR(static_cast<double>(swapped) / 40000, std::exp(-0.25), 6 * 0.0021);
  EXPECT_GT(std::fabs(static_cast<double>(swapped) / 40000 - std::exp(-0.5)), 6 * 0.0021);
}

TEST(LadderTest, CountsRoundTrips) {
  Rows rows(3);
  rows.numbers.ladder = 3;
  rows.replica = {0, 1, 2};
  formula::count_round_trip(rows.numbers, 0);
  formula::exchange_numbers(rows.numbers, 0);
  formula::exchange_numbers(rows.numbers, 1);
  formula::count_round_trip(rows.numbers, 0);
  EXPECT_EQ(rows.replica, (std::vector<uint32_t>{1, 2, 0}));  // replica 0 has come to the hottest row
  EXPECT_EQ(rows.trips[0], 0u);
  formula::exchange_numbers(rows.numbers, 1);
  formula::exchange_numbers(rows.numbers, 0);
  formula::count_round_trip(rows.numbers, 0);
  EXPECT_EQ(rows.replica[0], 0u);
  EXPECT_EQ(rows.trips, (std::vector<uint32_t>{1, 0, 0}));
}

}  // namespace
}  // namespace potluck
