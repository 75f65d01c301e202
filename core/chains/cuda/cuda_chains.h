// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "core/backend/cuda/cuda_kernels.h"
#include "core/chains/chains.h"
#include "core/device/cuda/runtime.h"

namespace potluck {

/// Chains on a CUDA device: the whole batch moves at once on one stream, and a block of steps is captured in a CUDA
/// graph where method and models allow it. Nothing leaves the device between blocks.
///
/// While the cohort tunes, it and the rest are groups of their own over the same arrays. A method that moved chains
/// here must not change otherwise than in its step size and trajectory length, for its blocks are kept as graphs.
class CudaChains final : public Chains {
 public:
  /// @param target its energy is on the device, and its most_rows() must be at least options.chains.
  CudaChains(const Target& target, const ChainsOptions& options);
  ~CudaChains() override;

  int64_t count() const override { return chains_; }
  void write(int64_t first, int64_t rows, const double* const* position) override;
  void evaluate() override;
  void freeze_failed(uint32_t step) override;
  void begin(const Method& method, uint32_t step) override;
  using Chains::advance;
  int64_t rows(Part part) const override { return groups_[static_cast<size_t>(part)].rows; }
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
  /// All that is baked into the launches of a block of steps.
  using Recipe = std::tuple<const Method*, Part, int64_t, double, double>;

  void* take(size_t bytes);
  template <class T>
  T* take_changing(size_t count);
  void make_variables(const Needs& needs);
  /// A categorical variable that moves.
  void make_labels(int variable);
  void make_rows(const ChainsOptions& options);
  Group group_of(int64_t first, int64_t rows);
  /// Shows the group of all chains what noise blurs.
  void make_blurred(const ChainsOptions& options);
  Group& group(Part part) { return groups_[static_cast<size_t>(part)]; }
  void launch(const Method& method, Group& group, StepRange steps);
  /// The block as a graph that can be launched for any first step, or null: the block is not to be replayed.
  cudaGraphExec_t graph_of(const Method& method, Part part, StepRange steps);
  cudaGraphExec_t captured(const Method& method, Part part, StepRange steps);
  void forget_graphs();
  /// Lets expert energies stand as the moving part wants them.
  void arrange(bool parted);
  /// The present energies become the references of their sums, which begin at 0.
  void begin_energy_sums();
  /// Uploads [n] doubles per variable, in arrays that stay where they are, and shows them to the groups.
  void set_columns(const std::vector<std::vector<double>>& values, std::vector<cuda::Memory>& arrays,
                   const void* Block::*member);
  void synchronise();
  template <class T>
  void fetch(std::vector<T>& to, const void* from, size_t count);

  const Energy& energy_;
  int64_t chains_;
  int64_t cohort_;  ///< the most that tune; chains behind them are the rest
  size_t real_;
  std::vector<Held> held_;
  cudaStream_t stream_ = nullptr;
  std::vector<cuda::Memory> memory_;
  std::vector<std::pair<void*, size_t>> changing_;  ///< arrays that change from step to step, and their bytes
  std::vector<Block> blocks_;                       ///< of all chains
  std::vector<LabelBlock> labels_;                  ///< of all chains
  std::vector<const void*> constant_;               ///< [variables] rows of what does not move, or null
  Group all_;                                       ///< arrays of all chains
  std::vector<Group> groups_;                       ///< cohort, rest, all: in the order of Part
  double* part_expert_energy_ = nullptr;            ///< [experts, cohort], then [experts, rest]
  bool parted_ = false;  ///< the expert energies that count are those of the parts, not those of all
  std::vector<cuda::Memory> scale_, centre_;       ///< per block, made when first set
  cuda::Memory ladder_temperature_, ladder_step_;  ///< [chains], likewise
  double deviation_ = 0;                           ///< of what is given, since blur_given()
  uint32_t deviation_at_ = 0;                      ///< the step that addresses its noise
  std::unique_ptr<CudaKernels> kernels_;
  std::map<Recipe, cudaGraphExec_t> graphs_;  ///< null: the block came once
};

}  // namespace potluck
