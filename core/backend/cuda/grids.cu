// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "core/backend/cuda/grids.h"
#include "core/backend/cuda/runtime.h"
#include "core/random/element.h"

namespace potluck::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kWarp = 32;
constexpr uint32_t kNameless = 0x811c9dc5u;  // variable_key(""): decisions belong to no variable
constexpr uint32_t kAcceptance = 1;          // Purpose::kAcceptance

int blocks_for(int64_t items) { return static_cast<int>((items + kThreads - 1) / kThreads); }

cudaStream_t of(void* stream) { return static_cast<cudaStream_t>(stream); }

template <class Real>
struct Pack {  // four neighbours, read and written at once
  alignas(4 * sizeof(Real)) Real at[4];
};

__device__ uint32_t step_of(const StepAddress& step) { return *step.base + step.offset; }

__device__ void four_normals(const GridArguments& a, int64_t row, int64_t block, float z[4]) {
  uint32_t c0 = static_cast<uint32_t>(block), c1 = a.chain[row], c2 = step_of(a.step), c3 = a.purpose;
  element::philox(c0, c1, c2, c3, a.seed, a.variable);
  element::normal_pair(c0, c1, z[0], z[1]);
  element::normal_pair(c2, c3, z[2], z[3]);
}

__global__ void set_step_kernel(uint32_t* base, uint32_t step) { *base = step; }

__global__ void normals_kernel(GridArguments a, float* out) {
  const int64_t blocks = (a.n + 3) / 4;
  const int64_t item = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (item >= a.rows * blocks) return;
  const int64_t row = item / blocks, block = item % blocks;
  float z[4];
  four_normals(a, row, block, z);
  for (int64_t k = 0; k < 4 && 4 * block + k < a.n; ++k) out[row * a.n + 4 * block + k] = z[k];
}

// One thread a counter: four neighbouring elements.
template <class Real, bool kPacked>
__global__ void move_kernel(GridArguments a) {
  const int64_t blocks = (a.n + 3) / 4;
  const int64_t item = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (item >= a.rows * blocks) return;
  const int64_t row = item / blocks, block = item % blocks;
  const int64_t at = row * a.n + 4 * block;
  const int count = kPacked || 4 * block + 4 <= a.n ? 4 : static_cast<int>(a.n - 4 * block);
  const Real* from = static_cast<const Real*>(a.from) + at;
  const Real* gradient = static_cast<const Real*>(a.gradient) + at;
  Pack<Real> x, g, y, raw;
  if constexpr (kPacked) {
    x = *reinterpret_cast<const Pack<Real>*>(from);
    g = *reinterpret_cast<const Pack<Real>*>(gradient);
  } else {
    for (int k = 0; k < count; ++k) {
      x.at[k] = from[k];
      g.at[k] = gradient[k];
    }
  }
  const bool still = a.frozen && a.frozen[row];
  float z[4];
  if (!still) four_normals(a, row, block, z);
  const Real drift = static_cast<Real>(a.drift), noise = static_cast<Real>(a.noise);
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  for (int k = 0; k < count; ++k) {
    const bool stays = still || (a.held && a.held[4 * block + k]);
    raw.at[k] = stays ? x.at[k] : element::langevin(x.at[k], g.at[k], z[k], drift, noise);
    Real sign;
    y.at[k] = a.faces && !still ? element::fold(raw.at[k], least, most, sign) : raw.at[k];
  }
  Real* to = static_cast<Real*>(a.to) + at;
  Real* unfolded = a.unfolded && a.unfolded != a.to ? static_cast<Real*>(a.unfolded) + at : nullptr;
  if constexpr (kPacked) {
    *reinterpret_cast<Pack<Real>*>(to) = y;
    if (unfolded) *reinterpret_cast<Pack<Real>*>(unfolded) = raw;
  } else {
    for (int k = 0; k < count; ++k) {
      to[k] = y.at[k];
      if (unfolded) unfolded[k] = raw.at[k];
    }
  }
}

