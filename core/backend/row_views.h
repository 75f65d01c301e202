// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/group.h"
#include "core/backend/kernels.h"
#include "core/backend/rows/row_arrays.h"
#include "core/backend/rows/row_numbers.h"

namespace potluck {

/// What all rows of a group have, as the formulas of core/backend/rows take it. On the group's device.
RowNumbers row_numbers(const Group& group);

/// The rows of a block: its support and metric, positions and gradients of the current state, purpose kProposal.
inline RowArrays row_arrays(const Group& group, const Block& block) {
  RowArrays a;
  a.rows = group.rows;
  a.n = block.n;
  a.chain = group.chain;
  a.frozen = group.frozen;
  a.held = block.held;
  a.seed = group.seed;
  a.variable = block.key;
  a.purpose = static_cast<uint32_t>(Purpose::kProposal);
  a.least = block.least;
  a.most = block.most;
  a.faces = block.faces;
  a.scale = block.scale;
  a.from = block.position;
  a.gradient = block.gradient;
  a.reflected = group.reflected;
  return a;
}

/// The rows of a block as the probability flow moves them.
inline RowArrays flow_arrays(const Group& group, const Block& block, double amount) {
  RowArrays a = row_arrays(group, block);
  a.held = block.stays;
  a.to = block.position;
  a.drift = amount;
  return a;
}

/// The rows of given numbers that wear noise. All of them do, frozen or not.
inline RowArrays noisy_arrays(const Group& group, const NoisyGiven& block, double deviation) {
  RowArrays a;
  a.rows = group.rows;
  a.n = block.n;
  a.chain = group.chain;
  a.held = block.clean;
  a.seed = group.seed;
  a.variable = block.key;
  a.purpose = static_cast<uint32_t>(Purpose::kGiven);
  a.least = block.least;
  a.most = block.most;
  a.faces = block.faces;
  a.centre = block.given;
  a.to = block.position;
  a.noise = deviation;
  return a;
}

/// A piece that moves rows: not kWatch.
RowPiece row_piece(const Piece& piece);

}  // namespace potluck
