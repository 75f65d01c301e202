// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cuda/cuda_kernels.h"

#include <algorithm>

#include "core/backend/row_views.h"

namespace potluck {

namespace {

static_assert(cuda::kMostGridPieces == kMostPieces);

int real_bytes(const Group& group) { return static_cast<int>(bytes_of(group.target->precision())); }

bool is_first(const Group& group, const Block& block) { return &block == group.blocks.data(); }

}  // namespace

cuda::GridArguments CudaKernels::arguments(const Group& group, const Block& block, uint32_t step) const {
  cuda::GridArguments a{row_arrays(group, block), address(step)};
  a.first = is_first(group, block);
  return a;
}

cuda::GridRows CudaKernels::rows_of(const Group& group, uint32_t step) const {
  return {row_numbers(group), address(step)};
}

const double* CudaKernels::row_noise(const Group& group, bool noise_has_step) const {
  if (!group.row_temperature) return nullptr;
  cuda::row_noise(rows_of(group, first_), noise_has_step, group.stream);
  return group.scratch;
}

void CudaKernels::freeze_failed(Group& group, uint32_t step) const {
  // The log ratio may be under way: failures are collected in scratch.
  const cuda::GridRows rows = rows_of(group, step);
  if (group.blocks.empty()) {
    cuda::clear(group.scratch, group.rows, group.stream);
    cuda::freeze(rows, group.stream);
  }
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    a.sum = group.scratch;
    a.square = group.gradient_square;
    if (&block == &group.blocks.back()) {
      cuda::gradient_square_and_freeze(a, rows, real_bytes(group), group.stream);
    } else {
      cuda::gradient_square(a, real_bytes(group), group.stream);
    }
  }
}

cuda::GridArguments CudaKernels::langevin_arguments(const Group& group, const Block& block, uint32_t step, double drift,
                                                    double noise) const {
  cuda::GridArguments a = arguments(group, block, step);
  a.to = block.position;
  a.drift = drift;
  a.noise = noise;
  a.row_step = group.row_step;
  return a;
}

void CudaKernels::langevin(Group& group, uint32_t step, double drift, double noise) const {
  const double* row_noise_factor = row_noise(group, true);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = langevin_arguments(group, block, step, drift, noise);
    a.row_noise = row_noise_factor;
    cuda::move(a, real_bytes(group), group.stream);
  }
}

void CudaKernels::checked_langevin(Group& group, uint32_t step, double drift, double noise) const {
  // A warp a row: a few long rows would leave most of the device idle. And factors of the noise stand in scratch.
  constexpr int64_t kLeastRows = 512, kLongest = 4096;
  const bool fits =
      group.blocks.size() == 1 && !group.row_temperature && group.rows >= kLeastRows && group.blocks[0].n <= kLongest;
  if (!fits) return Kernels::checked_langevin(group, step, drift, noise);
  cuda::GridArguments a = langevin_arguments(group, group.blocks[0], step, drift, noise);
  a.square = group.gradient_square;
  cuda::freeze_and_move(a, rows_of(group, step - 1), real_bytes(group), group.stream);
}

void CudaKernels::clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                                   bool clamp) const {
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    a.to = block.position;
    a.drift = drift;
    a.noise = noise;
    a.clip = clip;
    a.clamp = clamp;
    a.sum = group.clipped;
    cuda::move_clipped(a, real_bytes(group), group.stream);
  }
}

void CudaKernels::propose_langevin(Group& group, uint32_t step, double drift, double noise) const {
  const double* row_noise_factor = row_noise(group, true);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = langevin_arguments(group, block, step, drift, noise);
    a.to = block.proposal;
    a.unfolded = block.unfolded;
    a.row_noise = row_noise_factor;
    cuda::move(a, real_bytes(group), group.stream);
  }
}

void CudaKernels::flow(Group& group, double amount) const {
  for (const Block& block : group.blocks)
    if (block.stays) cuda::flow({flow_arrays(group, block, amount), address(first_)}, real_bytes(group), group.stream);
}

void CudaKernels::blur_given(Group& group, uint32_t step, double deviation) const {
  for (const NoisyGiven& block : group.noisy_givens)
    cuda::blur_given({noisy_arrays(group, block, deviation), address(step)}, real_bytes(group), group.stream);
}

void CudaKernels::add_langevin_ratio(Group& group, double step_size) const {
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, first_);
    a.unfolded = block.unfolded;
    a.to_gradient = block.proposal_gradient;
    a.drift = step_size;
    a.row_step = group.row_step;
    a.sum = group.log_ratio;
    cuda::ratio(a, real_bytes(group), group.stream);
  }
}

