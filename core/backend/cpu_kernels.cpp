// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "core/backend/isokinetic.h"
#include "core/backend/label_element.h"
#include "core/random/philox.h"

namespace potluck {

namespace {

RowArguments arguments(const Group& group, const Block& block, uint32_t step) {
  RowArguments a;
  a.rows = group.rows;
  a.n = block.n;
  a.chain = group.chain;
  a.frozen = group.frozen;
  a.held = block.held;
  a.seed = group.seed;
  a.variable = block.key;
  a.step = step;
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

double temperature_of(const Group& group, int64_t row) {
  return group.row_temperature ? group.row_temperature[row] : group.temperature;
}

/// Rows with step sizes and temperatures of their own: a normal of a Langevin step goes with sqrt(step size x T), one
/// of a velocity with sqrt(T).
void add_row_factors(RowArguments& a, const Group& group, bool noise_has_step) {
  if (!group.row_temperature) return;
  for (int64_t row = 0; row < group.rows; ++row) {
    const double step = noise_has_step ? group.row_step[row] : 1.0;
    group.scratch[row] = std::sqrt(step * group.row_temperature[row] / group.temperature);
  }
  a.row_step = group.row_step;
  a.row_noise = group.scratch;
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
  for (int64_t row = 0; row < group.rows; ++row) failed |= bad[row] | !std::isfinite(group.energy[row]);
  for (int64_t row = 0; failed && row < group.rows; ++row) {
    if (group.frozen[row] || (!bad[row] && std::isfinite(group.energy[row]))) continue;
    group.frozen[row] = 1;
    group.frozen_step[row] = step;
  }
  add_energies(group);
}

void CpuKernels::langevin(Group& group, uint32_t step, double drift, double noise) const {
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.to = block.position;
    a.drift = drift;
    a.noise = noise;
    add_row_factors(a, group, true);
    typed(group).move(a);
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
    RowArguments a = arguments(group, block, step);
    a.to = block.proposal;
    a.unfolded = block.unfolded;
    a.drift = drift;
    a.noise = noise;
    add_row_factors(a, group, true);
    typed(group).move(a);
  }
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
  for (int i = 0; i < count; ++i) {
    row_pieces[i] = {static_cast<RowPiece::Kind>(pieces[i].kind), pieces[i].amount, pieces[i].noise,
                     static_cast<uint32_t>(pieces[i].purpose)};
  }
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

double CpuKernels::log_acceptance(const Group& group, int64_t row) {
  return (group.energy[row] - group.proposal_energy[row] - group.log_ratio[row]) / temperature_of(group, row);
}

void CpuKernels::decide(Group& group, uint32_t step, bool flip) const {
  // The rows that are accepted, collected apart so that those that follow each other are copied at once.
  uint8_t* accepted = reinterpret_cast<uint8_t*>(group.scratch);
  for (int64_t row = 0; row < group.rows; ++row) {
    accepted[row] = !group.frozen[row] && accepts(group, step, row);
    if (flip && !group.frozen[row] && !accepted[row]) turn_back(group, row);
  }
  for (int64_t row = 0, end = 0; row < group.rows; row = end + 1) {
    for (end = row; end < group.rows && accepted[end];) ++end;
    if (end > row) take_proposals(group, row, end - row);
  }
  std::fill_n(group.left, group.rows, uint8_t{0});
  add_energies(group);
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

void CpuKernels::add_energies(Group& group) {
  if (!group.energy_sums) return;
  const int64_t rows = group.rows, experts = static_cast<int64_t>(group.target->experts().size());
  const uint8_t* frozen = group.frozen;
  const auto sums = [&group](int64_t number) { return group.energy_sums + number * group.energy_stride; };
  double* __restrict apart = group.scratch;
  const double *energy = group.energy, *reference = sums(0);
  double *sum = sums(1), *squares = sums(2);
  for (int64_t row = 0; row < rows; ++row) apart[row] = frozen[row] ? 0.0 : energy[row] - reference[row];
  for (int64_t row = 0; row < rows; ++row) {
    sum[row] += apart[row];
    squares[row] += apart[row] * apart[row];
  }
  for (int64_t e = 0; e < experts; ++e) {
    const double *own = group.expert_energy + e * rows, *own_reference = sums(3 + 4 * e);
    double* __restrict own_sum = sums(4 + 4 * e);
    double* __restrict own_squares = sums(5 + 4 * e);
    double* __restrict products = sums(6 + 4 * e);
    for (int64_t row = 0; row < rows; ++row) {
      const double own_apart = frozen[row] ? 0.0 : own[row] - own_reference[row];
      own_sum[row] += own_apart;
      own_squares[row] += own_apart * own_apart;
      products[row] += apart[row] * own_apart;
    }
  }
}

void CpuKernels::watch(Group& group) {
  const auto error = [&group](int64_t row) {
    return group.proposal_energy[row] - group.energy[row] + group.log_ratio[row];
  };
  int left = 0;  // or is not a number: a look at all rows at once, which are sound as a rule
  for (int64_t row = 0; row < group.rows; ++row) left |= !(error(row) <= kDivergence * temperature_of(group, row));
  for (int64_t row = 0; left && row < group.rows; ++row) {
    if (group.proposal_energy[row] == INFINITY || error(row) > kDivergence * temperature_of(group, row))
      group.left[row] = 1;
  }
}

bool CpuKernels::overflowed(const Group& group, int64_t row) {
  const auto experts = static_cast<int64_t>(group.target->experts().size());
  bool found = group.left[row] != 0;
  for (int64_t e = 0; e < experts; ++e) found |= group.proposal_expert_energy[e * group.rows + row] == INFINITY;
  return found;
}

bool CpuKernels::accepts(Group& group, uint32_t step, int64_t row) {
  const double proposed = group.proposal_energy[row];
  if (proposed == INFINITY) {
    ++group.divergences[row];
    return false;
  }
  const double log_a = log_acceptance(group, row);
  if (std::isnan(log_a) || !std::isfinite(proposed)) {
    ++(overflowed(group, row) ? group.divergences : group.nan_proposals)[row];
    return false;
  }
  group.divergences[row] += log_a < -kDivergence;
  const double error = std::max(log_a, -kDivergence);
  group.energy_error[row] += error * error;
  if (log_a >= 0) {  // whatever the uniform, which is below 1
    group.acceptance[row] += 1;
    return true;
  }
  group.acceptance[row] += std::exp(log_a);
  const double u = uniform({group.seed, group.decision_key, group.chain[row], step, Purpose::kAcceptance});
  return std::log(u) < log_a;
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
  double* squares = group.scratch + 2 * group.rows;
  for (int64_t row = 0; row < group.rows; ++row) group.scratch[row] = 1 / std::sqrt(squares[row]);
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
  const double dimension = static_cast<double>(group.dimension);
  for (int64_t row = 0; row < group.rows; ++row) {
    const IsokineticKick kick =
        isokinetic_kick_of(kept[row], added[row], squares[row], dimension,
                           group.row_step ? time * group.row_step[row] : time, temperature_of(group, row));
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
  for (int64_t row = 0; row < group.rows; ++row) group.log_ratio[row] = -group.energy[row];
}

void CpuKernels::end_energy_error(Group& group) const {
  for (int64_t row = 0; row < group.rows; ++row) {
    const double error = (group.log_ratio[row] + group.energy[row]) / temperature_of(group, row);
    if (!group.frozen[row] && std::isfinite(error)) group.energy_error[row] += error * error;
  }
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
  for (int64_t row = 0; row < group.rows; ++row) {
    const double log_a = log_acceptance(group, row);
    const double moved = group.scratch[row], along = group.scratch[group.rows + row];
    const double slope = std::exp(std::min(0.0, log_a)) * (reach * moved * along - moved * moved / 4);
    if (!group.frozen[row] && std::isfinite(log_a) && std::isfinite(slope)) group.trajectory_slope[row] += slope;
  }
}

void CpuKernels::swap(Group& group, uint32_t step, bool odd) const {
  for (int64_t coldest = 0; coldest < group.rows; coldest += group.ladder) {
    const int64_t hottest = coldest + group.ladder - 1;
    for (int64_t row = coldest + odd; row < hottest; row += 2) {
      if (swaps(group, step, row)) exchange(group, row);
    }
    const auto hot = static_cast<uint8_t>(HasBeen::kHottest), cold = static_cast<uint8_t>(HasBeen::kColdest);
    group.round_trips[coldest] += group.has_been[coldest] == hot;
    group.has_been[coldest] = cold;
    if (group.has_been[hottest] == cold) group.has_been[hottest] = hot;
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
  for (int64_t row = 0; row < group.rows; ++row) element::draw_label_of_row(rows, step, row);
}

bool CpuKernels::swaps(Group& group, uint32_t step, int64_t row) {
  const int64_t next = row + 1;
  if (group.frozen[row] || group.frozen[next]) return false;
  const double log_a =
      (1 / temperature_of(group, row) - 1 / temperature_of(group, next)) * (group.energy[row] - group.energy[next]);
  ++group.swap_attempts[row];
  group.swap_acceptance[row] += std::exp(std::min(0.0, log_a));
  const double u = uniform({group.seed, group.decision_key, group.chain[row], step, Purpose::kSwap});
  return std::log(u) < log_a;
}

void CpuKernels::exchange(Group& group, int64_t row) {
  const size_t experts = group.target->experts().size();
  std::swap(group.energy[row], group.energy[row + 1]);
  for (size_t e = 0; e < experts; ++e) {
    double* energy = group.expert_energy + static_cast<int64_t>(e) * group.rows + row;
    std::swap(energy[0], energy[1]);
  }
  std::swap(group.replica[row], group.replica[row + 1]);
  std::swap(group.has_been[row], group.has_been[row + 1]);
  for (const Block& block : group.blocks) {
    const auto bytes = static_cast<int64_t>(bytes_of(group.target->precision())) * block.n;
    for (void* array : {block.position, block.gradient}) {
      std::byte* first = static_cast<std::byte*>(array) + row * bytes;
      std::swap_ranges(first, first + bytes, first + bytes);
    }
  }
}

}  // namespace potluck