// From here one warp a row: lane l takes elements l, l + 32, ..., and sums are folded in one order.
__device__ int64_t row_of_warp() { return (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp; }
__device__ int lane() { return static_cast<int>(threadIdx.x) % kWarp; }

__device__ double warp_sum(double value) {
  for (int apart = kWarp / 2; apart > 0; apart /= 2) value += __shfl_down_sync(0xffffffffu, value, apart);
  return value;
}

template <class Real>
__global__ void move_clipped_kernel(GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows || (a.frozen && a.frozen[row])) return;
  const Real drift = static_cast<Real>(a.drift), noise = static_cast<Real>(a.noise), bound = static_cast<Real>(a.clip);
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  double clipped = 0;
  for (int64_t block = lane(); 4 * block < a.n; block += kWarp) {
    float z[4];
    four_normals(a, row, block, z);
    for (int64_t j = 4 * block; j < a.n && j < 4 * block + 4; ++j) {
      if (a.held && a.held[j]) continue;
      const int64_t at = row * a.n + j;
      const Real g = static_cast<const Real*>(a.gradient)[at];
      const Real low = g < -bound ? -bound : g;
      const Real slope = low > bound ? bound : low;
      clipped += slope != g;
      Real y = element::langevin(static_cast<const Real*>(a.from)[at], slope, z[j % 4], drift, noise);
      if (a.faces && a.clamp) {
        y = y < least ? least : y;
        y = y > most ? most : y;
      } else if (a.faces) {
        Real sign;
        y = element::fold(y, least, most, sign);
      }
      static_cast<Real*>(a.to)[at] = y;
    }
  }
  clipped = warp_sum(clipped);
  if (lane() == 0 && a.sum) a.sum[row] += clipped / static_cast<double>(a.n);
}

template <class Real>
__global__ void ratio_kernel(GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  double sum = 0;
  for (int64_t j = lane(); j < a.n; j += kWarp) {
    if (a.held && a.held[j]) continue;
    const int64_t at = row * a.n + j;
    const Real raw = static_cast<const Real*>(a.unfolded)[at];
    Real sign = 1;
    if (a.faces) element::fold(raw, least, most, sign);
    const double g = static_cast<double>(static_cast<const Real*>(a.gradient)[at]);
    const double h = static_cast<double>(static_cast<const Real*>(a.to_gradient)[at]);
    const double apart = static_cast<double>(static_cast<const Real*>(a.from)[at]) - static_cast<double>(raw);
    sum += 0.5 * (apart * (g + static_cast<double>(sign) * h)) + a.drift / 4 * (h * h - g * g);
  }
  sum = warp_sum(sum);
  if (lane() == 0) a.sum[row] += sum;
}

template <class Real>
__global__ void not_finite_kernel(GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  int bad = 0;
  for (int64_t j = lane(); j < a.n; j += kWarp) {
    bad |= !isfinite(static_cast<const Real*>(a.gradient)[row * a.n + j]) && !(a.held && a.held[j]);
  }
  if (__any_sync(0xffffffffu, bad) && lane() == 0) a.sum[row] = 1;
}

template <class Real>
__global__ void take_over_kernel(GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows || a.sum[row] != 1) return;
  for (int64_t j = lane(); j < a.n; j += kWarp) {
    const int64_t at = row * a.n + j;
    const_cast<Real*>(static_cast<const Real*>(a.from))[at] = static_cast<const Real*>(a.to)[at];
    const_cast<Real*>(static_cast<const Real*>(a.gradient))[at] = static_cast<const Real*>(a.to_gradient)[at];
  }
}

