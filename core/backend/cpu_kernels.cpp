// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/random/philox.h"

namespace potluck {

namespace {

RowArguments arguments(const Group& group, const Block& block, uint32_t step) {
  RowArguments a;
  a.rows = group.rows;
  a.n = block.n;
  a.chain = group.chain;
  a.frozen = group.frozen;
  a.held = block.held;
  a.seed = group.seed;
  a.variable = block.key;
  a.step = step;
  a.purpose = static_cast<uint32_t>(Purpose::kProposal);
  a.least = block.least;
  a.most = block.most;
  a.faces = block.faces;
  a.from = block.position;
  a.gradient = block.gradient;
  return a;
}

}  // namespace

const RowKernels::Typed& CpuKernels::typed(const Group& group) const {
  return group.target->precision() == Precision::kFloat32 ? loops_.float32 : loops_.float64;
}

void CpuKernels::freeze_failed(Group& group, uint32_t step) const {
  // A row that froze earlier keeps its step, so new failures are collected apart from it.
  uint8_t* bad = reinterpret_cast<uint8_t*>(group.log_ratio);
  std::fill(bad, bad + group.rows, uint8_t{0});
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.flag = bad;
    typed(group).not_finite(a);
  }
  for (int64_t row = 0; row < group.rows; ++row) {
    if (group.frozen[row] || (!bad[row] && std::isfinite(group.energy[row]))) continue;
    group.frozen[row] = 1;
    group.frozen_step[row] = step;
  }
}

void CpuKernels::langevin(Group& group, uint32_t step, double drift, double noise) const {
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.to = block.position;
    a.drift = drift;
    a.noise = noise;
    typed(group).move(a);
  }
}

void CpuKernels::clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                                  bool clamp) const {
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.to = block.position;
    a.drift = drift;
    a.noise = noise;
    a.clip = clip;
    a.clamp = clamp;
    a.sum = group.clipped;
    typed(group).move_clipped(a);
  }
}

void CpuKernels::propose_langevin(Group& group, uint32_t step, double drift, double noise) const {
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.to = block.proposal;
    a.unfolded = block.unfolded;
    a.drift = drift;
    a.noise = noise;
    typed(group).move(a);
  }
}

void CpuKernels::decide_langevin(Group& group, uint32_t step, double step_size) const {
  std::fill(group.log_ratio, group.log_ratio + group.rows, 0.0);
  for (const Block& block : group.blocks) {
    RowArguments a = arguments(group, block, step);
    a.unfolded = block.unfolded;
    a.to_gradient = block.proposal_gradient;
    a.drift = step_size;
    a.sum = group.log_ratio;
    typed(group).ratio(a);
  }
  const size_t real = bytes_of(group.target->precision());
  const size_t experts = group.target->experts().size();
  for (int64_t row = 0; row < group.rows; ++row) {
    if (group.frozen[row]) continue;
    const double proposed = group.proposal_energy[row];
    if (proposed == INFINITY) continue;
    const double log_a = (group.energy[row] - proposed - group.log_ratio[row]) / group.temperature;
    if (std::isnan(log_a) || !std::isfinite(proposed)) {
      ++group.nan_proposals[row];
      continue;
    }
    group.acceptance[row] += std::exp(std::min(0.0, log_a));
    const double u = uniform({group.seed, variable_key(""), group.chain[row], step, Purpose::kAcceptance});
    if (!(std::log(u) < log_a)) continue;
    group.energy[row] = proposed;
    for (size_t e = 0; e < experts; ++e) {
      group.expert_energy[e * group.rows + row] = group.proposal_expert_energy[e * group.rows + row];
    }
    for (const Block& block : group.blocks) {
      const size_t bytes = block.n * real, at = row * bytes;
      std::memcpy(static_cast<char*>(block.position) + at, static_cast<const char*>(block.proposal) + at, bytes);
      std::memcpy(static_cast<char*>(block.gradient) + at, static_cast<const char*>(block.proposal_gradient) + at,
                  bytes);
    }
  }
}

}  // namespace potluck
