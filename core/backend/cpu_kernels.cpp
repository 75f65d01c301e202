// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/backend/row_views.h"
#include "core/backend/rows/decision.h"
#include "core/backend/rows/energy_error.h"
#include "core/backend/rows/energy_sums.h"
#include "core/backend/rows/freezing.h"
#include "core/backend/rows/isokinetic.h"
#include "core/backend/rows/labels.h"
#include "core/backend/rows/ladder.h"
#include "core/backend/rows/trajectory.h"

namespace potluck {

namespace {

RowArguments arguments(const Group& group, const Block& block, uint32_t step) {
  return {row_arrays(group, block), step};
}

/// Rows with step sizes and temperatures of their own.
void add_row_factors(RowArguments& a, const Group& group, bool noise_has_step) {
  if (!group.row_temperature) return;
  const RowNumbers r = row_numbers(group);
  for (int64_t row = 0; row < r.rows; ++row) r.scratch[row] = formula::noise_factor(r, noise_has_step, row);
  a.row_step = group.row_step;
  a.row_noise = group.scratch;
}

/// A Langevin step in place.
RowArguments langevin_arguments(const Group& group, const Block& block, uint32_t step, double drift, double noise) {
  RowArguments a = arguments(group, block, step);
  a.to = block.position;
  a.drift = drift;
  a.noise = noise;
  add_row_factors(a, group, true);
  return a;
}

/// The energies of rows that move are added to energy_sums: of all rows an energy at a time, so that these are loops
/// over neighbours.
void add_energies(const RowNumbers& r) {
  if (!r.energy_sums) return;
  double* __restrict apart = r.scratch;
  const double *energy = r.energy, *reference = formula::energy_line(r, 0);
  const uint8_t* frozen = r.frozen;
  double *sum = formula::energy_line(r, 1), *squares = formula::energy_line(r, 2);
  for (int64_t row = 0; row < r.rows; ++row) apart[row] = frozen[row] ? 0.0 : energy[row] - reference[row];
  for (int64_t row = 0; row < r.rows; ++row) formula::add_energy(apart[row], sum[row], squares[row]);
  for (int64_t e = 0; e < r.experts; ++e) {
    const int64_t lines = formula::lines_of_expert(e);
    const double *own = r.expert_energy + e * r.rows, *own_reference = formula::energy_line(r, lines);
    double* __restrict own_sum = formula::energy_line(r, lines + 1);
    double* __restrict own_squares = formula::energy_line(r, lines + 2);
    double* __restrict products = formula::energy_line(r, lines + 3);
    for (int64_t row = 0; row < r.rows; ++row) {
      const double own_apart = frozen[row] ? 0.0 : own[row] - own_reference[row];
      formula::add_expert_energy(own_apart, apart[row], own_sum[row], own_squares[row], products[row]);
    }
  }
}

/// Sets Group::left of the rows whose trajectory diverged.
void watch(const Group& group) {
  int left = 0;  // or is not a number: a look at all rows at once, which are sound as a rule
  for (int64_t row = 0; row < group.rows; ++row) {
    const double error = formula::trajectory_error(group.energy[row], group.proposal_energy[row], group.log_ratio[row]);
    left |= !(error <= kDivergence * (group.row_temperature ? group.row_temperature[row] : group.temperature));
  }
  if (!left) return;
  const RowNumbers r = row_numbers(group);
  for (int64_t row = 0; row < r.rows; ++row) formula::watch(r, row);
}

}  // namespace

const RowKernels::Typed& CpuKernels::typed(const Group& group) const {
  return group.target->precision() == Precision::kFloat32 ? loops_.float32 : loops_.float64;
}

void CpuKernels::freeze_failed(Group& group, uint32_t step) const {
  // A row that froze earlier keeps its step, so new failures are collected apart from it: not in log_ratio, which
  // holds the first half of an energy error here.
  uint8_t* bad = reinterpret_cast<uint8_t*>(group.scratch);
  std::fill(bad, bad + group.rows, uint8_t{0});
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.flag = bad;
    a.sum = group.gradient_square;
    typed(group).gradient_square(a);
  }
  int failed = 0;
  for (int64_t row = 0; row < group.rows; ++row) failed |= bad[row] | !formula::finite(group.energy[row]);
  if (!failed && !group.energy_sums) return;
  const RowNumbers r = row_numbers(group);
  for (int64_t row = 0; failed && row < r.rows; ++row) formula::freeze_failed(r, step, bad[row], row);
  add_energies(r);
}

