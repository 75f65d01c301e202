// SPDX-License-Identifier: Apache-2.0
// Decisions, failures and counts of whole rows.
#include "core/backend/cuda/grid_launch.cuh"
#include "core/backend/cuda/grid_moves.h"
#include "core/backend/cuda/grid_rows.h"
#include "core/backend/cuda/grid_sums.h"
#include "core/backend/rows/energy_error.h"
#include "core/backend/rows/labels.h"

namespace potluck::cuda {

namespace {

__global__ void set_step_kernel(uint32_t* base, uint32_t step) { *base = step; }

template <class Real, bool kFreezes>
__global__ void gradient_square_kernel(const __grid_constant__ GridArguments a, const __grid_constant__ GridRows r) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  const Measured measured = measure_gradient<Real>(a, row);
  if (lane_of_thread() != 0) return;
  put_gradient(a, row, measured.square, measured.fails);
  if (kFreezes) freeze_row(r, row, a.sum[row] == 1);
}

template <class Real, bool kPacked>
__global__ void take_over_kernel(const __grid_constant__ GridArguments a) {
  const int64_t fours = fours_of(a.n), item = item_of_thread();
  if (item < a.rows * fours) take_over_four<Real, kPacked>(a, four_of(a.n, item / fours, item % fours));
}

__global__ void swap_kernel(const __grid_constant__ GridRows r, bool odd) {
  if (item_of_thread() < r.rows / r.ladder) swap_ladder(r, odd, item_of_thread());
}

template <class Real, bool kPacked>
__global__ void exchange_kernel(const __grid_constant__ GridArguments a) {
  const int64_t fours = fours_of(a.n), item = item_of_thread();
  if (item < a.rows * fours) exchange_four<Real, kPacked>(a, four_of(a.n, item / fours, item % fours));
}

__global__ void freeze_kernel(const __grid_constant__ GridRows r) {
  const int64_t row = item_of_thread();
  if (row < r.rows) freeze_row(r, row, r.scratch[row] == 1);
}

__global__ void decide_kernel(const __grid_constant__ GridRows r, bool flip) {
  if (item_of_thread() < r.rows) decide_row(r, flip, item_of_thread());
}

__global__ void row_noise_kernel(const __grid_constant__ GridRows r, bool noise_has_step) {
  const int64_t row = item_of_thread();
  if (row < r.rows) r.scratch[row] = formula::noise_factor(r, noise_has_step, row);
}

__global__ void begin_energy_error_kernel(const __grid_constant__ GridRows r) {
  if (item_of_thread() < r.rows) formula::begin_energy_error(r, item_of_thread());
}

__global__ void end_energy_error_kernel(const __grid_constant__ GridRows r) {
  if (item_of_thread() < r.rows) formula::end_energy_error(r, item_of_thread());
}

__global__ void add_slopes_kernel(const __grid_constant__ GridRows r, double reach) {
  if (item_of_thread() < r.rows) add_slope_row(r, reach, item_of_thread());
}

__global__ void offer_label_kernel(const __grid_constant__ LabelRows a, int64_t category) {
  const int64_t row = item_of_thread();
  if (row < a.rows) a.proposal[row * a.n + a.element] = category;
}

__global__ void draw_label_kernel(const __grid_constant__ LabelRows a, const __grid_constant__ StepAddress step) {
  const int64_t row = item_of_thread();
  if (row < a.rows) formula::draw_label(a, step_of(step), row);
}

}  // namespace

void set_step(uint32_t* base, uint32_t step, void* stream) {
  set_step_kernel<<<1, 1, 0, of(stream)>>>(base, step);
  check(cudaGetLastError(), "setting the step");
}

void clear(double* array, int64_t count, void* stream) {
  check(cudaMemsetAsync(array, 0, count * sizeof(double), of(stream)), "clearing sums");
}

void clear(uint32_t* array, int64_t count, void* stream) {
  check(cudaMemsetAsync(array, 0, count * sizeof(uint32_t), of(stream)), "clearing counts");
}

void gradient_square(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? gradient_square_kernel<float, false><<<blocks, kThreads, 0, of(stream)>>>(a, {})
            : gradient_square_kernel<double, false><<<blocks, kThreads, 0, of(stream)>>>(a, {});
  check(cudaGetLastError(), "measuring gradients");
}

void gradient_square_and_freeze(const GridArguments& a, const GridRows& r, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? gradient_square_kernel<float, true><<<blocks, kThreads, 0, of(stream)>>>(a, r)
            : gradient_square_kernel<double, true><<<blocks, kThreads, 0, of(stream)>>>(a, r);
  check(cudaGetLastError(), "freezing failed chains");
}

void take_over(const GridArguments& a, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    take_over_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * fours_of(a.n)), kThreads, 0, of(stream)>>>(a);
  });
  check(cudaGetLastError(), "taking over proposals");
}

void swap(const GridRows& r, bool odd, void* stream) {
  swap_kernel<<<blocks_for(r.rows / r.ladder), kThreads, 0, of(stream)>>>(r, odd);
  check(cudaGetLastError(), "swapping replicas");
}

void exchange(const GridArguments& a, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    exchange_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * fours_of(a.n)), kThreads, 0, of(stream)>>>(a);
  });
  check(cudaGetLastError(), "swapping replicas");
}

void freeze(const GridRows& r, void* stream) {
  freeze_kernel<<<blocks_for(r.rows), kThreads, 0, of(stream)>>>(r);
  check(cudaGetLastError(), "freezing failed chains");
}

void decide(const GridRows& r, bool flip, void* stream) {
  decide_kernel<<<blocks_for(r.rows), kThreads, 0, of(stream)>>>(r, flip);
  check(cudaGetLastError(), "deciding");
}

void row_noise(const GridRows& r, bool noise_has_step, void* stream) {
  row_noise_kernel<<<blocks_for(r.rows), kThreads, 0, of(stream)>>>(r, noise_has_step);
  check(cudaGetLastError(), "scaling the noise of rows");
}

void begin_energy_error(const GridRows& r, void* stream) {
  begin_energy_error_kernel<<<blocks_for(r.rows), kThreads, 0, of(stream)>>>(r);
  check(cudaGetLastError(), "measuring energies");
}

void end_energy_error(const GridRows& r, void* stream) {
  end_energy_error_kernel<<<blocks_for(r.rows), kThreads, 0, of(stream)>>>(r);
  check(cudaGetLastError(), "measuring energies");
}

void add_slopes(const GridRows& r, double reach, void* stream) {
  add_slopes_kernel<<<blocks_for(r.rows), kThreads, 0, of(stream)>>>(r, reach);
  check(cudaGetLastError(), "measuring trajectories");
}

void begin_labels(const LabelRows& a, void* stream) {
  check(cudaMemcpyAsync(a.proposal, a.label, a.rows * a.n * sizeof(int64_t), cudaMemcpyDeviceToDevice, of(stream)),
        "copying labels");
}

void offer_label(const LabelRows& a, int64_t category, void* stream) {
  offer_label_kernel<<<blocks_for(a.rows), kThreads, 0, of(stream)>>>(a, category);
  check(cudaGetLastError(), "offering a label");
}

void draw_label(const LabelRows& a, const StepAddress& step, void* stream) {
  draw_label_kernel<<<blocks_for(a.rows), kThreads, 0, of(stream)>>>(a, step);
  check(cudaGetLastError(), "drawing labels");
}

}  // namespace potluck::cuda
