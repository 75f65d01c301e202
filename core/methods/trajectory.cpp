// SPDX-License-Identifier: Apache-2.0
#include "core/methods/trajectory.h"

namespace potluck {

void leapfrogs(Group& group, const Kernels& kernels, uint32_t step, const std::optional<Piece>& refresh, double h,
               int64_t steps) {
  const Piece half_kick{.kind = Piece::Kind::kKick, .amount = h / 2}, kick{.kind = Piece::Kind::kKick, .amount = h},
      drift{.kind = Piece::Kind::kDrift, .amount = h}, watch{.kind = Piece::Kind::kWatch},
      before{.kind = Piece::Kind::kKinetic, .amount = -1}, after{.kind = Piece::Kind::kKinetic, .amount = 1};
  kernels.clear_ratio(group);
  const Piece first[] = {refresh.value_or(Piece{}), before, half_kick, drift};
  kernels.split(group, step, State::kCurrent, State::kProposal, std::span(first).subspan(refresh ? 0 : 1));
  group.evaluate_proposal();
  for (int64_t i = 1; i < steps; ++i) {
    kernels.split(group, step, State::kProposal, State::kProposal, {{watch, kick, drift}});
    group.evaluate_proposal();
  }
  kernels.split(group, step, State::kProposal, State::kProposal, {{half_kick, after}});
}

}  // namespace potluck
