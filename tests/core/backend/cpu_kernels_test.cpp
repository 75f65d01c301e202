// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_kernels.h"

#include <algorithm>

#include "core/backend/reference_kernels.h"
#include "core/error.h"
#include "tests/core/backend/kernels_suite.h"
#include "tests/core/backend/random_group.h"

namespace potluck::testing {
namespace {

/// The CPU's loops of a vector width, where the processor has it.
Backend cpu_backend(const std::string& width) {
  Backend backend{width};
  const auto all = all_row_kernels();
  const auto found = std::find_if(all.begin(), all.end(), [&](const RowKernels* one) { return one->name == width; });
  if (found == all.end()) {
    backend.missing = "this processor has no " + width;
    return backend;
  }
  backend.adds_like_cpu = true;
  backend.run = [loops = *found](std::span<std::byte> memory, uint32_t, const Backend::Work& work) {
    work(CpuKernels(*loops), memory.data(), nullptr);
  };
  return backend;
}

POTLUCK_TEST_KERNELS(Cpu, cpu_backend("baseline"), cpu_backend("avx2"), cpu_backend("avx512"));

TEST(ReferenceKernelsTest, RefuseFloat32) {
  RandomGroup random({.precision = Precision::kFloat32});
  Group group = random.at(random.memory().data(), nullptr);
  try {
    ReferenceKernels().clear_ratio(group);
    FAIL() << "an error is missing";
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "ReferenceKernels: the energy must be in float64, got float32. Use CpuKernels");
  }
}

}  // namespace
}  // namespace potluck::testing
