// SPDX-License-Identifier: Apache-2.0
// What the host reads of the chains, and their saved state.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/chains/cpu_chains.h"
#include "core/chains/energy_sums.h"
#include "core/error.h"

namespace potluck {

namespace {

void begin_energy_sums(Group& group) {
  if (!group.energy_sums) return;
  const auto sums = [&group](int64_t number) { return group.energy_sums + number * group.energy_stride; };
  const auto experts = static_cast<int64_t>(group.target->experts().size());
  std::fill_n(group.energy_sums, energy_sum_count(experts) * group.energy_stride, 0.0);
  std::copy_n(group.energy, group.rows, sums(0));
  for (int64_t e = 0; e < experts; ++e) std::copy_n(group.expert_energy + e * group.rows, group.rows, sums(3 + 4 * e));
}

}  // namespace

template <class Use>
void CpuChains::for_cohort(Use use) {
  for (int64_t chain = 0; chain < tiles_.cohort_chains(); ++chain)
    use(groups_[tiles_.tile_of(chain)], row_of(chain), chain);
}

void CpuChains::take_cohort(CohortReading& reading) {
  const int64_t cohort = tiles_.cohort_chains();
  for_each_row_sum([&](const RowSum& about, auto& array) { array.resize(about.tuned ? cohort : 0); }, reading);
  reading.frozen.resize(cohort);
  reading.swap_attempts.resize(ladder_ > 1 ? cohort : 0);
  reading.swap_acceptance.resize(ladder_ > 1 ? cohort : 0);
  reading.replica.resize(ladder_ > 1 ? cohort : 0);
  for_cohort([&](Group& group, int64_t row, int64_t chain) {
    for_each_row_sum(
        [&](const RowSum& about, auto* from, auto& to) {
          if (!about.tuned) return;
          to[chain] = from[row];
          if (about.since == RowSum::Since::kDraw) from[row] = 0;
        },
        group, reading);
    reading.frozen[chain] = group.frozen[row];
    if (ladder_ == 1) return;
    reading.swap_attempts[chain] = std::exchange(group.swap_attempts[row], 0u);
    reading.swap_acceptance[chain] = std::exchange(group.swap_acceptance[row], 0.0);
    reading.replica[chain] = group.replica[row];
  });
}

void CpuChains::read_cohort(CohortPositions& positions) {
  const size_t variables = energy_.variables().size();
  positions.position.resize(variables);
  positions.gradient.resize(variables);
  for (const Block& block : groups_[0].blocks) {
    positions.position[block.variable].resize(tiles_.cohort_chains() * block.n);
    positions.gradient[block.variable].resize(tiles_.cohort_chains() * block.n);
  }
  for_cohort([&](Group& group, int64_t row, int64_t chain) {
    for (const Block& block : group.blocks) {
      double* position = &positions.position[block.variable][chain * block.n];
      double* gradient = &positions.gradient[block.variable][chain * block.n];
      const auto copy = [&](const auto* x, const auto* g) {
        std::copy_n(x + row * block.n, block.n, position);
        std::copy_n(g + row * block.n, block.n, gradient);
      };
      if (energy_.precision() == Precision::kFloat32) {
        copy(static_cast<const float*>(block.position), static_cast<const float*>(block.gradient));
      } else {
        copy(static_cast<const double*>(block.position), static_cast<const double*>(block.gradient));
      }
    }
  });
}

std::vector<std::byte> CpuChains::save() {
  const int64_t rows = tiles_.most_rows();  // with it goes where everything lies
  std::vector<std::byte> saved(sizeof rows + state_bytes_);
  std::memcpy(saved.data(), &rows, sizeof rows);
  std::memcpy(saved.data() + sizeof rows, state_.get(), state_bytes_);
  return saved;
}

void CpuChains::restore(std::span<const std::byte> saved) {
  int64_t rows = 0;
  if (saved.size() != sizeof rows + state_bytes_) {
    throw SettingError(fmt::format("the saved chains must have {} bytes, got {}: another composition",
                                   sizeof rows + state_bytes_, saved.size()));
  }
  std::memcpy(&rows, saved.data(), sizeof rows);
  if (rows != tiles_.most_rows()) {
    throw SettingError(fmt::format("the saved chains must be in tiles of {} rows, got tiles of {}: another composition",
                                   tiles_.most_rows(), rows));
  }
  std::memcpy(state_.get(), saved.data() + sizeof rows, state_bytes_);
}

void CpuChains::read(ChainsState& state) {
  const std::vector<Variable>& variables = energy_.variables();
  const size_t experts = energy_.experts().size();
  state.position.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const size_t row = variables[v].size() * (variables[v].categorical() ? sizeof(int64_t) : real_);
    state.position[v].resize(chains_ * row);
    for (int64_t tile = 0; tile < tiles_.count(); ++tile) {
      std::memcpy(state.position[v].data() + tiles_.first(tile) * row, groups_[tile].current[v],
                  groups_[tile].chains * row);
    }
  }
  const auto gather = [&](auto& to, auto member) {
    to.resize(chains_);
    for (int64_t tile = 0; tile < tiles_.count(); ++tile) {
      std::copy_n(groups_[tile].*member, groups_[tile].chains, to.begin() + tiles_.first(tile));
    }
  };
  gather(state.energy, &Group::energy);
  gather(state.frozen, &Group::frozen);
  gather(state.frozen_step, &Group::frozen_step);
  for_each_row_sum([&](const RowSum& about, auto& to) { to.resize(about.drawn ? chains_ : 0); }, state);
  for (int64_t tile = 0; tile < tiles_.count(); ++tile) {
    for_each_row_sum(
        [&](const RowSum& about, const auto* from, auto& to) {
          if (about.drawn) std::copy_n(from, groups_[tile].chains, to.begin() + tiles_.first(tile));
        },
        groups_[tile], state);
  }
  if (ladder_ > 1) {
    gather(state.swap_attempts, &Group::swap_attempts);
    gather(state.swap_acceptance, &Group::swap_acceptance);
    gather(state.round_trips, &Group::round_trips);
    gather(state.replica, &Group::replica);
  }
  state.expert_energy.resize(experts * chains_);
  const int64_t sums = groups_[0].energy_sums ? energy_sum_count(static_cast<int64_t>(experts)) : 0;
  state.energy_sums.resize(static_cast<size_t>(sums * chains_));
  for (int64_t tile = 0; tile < tiles_.count(); ++tile) {
    Group& group = groups_[tile];
    for (int64_t number = 0; number < sums; ++number) {
      std::copy_n(group.energy_sums + number * group.energy_stride, group.chains,
                  state.energy_sums.begin() + number * chains_ + tiles_.first(tile));
    }
    for (size_t e = 0; e < experts; ++e) {
      std::copy_n(group.expert_energy + e * group.rows, group.chains,
                  state.expert_energy.begin() + e * chains_ + tiles_.first(tile));
    }
  }
}