__global__ void decide_kernel(Decisions d) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= d.rows) return;
  const double sum = d.log_ratio[row], proposed = d.proposal_energy[row];
  d.log_ratio[row] = 0;
  if (d.frozen[row] || proposed == INFINITY) return;
  const double log_a = (d.energy[row] - proposed - sum) / d.temperature;
  if (isnan(log_a) || !isfinite(proposed)) {
    ++d.nan_proposals[row];
    return;
  }
  d.acceptance[row] += exp(log_a < 0 ? log_a : 0.0);
  uint32_t c0 = 0, c1 = d.chain[row], c2 = step_of(d.step), c3 = kAcceptance;
  element::philox(c0, c1, c2, c3, d.seed, kNameless);
  if (!(log(element::unit_uniform(c0, c1)) < log_a)) return;
  d.log_ratio[row] = 1;
  d.energy[row] = proposed;
  for (int64_t e = 0; e < d.experts; ++e) {
    d.expert_energy[e * d.rows + row] = d.proposal_expert_energy[e * d.rows + row];
  }
}

__global__ void freeze_kernel(const double* energy, const double* flag, int64_t rows, StepAddress step, uint8_t* frozen,
                              uint32_t* frozen_step) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= rows || frozen[row] || (flag[row] != 1 && isfinite(energy[row]))) return;
  frozen[row] = 1;
  frozen_step[row] = step_of(step);
}

}  // namespace

void set_step(uint32_t* base, uint32_t step, void* stream) {
  set_step_kernel<<<1, 1, 0, of(stream)>>>(base, step);
  check(cudaGetLastError(), "setting the step");
}

void normals(const GridArguments& a, float* out, void* stream) {
  normals_kernel<<<blocks_for(a.rows * ((a.n + 3) / 4)), kThreads, 0, of(stream)>>>(a, out);
  check(cudaGetLastError(), "drawing normals");
}

void move(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * ((a.n + 3) / 4));
  const bool packed = a.n % 4 == 0;
  if (real == 4) {
    packed ? move_kernel<float, true><<<blocks, kThreads, 0, of(stream)>>>(a)
           : move_kernel<float, false><<<blocks, kThreads, 0, of(stream)>>>(a);
  } else {
    packed ? move_kernel<double, true><<<blocks, kThreads, 0, of(stream)>>>(a)
           : move_kernel<double, false><<<blocks, kThreads, 0, of(stream)>>>(a);
  }
  check(cudaGetLastError(), "moving chains");
}

void move_clipped(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? move_clipped_kernel<float><<<blocks, kThreads, 0, of(stream)>>>(a)
            : move_clipped_kernel<double><<<blocks, kThreads, 0, of(stream)>>>(a);
  check(cudaGetLastError(), "moving chains");
}

void ratio(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? ratio_kernel<float><<<blocks, kThreads, 0, of(stream)>>>(a)
            : ratio_kernel<double><<<blocks, kThreads, 0, of(stream)>>>(a);
  check(cudaGetLastError(), "forming the ratio");
}

void not_finite(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? not_finite_kernel<float><<<blocks, kThreads, 0, of(stream)>>>(a)
            : not_finite_kernel<double><<<blocks, kThreads, 0, of(stream)>>>(a);
  check(cudaGetLastError(), "looking for failed gradients");
}

void take_over(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? take_over_kernel<float><<<blocks, kThreads, 0, of(stream)>>>(a)
            : take_over_kernel<double><<<blocks, kThreads, 0, of(stream)>>>(a);
  check(cudaGetLastError(), "taking over proposals");
}

void decide(const Decisions& d, void* stream) {
  decide_kernel<<<blocks_for(d.rows), kThreads, 0, of(stream)>>>(d);
  check(cudaGetLastError(), "deciding");
}

void freeze(const double* energy, const double* flag, int64_t rows, StepAddress step, uint8_t* frozen,
            uint32_t* frozen_step, void* stream) {
  freeze_kernel<<<blocks_for(rows), kThreads, 0, of(stream)>>>(energy, flag, rows, step, frozen, frozen_step);
  check(cudaGetLastError(), "freezing failed chains");
}

}  // namespace potluck::cuda
