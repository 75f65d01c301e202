// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/backend/chains.h"
#include "core/backend/cpu_kernels.h"
#include "core/backend/thread_pool.h"

namespace potluck {

/// Chains on the CPU, cut into tiles of tile_rows() chains. A thread takes a tile through all steps of a block, so the
/// tile stays in its cache and there is no barrier within a block. Tiles begin at multiples of their size, the last one
/// is filled up with copies of its first row, and every evaluation has the same shape: a chain's bits do not depend on
/// how many others there are, nor on threads.
class CpuChains final : public Chains {
 public:
  /// @param energy its most_rows() must be at least tile_rows of its continuous numbers.
  /// @param proposes the method needs room for proposals.
  CpuChains(const Target& target, int64_t chains, uint32_t seed, int threads, bool proposes);

  int64_t count() const override { return chains_; }
  void write(int64_t first, int64_t rows, const double* const* position) override;
  void evaluate() override;
  void freeze_failed(uint32_t step) override;
  void advance(const Method& method, Part part, StepRange steps) override;
  void take_cohort_acceptance(std::vector<double>& sums, std::vector<uint8_t>& frozen) override;
  void read(ChainsState& state) override;

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  using Memory = std::unique_ptr<std::byte[], Free>;
  static Memory allocate(size_t bytes);

  int64_t tiles() const { return static_cast<int64_t>(groups_.size()); }
  /// The tile's group with the worker's proposals and workspace.
  Group& group_for(int64_t tile, int worker);

  const Energy& energy_;
  int64_t chains_;
  int64_t rows_;  ///< of a tile
  size_t real_;   ///< bytes of a position
  CpuKernels kernels_;
  ThreadPool pool_;
  std::vector<Held> held_;
  std::vector<Group> groups_;
  std::vector<uint32_t> ids_;      ///< [tiles, rows]
  Memory state_;                   ///< positions and gradients, tile after tile, and the counters
  std::vector<Memory> scratch_;    ///< a worker each: proposals and workspace
  std::vector<Memory> constants_;  ///< rows of variables that do not move, the same for all tiles
  struct WorkerArrays {
    std::vector<void*> proposal, proposal_gradient, unfolded;  ///< per block
    double* energy = nullptr;
    double* expert_energy = nullptr;
    double* log_ratio = nullptr;
    void* workspace = nullptr;
  };
  std::vector<WorkerArrays> workers_;
};

}  // namespace potluck
