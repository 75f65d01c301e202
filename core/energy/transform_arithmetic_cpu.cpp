// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "core/energy/transform_arithmetic.h"
#include "core/energy/transform_element.h"
#include "core/vector_unit.h"

namespace potluck {

namespace {

using Kind = Transform::Kind;

constexpr int64_t kChunk = 512;  ///< elements whose log slopes wait in the first-level cache to be summed
constexpr int64_t kLanes = 4;

/// The arrays of one pass. `x` and `log_slope`, or `gradient`.
template <class Real>
struct Arrays {
  const FreeRows* free;
  Real* x;
  double* log_slope;
  Real* gradient;
  double temperature;
};

/// In one order, whatever the vector width.
POTLUCK_ALWAYS_INLINE double sum(const double* terms, int64_t count) {
  double lanes[kLanes] = {};
  const int64_t whole = count - count % kLanes;
  for (int64_t j = 0; j < whole; j += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += terms[j + lane];
  for (int64_t j = whole; j < count; ++j) lanes[j - whole] += terms[j];
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

/// Whole rows where they are short, else a part of one: elements at ... at + rows * columns - 1.
struct Chunk {
  int64_t row, rows, column, columns;
};

template <class Visit>
POTLUCK_ALWAYS_INLINE void for_chunks(int64_t rows, int64_t n, Visit visit) {
  const int64_t together = std::max<int64_t>(1, kChunk / n);
  for (int64_t row = 0; row < rows; row += together)
    for (int64_t column = 0; column < n; column += kChunk)
      visit(Chunk{row, std::min(together, rows - row), column, std::min(kChunk, n - column)});
}

template <Kind kKind, class Real>
POTLUCK_ALWAYS_INLINE void positions(const Arrays<Real>& arrays) {
  const FreeRows& free = *arrays.free;
  const Transform transform = free.transform;
  alignas(64) double terms[kChunk];
  for_chunks(free.rows, free.n, [&](const Chunk& chunk) {
    const int64_t at = chunk.row * free.n + chunk.column, count = chunk.rows * chunk.columns;
    const Real* __restrict u = static_cast<const Real*>(free.u) + at;
    Real* __restrict x = arrays.x + at;
    for (int64_t i = 0; i < count; ++i) {
      const element::UserCoordinate user = element::user_coordinate<kKind>(transform, static_cast<double>(u[i]));
      x[i] = static_cast<Real>(user.x);
      terms[i] = user.log_slope;
    }
    for (int64_t row = 0; row < chunk.rows; ++row) {
      double* own = terms + row * chunk.columns;
      for (int64_t j = 0; free.held && j < chunk.columns; ++j) {
        if (!free.held[chunk.column + j]) continue;
        x[row * chunk.columns + j] = u[row * chunk.columns + j];
        own[j] = 0;
      }
      arrays.log_slope[chunk.row + row] += sum(own, chunk.columns);
    }
  });
}

template <Kind kKind, class Real>
POTLUCK_ALWAYS_INLINE void gradients(const Arrays<Real>& arrays) {
  const FreeRows& free = *arrays.free;
  const Transform transform = free.transform;
  const double temperature = arrays.temperature;
  alignas(64) Real changed[kChunk];
  for_chunks(free.rows, free.n, [&](const Chunk& chunk) {
    const int64_t at = chunk.row * free.n + chunk.column, count = chunk.rows * chunk.columns;
    const Real* __restrict u = static_cast<const Real*>(free.u) + at;
    Real* __restrict g = arrays.gradient + at;
    for (int64_t i = 0; i < count; ++i)
      changed[i] = static_cast<Real>(
          element::free_gradient<kKind>(transform, static_cast<double>(u[i]), static_cast<double>(g[i]), temperature));
    for (int64_t row = 0; free.held && row < chunk.rows; ++row)
      for (int64_t j = 0; j < chunk.columns; ++j)
        if (free.held[chunk.column + j]) changed[row * chunk.columns + j] = g[row * chunk.columns + j];
    std::copy_n(changed, count, g);
  });
}

template <class Real>
POTLUCK_ALWAYS_INLINE void pass(const Arrays<Real>& arrays) {
  switch (arrays.free->transform.kind) {
    case Kind::kLogAboveLeast:
      return arrays.x ? positions<Kind::kLogAboveLeast>(arrays) : gradients<Kind::kLogAboveLeast>(arrays);
    case Kind::kLogBelowMost:
      return arrays.x ? positions<Kind::kLogBelowMost>(arrays) : gradients<Kind::kLogBelowMost>(arrays);
    default:
      return arrays.x ? positions<Kind::kLogit>(arrays) : gradients<Kind::kLogit>(arrays);
  }
}

template <class Real>
__attribute__((noinline)) void pass_anywhere(const Arrays<Real>& arrays) {
  pass(arrays);
}

#if defined(__x86_64__)
template <class Real>
POTLUCK_FOR_AVX2 void pass_avx2(const Arrays<Real>& arrays) {
  pass(arrays);
}
template <class Real>
POTLUCK_FOR_AVX512 void pass_avx512(const Arrays<Real>& arrays) {
  pass(arrays);
}
#endif

template <class Real>
void run(const Arrays<Real>& arrays) {
#if defined(__x86_64__)
  if (vector_unit() == VectorUnit::kAvx512) return pass_avx512(arrays);
  if (vector_unit() == VectorUnit::kAvx2) return pass_avx2(arrays);
#endif
  pass_anywhere(arrays);
}

template <class Real>
class CpuTransformArithmetic final : public TransformArithmetic {
 public:
  std::shared_ptr<const uint8_t> keep(const std::vector<uint8_t>& mask) const override {
    const auto copy = std::make_shared<const std::vector<uint8_t>>(mask);
    return {copy, copy->data()};
  }

  void set_zero(double* log_slope, int64_t rows, void*) const override { std::fill_n(log_slope, rows, 0.0); }

  void user_positions(const FreeRows& free, void* x, double* log_slope, void*) const override {
    run(Arrays<Real>{&free, static_cast<Real*>(x), log_slope, nullptr, 0});
  }

  void free_gradients(const FreeRows& free, double temperature, void* gradient, void*) const override {
    run(Arrays<Real>{&free, nullptr, nullptr, static_cast<Real*>(gradient), temperature});
  }

  void subtract(const double* log_slope, double temperature, int64_t rows, double* energy, void*) const override {
    for (int64_t row = 0; row < rows; ++row) energy[row] -= temperature * log_slope[row];
  }
};

}  // namespace

std::unique_ptr<TransformArithmetic> cpu_transform_arithmetic(Precision precision) {
  if (precision == Precision::kFloat32) return std::make_unique<CpuTransformArithmetic<float>>();
  return std::make_unique<CpuTransformArithmetic<double>>();
}

}  // namespace potluck
