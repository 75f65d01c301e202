// SPDX-License-Identifier: Apache-2.0
#include "core/backend/reference_kernels.h"

#include <algorithm>

#include "core/backend/row_views.h"
#include "core/backend/rows/decision.h"
#include "core/backend/rows/energy_error.h"
#include "core/backend/rows/energy_sums.h"
#include "core/backend/rows/faces.h"
#include "core/backend/rows/flow.h"
#include "core/backend/rows/freezing.h"
#include "core/backend/rows/gradient.h"
#include "core/backend/rows/isokinetic.h"
#include "core/backend/rows/labels.h"
#include "core/backend/rows/ladder.h"
#include "core/backend/rows/langevin.h"
#include "core/backend/rows/products.h"
#include "core/backend/rows/splitting.h"
#include "core/backend/rows/trajectory.h"
#include "core/error.h"

namespace potluck {

namespace {

RowNumbers numbers_of(const Group& group) {
  if (group.target->precision() == Precision::kFloat64) return row_numbers(group);
  throw SettingError("ReferenceKernels: the energy must be in float64, got float32. Use CpuKernels");
}

/// One row of a block.
struct Row {
  const Group& group;
  const Block& block;
  int64_t row;

  double* of(void* array) const { return static_cast<double*>(array) + row * block.n; }
  double scale(int64_t j) const { return block.scale ? static_cast<const double*>(block.scale)[j] : 1.0; }
  double centre(int64_t j) const { return block.centre ? static_cast<const double*>(block.centre)[j] : 0.0; }
  bool is_free(int64_t j) const { return !block.held || !block.held[j]; }
  bool is_frozen() const { return group.frozen[row]; }

