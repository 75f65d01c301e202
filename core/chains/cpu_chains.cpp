// SPDX-License-Identifier: Apache-2.0
#include "core/chains/cpu_chains.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "core/alignment.h"
#include "core/chains/blurred.h"
#include "core/chains/energy_sums.h"
#include "core/error.h"

namespace potluck {

namespace {

/// Hands out aligned pieces of one allocation; with a null base it only measures.
class Arena {
 public:
  explicit Arena(std::byte* base) : base_(base) {}
  template <class T>
  T* take(size_t count) {
    T* piece = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += aligned(count * sizeof(T));
    return piece;
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

const ChainsOptions& checked(const Energy& energy, const ChainsOptions& options) {
  if (options.ladder > kMostTileRows || options.chains % options.ladder != 0) {
    throw SettingError(fmt::format("a ladder must have at most {} chains and divide the {} chains, got {}",
                                   kMostTileRows, options.chains, options.ladder));
  }
  if (energy.most_rows() < kMostTileRows) {
    throw SettingError(
        fmt::format("an energy for {} rows must be made, got one for {}", kMostTileRows, energy.most_rows()));
  }
  return options;
}

}  // namespace

int64_t cohort_size(int64_t ladder) { return kMostTileRows / ladder * ladder; }

void CpuChains::Free::operator()(std::byte* memory) const { std::free(memory); }

CpuChains::Memory CpuChains::allocate(size_t bytes) {
  void* memory = std::aligned_alloc(kAlignment, std::max(aligned(bytes), kAlignment));
  if (!memory) throw std::bad_alloc();
  std::memset(memory, 0, aligned(bytes));
  return Memory(static_cast<std::byte*>(memory));
}

CpuChains::CpuChains(const Target& target, const ChainsOptions& options)
    : energy_(*target.energy),
      chains_(checked(energy_, options).chains),
      ladder_(options.ladder),
      tiles_(energy_, chains_, cohort_size(ladder_), ladder_),
      real_(bytes_of(energy_.precision())),
      // One for each tile and one for the work beside: more would have memory, and wake up, for nothing.
      pool_(static_cast<int>(std::min<int64_t>(options.threads, tiles_.count() + 1))),
      held_(target.held) {
  const std::vector<Variable>& variables = energy_.variables();
  held_.resize(variables.size());
  constants_.resize(variables.size());
  const int64_t tiles = tiles_.count(), most_rows = tiles_.most_rows();
  const size_t experts = energy_.experts().size();

  int64_t most_categories = 0;
  Group pattern;
  pattern.target = &energy_;
  pattern.temperature = target.temperature;
  pattern.seed = options.seed;
  pattern.ladder = ladder_;
  pattern.current.resize(variables.size());
  pattern.proposed.resize(variables.size());
  pattern.current_gradient.resize(variables.size());
  pattern.proposed_gradient.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    const Held& held = held_[v];
    const int64_t n = variable.size();
    if (variable.categorical() && !held.all()) {
      LabelBlock labels = label_block_of(static_cast<int>(v), variable);
      labels.held = held.any() ? held.mask.data() : nullptr;
      most_categories = std::max(most_categories, labels.categories);
      pattern.label_blocks.push_back(labels);
      continue;
    }
    if (held.all()) {
      const bool own = wears_noise(options, held, v);
      constants_[v] = allocate((own ? tiles : 1) * most_rows * n * std::max<size_t>(real_, 8));
      void* constant = constants_[v].get();
      for (int64_t i = 0; i < (own ? tiles : 1) * most_rows * n; ++i) {
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
    block.moving = n - std::count(held.mask.begin(), held.mask.end(), uint8_t{1});
    pattern.dimension += block.moving;
    pattern.blocks.push_back(block);
  }

  ids_.resize(tiles * most_rows);
  groups_.assign(tiles, pattern);
  const auto lay_out_state = [&](std::byte* base) {
    Arena arena(base);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      Group& group = groups_[tile];
      const int64_t rows = group.rows = tiles_.rows(tile);
      for (Block& block : group.blocks) {
        block.position = arena.take<std::byte>(rows * block.n * real_);
        block.gradient = arena.take<std::byte>(rows * block.n * real_);
        group.current[block.variable] = block.position;
        if (options.needs.velocity) block.velocity = arena.take<std::byte>(rows * block.n * real_);
        group.current_gradient[block.variable] = block.gradient;
      }
      for (LabelBlock& labels : group.label_blocks) {
        labels.label = arena.take<int64_t>(rows * labels.n);
        group.current[labels.variable] = labels.label;
      }
      group.energy = arena.take<double>(rows);
      group.expert_energy = arena.take<double>(experts * rows);
      group.frozen = arena.take<uint8_t>(rows);
      group.frozen_step = arena.take<uint32_t>(rows);
      for_each_row_sum([&]<class Number>(const RowSum&, Number*& array) { array = arena.template take<Number>(rows); },
                       group);
      if (sums_energies(static_cast<int64_t>(experts))) {
        group.energy_sums = arena.take<double>(energy_sum_count(static_cast<int64_t>(experts)) * rows);
        group.energy_stride = rows;
      }
      if (ladder_ == 1) continue;
      group.swap_attempts = arena.take<uint32_t>(rows);
      group.swap_acceptance = arena.take<double>(rows);
      group.replica = arena.take<uint32_t>(rows);
      group.has_been = arena.take<uint8_t>(rows);
      group.round_trips = arena.take<uint32_t>(rows);
    }
    return arena.used();
  };
  state_bytes_ = lay_out_state(nullptr);
  state_ = allocate(state_bytes_);
  lay_out_state(state_.get());
  for (int64_t tile = 0; tile < tiles; ++tile) {
    Group& group = groups_[tile];
    group.chains = tiles_.chains(tile);
    group.chain = &ids_[tile * most_rows];
    for (int64_t row = 0; row < group.rows; ++row) {
      const int64_t index = tiles_.first(tile) + (row < group.chains ? row : row % ladder_);
      const int64_t behind = index - tiles_.cohort_chains();
      const bool skips = options.rest >= 0 && behind >= 0;
      ids_[tile * most_rows + row] = static_cast<uint32_t>(skips ? options.rest + behind : index);
      if (ladder_ > 1) group.replica[row] = static_cast<uint32_t>(row % ladder_);
    }
  }

  workers_.resize(pool_.workers());
  for (WorkerArrays& worker : workers_) {
    const auto lay_out = [&](std::byte* base) {
      Arena arena(base);
      worker.proposal.clear();
      worker.proposal_gradient.clear();
      worker.proposal_velocity.clear();
      worker.unfolded.clear();
      for (const Block& block : pattern.blocks) {
        const size_t bytes = options.needs.proposal ? most_rows * block.n * real_ : 0;
        worker.proposal.push_back(arena.take<std::byte>(bytes));
        worker.proposal_gradient.push_back(arena.take<std::byte>(bytes));
        worker.proposal_velocity.push_back(
            options.needs.proposal_velocity ? arena.take<std::byte>(most_rows * block.n * real_) : nullptr);
        worker.unfolded.push_back(block.faces ? arena.take<std::byte>(bytes) : worker.proposal.back());
      }
      worker.label_proposal.clear();
      for (const LabelBlock& labels : pattern.label_blocks)
        worker.label_proposal.push_back(arena.take<int64_t>(most_rows * labels.n));
      worker.category_energy = arena.take<double>(most_categories * most_rows);
      worker.energy = arena.take<double>(most_rows);
      worker.expert_energy = arena.take<double>(experts * most_rows);
      worker.log_ratio = arena.take<double>(most_rows);
      worker.scratch = arena.take<double>(3 * most_rows);
      worker.left = arena.take<uint8_t>(most_rows);
      worker.workspace = arena.take<std::byte>(energy_.workspace_bytes(most_rows));
      return arena.used();
    };
    scratch_.push_back(allocate(lay_out(nullptr)));
    lay_out(scratch_.back().get());
  }

  // Held coordinates get their values once; nothing writes them again.
  for (Group& group : groups_) {
    for (Block& block : group.blocks) {
      if (!block.held) continue;
      const Held& held = held_[block.variable];
      for (int64_t i = 0; i < group.rows * block.n; ++i) {
        if (held.mask[i % block.n]) store(energy_.precision(), block.position, i, held.value[i % block.n]);
      }
    }
    for (LabelBlock& labels : group.label_blocks) {
      const Held& held = held_[labels.variable];
      for (int64_t i = 0; labels.held && i < group.rows * labels.n; ++i) {
        if (held.mask[i % labels.n]) labels.label[i] = static_cast<int64_t>(held.value[i % labels.n]);
      }
    }
  }
  if (!options.blurred.empty()) make_blurred(options);
}

Group& CpuChains::group_for(int64_t tile, int worker) {
  Group& group = groups_[tile];
  const WorkerArrays& arrays = workers_[worker];
  for (size_t b = 0; b < group.blocks.size(); ++b) {
    Block& block = group.blocks[b];
    block.proposal = arrays.proposal[b];
    block.proposal_gradient = arrays.proposal_gradient[b];
    block.proposal_velocity = arrays.proposal_velocity[b];
    block.scale = scale_.empty() || scale_[b].empty() ? nullptr : scale_[b].data();
    block.centre = centre_.empty() || centre_[b].empty() ? nullptr : centre_[b].data();
    block.unfolded = arrays.unfolded[b];
    group.proposed[block.variable] = block.proposal;
    group.proposed_gradient[block.variable] = block.proposal_gradient;
  }
  for (size_t b = 0; b < group.label_blocks.size(); ++b) {
    group.label_blocks[b].proposal = arrays.label_proposal[b];
    group.proposed[group.label_blocks[b].variable] = arrays.label_proposal[b];
  }
  group.category_energy = arrays.category_energy;
  group.proposal_energy = arrays.energy;
  group.proposal_expert_energy = arrays.expert_energy;
  group.log_ratio = arrays.log_ratio;
  group.scratch = arrays.scratch;
  group.left = arrays.left;
  group.row_temperature = ladder_temperature_.empty() ? nullptr : ladder_temperature_.data();
  group.row_step = ladder_step_.empty() ? nullptr : ladder_step_.data();
  group.workspace = arrays.workspace;
  group.worker = worker;
  return group;
}

void CpuChains::write(int64_t first, int64_t rows, const double* const* position) {
  for (int64_t i = 0; i < rows; ++i) {
    Group& group = groups_[tiles_.tile_of(first + i)];
    const int64_t row = row_of(first + i);
    // The chain's own row, and those that fill the tile up with copies of it.
    const auto put = [&](const auto& block, const auto& put_number) {
      const double* from = position[block.variable] + i * block.n;
      const auto put_row = [&](int64_t to) {
        for (int64_t j = 0; j < block.n; ++j) {
          if (!block.held || !block.held[j]) put_number(to * block.n + j, from[j]);
        }
      };
      put_row(row);
      if (row >= ladder_) return;
      for (int64_t filling = group.chains; filling < group.rows; ++filling) {
        if (filling % ladder_ == row) put_row(filling);
      }
    };
    for (Block& block : group.blocks) {
      put(block, [&](int64_t at, double number) { store(energy_.precision(), block.position, at, number); });
    }
    for (LabelBlock& labels : group.label_blocks) {
      put(labels, [&](int64_t at, double number) { labels.label[at] = static_cast<int64_t>(number); });
    }
  }
}

int64_t CpuChains::rows(Part part) const {
  int64_t rows = 0;
  for (int64_t tile = first_tile(part); tile < end_tile(part); ++tile) rows += tiles_.rows(tile);
  return rows;
}

void CpuChains::evaluate() {
  pool_.run(tiles_.count(), [&](int64_t tile, int worker) { group_for(tile, worker).evaluate(); });
}

void CpuChains::freeze_failed(uint32_t step) {
  pool_.run(tiles_.count(), [&](int64_t tile, int worker) { kernels_.freeze_failed(group_for(tile, worker), step); });
}

void CpuChains::begin(const Method& method, uint32_t step) {
  pool_.run(tiles_.count(), [&](int64_t tile, int worker) { method.begin(group_for(tile, worker), kernels_, step); });
}

void CpuChains::advance(const Method& method, Part part, StepRange steps, const std::function<void()>& meanwhile) {
  // The work beside is one more tile, before the others: it is begun first, as it cannot be shared out.
  const int64_t first = first_tile(part) - (meanwhile ? 1 : 0);
  pool_.run(end_tile(part) - first, [&](int64_t piece, int worker) {
    if (piece == 0 && meanwhile) return meanwhile();
    method.advance(group_for(first + piece, worker), kernels_, steps);
  });
}

void CpuChains::set_reals(const std::vector<std::vector<double>>& values,
                          std::vector<std::vector<std::byte>>& reals) const {
  const std::vector<Block>& blocks = groups_[0].blocks;
  reals.resize(blocks.size());
  for (size_t b = 0; b < blocks.size(); ++b) {
    const std::vector<double>& from = values.at(blocks[b].variable);
    if (from.empty()) continue;
    reals[b].resize(from.size() * real_);
    for (size_t j = 0; j < from.size(); ++j) {
      store(energy_.precision(), reals[b].data(), static_cast<int64_t>(j), from[j]);
    }
  }
}

void CpuChains::set_metric(const std::vector<std::vector<double>>& scale) { set_reals(scale, scale_); }

void CpuChains::set_centre(const std::vector<std::vector<double>>& centre) { set_reals(centre, centre_); }

void CpuChains::set_ladder(const std::vector<double>& temperature, const std::vector<double>& step_factor) {
  ladder_temperature_.clear();
  ladder_step_.clear();
  if (temperature.empty()) return;
  for (int64_t row = 0; row < tiles_.most_rows(); ++row) {
    ladder_temperature_.push_back(temperature[row % temperature.size()]);
    ladder_step_.push_back(step_factor[row % step_factor.size()]);
  }
}

void CpuChains::set_given(int variable, double value) {
  const int64_t numbers = tiles_.most_rows() * energy_.variables()[static_cast<size_t>(variable)].size();
  void* rows = constants_[static_cast<size_t>(variable)].get();
  for (int64_t i = 0; i < numbers; ++i) store(energy_.precision(), rows, i, value);
}

}  // namespace potluck