void CpuChains::read_gradients(ChainsState& state) {
  state.gradient.resize(energy_.variables().size());
  for (size_t b = 0; b < groups_[0].blocks.size(); ++b) {
    const Block& block = groups_[0].blocks[b];
    const size_t row = static_cast<size_t>(block.n) * real_;
    std::vector<std::byte>& to = state.gradient[static_cast<size_t>(block.variable)];
    to.resize(static_cast<size_t>(chains_) * row);
    for (int64_t tile = 0; tile < tiles_.count(); ++tile) {
      std::memcpy(to.data() + tiles_.first(tile) * row, groups_[tile].blocks[b].gradient, groups_[tile].chains * row);
    }
  }
}

void CpuChains::clear_sums() {
  for (Group& group : groups_) {
    for_each_row_sum(
        [&]<class Number>(const RowSum& about, Number* sums) {
          if (about.since == RowSum::Since::kDraw) std::fill_n(sums, group.rows, Number{0});
        },
        group);
    begin_energy_sums(group);
    if (ladder_ == 1) continue;
    std::fill_n(group.swap_acceptance, group.rows, 0.0);
    std::fill_n(group.swap_attempts, group.rows, 0u);
    std::fill_n(group.round_trips, group.rows, 0u);
  }
}

}  // namespace potluck
