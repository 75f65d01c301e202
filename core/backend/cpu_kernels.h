// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/cpu_rows.h"
#include "core/backend/kernels.h"

namespace potluck {

/// Kernels for a tile of chains, on the thread that calls.
class CpuKernels final : public Kernels {
 public:
  explicit CpuKernels(const RowKernels& loops = row_kernels()) : loops_(loops) {}

  void freeze_failed(Group& group, uint32_t step) const override;
  void langevin(Group& group, uint32_t step, double drift, double noise) const override;
  void clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                        bool clamp) const override;
  void propose_langevin(Group& group, uint32_t step, double drift, double noise) const override;
  void decide_langevin(Group& group, uint32_t step, double step_size) const override;

 private:
  const RowKernels::Typed& typed(const Group& group) const;
  const RowKernels& loops_;
};

}  // namespace potluck
