// SPDX-License-Identifier: Apache-2.0
// Langevin steps, MALA's ratio, and what is between two levels of noise.
#include "core/backend/cuda/grid_launch.cuh"
#include "core/backend/cuda/grid_moves.h"
#include "core/backend/cuda/grid_rows.h"
#include "core/backend/cuda/grid_sums.h"

namespace potluck::cuda {

namespace {

__global__ void normals_kernel(const __grid_constant__ GridArguments a, float* out) {
  const int64_t fours = fours_of(a.n), item = item_of_thread();
  if (item >= a.rows * fours) return;
  const Four four = four_of(a.n, item / fours, item % fours);
  float z[4];
  four_normals(a, four, a.purpose, z);
  for (int k = 0; k < four.count; ++k) out[four.at + k] = z[k];
}

template <class Real, bool kPacked>
__global__ void move_kernel(const __grid_constant__ GridArguments a) {
  const int64_t fours = fours_of(a.n), item = item_of_thread();
  if (item < a.rows * fours) move_four<Real, kPacked>(a, four_of(a.n, item / fours, item % fours));
}

/// A warp a row, which it looks at as a whole before it moves it. The gradient is read from the cache the second time.
template <class Real, bool kPacked>
__global__ void freeze_and_move_kernel(const __grid_constant__ GridArguments a, const __grid_constant__ GridRows r) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  const Measured measured = measure_gradient<Real>(a, row);
  if (lane_of_thread() == 0) {
    put_gradient(a, row, measured.square, measured.fails);
    freeze_row(r, row, measured.fails);
  }
  __syncwarp();
  for (int64_t i = lane_of_thread(); i < fours_of(a.n); i += kWarp) {
    move_four<Real, kPacked>(a, four_of(a.n, row, i));
  }
}

template <class Real, bool kPacked>
__global__ void move_clipped_kernel(const __grid_constant__ GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows || is_frozen(a, row)) return;
  double clipped = 0;
  for (int64_t i = lane_of_thread(); i < fours_of(a.n); i += kWarp) {
    clipped += move_clipped_four<Real, kPacked>(a, four_of(a.n, row, i));
  }
  clipped = warp_sum(clipped);
  if (lane_of_thread() == 0 && a.sum) a.sum[row] += clipped / static_cast<double>(a.n);
}

template <class Real, bool kPacked>
__global__ void flow_kernel(const __grid_constant__ GridArguments a) {
  const int64_t fours = fours_of(a.n), item = item_of_thread();
  if (item < a.rows * fours) flow_four<Real, kPacked>(a, four_of(a.n, item / fours, item % fours));
}

template <class Real, bool kPacked>
__global__ void blur_given_kernel(const __grid_constant__ GridArguments a) {
  const int64_t fours = fours_of(a.n), item = item_of_thread();
  if (item < a.rows * fours) blur_given_four<Real, kPacked>(a, four_of(a.n, item / fours, item % fours));
}

template <class Real>
__global__ void ratio_kernel(const __grid_constant__ GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  const double sum = warp_sum(ratio_of_lane<Real>(a, row, lane_of_thread()));
  if (lane_of_thread() == 0) a.sum[row] += sum;
}

}  // namespace

void normals(const GridArguments& a, float* out, void* stream) {
  normals_kernel<<<blocks_for(a.rows * fours_of(a.n)), kThreads, 0, of(stream)>>>(a, out);
  check(cudaGetLastError(), "drawing normals");
}

void move(const GridArguments& a, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    move_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * fours_of(a.n)), kThreads, 0, of(stream)>>>(a);
  });
  check(cudaGetLastError(), "moving chains");
}

void freeze_and_move(const GridArguments& a, const GridRows& r, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    freeze_and_move_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * kWarp), kThreads, 0, of(stream)>>>(a, r);
  });
  check(cudaGetLastError(), "moving chains");
}

void move_clipped(const GridArguments& a, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    move_clipped_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * kWarp), kThreads, 0, of(stream)>>>(a);
  });
  check(cudaGetLastError(), "moving chains");
}

void flow(const GridArguments& a, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    flow_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * fours_of(a.n)), kThreads, 0, of(stream)>>>(a);
  });
  check(cudaGetLastError(), "moving chains along the flow");
}

void blur_given(const GridArguments& a, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    blur_given_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * fours_of(a.n)), kThreads, 0, of(stream)>>>(a);
  });
  check(cudaGetLastError(), "blurring what is given");
}

void ratio(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? ratio_kernel<float><<<blocks, kThreads, 0, of(stream)>>>(a)
            : ratio_kernel<double><<<blocks, kThreads, 0, of(stream)>>>(a);
  check(cudaGetLastError(), "forming the ratio");
}

}  // namespace potluck::cuda
