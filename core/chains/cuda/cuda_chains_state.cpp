// SPDX-License-Identifier: Apache-2.0
// What the host reads of chains on a device, and how they are kept.
#include <fmt/format.h>

#include "core/chains/cuda/cuda_chains.h"
#include "core/chains/energy_sums.h"
#include "core/error.h"

namespace potluck {

using cuda::check;
using cuda::upload;

void CudaChains::arrange(bool parted) {
  if (parted == parted_) return;
  parted_ = parted;
  const size_t experts = energy_.experts().size(), whole_row = chains_ * sizeof(double);
  double* whole = group(Part::kAll).expert_energy;
  for (const Part part : {Part::kCohort, Part::kRest}) {
    const Group& one = group(part);
    const size_t row = one.rows * sizeof(double);
    if (row > 0 && experts > 0) {
      double *to = parted ? one.expert_energy : whole, *from = parted ? whole : one.expert_energy;
      check(cudaMemcpy2DAsync(to, parted ? row : whole_row, from, parted ? whole_row : row, row, experts,
                              cudaMemcpyDeviceToDevice, stream_),
            "copying expert energies");
    }
    whole += one.rows;
  }
}

template <class T>
void CudaChains::fetch(std::vector<T>& to, const void* from, size_t count) {
  to.resize(count);
  if (count == 0) return;
  check(cudaMemcpyAsync(to.data(), from, count * sizeof(T), cudaMemcpyDeviceToHost, stream_),
        "copying from the device");
}

void CudaChains::take_cohort(CohortReading& reading) {
  const Group& cohort = group(Part::kCohort);
  fetch(reading.frozen, cohort.frozen, cohort.rows);
  for_each_row_sum(
      [&](const RowSum& about, auto* from, auto& to) {
        fetch(to, from, about.tuned ? cohort.rows : 0);
        if (about.tuned && about.since == RowSum::Since::kDraw) cuda::clear(from, cohort.rows, stream_);
      },
      cohort, reading);
  if (cohort.ladder > 1) {
    fetch(reading.swap_attempts, cohort.swap_attempts, cohort.rows);
    fetch(reading.swap_acceptance, cohort.swap_acceptance, cohort.rows);
    fetch(reading.replica, cohort.replica, cohort.rows);
    cuda::clear(cohort.swap_attempts, cohort.rows, stream_);
    cuda::clear(cohort.swap_acceptance, cohort.rows, stream_);
  }
  synchronise();
}

void CudaChains::read_cohort(CohortPositions& positions) {
  const Group& cohort = group(Part::kCohort);
  positions.position.resize(energy_.variables().size());
  positions.gradient.resize(energy_.variables().size());
  const auto fetch_as_doubles = [&](std::vector<double>& to, const void* from, size_t count) {
    if (energy_.precision() == Precision::kFloat64) {
      fetch(to, from, count);
      synchronise();
    } else {
      std::vector<float> numbers;
      fetch(numbers, from, count);
      synchronise();
      to.assign(numbers.begin(), numbers.end());
    }
  };
  for (const Block& block : cohort.blocks) {
    fetch_as_doubles(positions.position[block.variable], block.position, cohort.rows * block.n);
    fetch_as_doubles(positions.gradient[block.variable], block.gradient, cohort.rows * block.n);
  }
}

void CudaChains::read(ChainsState& state) {
  arrange(false);
  const std::vector<Variable>& variables = energy_.variables();
  const Group& all = group(Part::kAll);
  state.position.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const size_t row = variables[v].size() * (variables[v].categorical() ? sizeof(int64_t) : real_);
    fetch(state.position[v], all.current[v], chains_ * row);
  }
  fetch(state.energy, all.energy, chains_);
  fetch(state.expert_energy, all.expert_energy, energy_.experts().size() * chains_);
  fetch(state.frozen, all.frozen, chains_);
  fetch(state.frozen_step, all.frozen_step, chains_);
  for_each_row_sum([&](const RowSum& about, const auto* from, auto& to) { fetch(to, from, about.drawn ? chains_ : 0); },
                   all, state);
  if (all.energy_sums) {
    fetch(state.energy_sums, all.energy_sums,
          energy_sum_count(static_cast<int64_t>(energy_.experts().size())) * chains_);
  }
  if (all.ladder > 1) {
    fetch(state.swap_attempts, all.swap_attempts, chains_);
    fetch(state.swap_acceptance, all.swap_acceptance, chains_);
    fetch(state.round_trips, all.round_trips, chains_);
    fetch(state.replica, all.replica, chains_);
  }
  synchronise();
}

void CudaChains::read_gradients(ChainsState& state) {
  state.gradient.resize(energy_.variables().size());
  for (const Block& block : blocks_) fetch(state.gradient[block.variable], block.gradient, chains_ * block.n * real_);
  synchronise();
}

void CudaChains::clear_sums() {
  const Group& all = group(Part::kAll);
  for_each_row_sum(
      [&](const RowSum& about, auto* sums) {
        if (about.since == RowSum::Since::kDraw) cuda::clear(sums, chains_, stream_);
      },
      all);
  if (all.ladder > 1) {
    cuda::clear(all.swap_acceptance, chains_, stream_);
    cuda::clear(all.swap_attempts, chains_, stream_);
    cuda::clear(all.round_trips, chains_, stream_);
  }
  begin_energy_sums();
  synchronise();
}

void CudaChains::begin_energy_sums() {
  arrange(false);
  const Group& all = group(Part::kAll);
  if (!all.energy_sums) return;
  const auto experts = static_cast<int64_t>(energy_.experts().size());
  cuda::clear(all.energy_sums, energy_sum_count(experts) * chains_, stream_);
  const auto begin = [&](int64_t number, const double* from) {
    check(cudaMemcpyAsync(all.energy_sums + number * chains_, from, chains_ * sizeof(double), cudaMemcpyDeviceToDevice,
                          stream_),
          "beginning the sums of energies");
  };
  begin(0, all.energy);
  for (int64_t e = 0; e < experts; ++e) begin(3 + 4 * e, all.expert_energy + e * chains_);
}

std::vector<std::byte> CudaChains::save() {
  arrange(false);
  size_t bytes = 0;
  for (const auto& [array, size] : changing_) bytes += size;
  std::vector<std::byte> saved(bytes);
  std::byte* to = saved.data();
  for (const auto& [array, size] : changing_) {
    check(cudaMemcpyAsync(to, array, size, cudaMemcpyDeviceToHost, stream_), "copying from the device");
    to += size;
  }
  synchronise();
  return saved;
}

void CudaChains::restore(std::span<const std::byte> saved) {
  size_t bytes = 0;
  for (const auto& [array, size] : changing_) bytes += size;
  if (saved.size() != bytes) {
    throw SettingError(
        fmt::format("the saved chains must have {} bytes, got {}: another composition", bytes, saved.size()));
  }
  const std::byte* from = saved.data();
  for (const auto& [array, size] : changing_) {
    upload(array, from, size);
    from += size;
  }
  parted_ = false;
}

}  // namespace potluck