  float normal(uint32_t step, Purpose purpose, int64_t j) const {
    return standard_normal({group.seed, block.key, group.chain[row], step, purpose}, j);
  }
  /// What a step size or an amount is in this row.
  double amount(double of_group) const { return formula::factor<double>(of_group, group.row_step, row); }
  /// What a noise is.
  double noise(const RowNumbers& r, double of_group, bool has_step) const {
    return group.row_temperature ? of_group * formula::noise_factor(r, has_step, row) : of_group;
  }
  /// y, folded into the support and counted.
  double folded(double y) const {
    if (!block.faces || !formula::is_outside(y, block.least, block.most)) return y;
    ++group.reflected[row];
    double sign;
    return element::fold(y, block.least, block.most, sign);
  }
};

template <class Use>
void for_rows(const Group& group, Use use) {
  for (const Block& block : group.blocks) {
    for (int64_t row = 0; row < group.rows; ++row) use(Row{group, block, row});
  }
}

template <class Use>
void for_free(const Row& row, Use use) {
  for (int64_t j = 0; j < row.block.n; ++j) {
    if (row.is_free(j)) use(j);
  }
}

template <class Term>
double sum_over_free(const Row& row, Term term) {
  double sum = 0;
  for_free(row, [&](int64_t j) { sum += term(j); });
  return sum;
}

/// Where a Langevin step takes coordinate j, before faces.
double moved(const Row& row, const RowNumbers& r, uint32_t step, double drift, double noise, int64_t j) {
  return formula::scaled_langevin(row.of(row.block.position)[j], row.of(row.block.gradient)[j],
                                  row.normal(step, Purpose::kProposal, j), row.amount(drift), row.noise(r, noise, true),
                                  row.scale(j));
}

/// Adds |gradient|^2 of a row to its sum where it is finite. @return that it is
bool add_gradient_square(const Row& row) {
  const double* g = row.of(row.block.gradient);
  bool finite = true;
  for_free(row, [&](int64_t j) { finite &= formula::finite(g[j]); });
  if (finite && row.group.gradient_square && !row.is_frozen()) {
    row.group.gradient_square[row.row] += sum_over_free(row, [&](int64_t j) { return formula::square(g[j]); });
  }
  return finite;
}

void add_energies_of_rows_that_move(const RowNumbers& r) {
  for (int64_t row = 0; row < r.rows; ++row) {
    if (!r.frozen[row]) formula::add_energies(r, row);
  }
}

/// Over all blocks.
formula::Products products_of(const Group& group, State gradient, State velocity, int64_t row) {
  formula::Products sums;
  for (const Block& block : group.blocks) {
    const Row one{group, block, row};
    const double *g = one.of(block.gradient_of(gradient)), *v = one.of(block.velocity_of(velocity));
    for_free(one, [&](int64_t j) { formula::add_product(sums, formula::slope(g[j], one.scale(j)), v[j]); });
  }
  return sums;
}

/// A piece of a splitting on x and v, with g the gradient where it began.
void do_piece(const Row& row, const RowNumbers& r, uint32_t step, const Piece& piece, double* x, double* v,
              const double* g) {
  switch (piece.kind) {
    case Piece::Kind::kKick:
      for_free(row, [&](int64_t j) { v[j] = formula::kicked(v[j], row.scale(j) * g[j], row.amount(piece.amount)); });
      break;
    case Piece::Kind::kDrift:
      for_free(row, [&](int64_t j) {
        x[j] = formula::drifted(x[j], v[j], row.amount(piece.amount) * row.scale(j));
        if (!row.block.faces || !formula::is_outside(x[j], row.block.least, row.block.most)) return;
        formula::bounce(x[j], v[j], row.block.least, row.block.most);
        ++row.group.reflected[row.row];
      });
      break;
    case Piece::Kind::kRefresh:
      for (int64_t j = 0; j < row.block.n; ++j) {
        const double noise = row.noise(r, piece.noise, false);
        v[j] = row.is_free(j) ? formula::refreshed(v[j], row.normal(step, piece.purpose, j), piece.amount, noise) : 0;
      }
      break;
    case Piece::Kind::kKinetic:
      r.log_ratio[row.row] += piece.amount / 2 * sum_over_free(row, [&](int64_t j) { return formula::square(v[j]); });
      break;
    case Piece::Kind::kWatch:  // of whole rows: split()
      break;
  }
}

/// What is of a variable in the state of a row that was accepted.
void take_proposal(const Row& row) {
  const Block& block = row.block;
  std::copy_n(row.of(block.proposal), block.n, row.of(block.position));
  std::copy_n(row.of(block.proposal_gradient), block.n, row.of(block.gradient));
  if (block.velocity && block.proposal_velocity)
    std::copy_n(row.of(block.proposal_velocity), block.n, row.of(block.velocity));
}

void turn_back(const Row& row) {
  double* v = row.of(row.block.velocity);
  std::transform(v, v + row.block.n, v, [](double component) { return -component; });
}

}  // namespace

void ReferenceKernels::freeze_failed(Group& group, uint32_t step) const {
  const RowNumbers r = numbers_of(group);
  for (int64_t row = 0; row < group.rows; ++row) {
    bool fails = false;
    for (const Block& block : group.blocks) fails |= !add_gradient_square({group, block, row});
    formula::freeze_failed(r, step, fails, row);
  }
  add_energies_of_rows_that_move(r);
}

void ReferenceKernels::langevin(Group& group, uint32_t step, double drift, double noise) const {
  const RowNumbers r = numbers_of(group);
  for_rows(group, [&](const Row& row) {
    if (row.is_frozen()) return;
    double* x = row.of(row.block.position);
    for_free(row, [&](int64_t j) { x[j] = row.folded(moved(row, r, step, drift, noise, j)); });
  });
}

void ReferenceKernels::clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                                        bool clamp) const {
  numbers_of(group);
  for_rows(group, [&](const Row& row) {
    if (row.is_frozen()) return;
    double* x = row.of(row.block.position);
    const double* g = row.of(row.block.gradient);
    int64_t clipped = 0;
    for_free(row, [&](int64_t j) {
      const double slope = formula::clipped(g[j], clip);
      clipped += slope != g[j];
      const double y = element::langevin(x[j], slope, row.normal(step, Purpose::kProposal, j), drift, noise);
      const bool clamps = clamp && row.block.faces;
      x[j] = clamps ? formula::clamped(y, row.block.least, row.block.most) : row.folded(y);
    });
    group.clipped[row.row] += static_cast<double>(clipped) / static_cast<double>(row.block.n);
  });
}

