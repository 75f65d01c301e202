// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/backend/chains.h"
#include "core/backend/cuda/cuda_kernels.h"
#include "core/backend/cuda/runtime.h"

namespace potluck {

/// Chains on a CUDA device: the whole batch moves at once on one stream, and a block of steps is captured in a CUDA
/// graph where every model allows it. Nothing leaves the device between blocks.
///
/// While the cohort tunes, it and the rest are groups of their own over the same arrays.
class CudaChains final : public Chains {
 public:
  /// @param energy on the same device; its most_rows() must be at least `chains`.
  CudaChains(const Target& target, int64_t chains, uint32_t seed, bool proposes);
  ~CudaChains() override;

  int64_t count() const override { return chains_; }
  void write(int64_t first, int64_t rows, const double* const* position) override;
  void evaluate() override;
  void freeze_failed(uint32_t step) override;
  void advance(const Method& method, Part part, StepRange steps) override;
  void take_cohort_acceptance(std::vector<double>& sums, std::vector<uint8_t>& frozen) override;
  void read(ChainsState& state) override;

 private:
  Group group_of(int64_t first, int64_t rows);
  Group& group(Part part) { return groups_[static_cast<size_t>(part)]; }
  void launch(const Method& method, Group& group, StepRange steps);
  /// The block as a graph that can be launched for any first step; captured once for each length and step size.
  cudaGraphExec_t captured(const Method& method, StepRange steps);
  void synchronise();
  template <class T>
  void fetch(std::vector<T>& to, const void* from, size_t count);

  const Energy& energy_;
  int64_t chains_;
  size_t real_;
  std::vector<Held> held_;
  cudaStream_t stream_ = nullptr;
  std::vector<cuda::Memory> memory_;
  std::vector<Block> blocks_;          ///< of all chains
  std::vector<const void*> constant_;  ///< [variables] rows of what does not move, or null
  Group all_;                          ///< arrays of all chains
  std::vector<Group> groups_;          ///< cohort, rest, all: in the order of Part
  std::unique_ptr<CudaKernels> kernels_;
  bool parted_ = false;  ///< cohort and rest moved apart: expert energies of all are out of date
  std::map<std::pair<int64_t, double>, cudaGraphExec_t> graphs_;
};

}  // namespace potluck
