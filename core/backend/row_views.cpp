// SPDX-License-Identifier: Apache-2.0
#include "core/backend/row_views.h"

namespace potluck {

RowNumbers row_numbers(const Group& group) {
  RowNumbers r;
  r.rows = group.rows;
  r.experts = static_cast<int64_t>(group.target->experts().size());
  r.dimension = static_cast<double>(group.dimension);
  r.seed = group.seed;
  r.decision_key = group.decision_key;
  r.temperature = group.temperature;
  r.row_temperature = group.row_temperature;
  r.row_step = group.row_step;
  r.chain = group.chain;
  r.frozen = group.frozen;
  r.frozen_step = group.frozen_step;
  r.energy = group.energy;
  r.expert_energy = group.expert_energy;
  r.proposal_energy = group.proposal_energy;
  r.proposal_expert_energy = group.proposal_expert_energy;
  r.log_ratio = group.log_ratio;
  r.scratch = group.scratch;
  r.left = group.left;
  r.nan_proposals = group.nan_proposals;
  r.divergences = group.divergences;
  r.acceptance = group.acceptance;
  r.energy_error = group.energy_error;
  r.trajectory_slope = group.trajectory_slope;
  r.energy_sums = group.energy_sums;
  r.energy_stride = group.energy_stride;
  r.ladder = group.ladder;
  r.swap_attempts = group.swap_attempts;
  r.swap_acceptance = group.swap_acceptance;
  r.replica = group.replica;
  r.has_been = group.has_been;
  r.round_trips = group.round_trips;
  return r;
}

static_assert(static_cast<int>(RowPiece::Kind::kKick) == static_cast<int>(Piece::Kind::kKick) &&
              static_cast<int>(RowPiece::Kind::kDrift) == static_cast<int>(Piece::Kind::kDrift) &&
              static_cast<int>(RowPiece::Kind::kRefresh) == static_cast<int>(Piece::Kind::kRefresh) &&
              static_cast<int>(RowPiece::Kind::kKinetic) == static_cast<int>(Piece::Kind::kKinetic));

RowPiece row_piece(const Piece& piece) {
  return {static_cast<RowPiece::Kind>(piece.kind), piece.amount, piece.noise, static_cast<uint32_t>(piece.purpose)};
}

}  // namespace potluck
