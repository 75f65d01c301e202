// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

// A device made of the host: host_runtime.cpp takes the place of the CUDA runtime's functions that the backend calls,
// host_grids.cpp that of its launches, thread after thread over the same elements. So CudaChains and CudaKernels run
// and are compared with the CPU where there is no device.

namespace potluck::testing {

/// Work of a stream: done now, or, while the stream is captured, kept for the graph.
void enqueue(std::function<void()> work);

/// Graphs launched so far.
int64_t graph_launches();

}  // namespace potluck::testing