void ReferenceKernels::propose_langevin(Group& group, uint32_t step, double drift, double noise) const {
  const RowNumbers r = numbers_of(group);
  for_rows(group, [&](const Row& row) {
    const double* x = row.of(row.block.position);
    double *unfolded = row.of(row.block.unfolded), *y = row.of(row.block.proposal);
    for (int64_t j = 0; j < row.block.n; ++j) {
      const bool moves = row.is_free(j) && !row.is_frozen();
      const double to = moves ? moved(row, r, step, drift, noise, j) : x[j];
      unfolded[j] = to;
      y[j] = moves ? row.folded(to) : to;
    }
  });
}

void ReferenceKernels::flow(Group& group, double amount) const {
  numbers_of(group);
  for_rows(group, [&](const Row& row) {
    const Block& block = row.block;
    if (row.is_frozen() || !block.stays) return;
    double* x = row.of(block.position);
    const double* g = row.of(block.gradient);
    for (int64_t j = 0; j < block.n; ++j)
      if (!block.stays[j]) x[j] = row.folded(formula::flowed(x[j], g[j], amount));
  });
}

void ReferenceKernels::blur_given(Group& group, uint32_t step, double deviation) const {
  numbers_of(group);
  for (const NoisyGiven& block : group.noisy_givens) {
    const auto* given = static_cast<const double*>(block.given);
    for (int64_t row = 0; row < group.rows; ++row) {
      double* x = static_cast<double*>(block.position) + row * block.n;
      for (int64_t j = 0; j < block.n; ++j) {
        if (block.clean[j]) continue;
        const float z = standard_normal({group.seed, block.key, group.chain[row], step, Purpose::kGiven}, j);
        const double y = formula::under_noise(given[j], z, deviation);
        double sign;
        x[j] = block.faces ? element::fold(y, block.least, block.most, sign) : y;
      }
    }
  }
}

void ReferenceKernels::add_langevin_ratio(Group& group, double step_size) const {
  const RowNumbers r = numbers_of(group);
  for_rows(group, [&](const Row& row) {
    const Block& block = row.block;
    r.log_ratio[row.row] += sum_over_free(row, [&](int64_t j) {
      const double unfolded = row.of(block.unfolded)[j];
      double sign = 1;
      if (block.faces) element::fold(unfolded, block.least, block.most, sign);
      return formula::langevin_ratio(row.of(block.position)[j], unfolded, row.of(block.gradient)[j],
                                     row.of(block.proposal_gradient)[j], sign, row.amount(step_size) / 4,
                                     row.scale(j) * row.scale(j));
    });
  });
}

void ReferenceKernels::split(Group& group, uint32_t step, State from, State to, std::span<const Piece> pieces) const {
  check_pieces(pieces);
  const RowNumbers r = numbers_of(group);
  if (pieces.front().kind == Piece::Kind::kWatch) {
    for (int64_t row = 0; row < group.rows; ++row) formula::watch(r, row);
    pieces = pieces.subspan(1);
  }
  const bool fresh = pieces.front().kind == Piece::Kind::kRefresh && pieces.front().amount == 0;
  for_rows(group, [&](const Row& row) {
    const Block& block = row.block;
    double *x = row.of(block.position_of(to)), *v = row.of(block.velocity_of(to));
    if (from != to) std::copy_n(row.of(block.position_of(from)), block.n, x);
    if (fresh) {
      std::fill_n(v, block.n, 0.0);
    } else if (from != to) {
      std::copy_n(row.of(block.velocity_of(from)), block.n, v);
    }
    if (row.is_frozen()) return;
    for (const Piece& piece : pieces) do_piece(row, r, step, piece, x, v, row.of(block.gradient_of(from)));
  });
}

void ReferenceKernels::clear_ratio(Group& group) const {
  numbers_of(group);
  std::fill_n(group.log_ratio, group.rows, 0.0);
}

void ReferenceKernels::decide(Group& group, uint32_t step, bool flip) const {
  const RowNumbers r = numbers_of(group);
  for (int64_t row = 0; row < group.rows; ++row) {
    const bool accepted = !r.frozen[row] && formula::accepts(r, step, row);
    r.left[row] = 0;
    if (accepted) {
      r.energy[row] = r.proposal_energy[row];
      for (int64_t e = 0; e < r.experts; ++e)
        r.expert_energy[e * r.rows + row] = r.proposal_expert_energy[e * r.rows + row];
    }
    for (const Block& block : group.blocks) {
      const Row one{group, block, row};
      if (accepted) take_proposal(one);
      if (!accepted && flip && !r.frozen[row]) turn_back(one);
      add_gradient_square(one);
    }
  }
  add_energies_of_rows_that_move(r);
}

