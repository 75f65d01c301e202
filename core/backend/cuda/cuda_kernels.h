// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/backend/cuda/grids.h"
#include "core/backend/kernels.h"

namespace potluck {

/// Kernels for all chains of a group at once, enqueued on the group's stream. The noise is that of the CPU bit for bit,
/// and so are positions and velocities of moves that sum over no row, where the gradients are.
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
  void checked_langevin(Group& group, uint32_t step, double drift, double noise) const override;
  void clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                        bool clamp) const override;
  void propose_langevin(Group& group, uint32_t step, double drift, double noise) const override;
  void flow(Group& group, double amount) const override;
  void blur_given(Group& group, uint32_t step, double deviation) const override;
  void add_langevin_ratio(Group& group, double step_size) const override;
  void split(Group& group, uint32_t step, State from, State to, std::span<const Piece> pieces) const override;
  void clear_ratio(Group& group) const override;
  void decide(Group& group, uint32_t step, bool flip) const override;
  void normalise_velocity(Group& group, State state) const override;
  void isokinetic_kick(Group& group, State gradient, State velocity, double time) const override;
  void begin_energy_error(Group& group) const override;
  void end_energy_error(Group& group) const override;
  void add_trajectory_slope(Group& group, double reach) const override;
  void swap(Group& group, uint32_t step, bool odd) const override;
  void begin_labels(Group& group, const LabelBlock& labels) const override;
  void offer_label(Group& group, const LabelBlock& labels, int64_t element, int64_t category) const override;
  void draw_label(Group& group, const LabelBlock& labels, int64_t element, uint32_t step) const override;

 private:
  cuda::StepAddress address(uint32_t step) const { return {step_base_, step - first_}; }
  cuda::GridArguments arguments(const Group& group, const Block& block, uint32_t step) const;
  cuda::GridArguments langevin_arguments(const Group& group, const Block& block, uint32_t step, double drift,
                                         double noise) const;
  cuda::GridRows rows_of(const Group& group, uint32_t step) const;
  /// Factors of the noise of rows with temperatures of their own, or null.
  const double* row_noise(const Group& group, bool noise_has_step) const;
  /// scratch <- |s g|^2, s g.v, |v|^2 of every row over all blocks.
  void add_products(const Group& group, std::optional<State> gradient, State velocity) const;

  uint32_t* step_base_;
  uint32_t first_ = 0;
};

}  // namespace potluck
