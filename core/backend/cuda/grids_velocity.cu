// SPDX-License-Identifier: Apache-2.0
// Splittings, isokinetic kicks and what trajectories are judged by.
#include "core/backend/cuda/grid_launch.cuh"
#include "core/backend/cuda/grid_moves.h"
#include "core/backend/cuda/grid_rows.h"
#include "core/backend/cuda/grid_sums.h"

namespace potluck::cuda {

namespace {

template <class Real, bool kPacked>
__global__ void split_kernel(const __grid_constant__ GridArguments a, const __grid_constant__ GridPieces pieces) {
  const int64_t fours = fours_of(a.n), item = item_of_thread();
  if (item < a.rows * fours) split_four<Real, kPacked>(a, pieces, four_of(a.n, item / fours, item % fours));
}

/// With kinetic pieces: a warp a row.
template <class Real, bool kPacked>
__global__ void split_summed_kernel(const __grid_constant__ GridArguments a,
                                    const __grid_constant__ GridPieces pieces) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  double kinetic = 0;
  for (int64_t i = lane_of_thread(); i < fours_of(a.n); i += kWarp) {
    kinetic += split_four<Real, kPacked>(a, pieces, four_of(a.n, row, i));
  }
  kinetic = warp_sum(kinetic);
  if (lane_of_thread() == 0 && !is_frozen(a, row)) a.sum[row] += kinetic;
}

template <class Real>
__global__ void products_kernel(const __grid_constant__ GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  Products sums = products_of_lane<Real>(a, row, lane_of_thread());
  sums.slope2 = warp_sum(sums.slope2);
  sums.along = warp_sum(sums.along);
  sums.square = warp_sum(sums.square);
  if (lane_of_thread() == 0) put(a, row, sums);
}

template <class Real>
__global__ void turn_kernel(const __grid_constant__ GridArguments a) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  Turn sums = turn_of_lane<Real>(a, row, lane_of_thread());
  sums.grown = warp_sum(sums.grown);
  sums.along = warp_sum(sums.along);
  if (lane_of_thread() == 0) put(a, row, sums);
}

template <class Real, bool kPacked>
__global__ void normalise_kernel(const __grid_constant__ GridArguments a, const __grid_constant__ GridRows r) {
  const int64_t row = row_of_warp();
  if (row >= a.rows || is_frozen(a, row)) return;
  const double kept = inverse_length_of_row(r, row);
  for (int64_t i = lane_of_thread(); i < fours_of(a.n); i += kWarp) {
    scale_four<Real, kPacked>(a, kept, four_of(a.n, row, i));
  }
}

template <class Real, bool kPacked>
__global__ void isokinetic_kernel(const __grid_constant__ GridArguments a, const __grid_constant__ GridRows r,
                                  double time) {
  const int64_t row = row_of_warp();
  if (row >= a.rows) return;
  const IsokineticKick kick = kick_of_row(r, time, row);
  if (a.first && lane_of_thread() == 0) r.log_ratio[row] += kick.kinetic;
  if (is_frozen(a, row)) return;
  for (int64_t i = lane_of_thread(); i < fours_of(a.n); i += kWarp) {
    combine_four<Real, kPacked>(a, kick.kept, kick.added, four_of(a.n, row, i));
  }
}

}  // namespace

void split(const GridArguments& a, const GridPieces& pieces, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    if (a.sum) {
      split_summed_kernel<decltype(type), decltype(packed)::value>
          <<<blocks_for(a.rows * kWarp), kThreads, 0, of(stream)>>>(a, pieces);
    } else {
      split_kernel<decltype(type), decltype(packed)::value>
          <<<blocks_for(a.rows * fours_of(a.n)), kThreads, 0, of(stream)>>>(a, pieces);
    }
  });
  check(cudaGetLastError(), "moving chains");
}

void products(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? products_kernel<float><<<blocks, kThreads, 0, of(stream)>>>(a)
            : products_kernel<double><<<blocks, kThreads, 0, of(stream)>>>(a);
  check(cudaGetLastError(), "measuring velocities");
}

void turn(const GridArguments& a, int real, void* stream) {
  const int blocks = blocks_for(a.rows * kWarp);
  real == 4 ? turn_kernel<float><<<blocks, kThreads, 0, of(stream)>>>(a)
            : turn_kernel<double><<<blocks, kThreads, 0, of(stream)>>>(a);
  check(cudaGetLastError(), "measuring trajectories");
}

void normalise(const GridArguments& a, const GridRows& r, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    normalise_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * kWarp), kThreads, 0, of(stream)>>>(a, r);
  });
  check(cudaGetLastError(), "normalising velocities");
}

void isokinetic_kick(const GridArguments& a, const GridRows& r, double time, int real, void* stream) {
  for_rows_of(real, a.n, [&](auto type, auto packed) {
    isokinetic_kernel<decltype(type), decltype(packed)::value>
        <<<blocks_for(a.rows * kWarp), kThreads, 0, of(stream)>>>(a, r, time);
  });
  check(cudaGetLastError(), "kicking velocities");
}

}  // namespace potluck::cuda