void ReferenceKernels::normalise_velocity(Group& group, State state) const {
  numbers_of(group);
  for (int64_t row = 0; row < group.rows; ++row) {
    if (group.frozen[row]) continue;
    const double kept = formula::inverse_length(products_of(group, state, state, row).square);
    for (const Block& block : group.blocks) {
      const Row one{group, block, row};
      double* v = one.of(block.velocity_of(state));
      for_free(one, [&](int64_t j) { v[j] = kept * v[j]; });
    }
  }
}

void ReferenceKernels::isokinetic_kick(Group& group, State gradient, State velocity, double time) const {
  const RowNumbers r = numbers_of(group);
  for (int64_t row = 0; row < group.rows; ++row) {
    const formula::Products sums = products_of(group, gradient, velocity, row);
    const IsokineticKick kick = formula::isokinetic_kick(r, sums.slope2, sums.along, sums.square, time, row);
    r.log_ratio[row] += kick.kinetic;
    if (group.frozen[row]) continue;
    for (const Block& block : group.blocks) {
      const Row one{group, block, row};
      const double* g = one.of(block.gradient_of(gradient));
      double* v = one.of(block.velocity_of(velocity));
      for_free(one, [&](int64_t j) { v[j] = formula::combined(v[j], one.scale(j) * g[j], kick.kept, kick.added); });
    }
  }
}

void ReferenceKernels::begin_energy_error(Group& group) const {
  const RowNumbers r = numbers_of(group);
  for (int64_t row = 0; row < r.rows; ++row) formula::begin_energy_error(r, row);
}

void ReferenceKernels::end_energy_error(Group& group) const {
  const RowNumbers r = numbers_of(group);
  for (int64_t row = 0; row < r.rows; ++row) formula::end_energy_error(r, row);
}

void ReferenceKernels::add_trajectory_slope(Group& group, double reach) const {
  const RowNumbers r = numbers_of(group);
  for (int64_t row = 0; row < r.rows; ++row) {
    formula::Turn sums;
    for (const Block& block : group.blocks) {
      const Row one{group, block, row};
      const double *x = one.of(block.position), *y = one.of(block.proposal), *v = one.of(block.proposal_velocity);
      for_free(one, [&](int64_t j) {
        const double to = formula::from_centre(y[j], one.centre(j), one.scale(j));
        formula::add_turn(sums, to, formula::from_centre(x[j], one.centre(j), one.scale(j)), v[j]);
      });
    }
    formula::add_trajectory_slope(r, reach, sums.grown, sums.along, row);
  }
}

void ReferenceKernels::swap(Group& group, uint32_t step, bool odd) const {
  const RowNumbers r = numbers_of(group);
  for (int64_t coldest = 0; coldest < r.rows; coldest += r.ladder) {
    for (int64_t row = coldest + odd; row < coldest + r.ladder - 1; row += 2) {
      if (!formula::swaps(r, step, row)) continue;
      formula::exchange_numbers(r, row);
      for (const Block& block : group.blocks) {
        const Row here{group, block, row}, next{group, block, row + 1};
        std::swap_ranges(here.of(block.position), here.of(block.position) + block.n, next.of(block.position));
        std::swap_ranges(here.of(block.gradient), here.of(block.gradient) + block.n, next.of(block.gradient));
      }
    }
    formula::count_round_trip(r, coldest);
  }
}

void ReferenceKernels::begin_labels(Group& group, const LabelBlock& labels) const {
  numbers_of(group);
  for (int64_t i = 0; i < group.rows * labels.n; ++i) labels.proposal[i] = labels.label[i];
}

void ReferenceKernels::offer_label(Group& group, const LabelBlock& labels, int64_t element, int64_t category) const {
  numbers_of(group);
  for (int64_t row = 0; row < group.rows; ++row) labels.proposal[row * labels.n + element] = category;
}

void ReferenceKernels::draw_label(Group& group, const LabelBlock& labels, int64_t element, uint32_t step) const {
  numbers_of(group);
  const LabelRows rows = label_rows(group, labels, element);
  for (int64_t row = 0; row < group.rows; ++row) formula::draw_label(rows, step, row);
}

}  // namespace potluck
