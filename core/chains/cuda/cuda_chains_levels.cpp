// SPDX-License-Identifier: Apache-2.0
// What is done to chains on a device between two levels of noise.
#include "core/chains/blurred.h"
#include "core/chains/cuda/cuda_chains.h"

namespace potluck {

using cuda::upload;

void CudaChains::make_blurred(const ChainsOptions& options) {
  const std::vector<Variable>& variables = energy_.variables();
  Group& all = group(Part::kAll);
  const auto kept = [this](const std::vector<uint8_t>& mask) {
    void* array = take(mask.size());
    upload(array, mask.data(), mask.size());
    return static_cast<const uint8_t*>(array);
  };
  for (Block& block : all.blocks) {
    const auto v = static_cast<size_t>(block.variable);
    const std::vector<uint8_t> stays = flow_leaves(options, held_[v], v);
    if (!stays.empty()) block.stays = kept(stays);
  }
  for (size_t v = 0; v < variables.size(); ++v) {
    const std::vector<uint8_t> clean = given_without_noise(options, held_[v], v);
    if (clean.empty()) continue;
    std::vector<std::byte> values(clean.size() * real_);
    for (size_t j = 0; j < clean.size(); ++j)
      store(energy_.precision(), values.data(), static_cast<int64_t>(j), held_[v].value[j]);
    void* array = take(values.size());
    upload(array, values.data(), values.size());
    NoisyGiven given = noisy_given_of(variables[v]);
    given.clean = kept(clean);
    given.given = array;
    given.position = const_cast<void*>(all.current[v]);
    all.noisy_givens.push_back(given);
  }
}

void CudaChains::flow(double amount) {
  kernels_->flow(group(Part::kAll), amount);
  synchronise();
}

void CudaChains::blur_given(double deviation, uint32_t step) {
  deviation_ = deviation;
  deviation_at_ = step;
  cuda::set_step(kernels_->step_base(), step, stream_);
  kernels_->begin(step);
  kernels_->blur_given(group(Part::kAll), step, deviation);
  synchronise();
}

}  // namespace potluck
