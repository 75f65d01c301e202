// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_chains.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace potluck {

namespace {

constexpr size_t kAlign = 64;

size_t padded(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

/// Hands out aligned pieces of one allocation; with a null base it only measures.
class Carver {
 public:
  explicit Carver(std::byte* base) : base_(base) {}
  template <class T>
  T* take(size_t count) {
    T* piece = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += padded(count * sizeof(T));
    return piece;
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

void store(Precision precision, void* to, int64_t index, double value) {
  if (precision == Precision::kFloat32) {
    static_cast<float*>(to)[index] = static_cast<float>(value);
  } else {
    static_cast<double*>(to)[index] = value;
  }
}

int64_t continuous_numbers(const std::vector<Variable>& variables) {
  int64_t numbers = 0;
  for (const Variable& variable : variables) {
    if (!variable.categorical()) numbers += variable.size();
  }
  return numbers;
}

}  // namespace

int64_t rows_of_a_call(const Device& device, const std::vector<Variable>& variables, int64_t chains) {
  return device.kind == Device::Kind::kCpu ? tile_rows(continuous_numbers(variables)) : chains;
}

int64_t tile_rows(int64_t numbers) {
  // Narrow states need many rows to be worth a call; wide ones should leave room in a cache of 1 MiB for a tile's
  // positions, gradients and proposals. Both ends divide the cohort.
  const auto fitting = static_cast<uint64_t>(16384 / std::max<int64_t>(1, numbers));
  return std::clamp<int64_t>(static_cast<int64_t>(std::bit_floor(fitting)), 64, kCohortChains);
}

void CpuChains::Free::operator()(std::byte* memory) const { std::free(memory); }

CpuChains::Memory CpuChains::allocate(size_t bytes) {
  void* memory = std::aligned_alloc(kAlign, std::max(padded(bytes), kAlign));
  if (!memory) throw NumericalError(fmt::format("memory for the chains must be had, got none of {} bytes", bytes));
  std::memset(memory, 0, padded(bytes));
  return Memory(static_cast<std::byte*>(memory));
}

CpuChains::CpuChains(const Target& target, int64_t chains, uint32_t seed, int threads, bool proposes)
    : energy_(*target.energy),
      chains_(chains),
      rows_(tile_rows(continuous_numbers(energy_.variables()))),
      real_(bytes_of(energy_.precision())),
      pool_(threads),
      held_(target.held) {
  const std::vector<Variable>& variables = energy_.variables();
  if (energy_.most_rows() < rows_) {
    throw SettingError(fmt::format("an energy for {} rows must be made, got one for {}", rows_, energy_.most_rows()));
  }
  held_.resize(variables.size());
  const int64_t tiles = (chains + rows_ - 1) / rows_;
  const size_t experts = energy_.experts().size();

  Group pattern;
  pattern.target = &energy_;
  pattern.temperature = target.temperature;
  pattern.seed = seed;
  pattern.rows = rows_;
  pattern.current.resize(variables.size());
  pattern.proposed.resize(variables.size());
  pattern.current_gradient.resize(variables.size());
  pattern.proposed_gradient.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    const Held& held = held_[v];
    const int64_t n = variable.size();
    if (variable.categorical() || held.all()) {
      constants_.push_back(allocate(rows_ * n * std::max<size_t>(real_, 8)));
      void* constant = constants_.back().get();
      for (int64_t i = 0; i < rows_ * n; ++i) {
        if (variable.categorical()) {
          static_cast<int64_t*>(constant)[i] = static_cast<int64_t>(held.value.at(i % n));
        } else {
          store(energy_.precision(), constant, i, held.value[i % n]);
        }
      }
      pattern.current[v] = pattern.proposed[v] = constant;
      continue;
    }
    Block block = block_of(static_cast<int>(v), variable);
    block.held = held.any() ? held.mask.data() : nullptr;
    pattern.blocks.push_back(block);
  }

  ids_.resize(tiles * rows_);
  groups_.assign(tiles, pattern);
  const auto carve_state = [&](std::byte* base) {
    Carver carver(base);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      Group& group = groups_[tile];
      for (Block& block : group.blocks) {
        block.position = carver.take<std::byte>(rows_ * block.n * real_);
        block.gradient = carver.take<std::byte>(rows_ * block.n * real_);
        group.current[block.variable] = block.position;
        group.current_gradient[block.variable] = block.gradient;
      }
      group.energy = carver.take<double>(rows_);
      group.expert_energy = carver.take<double>(experts * rows_);
      group.frozen = carver.take<uint8_t>(rows_);
      group.frozen_step = carver.take<uint32_t>(rows_);
      group.nan_proposals = carver.take<uint32_t>(rows_);
      group.acceptance = carver.take<double>(rows_);
      group.clipped = carver.take<double>(rows_);
    }
    return carver.used();
  };
  state_ = allocate(carve_state(nullptr));
  carve_state(state_.get());
  for (int64_t tile = 0; tile < tiles; ++tile) {
    Group& group = groups_[tile];
    group.chains = std::min(rows_, chains - tile * rows_);
    group.chain = &ids_[tile * rows_];
    for (int64_t row = 0; row < rows_; ++row) {
      ids_[tile * rows_ + row] = static_cast<uint32_t>(tile * rows_ + (row < group.chains ? row : 0));
    }
  }

  workers_.resize(pool_.workers());
  for (WorkerArrays& worker : workers_) {
    const auto carve = [&](std::byte* base) {
      Carver carver(base);
      worker.proposal.clear();
      worker.proposal_gradient.clear();
      worker.unfolded.clear();
      for (const Block& block : pattern.blocks) {
        const size_t bytes = proposes ? rows_ * block.n * real_ : 0;
        worker.proposal.push_back(carver.take<std::byte>(bytes));
        worker.proposal_gradient.push_back(carver.take<std::byte>(bytes));
        worker.unfolded.push_back(block.faces ? carver.take<std::byte>(bytes) : worker.proposal.back());
      }
      worker.energy = carver.take<double>(rows_);
      worker.expert_energy = carver.take<double>(experts * rows_);
      worker.log_ratio = carver.take<double>(rows_);
      worker.workspace = carver.take<std::byte>(energy_.workspace_bytes(rows_));
      return carver.used();
    };
    scratch_.push_back(allocate(carve(nullptr)));
    carve(scratch_.back().get());
  }

  // Held coordinates get their values once; nothing writes them again.
  for (Group& group : groups_) {
    for (Block& block : group.blocks) {
      if (!block.held) continue;
      const Held& held = held_[block.variable];
      for (int64_t i = 0; i < rows_ * block.n; ++i) {
        if (held.mask[i % block.n]) store(energy_.precision(), block.position, i, held.value[i % block.n]);
      }
    }
  }
}

Group& CpuChains::group_for(int64_t tile, int worker) {
  Group& group = groups_[tile];
  const WorkerArrays& arrays = workers_[worker];
  for (size_t b = 0; b < group.blocks.size(); ++b) {
    Block& block = group.blocks[b];
    block.proposal = arrays.proposal[b];
    block.proposal_gradient = arrays.proposal_gradient[b];
    block.unfolded = arrays.unfolded[b];
    group.proposed[block.variable] = block.proposal;
    group.proposed_gradient[block.variable] = block.proposal_gradient;
  }
  group.proposal_energy = arrays.energy;
  group.proposal_expert_energy = arrays.expert_energy;
  group.log_ratio = arrays.log_ratio;
  group.workspace = arrays.workspace;
  group.worker = worker;
  return group;
}

void CpuChains::write(int64_t first, int64_t rows, const double* const* position) {
  for (int64_t i = 0; i < rows; ++i) {
    Group& group = groups_[(first + i) / rows_];
    const int64_t row = (first + i) % rows_;
    for (Block& block : group.blocks) {
      const double* from = position[block.variable] + i * block.n;
      const auto put = [&](int64_t to) {
        for (int64_t j = 0; j < block.n; ++j) {
          if (!block.held || !block.held[j]) store(energy_.precision(), block.position, to * block.n + j, from[j]);
        }
      };
      put(row);
      for (int64_t filling = group.chains; row == 0 && filling < rows_; ++filling) put(filling);
    }
  }
}

void CpuChains::evaluate() {
  pool_.run(tiles(), [&](int64_t tile, int worker) { group_for(tile, worker).evaluate(); });
}

void CpuChains::freeze_failed(uint32_t step) {
  pool_.run(tiles(), [&](int64_t tile, int worker) { kernels_.freeze_failed(group_for(tile, worker), step); });
}

void CpuChains::advance(const Method& method, Part part, StepRange steps) {
  const int64_t cohort = std::min(tiles(), kCohortChains / rows_);
  const int64_t first = part == Part::kRest ? cohort : 0;
  const int64_t last = part == Part::kCohort ? cohort : tiles();
  pool_.run(last - first,
            [&](int64_t tile, int worker) { method.advance(group_for(first + tile, worker), kernels_, steps); });
}

void CpuChains::take_cohort_acceptance(std::vector<double>& sums, std::vector<uint8_t>& frozen) {
  const int64_t cohort = std::min(chains_, kCohortChains);
  sums.resize(cohort);
  frozen.resize(cohort);
  for (int64_t chain = 0; chain < cohort; ++chain) {
    Group& group = groups_[chain / rows_];
    sums[chain] = std::exchange(group.acceptance[chain % rows_], 0.0);
    frozen[chain] = group.frozen[chain % rows_];
  }
}

void CpuChains::read(ChainsState& state) {
  const std::vector<Variable>& variables = energy_.variables();
  const size_t experts = energy_.experts().size();
  state.position.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const size_t row = variables[v].size() * (variables[v].categorical() ? sizeof(int64_t) : real_);
    state.position[v].resize(chains_ * row);
    for (int64_t tile = 0; tile < tiles(); ++tile) {
      std::memcpy(state.position[v].data() + tile * rows_ * row, groups_[tile].current[v], groups_[tile].chains * row);
    }
  }
  const auto gather = [&](auto& to, auto member) {
    to.resize(chains_);
    for (int64_t tile = 0; tile < tiles(); ++tile) {
      std::copy_n(groups_[tile].*member, groups_[tile].chains, to.begin() + tile * rows_);
    }
  };
  gather(state.energy, &Group::energy);
  gather(state.frozen, &Group::frozen);
  gather(state.frozen_step, &Group::frozen_step);
  gather(state.nan_proposals, &Group::nan_proposals);
  gather(state.acceptance, &Group::acceptance);
  gather(state.clipped, &Group::clipped);
  state.expert_energy.resize(experts * chains_);
  for (int64_t tile = 0; tile < tiles(); ++tile) {
    Group& group = groups_[tile];
    for (size_t e = 0; e < experts; ++e) {
      std::copy_n(group.expert_energy + e * rows_, group.chains,
                  state.expert_energy.begin() + e * chains_ + tile * rows_);
    }
    std::fill_n(group.acceptance, rows_, 0.0);
    std::fill_n(group.clipped, rows_, 0.0);
  }
}

}  // namespace potluck
