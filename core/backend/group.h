// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/energy/energy.h"

namespace potluck {

/// The arrays of one variable that moves, in a group of chains. Reals are the energy's precision.
struct Block {
  int variable = 0;  ///< index into Energy::variables()
  int64_t n = 0;
  uint32_t key = 0;               ///< variable_key of its name
  double least = 0, most = 0;     ///< support
  bool faces = false;             ///< an end of the support is finite
  const uint8_t* held = nullptr;  ///< [n], or null: nothing is held
  void* position = nullptr;       ///< [rows, n] current
  void* gradient = nullptr;       ///< [rows, n] at the current position
  // Only where the method proposes:
  void* proposal = nullptr;           ///< [rows, n]
  void* proposal_gradient = nullptr;  ///< [rows, n]
  void* unfolded = nullptr;           ///< [rows, n] the proposal before faces; the proposal itself where there are none
};

/// The block of a variable that moves, without arrays.
Block block_of(int variable, const Variable& described);

/// Chains that move together, and everything a method may touch of them: a tile on the CPU, all chains on a CUDA
/// device. All arrays live on the device of the energy.
///
/// Between two steps `position`, `energy`, `gradient` and `expert_energy` belong together. A frozen row's state is the
/// one that failed, and nothing of it moves.
struct Group {
  const Energy* target = nullptr;
  double temperature = 1;
  uint32_t seed = 0;
  int64_t rows = 0;                 ///< of every array; the last ones may be copies of row 0 that fill up a tile
  int64_t chains = 0;               ///< rows that count
  const uint32_t* chain = nullptr;  ///< [rows] ids; a filling row has the id of row 0
  std::vector<Block> blocks;

  double* energy = nullptr;                  ///< [rows]
  double* expert_energy = nullptr;           ///< [experts, rows]
  double* proposal_energy = nullptr;         ///< [rows], where the method proposes, as the next
  double* proposal_expert_energy = nullptr;  ///< [experts, rows]
  double* log_ratio = nullptr;               ///< [rows] scratch

  uint8_t* frozen = nullptr;          ///< [rows] 1: the current state failed
  uint32_t* frozen_step = nullptr;    ///< [rows] when it did
  uint32_t* nan_proposals = nullptr;  ///< [rows] proposals that were rejected because they were not numbers
  double* acceptance = nullptr;       ///< [rows] sum of acceptance probabilities since the backend last read it
  double* clipped = nullptr;          ///< [rows] sum over steps of the share of coordinates whose gradient was clipped

  void* workspace = nullptr;
  void* stream = nullptr;
  int worker = 0;

  /// Per variable of the energy, kept by the backend: what EnergyCall takes.
  std::vector<const void*> current, proposed;
  std::vector<void*> current_gradient, proposed_gradient;

  /// Energy and gradient at the current positions.
  void evaluate() const;
  /// Energy and gradient at the proposals.
  void evaluate_proposal() const;
};

}  // namespace potluck
