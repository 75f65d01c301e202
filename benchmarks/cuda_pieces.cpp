// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/cuda_pieces.h"

#include <cuda_runtime_api.h>

#include <functional>
#include <numeric>
#include <vector>

#include "core/backend/cuda/grids.h"
#include "core/device/cuda/runtime.h"

namespace potluck::benchmarks {

namespace {

Timing time_enqueued(const Effort& effort, const std::function<void(uint32_t step)>& enqueue) {
  return least_time(effort, [&](int64_t steps) {
    return seconds_of([&] {
      for (int64_t step = 0; step < steps; ++step) enqueue(static_cast<uint32_t>(step));
      cuda::check(cudaStreamSynchronize(nullptr), "waiting for a piece");
    });
  });
}

}  // namespace

Timing time_device_copy(int64_t chains, int64_t n, const Effort& effort) {
  const size_t bytes = static_cast<size_t>(chains * n) * sizeof(float);
  const cuda::Memory from(bytes), to(bytes);
  return time_enqueued(effort, [&](uint32_t) {
    cuda::check(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, nullptr), "copying");
  });
}

Timing time_device_update(int64_t chains, int64_t n, const Effort& effort) {
  const size_t bytes = static_cast<size_t>(chains * n) * sizeof(float);
  const cuda::Memory position(bytes), gradient(bytes), chain(static_cast<size_t>(chains) * sizeof(uint32_t)),
      frozen(static_cast<size_t>(chains)), base(sizeof(uint32_t));
  std::vector<uint32_t> ids(static_cast<size_t>(chains));
  std::iota(ids.begin(), ids.end(), 0u);
  cuda::upload(chain.get(), ids.data(), ids.size() * sizeof(uint32_t));
  cuda::GridArguments a;
  a.rows = chains;
  a.n = n;
  a.chain = static_cast<const uint32_t*>(chain.get());
  a.frozen = static_cast<const uint8_t*>(frozen.get());
  a.step.base = static_cast<const uint32_t*>(base.get());
  a.from = a.to = position.get();
  a.gradient = gradient.get();
  a.drift = 0.01;
  a.noise = 0.1;
  return time_enqueued(effort, [&](uint32_t step) {
    a.step.offset = step;
    cuda::move(a, sizeof(float), nullptr);
  });
}

}  // namespace potluck::benchmarks
