// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "core/random/philox.h"

namespace potluck {
namespace {

uint64_t hash(const void* data, size_t bytes, uint64_t seed = 1469598103934665603ull) {
  for (size_t i = 0; i < bytes; ++i) seed = (seed ^ static_cast<const uint8_t*>(data)[i]) * 1099511628211ull;
  return seed;
}

/// Arrays for a move and a splitting, filled with something that visits every branch.
template <class Real>
struct Fixture {
  int64_t rows, n;
  std::vector<uint32_t> chain;
  std::vector<uint8_t> held;
  std::vector<Real> x, g, y, raw, h;
  std::vector<double> sum, reflected;

  Fixture(int64_t rows_, int64_t n_) : rows(rows_), n(n_), chain(rows), held(n), sum(rows), reflected(rows) {
    std::iota(chain.begin(), chain.end(), 3u);
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
    a.drift = 0.05;
    a.noise = 0.6;
    a.sum = sum.data();
    a.reflected = reflected.data();
    return a;
  }
  uint64_t digest() const {
    uint64_t all = hash(y.data(), y.size() * sizeof(Real));
    all = hash(raw.data(), raw.size() * sizeof(Real), all);
    all = hash(sum.data(), sum.size() * sizeof(double), all);
    return hash(reflected.data(), reflected.size() * sizeof(double), all);
  }
};

constexpr int kFaces = 1, kHeld = 2, kScaled = 4, kFrozen = 8;

/// What a move and a splitting give in rows that are told to be treated `one_by_one`, by factors of 1 for each.
template <class Real>
uint64_t digest_of_moves(const RowKernels& kernels, int64_t n, int flags, bool one_by_one) {
  const RowKernels::Typed& typed = sizeof(Real) == 4 ? kernels.float32 : kernels.float64;
  const int64_t rows = n <= 4 ? 600 : 9;  // narrow ones fill more than a patch
  Fixture<Real> fixture(rows, n);
  std::vector<Real> scale(n);
  for (int64_t j = 0; j < n; ++j) scale[j] = static_cast<Real>(1 + 0.1 * std::sin(static_cast<double>(j + 1)));
  const std::vector<double> ones(rows, 1.0);
  std::vector<uint8_t> frozen(rows);
  for (int64_t row = 0; row < rows; ++row) frozen[row] = row % 7 == 0 || row % 11 == 3;
  RowArguments a = fixture.arguments(flags & kFaces, flags & kHeld);
  if (flags & kScaled) a.scale = scale.data();
  if (flags & kFrozen) a.frozen = frozen.data();
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
    for (int flags = 0; flags < 16; ++flags) {
      const uint64_t apart = digest_of_moves<Real>(*all_row_kernels()[0], n, flags, true);
      for (const RowKernels* one : all_row_kernels())
        EXPECT_EQ(digest_of_moves<Real>(*one, n, flags, false), apart) << one->name << ' ' << n << ' ' << flags;
      // The twins: what is held, scaled, folded or frozen shows.
      for (const int other : {kFaces, kHeld, kScaled, kFrozen}) {
        if (n == 1 && other == kHeld) continue;
        EXPECT_NE(digest_of_moves<Real>(row_kernels(), n, flags ^ other, false), apart)
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

}  // namespace
}  // namespace potluck
