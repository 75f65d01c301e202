// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/backend/row_sums.h"
#include "core/backend/rows/label_rows.h"
#include "core/energy/energy.h"

namespace potluck {

/// What a method needs beside positions, gradients and energies of the current state.
struct Needs {
  bool proposal = false;           ///< a second state: positions, gradients and energies
  bool velocity = false;           ///< velocities that live from step to step
  bool proposal_velocity = false;  ///< velocities of the second state
};

/// The state a kernel reads or writes.
enum class State { kCurrent, kProposal };

/// The arrays of one variable that moves, in a group of chains. Reals are the energy's precision. Velocities are those
/// of u, where x = s u and s is the scale of the diagonal metric.
struct Block {
  int variable = 0;  ///< index into Energy::variables()
  int64_t n = 0;
  int64_t moving = 0;              ///< coordinates that are not held
  uint32_t key = 0;                ///< variable_key of its name
  double least = 0, most = 0;      ///< support
  bool faces = false;              ///< an end of the support is finite
  const uint8_t* held = nullptr;   ///< [n], or null: nothing is held
  const void* scale = nullptr;     ///< [n] Real s, or null: 1
  const uint8_t* stays = nullptr;  ///< [n] 1: the probability flow leaves it alone; null: none is told
  const void* centre = nullptr;    ///< [n] Real, where trajectories turn about: add_trajectory_slope
  void* position = nullptr;        ///< [rows, n] current
  void* gradient = nullptr;        ///< [rows, n] at the current position
  void* velocity = nullptr;        ///< [rows, n], Needs::velocity
  // Only where the method proposes:
  void* proposal = nullptr;           ///< [rows, n]
  void* proposal_gradient = nullptr;  ///< [rows, n]
  void* proposal_velocity = nullptr;  ///< [rows, n], Needs::proposal_velocity
  void* unfolded = nullptr;           ///< [rows, n] the proposal before faces; the proposal itself where there are none

  void* position_of(State state) const { return state == State::kCurrent ? position : proposal; }
  void* gradient_of(State state) const { return state == State::kCurrent ? gradient : proposal_gradient; }
  void* velocity_of(State state) const { return state == State::kCurrent ? velocity : proposal_velocity; }
};

/// The arrays of one categorical variable that moves, in a group of chains. It has neither gradient nor velocity, and
/// no move of numbers knows of it (docs/decisions/0015-labels-are-a-block.md).
struct LabelBlock {
  int variable = 0;  ///< index into Energy::variables()
  int64_t n = 0;
  int64_t categories = 0;         ///< K: labels are 0 ... K - 1
  uint32_t key = 0;               ///< variable_key of its name
  const uint8_t* held = nullptr;  ///< [n] on the host, or null: nothing is held
  int64_t* label = nullptr;       ///< [rows, n] current
  int64_t* proposal = nullptr;    ///< [rows, n] scratch: labels whose energy is asked for
};

/// Given numbers of one variable that wear noise while a level of noise moves, in a group of chains.
struct NoisyGiven {
  int64_t n = 0;
  uint32_t key = 0;                ///< variable_key of its name
  double least = 0, most = 0;      ///< support
  bool faces = false;              ///< an end of the support is finite
  const uint8_t* clean = nullptr;  ///< [n] 1: it is not given, or wears none
  const void* given = nullptr;     ///< [n] Real
  void* position = nullptr;        ///< [rows, n] where energies read them
};

/// The block of a variable that moves, without arrays.
Block block_of(int variable, const Variable& described);
LabelBlock label_block_of(int variable, const Variable& described);

/// Chains that move together, and everything a method may touch of them: a tile on the CPU, all chains on a CUDA
/// device. All arrays live on the device of the energy.
///
/// The sums that its rows keep (RowSums) are [rows] each; null: not counted here.
///
/// Between two steps `position`, `energy`, `gradient` and `expert_energy` belong together. A frozen row's state is the
/// one that failed, and nothing of it moves.
struct Group : RowSums<RowArray> {
  const Energy* target = nullptr;
  double temperature = 1;
  uint32_t seed = 0;
  /// Key of the uniforms of decisions: variable_key(""), or that of the block's first variable in a sweep over blocks.
  uint32_t decision_key = 0x811c9dc5u;
  int64_t rows = 0;                 ///< of every array; the last ones may be copies of row 0 that fill up a tile
  int64_t chains = 0;               ///< rows that count
  int64_t dimension = 0;            ///< coordinates of a row that move
  const uint32_t* chain = nullptr;  ///< [rows] ids; a filling row has the id of row 0
  int64_t ladder = 1;  ///< neighbouring rows that are the replicas of one chain, the coldest first; divides `rows`
  std::vector<Block> blocks;
  std::vector<LabelBlock> label_blocks;
  std::vector<NoisyGiven> noisy_givens;

