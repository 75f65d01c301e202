// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/backend/cpu_kernels.h"
#include "core/backend/thread_pool.h"
#include "core/backend/tiles.h"
#include "core/chains/chains.h"

namespace potluck {

/// Chains on the CPU, cut into Tiles. A thread takes a tile through all steps of a block, so the tile stays in its
/// cache and there is no barrier within a block. A chain's bits do not depend on how many others there are, nor on
/// threads.
class CpuChains final : public Chains {
 public:
  /// @param target its energy's most_rows() must be at least kMostTileRows.
  CpuChains(const Target& target, const ChainsOptions& options);

  int64_t count() const override { return chains_; }
  void write(int64_t first, int64_t rows, const double* const* position) override;
  int64_t rows(Part part) const override;
  void evaluate() override;
  void freeze_failed(uint32_t step) override;
  void begin(const Method& method, uint32_t step) override;
  using Chains::advance;
  void advance(const Method& method, Part part, StepRange steps, const std::function<void()>& meanwhile) override;
  void set_metric(const std::vector<std::vector<double>>& scale) override;
  void set_centre(const std::vector<std::vector<double>>& centre) override;
  void set_ladder(const std::vector<double>& temperature, const std::vector<double>& step_factor) override;
  void set_given(int variable, double value) override;
  void flow(double amount) override;
  void blur_given(double deviation, uint32_t step) override;
  void take_cohort(CohortReading& reading) override;
  void read_cohort(CohortPositions& positions) override;
  void read(ChainsState& state) override;
  void read_gradients(ChainsState& state) override;
  void clear_sums() override;
  std::vector<std::byte> save() override;
  void restore(std::span<const std::byte> saved) override;

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  using Memory = std::unique_ptr<std::byte[], Free>;
  static Memory allocate(size_t bytes);

  int64_t row_of(int64_t chain) const { return chain - tiles_.first(tiles_.tile_of(chain)); }
  int64_t first_tile(Part part) const { return part == Part::kRest ? tiles_.in_cohort() : 0; }
  int64_t end_tile(Part part) const { return part == Part::kCohort ? tiles_.in_cohort() : tiles_.count(); }
  /// Calls use(tile's group, row in it) for every chain of the cohort in their order.
  template <class Use>
  void for_cohort(Use use);
  /// Shows the groups what noise blurs.
  void make_blurred(const ChainsOptions& options);
  /// Rows of a variable that is held whole, tile after tile, where each chain has its own.
  void* rows_of_own(size_t variable, int64_t tile);
  /// [n] doubles per variable as Reals per block, where they are not empty.
  void set_reals(const std::vector<std::vector<double>>& values, std::vector<std::vector<std::byte>>& reals) const;
  /// The tile's group with the worker's proposals and workspace.
  Group& group_for(int64_t tile, int worker);

  const Energy& energy_;
  int64_t chains_;
  int64_t ladder_;  ///< neighbours in a tile that belong together; rows that fill it up copy its first ladder
  Tiles tiles_;
  size_t real_;  ///< bytes of a position
  CpuKernels kernels_;
  ThreadPool pool_;
  std::vector<Held> held_;
  std::vector<Group> groups_;
  std::vector<uint32_t> ids_;    ///< [tiles, rows]
  Memory state_;                 ///< positions and gradients, tile after tile, and the counters
  std::vector<Memory> scratch_;  ///< a worker each: proposals and workspace
  size_t state_bytes_ = 0;
  std::vector<double> ladder_temperature_, ladder_step_;  ///< [rows of a tile]
  std::vector<std::vector<std::byte>> scale_, centre_;    ///< per block, Reals
  std::vector<Memory> constants_;  ///< [variables] rows of what does not move, the same for all tiles, or none
  std::vector<std::vector<uint8_t>> stays_, clean_;  ///< [variables], as Block::stays and NoisyGiven::clean
  std::vector<std::vector<std::byte>> given_;        ///< [variables] as NoisyGiven::given
  struct WorkerArrays {
    std::vector<void*> proposal, proposal_gradient, proposal_velocity, unfolded;  ///< per block
    std::vector<int64_t*> label_proposal;                                         ///< per block of labels
    double* category_energy = nullptr;
    double* energy = nullptr;
    double* expert_energy = nullptr;
    double* log_ratio = nullptr;
    double* scratch = nullptr;
    uint8_t* left = nullptr;
    void* workspace = nullptr;
  };
  std::vector<WorkerArrays> workers_;
};

}  // namespace potluck