void CudaKernels::split(Group& group, uint32_t step, State from, State to, std::span<const Piece> pieces) const {
  check_pieces(pieces);
  cuda::GridPieces row_pieces;
  const bool watches = pieces.front().kind == Piece::Kind::kWatch;
  if (watches) pieces = pieces.subspan(1);
  row_pieces.count = static_cast<int>(pieces.size());
  row_pieces.rows = row_numbers(group);
  const auto has = [&](Piece::Kind kind) {
    return std::any_of(pieces.begin(), pieces.end(), [kind](const Piece& piece) { return piece.kind == kind; });
  };
  for (int i = 0; i < row_pieces.count; ++i) {
    row_pieces.at[i] = row_piece(pieces[i]);
  }
  const bool fresh = pieces.front().kind == Piece::Kind::kRefresh && pieces.front().amount == 0;
  const bool drifts = has(Piece::Kind::kDrift), kicks = has(Piece::Kind::kKick), copies = from != to;
  const bool turns = kicks || has(Piece::Kind::kRefresh);
  const double* row_noise_factor = row_noise(group, false);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    const bool moves = drifts || copies, changes_velocity = turns || copies || (drifts && block.faces);
    a.from = moves ? block.position_of(from) : nullptr;
    a.to = moves ? block.position_of(to) : nullptr;
    a.gradient = kicks ? block.gradient_of(from) : nullptr;
    a.from_velocity = fresh ? nullptr : block.velocity_of(from);
    a.to_velocity = changes_velocity ? block.velocity_of(to) : nullptr;
    a.row_step = group.row_step;
    a.row_noise = row_noise_factor;
    a.sum = has(Piece::Kind::kKinetic) ? group.log_ratio : nullptr;
    row_pieces.watches = watches && a.first;
    cuda::split(a, row_pieces, real_bytes(group), group.stream);
  }
}

void CudaKernels::clear_ratio(Group& group) const { cuda::clear(group.log_ratio, group.rows, group.stream); }

void CudaKernels::decide(Group& group, uint32_t step, bool flip) const {
  cuda::decide(rows_of(group, step), flip, group.stream);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    a.from = block.proposal;
    a.gradient = block.proposal_gradient;
    a.from_velocity = block.proposal_velocity;
    a.to = block.position;
    a.to_gradient = block.gradient;
    a.to_velocity = block.velocity;
    a.sum = group.scratch;
    cuda::take_over(a, real_bytes(group), group.stream);
    if (!group.gradient_square) continue;
    cuda::GridArguments taken = arguments(group, block, step);
    taken.square = group.gradient_square;
    cuda::gradient_square(taken, real_bytes(group), group.stream);
  }
}

void CudaKernels::add_products(const Group& group, std::optional<State> gradient, State velocity) const {
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, first_);
    a.gradient = gradient ? block.gradient_of(*gradient) : nullptr;
    a.from_velocity = block.velocity_of(velocity);
    a.sum = group.scratch;
    cuda::products(a, real_bytes(group), group.stream);
  }
}

void CudaKernels::normalise_velocity(Group& group, State state) const {
  add_products(group, std::nullopt, state);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, first_);
    a.to_velocity = block.velocity_of(state);
    cuda::normalise(a, rows_of(group, first_), real_bytes(group), group.stream);
  }
}

void CudaKernels::isokinetic_kick(Group& group, State gradient, State velocity, double time) const {
  add_products(group, gradient, velocity);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, first_);
    a.gradient = block.gradient_of(gradient);
    a.to_velocity = block.velocity_of(velocity);
    cuda::isokinetic_kick(a, rows_of(group, first_), time, real_bytes(group), group.stream);
  }
}

void CudaKernels::begin_energy_error(Group& group) const {
  cuda::begin_energy_error(rows_of(group, first_), group.stream);
}

void CudaKernels::end_energy_error(Group& group) const { cuda::end_energy_error(rows_of(group, first_), group.stream); }

void CudaKernels::add_trajectory_slope(Group& group, double reach) const {
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, first_);
    a.to = block.proposal;
    a.from_velocity = block.proposal_velocity;
    a.centre = block.centre;
    a.sum = group.scratch;
    cuda::turn(a, real_bytes(group), group.stream);
  }
  cuda::add_slopes(rows_of(group, first_), reach, group.stream);
}

void CudaKernels::swap(Group& group, uint32_t step, bool odd) const {
  cuda::swap(rows_of(group, step), odd, group.stream);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    a.to = block.position;
    a.to_gradient = block.gradient;
    a.sum = group.scratch;
    cuda::exchange(a, real_bytes(group), group.stream);
  }
}

void CudaKernels::begin_labels(Group& group, const LabelBlock& labels) const {
  cuda::begin_labels(label_rows(group, labels, 0), group.stream);
}

void CudaKernels::offer_label(Group& group, const LabelBlock& labels, int64_t element, int64_t category) const {
  cuda::offer_label(label_rows(group, labels, element), category, group.stream);
}

void CudaKernels::draw_label(Group& group, const LabelBlock& labels, int64_t element, uint32_t step) const {
  cuda::draw_label(label_rows(group, labels, element), address(step), group.stream);
}

}  // namespace potluck
