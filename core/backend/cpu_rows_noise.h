// SPDX-License-Identifier: Apache-2.0
#pragma once

// The noise of a patch of rows, included by cpu_rows_loops.h.

#include <cstdint>

#include "core/backend/cpu_philox_lanes.h"
#include "core/backend/cpu_rows_patches.h"
#include "core/random/element.h"

namespace potluck {
namespace {

constexpr int kCounters = kPatch / 4 * 4 + kLanes;  // a row of one element takes a whole counter

// Normals of a patch: z[row][column] at z + row * stride + column. The stride is the columns rounded up to counters,
// and 2 where only the first pair of a counter is used.
struct NoisePatch {
  alignas(64) float z[4 * kCounters];
};

__attribute__((noinline)) void fill_noise(const RowArguments& a, const Patch& p, uint32_t purpose,
                                          float* __restrict z) {
  alignas(64) uint32_t block[kCounters], chain[kCounters];
  const int64_t per_row = (p.stride + 3) / 4;
  const int64_t counters = p.rows * per_row;
  for (int64_t row = 0; per_row == 1 && row < p.rows; ++row) {
    block[row] = static_cast<uint32_t>(p.column0 / 4);
    chain[row] = a.chain[p.row0 + row];
  }
  for (int64_t row = 0; per_row > 1 && row < p.rows; ++row) {
    const uint32_t id = a.chain[p.row0 + row];
    const uint32_t first = static_cast<uint32_t>(p.column0 / 4);
    for (int64_t q = 0; q < per_row; ++q) {
      block[row * per_row + q] = first + static_cast<uint32_t>(q);
      chain[row * per_row + q] = id;
    }
  }
  for (int64_t q = counters; q < (counters + kLanes - 1) / kLanes * kLanes; ++q) block[q] = chain[q] = 0;
  for (int64_t at = 0; at < counters; at += kLanes) {
    alignas(64) uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      c0[i] = block[at + i];
      c1[i] = chain[at + i];
    }
    philox_lanes(c0, c1, c2, c3, a.step, purpose, a.seed, a.variable);
    if (p.stride == 2) {
      float* out = z + 2 * at;
      for (int i = 0; i < kLanes; ++i) element::normal_pair(c0[i], c1[i], out[2 * i], out[2 * i + 1]);
      continue;
    }
    float* out = z + 4 * at;
    for (int i = 0; i < kLanes; ++i) element::normal_pair(c0[i], c1[i], out[4 * i], out[4 * i + 1]);
    for (int i = 0; i < kLanes; ++i) element::normal_pair(c2[i], c3[i], out[4 * i + 2], out[4 * i + 3]);
  }
}

void normals(const RowArguments& a, float* out) {
  NoisePatch noise;
  for_patches(a.rows, a.n, [&](const Patch& p) {
    fill_noise(a, p, a.purpose, noise.z);
    for (int64_t row = 0; row < p.rows; ++row) {
      float* to = out + (p.row0 + row) * a.n + p.column0;
      for (int64_t j = 0; j < p.columns; ++j) to[j] = noise.z[row * p.stride + j];
    }
  });
}

// Noise of joined rows, without the gaps between them.
void close_gaps(const Patch& p, float* z) {
  if (p.stride == p.columns) return;
  for (int64_t row = 1; row < p.rows; ++row) {
    for (int64_t j = 0; j < p.columns; ++j) z[row * p.columns + j] = z[row * p.stride + j];
  }
}

}  // namespace
}  // namespace potluck