  // Where every row has its own, as in a ladder of temperatures; else null.
  const double* row_temperature = nullptr;  ///< [rows], in place of `temperature`
  const double* row_step = nullptr;         ///< [rows], the step size is multiplied by it

  double* energy = nullptr;                  ///< [rows]
  double* expert_energy = nullptr;           ///< [experts, rows]
  double* proposal_energy = nullptr;         ///< [rows], where the method proposes, as the next
  double* proposal_expert_energy = nullptr;  ///< [experts, rows]
  double* log_ratio = nullptr;               ///< [rows] what a proposal's log ratio subtracts, times T, so far
  double* scratch = nullptr;                 ///< [3, rows]
  uint8_t* left = nullptr;                   ///< [rows] 1: the trajectory to the proposal diverged on its way
  double* category_energy = nullptr;  ///< [most K of the label blocks, rows] of the labels that an element may take

  uint8_t* frozen = nullptr;        ///< [rows] 1: the current state failed
  uint32_t* frozen_step = nullptr;  ///< [rows] when it did
  double* energy_sums = nullptr;    ///< [energy_sum_count(experts), energy_stride], over the states after steps: see
                                    ///< core/chains/energy_sums.h; null: not counted here
  int64_t energy_stride = 0;

  // Where `ladder` > 1, of Kernels::swap:
  uint32_t* swap_attempts = nullptr;  ///< [rows] of this row and the next, since they were last cleared
  double* swap_acceptance = nullptr;  ///< [rows] sum of their probabilities
  uint32_t* replica = nullptr;        ///< [rows] which replica of the ladder is here: the rung where it began
  uint8_t* has_been = nullptr;        ///< [rows] which end of the ladder that replica saw last: a HasBeen
  uint32_t* round_trips = nullptr;    ///< [rows] of the coldest row: replicas that came back from the hottest

  void* workspace = nullptr;
  void* stream = nullptr;
  int worker = 0;

  /// Per variable of the energy, kept by the backend: what EnergyCall takes.
  std::vector<const void*> current, proposed;
  std::vector<void*> current_gradient, proposed_gradient;

  /// The same chains with some of the variables (indices) alone: the others stay where they are in every proposal, and
  /// no gradient of theirs is computed. Decisions have the key of the first of them.
  /// @param needs of the method that is to move them: arrays beyond are not shown to it. It counts no gradients, which
  /// are of a part, and no energies, for a step has several.
  Group of_variables(std::span<const int> variables, const Needs& needs) const;

  /// Energy and gradient at the current positions.
  void evaluate() const;
  /// Energy and gradient at the proposals.
  void evaluate_proposal() const;
  /// category_energy <- the energies of all labels of an element, where the energy offers them.
  /// @returns whether it does
  bool evaluate_categories(const LabelBlock& labels, int64_t element) const;
  /// category_energy[category] <- energy at the proposals: of one label, which Kernels::offer_label put there.
  void evaluate_offered(int64_t category) const;
};

/// The rows of one of the group's label blocks, one element of which is drawn.
LabelRows label_rows(const Group& group, const LabelBlock& labels, int64_t element);

/// Which end of its ladder a replica saw last. It makes a round trip from the coldest to the hottest and back.
enum class HasBeen : uint8_t { kNowhere = 0, kColdest = 1, kHottest = 2 };

/// An energy error of so many temperatures means that the integrator left its trajectory (Betancourt 2017).
inline constexpr double kDivergence = 1000;

}  // namespace potluck
