// SPDX-License-Identifier: Apache-2.0
#pragma once

// Rows between two levels of noise, included by cpu_rows_loops.h.

#include <cstdint>

#include "core/backend/cpu_rows_faces.h"
#include "core/backend/cpu_rows_noise.h"
#include "core/backend/rows/flow.h"

namespace potluck {
namespace {

template <class Real>
void flow_rows(const RowArguments& a) {
  const Real amount = static_cast<Real>(a.drift), least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  for (int64_t row = 0; row < a.rows; ++row) {
    if (a.frozen[row]) continue;
    Real* x = static_cast<Real*>(a.to) + row * a.n;
    const Real* g = static_cast<const Real*>(a.gradient) + row * a.n;
    for (int64_t j = 0; j < a.n; ++j) {
      const Real y = formula::flowed(x[j], g[j], amount);
      x[j] = a.held[j] ? x[j] : y;
    }
    if (!a.faces || !outside_of(x, a.n, least, most)) continue;
    const int reflected = fold_row(x, x, a.n, least, most);
    if (a.reflected) a.reflected[row] += reflected;
  }
}

template <class Real>
void blur_rows(const RowArguments& a) {
  NoisePatch noise;
  const Real deviation = static_cast<Real>(a.noise), least = static_cast<Real>(a.least);
  const Real most = static_cast<Real>(a.most);
  for_patches(a.rows, a.n, [&](const Patch& p) {
    fill_noise(a, p, a.purpose, noise.z);
    const Real* given = static_cast<const Real*>(a.centre) + p.column0;
    const uint8_t* clean = a.held + p.column0;
    for (int64_t row = 0; row < p.rows; ++row) {
      Real* x = static_cast<Real*>(a.to) + (p.row0 + row) * a.n + p.column0;
      const float* z = noise.z + row * p.stride;
      for (int64_t j = 0; j < p.columns; ++j) {
        const Real y = formula::under_noise(given[j], z[j], deviation);
        x[j] = clean[j] ? x[j] : y;
      }
      if (a.faces) fold_row(x, x, p.columns, least, most);
    }
  });
}

}  // namespace
}  // namespace potluck
