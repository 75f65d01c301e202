// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/kernels.h"

namespace potluck {

/// What Kernels mean, as plain loops over blocks, rows and coordinates in float64 on the CPU: the formulas of
/// core/backend/rows and nothing that makes them fast. Backends are compared with it (tests/core/backend), and whoever
/// writes one can begin with a copy. It is a library of its own, Potluck::reference, that no program links.
///
/// Every function throws SettingError for a group whose energy is not in float64.
class ReferenceKernels final : public Kernels {
 public:
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
};

}  // namespace potluck
