// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// Launches of the kernels in grids.cu: raw pointers and a stream, `real` is 4 or 8 bytes a number.
namespace potluck::cuda {

/// The step that addresses the noise: *base + offset, so that a captured graph can be replayed for later steps.
struct StepAddress {
  const uint32_t* base = nullptr;  ///< on the device
  uint32_t offset = 0;
};

/// As RowArguments of core/backend/cpu_rows.h.
struct GridArguments {
  int64_t rows = 0, n = 0;
  const uint32_t* chain = nullptr;
  const uint8_t* frozen = nullptr;
  const uint8_t* held = nullptr;
  uint32_t seed = 0, variable = 0, purpose = 0;
  StepAddress step;
  double least = 0, most = 0;
  bool faces = false;
  const void* from = nullptr;
  const void* gradient = nullptr;
  void* to = nullptr;
  void* unfolded = nullptr;
  const void* to_gradient = nullptr;
  double drift = 0, noise = 0, clip = 0;
  bool clamp = false;
  double* sum = nullptr;
};

void set_step(uint32_t* base, uint32_t step, void* stream);
void move(const GridArguments& a, int real, void* stream);
void move_clipped(const GridArguments& a, int real, void* stream);
/// sum[row] += what MALA's log ratio subtracts, times T, for this variable.
void ratio(const GridArguments& a, int real, void* stream);
/// sum[row] = 1 where a free coordinate of the gradient is not finite.
void not_finite(const GridArguments& a, int real, void* stream);
/// Copies rows of `to` and `to_gradient` over `from` and `gradient` where sum[row] is 1.
void take_over(const GridArguments& a, int real, void* stream);

/// The decisions of all rows; log_ratio holds the sums of ratio() and becomes 1 where the proposal was accepted, else
/// 0.
struct Decisions {
  int64_t rows = 0;
  int64_t experts = 0;
  uint32_t seed = 0;
  StepAddress step;
  double temperature = 1;
  const uint32_t* chain = nullptr;
  const uint8_t* frozen = nullptr;
  double* energy = nullptr;
  double* expert_energy = nullptr;
  const double* proposal_energy = nullptr;
  const double* proposal_expert_energy = nullptr;
  double* log_ratio = nullptr;
  double* acceptance = nullptr;
  uint32_t* nan_proposals = nullptr;
};
void decide(const Decisions& d, void* stream);

/// Freezes rows whose energy is not finite or whose flag (of not_finite) is 1.
void freeze(const double* energy, const double* flag, int64_t rows, StepAddress step, uint8_t* frozen,
            uint32_t* frozen_step, void* stream);

/// [rows, n] standard normals, for tests.
void normals(const GridArguments& a, float* out, void* stream);

}  // namespace potluck::cuda
