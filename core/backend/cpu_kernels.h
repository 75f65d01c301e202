// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

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
  /// Rows row ... row + count - 1 become their proposals.
  static void take_proposals(Group& group, int64_t row, int64_t count);
  /// Positions and gradients of a row and the next change places.
  static void exchange_states(Group& group, int64_t row);
  static void turn_back(Group& group, int64_t row);
  /// scratch <- |s g|^2, s g.v, |v|^2 of every row over all blocks.
  void add_products(Group& group, std::optional<State> gradient, State velocity) const;
  const RowKernels::Typed& typed(const Group& group) const;
  const RowKernels& loops_;
};

}  // namespace potluck