void CpuKernels::langevin(Group& group, uint32_t step, double drift, double noise) const {
  for (const Block& block : group.blocks) {
    typed(group).move(langevin_arguments(group, block, step, drift, noise));
  }
}

void CpuKernels::clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                                  bool clamp) const {
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.to = block.position;
    a.drift = drift;
    a.noise = noise;
    a.clip = clip;
    a.clamp = clamp;
    a.sum = group.clipped;
    typed(group).move_clipped(a);
  }
}

void CpuKernels::propose_langevin(Group& group, uint32_t step, double drift, double noise) const {
  for (const Block& block : group.blocks) {
    RowArguments a = langevin_arguments(group, block, step, drift, noise);
    a.to = block.proposal;
    a.unfolded = block.unfolded;
    typed(group).move(a);
  }
}

void CpuKernels::flow(Group& group, double amount) const {
  for (const Block& block : group.blocks)
    if (block.stays) typed(group).flow({flow_arrays(group, block, amount), 0});
}

void CpuKernels::blur_given(Group& group, uint32_t step, double deviation) const {
  for (const NoisyGiven& block : group.noisy_givens)
    typed(group).blur_given({noisy_arrays(group, block, deviation), step});
}

void CpuKernels::add_langevin_ratio(Group& group, double step_size) const {
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, 0);
    a.unfolded = block.unfolded;
    a.to_gradient = block.proposal_gradient;
    a.drift = step_size;
    a.row_step = group.row_step;
    a.sum = group.log_ratio;
    typed(group).ratio(a);
  }
}

void CpuKernels::split(Group& group, uint32_t step, State from, State to, std::span<const Piece> pieces) const {
  check_pieces(pieces);
  if (pieces.front().kind == Piece::Kind::kWatch) {
    watch(group);
    pieces = pieces.subspan(1);
  }
  RowPiece row_pieces[kMostPieces];
  const int count = static_cast<int>(pieces.size());
  for (int i = 0; i < count; ++i) row_pieces[i] = row_piece(pieces[i]);
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.from = block.position_of(from);
    a.gradient = block.gradient_of(from);
    a.from_velocity = block.velocity_of(from);
    a.to = block.position_of(to);
    a.to_velocity = block.velocity_of(to);
    a.sum = group.log_ratio;
    add_row_factors(a, group, false);
    typed(group).split(a, row_pieces, count);
  }
}

void CpuKernels::clear_ratio(Group& group) const { std::fill_n(group.log_ratio, group.rows, 0.0); }

void CpuKernels::decide(Group& group, uint32_t step, bool flip) const {
  // The rows that are accepted, collected apart so that those that follow each other are copied at once.
  uint8_t* accepted = reinterpret_cast<uint8_t*>(group.scratch);
  const RowNumbers r = row_numbers(group);
  for (int64_t row = 0; row < group.rows; ++row) {
    accepted[row] = !group.frozen[row] && formula::accepts(r, step, row);
    if (flip && !group.frozen[row] && !accepted[row]) turn_back(group, row);
  }
  for (int64_t row = 0, end = 0; row < group.rows; row = end + 1) {
    for (end = row; end < group.rows && accepted[end];) ++end;
    if (end > row) take_proposals(group, row, end - row);
  }
  std::fill_n(group.left, group.rows, uint8_t{0});
  add_energies(r);
  if (!group.gradient_square) return;
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.sum = group.gradient_square;
    typed(group).gradient_square(a);
  }
}

void CpuKernels::take_proposals(Group& group, int64_t row, int64_t count) {
  std::copy_n(group.proposal_energy + row, count, group.energy + row);
  const int64_t experts = static_cast<int64_t>(group.target->experts().size());
  for (int64_t e = 0; e < experts; ++e) {
    const int64_t at = e * group.rows + row;
    std::copy_n(group.proposal_expert_energy + at, count, group.expert_energy + at);
  }
  for (const Block& block : group.blocks) {
    const size_t bytes = static_cast<size_t>(block.n) * bytes_of(group.target->precision());
    const size_t at = static_cast<size_t>(row) * bytes;
    const auto take = [&](void* to, const void* from) {
      if (to) std::memcpy(static_cast<char*>(to) + at, static_cast<const char*>(from) + at, count * bytes);
    };
    take(block.position, block.proposal);
    take(block.gradient, block.proposal_gradient);
    if (block.proposal_velocity) take(block.velocity, block.proposal_velocity);
  }
}

