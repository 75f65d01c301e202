// SPDX-License-Identifier: Apache-2.0
// For LD_PRELOAD: a machine with POTLUCK_TEST_DEVICES CUDA devices, or one, that can do nothing. Notes in the file
// POTLUCK_TEST_LOG when a process makes its context.
#include <cuda_runtime_api.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  const char* devices = std::getenv("POTLUCK_TEST_DEVICES");
  *count = devices != nullptr ? std::atoi(devices) : 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::memset(static_cast<void*>(properties), 0, sizeof *properties);
  std::strcpy(properties->name, "Pretended");
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (const char* log = std::getenv("POTLUCK_TEST_LOG"))
    std::ofstream(log, std::ios::app) << "context " << device << ' ' << getpid() << '\n';
  return std::getenv("POTLUCK_TEST_FULL_DEVICE") != nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaFree(void*) { return cudaSuccess; }

cudaError_t cudaGetLastError() { return cudaSuccess; }
}
