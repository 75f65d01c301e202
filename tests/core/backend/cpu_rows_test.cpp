// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_rows.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "core/random/philox.h"

namespace potluck {
namespace {

uint64_t hash(const void* data, size_t bytes, uint64_t seed = 1469598103934665603ull) {
  for (size_t i = 0; i < bytes; ++i) seed = (seed ^ static_cast<const uint8_t*>(data)[i]) * 1099511628211ull;
  return seed;
}

/// Arrays for one call of any kernel, filled with something that visits every branch.
template <class Real>
struct Fixture {
  int64_t rows, n;
  std::vector<uint32_t> chain;
  std::vector<uint8_t> frozen, held;
  std::vector<Real> x, g, y, raw, h;
  std::vector<double> sum, reflected;
  std::vector<uint8_t> flag;

  Fixture(int64_t rows_, int64_t n_)
      : rows(rows_), n(n_), chain(rows), frozen(rows), held(n), sum(rows), reflected(rows), flag(rows) {
    std::iota(chain.begin(), chain.end(), 3u);
    frozen[rows / 2] = 1;
    if (n > 1) held[n / 3] = 1;
    for (auto* a : {&x, &g, &y, &raw, &h}) a->resize(rows * n);
    for (int64_t i = 0; i < rows * n; ++i) {
      x[i] = static_cast<Real>(0.5 + 0.4 * std::sin(0.37 * static_cast<double>(i)));
      g[i] = static_cast<Real>(3 * std::cos(0.11 * static_cast<double>(i)));
      h[i] = static_cast<Real>(2 * std::cos(0.23 * static_cast<double>(i)));
    }
  }
  RowArguments arguments(bool faces, bool with_held) {
    RowArguments a;
    a.rows = rows;
    a.n = n;
    a.chain = chain.data();
    a.frozen = frozen.data();
    a.held = with_held ? held.data() : nullptr;
    a.seed = 9;
    a.variable = variable_key("x");
    a.step = 17;
    a.least = faces ? 0 : -INFINITY;
    a.most = faces ? 1 : INFINITY;
    a.faces = faces;
    a.from = x.data();
    a.gradient = g.data();
    a.to = y.data();
    a.unfolded = raw.data();
    a.to_gradient = h.data();
    a.drift = 0.05;
    a.noise = 0.6;
    a.clip = 0.7;
    a.sum = sum.data();
    a.reflected = reflected.data();
    a.flag = flag.data();
    return a;
  }
  uint64_t digest() const {
    uint64_t all = hash(y.data(), y.size() * sizeof(Real));
    all = hash(raw.data(), raw.size() * sizeof(Real), all);
    all = hash(sum.data(), sum.size() * sizeof(double), all);
    all = hash(reflected.data(), reflected.size() * sizeof(double), all);
    return hash(flag.data(), flag.size(), all);
  }
};

template <class Real>
uint64_t digest_of_everything(const RowKernels& kernels) {
  const RowKernels::Typed& typed = sizeof(Real) == 4 ? kernels.float32 : kernels.float64;
  uint64_t all = 0;
  for (const int64_t n : {1, 2, 3, 5, 64, 130, 1029}) {
    for (const bool faces : {false, true}) {
      for (const bool held : {false, true}) {
        Fixture<Real> fixture(13, n);
        RowArguments a = fixture.arguments(faces, held);
        typed.move(a);
        typed.ratio(a);
        typed.gradient_square(a);
        const uint64_t moved = fixture.digest();
        a.unfolded = nullptr;
        typed.move_clipped(a);
        a.clamp = true;
        typed.move_clipped(a);
        const uint64_t both[] = {all, moved, fixture.digest()};
        all = hash(both, sizeof both);
      }
    }
  }
  return all;
}

TEST(RowKernelsTest, GiveTheSameBitsInEveryVectorWidth) {
  const std::vector<const RowKernels*> all = all_row_kernels();
  const uint64_t float32 = digest_of_everything<float>(*all[0]), float64 = digest_of_everything<double>(*all[0]);
  for (const RowKernels* one : all) {
    EXPECT_EQ(digest_of_everything<float>(*one), float32) << one->name;
    EXPECT_EQ(digest_of_everything<double>(*one), float64) << one->name;
  }
}

/// What a move and a splitting give in rows that all move, told to treat them `one_by_one` by factors of 1 for each.
template <class Real>
uint64_t digest_of_moves(const RowKernels& kernels, int64_t n, bool faces, bool held, bool scaled, bool one_by_one) {
  const RowKernels::Typed& typed = sizeof(Real) == 4 ? kernels.float32 : kernels.float64;
  const int64_t rows = n <= 4 ? 600 : 9;  // narrow ones fill more than a patch
  Fixture<Real> fixture(rows, n);
  fixture.frozen.assign(rows, 0);
  std::vector<Real> scale(n);
  for (int64_t j = 0; j < n; ++j) scale[j] = static_cast<Real>(1 + 0.1 * std::sin(static_cast<double>(j + 1)));
  const std::vector<double> ones(rows, 1.0);
  RowArguments a = fixture.arguments(faces, held);
  if (scaled) a.scale = scale.data();
  if (one_by_one) a.row_step = a.row_noise = ones.data();
  typed.move(a);
  const uint64_t moved = fixture.digest();
  a.from_velocity = fixture.h.data();
  a.to_velocity = fixture.raw.data();
  using Kind = RowPiece::Kind;
  const RowPiece pieces[] = {{Kind::kRefresh, 0.3, 0.7, 5}, {Kind::kKinetic, -1, 0, 0}, {Kind::kKick, 0.1, 0, 0},
                             {Kind::kDrift, 0.2, 0, 0},     {Kind::kKick, 0.1, 0, 0},   {Kind::kKinetic, 1, 0, 0}};
  typed.split(a, pieces, std::size(pieces));
  const uint64_t both[] = {moved, fixture.digest()};
  return hash(both, sizeof both);
}

template <class Real>
void expect_rows_together_to_be_rows_one_by_one() {
  for (const int64_t n : {1, 2, 3, 4, 5, 32, 256, 300, 1029}) {
    for (const int flags : {0, 1, 2, 3, 4, 5, 6, 7}) {
      const bool faces = flags & 1, held = flags & 2, scaled = flags & 4;
      const uint64_t apart = digest_of_moves<Real>(*all_row_kernels()[0], n, faces, held, scaled, true);
      for (const RowKernels* one : all_row_kernels())
        EXPECT_EQ(digest_of_moves<Real>(*one, n, faces, held, scaled, false), apart)
            << one->name << ' ' << n << ' ' << faces << held << scaled;
      // The twins: what is held, scaled or folded shows.
      for (const int other : {1, 2, 4}) {
        if (n == 1 && other == 2) continue;
        EXPECT_NE(digest_of_moves<Real>(row_kernels(), n, (flags ^ other) & 1, (flags ^ other) & 2, (flags ^ other) & 4,
                                        false),
                  apart)
            << n << ' ' << flags << ' ' << other;
      }
    }
  }
}

TEST(RowKernelsTest, MoveRowsTogetherAsOneByOne) {
  expect_rows_together_to_be_rows_one_by_one<float>();
  expect_rows_together_to_be_rows_one_by_one<double>();
}

// The noise is a format: this number never changes, whatever compiler, width or device made it (docs/noise.md).
constexpr uint64_t kNoiseHash = 3525245164717898685ull;

std::vector<float> noise(const RowKernels& kernels, int64_t rows, int64_t n, uint32_t first_chain, uint32_t step,
                         uint32_t seed) {
  std::vector<uint32_t> chain(rows);
  std::iota(chain.begin(), chain.end(), first_chain);
  RowArguments a;
  a.rows = rows;
  a.n = n;
  a.chain = chain.data();
  a.seed = seed;
  a.variable = variable_key("x");
  a.step = step;
  std::vector<float> z(rows * n);
  kernels.normals(a, z.data());
  return z;
}

TEST(NoiseTest, HasOneHashInEveryVectorWidth) {
  for (const RowKernels* one : all_row_kernels()) {
    const std::vector<float> z = noise(*one, 1024, 131, 0, 5, 42);
    EXPECT_EQ(hash(z.data(), z.size() * sizeof(float)), kNoiseHash) << one->name;
  }
}

TEST(NoiseTest, IsTheScalarDefinitionWhateverTheShapeOfTheCall) {
  for (const int64_t n : {1, 2, 4, 7, 300, 2500}) {
    const std::vector<float> z = noise(row_kernels(), 9, n, 11, 3, 8);
    for (int64_t row = 0; row < 9; ++row) {
      for (int64_t j = 0; j < n; ++j) {
        const NoiseAddress at{8, variable_key("x"), static_cast<uint32_t>(11 + row), 3, Purpose::kProposal};
        ASSERT_EQ(z[row * n + j], standard_normal(at, j)) << n << ' ' << row << ' ' << j;
      }
    }
  }
}

TEST(MoveTest, IsTheLangevinStepOfTheScalarDefinitions) {
  Fixture<double> fixture(5, 6);
  RowArguments a = fixture.arguments(true, true);
  row_kernels().float64.move(a);
  for (int64_t row = 0; row < 5; ++row) {
    for (int64_t j = 0; j < 6; ++j) {
      const int64_t i = row * 6 + j;
      if (fixture.frozen[row] || fixture.held[j]) {
        EXPECT_EQ(fixture.y[i], fixture.x[i]);
        continue;
      }
      const NoiseAddress at{9, variable_key("x"), fixture.chain[row], 17, Purpose::kProposal};
      const double raw = std::fma(0.6, double{standard_normal(at, j)}, std::fma(-0.05, fixture.g[i], fixture.x[i]));
      double sign;
      EXPECT_EQ(fixture.raw[i], raw);
      EXPECT_EQ(fixture.y[i], element::fold(raw, 0.0, 1.0, sign));
    }
  }
}

TEST(GradientSquareTest, FlagsRowsWithAFreeCoordinateThatIsNotFinite) {
  Fixture<float> fixture(4, 5);
  fixture.g[1 * 5 + 4] = NAN;
  fixture.g[2 * 5 + 0] = -std::numeric_limits<float>::infinity();
  fixture.g[3 * 5 + 1] = NAN;  // held: 5 / 3 = 1
  row_kernels().float32.gradient_square(fixture.arguments(false, true));
  EXPECT_EQ(fixture.flag, (std::vector<uint8_t>{0, 1, 1, 0}));
}

// Row 1 has squares beyond float32, row 2 is frozen and row 3 fails: it counts nothing.
TEST(GradientSquareTest, SumsTheSquaresOfFreeCoordinatesOfRowsThatMove) {
  for (const int64_t n : {3, 40, 2500}) {
    Fixture<float> fixture(4, n);
    for (int64_t j = 0; j < n; ++j) fixture.g[n + j] *= 1e25f;
    fixture.g[n / 3] = 1e30f;  // held
    fixture.g[3 * n] = NAN;
    row_kernels().float32.gradient_square(fixture.arguments(false, true));
    for (int64_t row = 0; row < 4; ++row) {
      double sum = 0;
      for (int64_t j = 0; j < n && row < 2; ++j) {
        if (j != n / 3) sum += double{fixture.g[row * n + j]} * double{fixture.g[row * n + j]};
      }
      EXPECT_NEAR(fixture.sum[row], sum, 1e-6 * sum) << n << ' ' << row;
      EXPECT_EQ(fixture.flag[row], row == 3) << n;
    }
  }
}

/// Where the scalar definitions leave the support.
std::vector<double> folded_by_the_scalar_definitions(Fixture<double>& fixture, bool held, double noise) {
  std::vector<double> counts(fixture.rows);
  for (int64_t row = 0; row < fixture.rows; ++row) {
    if (fixture.frozen[row]) continue;
    for (int64_t j = 0; j < fixture.n; ++j) {
      if (held && fixture.held[j]) continue;
      const NoiseAddress at{9, variable_key("x"), fixture.chain[row], 17, Purpose::kProposal};
      const int64_t i = row * fixture.n + j;
      const double raw = std::fma(noise, double{standard_normal(at, j)}, std::fma(-0.05, fixture.g[i], fixture.x[i]));
      counts[row] += raw < 0 || raw > 1;
    }
  }
  return counts;
}

// Rows alone and, with nothing held or frozen and whole counters, rows that are moved as one.
TEST(ReflectedTest, IsWhatTheScalarDefinitionsFold) {
  for (const int64_t n : {2, 4, 6, 64, 130, 1029}) {
    for (const bool joined : {false, true}) {
      for (const bool in_place : {false, true}) {
        Fixture<double> fixture(9, n);
        if (joined) fixture.frozen.assign(9, 0);
        RowArguments a = fixture.arguments(true, !joined);
        const std::vector<double> counts = folded_by_the_scalar_definitions(fixture, !joined, 0.6);
        if (in_place) a.unfolded = nullptr;
        row_kernels().float64.move(a);
        EXPECT_EQ(fixture.reflected, counts) << n << ' ' << joined << ' ' << in_place;
        // The twin: another noise folds others.
        if (n >= 64) {
          EXPECT_NE(fixture.reflected, folded_by_the_scalar_definitions(fixture, !joined, 0.7)) << n;
        }
      }
    }
  }
}

TEST(ReflectedTest, OfADriftIsTheVelocitiesThatTurned) {
  for (const int64_t n : {4, 6, 64}) {
    for (const bool joined : {false, true}) {
      Fixture<double> fixture(9, n);
      if (joined) fixture.frozen.assign(9, 0);
      RowArguments a = fixture.arguments(true, !joined);
      const std::vector<double> v = fixture.h;
      a.from_velocity = a.to_velocity = fixture.h.data();
      const RowPiece drift{RowPiece::Kind::kDrift, 0.3, 0, 0};
      row_kernels().float64.split(a, &drift, 1);
      std::vector<double> turned(9);
      for (int64_t i = 0; i < 9 * n; ++i) turned[i / n] += fixture.h[i] != v[i];
      EXPECT_EQ(fixture.reflected, turned) << n << ' ' << joined;
      EXPECT_GT(turned[0], 0);
    }
  }
}

}  // namespace
}  // namespace potluck
