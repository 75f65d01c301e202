// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums over rows in float64, included by cpu_rows_loops.h.

#include <cstdint>

#include "core/backend/cpu_rows.h"
#include "core/backend/rows/gradient.h"
#include "core/backend/rows/langevin.h"
#include "core/backend/rows/products.h"
#include "core/random/element.h"

namespace potluck {
namespace {

// Sums of kSums lanes, element j in lane j % kSums in every vector width, folded in one order.
constexpr int kSums = 8;
double folded(const double* s) { return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])); }

template <class Term>
__attribute__((always_inline)) inline double sum_of(int64_t count, Term term) {
  double sums[kSums] = {};
  int64_t j = 0;
  for (; j + kSums <= count; j += kSums) {
    for (int lane = 0; lane < kSums; ++lane) sums[lane] += term(j + lane);
  }
  for (; j < count; ++j) sums[j % kSums] += term(j);
  return folded(sums);
}

template <class Real>
void ratio(const RowArguments& a) {
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  const Real* scale = static_cast<const Real*>(a.scale);
  for (int64_t row = 0; row < a.rows; ++row) {
    const double quarter = formula::factor<double>(a.drift, a.row_step, row) / 4;
    const Real* x = static_cast<const Real*>(a.from) + row * a.n;
    const Real* y = static_cast<const Real*>(a.unfolded) + row * a.n;
    const Real* g = static_cast<const Real*>(a.gradient) + row * a.n;
    const Real* h = static_cast<const Real*>(a.to_gradient) + row * a.n;
    double sums[kSums] = {};
    // Element j goes to sum j % kSums, in every vector width.
    const auto add = [&](int lane, int64_t j, double sign, double squared_scale) {
      sums[lane] += formula::langevin_ratio(x[j], y[j], g[j], h[j], sign, quarter, squared_scale);
    };
    int outside = a.held != nullptr || scale != nullptr;
    if (a.faces) {
      for (int64_t j = 0; j < a.n; ++j) outside |= formula::is_outside(y[j], least, most);
    }
    if (outside) {
      for (int64_t j = 0; j < a.n; ++j) {
        if (a.held && a.held[j]) continue;
        Real sign = 1;
        if (a.faces) element::fold(y[j], least, most, sign);
        const double s = scale ? static_cast<double>(scale[j]) : 1.0;
        add(static_cast<int>(j % kSums), j, static_cast<double>(sign), s * s);
      }
    } else {
      int64_t j = 0;
      for (; j + kSums <= a.n; j += kSums) {
        for (int lane = 0; lane < kSums; ++lane) add(lane, j + lane, 1.0, 1.0);
      }
      for (; j < a.n; ++j) add(static_cast<int>(j % kSums), j, 1.0, 1.0);
    }
    a.sum[row] += folded(sums);
  }
}

// @param g, v   of the row, or null
// @param slope  double(int64_t coordinate): s g, where there is a gradient
template <class Real, class Slope>
__attribute__((always_inline)) inline void add_products(const RowArguments& a, int64_t row, const Real* g,
                                                        const Real* v, Slope slope) {
  if (g) a.sum[row] += sum_of(a.n, [&](int64_t j) { return slope(j) * slope(j); });
  if (g && v) a.sum[a.rows + row] += sum_of(a.n, [&](int64_t j) { return slope(j) * static_cast<double>(v[j]); });
  if (v) a.sum[2 * a.rows + row] += sum_of(a.n, [&](int64_t j) { return formula::square(v[j]); });
}

template <class Real>
void products(const RowArguments& a) {
  const Real* scale = static_cast<const Real*>(a.scale);
  const uint8_t* held = a.held;
  for (int64_t row = 0; row < a.rows; ++row) {
    const Real* g = a.gradient ? static_cast<const Real*>(a.gradient) + row * a.n : nullptr;
    const Real* v = a.from_velocity ? static_cast<const Real*>(a.from_velocity) + row * a.n : nullptr;
    if (held) {
      const auto scale_of = [=](int64_t j) { return scale ? static_cast<double>(scale[j]) : 1.0; };
      add_products(a, row, g, v, [=](int64_t j) { return held[j] ? 0.0 : formula::slope(g[j], scale_of(j)); });
    } else if (scale) {
      add_products(a, row, g, v, [=](int64_t j) { return formula::slope(g[j], static_cast<double>(scale[j])); });
    } else {
      add_products(a, row, g, v, [=](int64_t j) { return formula::slope(g[j], 1.0); });
    }
  }
}

template <class Real>
void turn(const RowArguments& a) {
  const Real* scale = static_cast<const Real*>(a.scale);
  const Real* centre = static_cast<const Real*>(a.centre);
  for (int64_t row = 0; row < a.rows; ++row) {
    const Real* x = static_cast<const Real*>(a.from) + row * a.n;
    const Real* y = static_cast<const Real*>(a.to) + row * a.n;
    const Real* v = static_cast<const Real*>(a.from_velocity) + row * a.n;
    const auto from_centre = [&](const Real* p, int64_t j) {
      if (a.held && a.held[j]) return 0.0;
      return formula::from_centre(p[j], centre ? static_cast<double>(centre[j]) : 0.0,
                                  scale ? static_cast<double>(scale[j]) : 1.0);
    };
    a.sum[row] += sum_of(a.n, [&](int64_t j) { return formula::grown(from_centre(y, j), from_centre(x, j)); });
    a.sum[a.rows + row] += sum_of(a.n, [&](int64_t j) { return from_centre(y, j) * static_cast<double>(v[j]); });
  }
}

}  // namespace
}  // namespace potluck
