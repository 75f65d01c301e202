// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cuda/cuda_kernels.h"

#include "core/backend/cuda/runtime.h"
#include "core/random/philox.h"

namespace potluck {

namespace {

int real_bytes(const Group& group) { return static_cast<int>(bytes_of(group.target->precision())); }

void clear(double* array, int64_t rows, void* stream) {
  cuda::check(cudaMemsetAsync(array, 0, rows * sizeof(double), static_cast<cudaStream_t>(stream)), "clearing sums");
}

}  // namespace

cuda::GridArguments CudaKernels::arguments(const Group& group, const Block& block, uint32_t step) const {
  cuda::GridArguments a;
  a.rows = group.rows;
  a.n = block.n;
  a.chain = group.chain;
  a.frozen = group.frozen;
  a.held = block.held;
  a.seed = group.seed;
  a.variable = block.key;
  a.purpose = static_cast<uint32_t>(Purpose::kProposal);
  a.step = address(step);
  a.least = block.least;
  a.most = block.most;
  a.faces = block.faces;
  a.from = block.position;
  a.gradient = block.gradient;
  return a;
}

void CudaKernels::freeze_failed(Group& group, uint32_t step) const {
  clear(group.log_ratio, group.rows, group.stream);
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    a.sum = group.log_ratio;
    cuda::not_finite(a, real_bytes(group), group.stream);
  }
  cuda::freeze(group.energy, group.log_ratio, group.rows, address(step), group.frozen, group.frozen_step, group.stream);
}

void CudaKernels::langevin(Group& group, uint32_t step, double drift, double noise) const {
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    a.to = block.position;
    a.drift = drift;
    a.noise = noise;
    cuda::move(a, real_bytes(group), group.stream);
  }
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
  for (const Block& block : group.blocks) {
    cuda::GridArguments a = arguments(group, block, step);
    a.to = block.proposal;
    a.unfolded = block.unfolded;
    a.drift = drift;
    a.noise = noise;
    cuda::move(a, real_bytes(group), group.stream);
  }
}

void CudaKernels::decide_langevin(Group& group, uint32_t step, double step_size) const {
  clear(group.log_ratio, group.rows, group.stream);
  const auto proposed = [&](const Block& block) {
    cuda::GridArguments a = arguments(group, block, step);
    a.to = block.proposal;
    a.unfolded = block.unfolded;
    a.to_gradient = block.proposal_gradient;
    a.drift = step_size;
    a.sum = group.log_ratio;
    return a;
  };
  for (const Block& block : group.blocks) cuda::ratio(proposed(block), real_bytes(group), group.stream);
  cuda::Decisions d;
  d.rows = group.rows;
  d.experts = static_cast<int64_t>(group.target->experts().size());
  d.seed = group.seed;
  d.step = address(step);
  d.temperature = group.temperature;
  d.chain = group.chain;
  d.frozen = group.frozen;
  d.energy = group.energy;
  d.expert_energy = group.expert_energy;
  d.proposal_energy = group.proposal_energy;
  d.proposal_expert_energy = group.proposal_expert_energy;
  d.log_ratio = group.log_ratio;
  d.acceptance = group.acceptance;
  d.nan_proposals = group.nan_proposals;
  cuda::decide(d, group.stream);
  for (const Block& block : group.blocks) cuda::take_over(proposed(block), real_bytes(group), group.stream);
}

}  // namespace potluck
