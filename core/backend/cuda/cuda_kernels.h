// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/cuda/grids.h"
#include "core/backend/kernels.h"

namespace potluck {

/// Kernels for all chains of a group at once, enqueued on the group's stream. The noise is that of the CPU bit for bit,
/// and so are the positions of unadjusted moves where the gradients are.
class CudaKernels final : public Kernels {
 public:
  /// @param step_base a number on the device; noise is addressed by it plus the distance from `begin`'s step, so that
  ///   what was captured in a graph can be replayed from another step.
  explicit CudaKernels(uint32_t* step_base) : step_base_(step_base) {}

  /// Says that the launches that follow belong to steps `first`, first + 1, ...
  void begin(uint32_t first) { first_ = first; }
  uint32_t* step_base() const { return step_base_; }

  void freeze_failed(Group& group, uint32_t step) const override;
  void langevin(Group& group, uint32_t step, double drift, double noise) const override;
  void clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                        bool clamp) const override;
  void propose_langevin(Group& group, uint32_t step, double drift, double noise) const override;
  void decide_langevin(Group& group, uint32_t step, double step_size) const override;

 private:
  cuda::StepAddress address(uint32_t step) const { return {step_base_, step - first_}; }
  cuda::GridArguments arguments(const Group& group, const Block& block, uint32_t step) const;

  uint32_t* step_base_;
  uint32_t first_ = 0;
};

}  // namespace potluck