void CpuKernels::turn_back(Group& group, int64_t row) {
  for (const Block& block : group.blocks) {
    const auto negate = [&](auto* v) {
      for (int64_t j = row * block.n; j < (row + 1) * block.n; ++j) v[j] = -v[j];
    };
    if (group.target->precision() == Precision::kFloat32) {
      negate(static_cast<float*>(block.velocity));
    } else {
      negate(static_cast<double*>(block.velocity));
    }
  }
}

void CpuKernels::add_products(Group& group, std::optional<State> gradient, State velocity) const {
  std::fill_n(group.scratch, 3 * group.rows, 0.0);
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, 0);
    a.gradient = gradient ? block.gradient_of(*gradient) : nullptr;
    a.from_velocity = block.velocity_of(velocity);
    a.sum = group.scratch;
    typed(group).products(a);
  }
}

void CpuKernels::normalise_velocity(Group& group, State state) const {
  add_products(group, std::nullopt, state);
  const double* squares = group.scratch + 2 * group.rows;
  for (int64_t row = 0; row < group.rows; ++row) group.scratch[row] = formula::inverse_length(squares[row]);
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, 0);
    a.to_velocity = block.velocity_of(state);
    a.row_noise = group.scratch;
    typed(group).combine(a);
  }
}

void CpuKernels::isokinetic_kick(Group& group, State gradient, State velocity, double time) const {
  add_products(group, gradient, velocity);
  double *kept = group.scratch, *added = group.scratch + group.rows, *squares = group.scratch + 2 * group.rows;
  const RowNumbers r = row_numbers(group);
  for (int64_t row = 0; row < group.rows; ++row) {
    const IsokineticKick kick = formula::isokinetic_kick(r, kept[row], added[row], squares[row], time, row);
    group.log_ratio[row] += kick.kinetic;
    kept[row] = kick.kept;
    added[row] = kick.added;
  }
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, 0);
    a.gradient = block.gradient_of(gradient);
    a.to_velocity = block.velocity_of(velocity);
    a.row_noise = kept;
    a.row_step = added;
    typed(group).combine(a);
  }
}

void CpuKernels::begin_energy_error(Group& group) const {
  const RowNumbers r = row_numbers(group);
  for (int64_t row = 0; row < r.rows; ++row) formula::begin_energy_error(r, row);
}

void CpuKernels::end_energy_error(Group& group) const {
  const RowNumbers r = row_numbers(group);
  for (int64_t row = 0; row < r.rows; ++row) formula::end_energy_error(r, row);
}

void CpuKernels::add_trajectory_slope(Group& group, double reach) const {
  std::fill_n(group.scratch, 2 * group.rows, 0.0);
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, 0);
    a.to = block.proposal;
    a.from_velocity = block.proposal_velocity;
    a.centre = block.centre;
    a.sum = group.scratch;
    typed(group).turn(a);
  }
  const RowNumbers r = row_numbers(group);
  const double *moved = group.scratch, *along = group.scratch + group.rows;
  for (int64_t row = 0; row < r.rows; ++row) formula::add_trajectory_slope(r, reach, moved[row], along[row], row);
}

void CpuKernels::swap(Group& group, uint32_t step, bool odd) const {
  const RowNumbers r = row_numbers(group);
  for (int64_t coldest = 0; coldest < group.rows; coldest += group.ladder) {
    const int64_t hottest = coldest + group.ladder - 1;
    for (int64_t row = coldest + odd; row < hottest; row += 2) {
      if (!formula::swaps(r, step, row)) continue;
      formula::exchange_numbers(r, row);
      exchange_states(group, row);
    }
    formula::count_round_trip(r, coldest);
  }
}

void CpuKernels::begin_labels(Group& group, const LabelBlock& labels) const {
  std::copy_n(labels.label, group.rows * labels.n, labels.proposal);
}

void CpuKernels::offer_label(Group& group, const LabelBlock& labels, int64_t element, int64_t category) const {
  for (int64_t row = 0; row < group.rows; ++row) labels.proposal[row * labels.n + element] = category;
}

void CpuKernels::draw_label(Group& group, const LabelBlock& labels, int64_t element, uint32_t step) const {
  const LabelRows rows = label_rows(group, labels, element);
  for (int64_t row = 0; row < group.rows; ++row) formula::draw_label(rows, step, row);
}

void CpuKernels::exchange_states(Group& group, int64_t row) {
  for (const Block& block : group.blocks) {
    const auto bytes = static_cast<int64_t>(bytes_of(group.target->precision())) * block.n;
    for (void* array : {block.position, block.gradient}) {
      std::byte* first = static_cast<std::byte*>(array) + row * bytes;
      std::swap_ranges(first, first + bytes, first + bytes);
    }
  }
}

}  // namespace potluck
