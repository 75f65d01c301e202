// SPDX-License-Identifier: Apache-2.0
#pragma once

// What becomes of rows at the faces of their support, included by cpu_rows_loops.h.

#include <cstdint>

#include "core/backend/rows/faces.h"
#include "core/random/element.h"

namespace potluck {
namespace {

// How many points lie outside.
template <class Real>
int outside_of(const Real* x, int64_t count, Real least, Real most) {
  int outside = 0;
  for (int64_t j = 0; j < count; ++j) outside += formula::is_outside(x[j], least, most);
  return outside;
}

// One reflection at each face for the whole row; a point that needs more is folded alone. Returns how many were
// outside.
template <class Real>
__attribute__((noinline)) int fold_row(const Real* from, Real* to, int64_t count, Real least, Real most) {
  int outside = 0, reflected = 0;
  for (int64_t j = 0; j < count; ++j) {
    const Real y = from[j], inside = formula::reflected_once(y, least, most);
    reflected += formula::is_outside(y, least, most);
    outside |= formula::is_outside(inside, least, most);
    to[j] = inside;
  }
  if (!outside) return reflected;
  for (int64_t j = 0; j < count; ++j) {
    if (!formula::is_outside(to[j], least, most)) continue;
    Real sign;  // `to` may be `from`: see formula::folded
    to[j] = element::fold(from[j], least, most, sign);
  }
  return reflected;
}

template <class Real>
__attribute__((noinline)) void clamp_row(Real* to, int64_t count, Real least, Real most) {
  for (int64_t j = 0; j < count; ++j) to[j] = formula::clamped(to[j], least, most);
}

// Points outside come back, their velocities turned. Inside nothing changes. Returns how many were outside.
template <class Real>
int bounce_row(Real* x, Real* v, const uint8_t* held, int64_t count, Real least, Real most) {
  const int outside = outside_of(x, count, least, most);
  if (!outside) return 0;
  for (int64_t j = 0; j < count; ++j) {
    if (!(held && held[j])) formula::bounce(x[j], v[j], least, most);
  }
  return outside;
}

}  // namespace
}  // namespace potluck
