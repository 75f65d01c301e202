// SPDX-License-Identifier: Apache-2.0
#include <numeric>
#include <vector>

#include "core/backend/cpu_rows.h"
#include "core/backend/cuda/grids.h"
#include "core/device/cuda/runtime.h"
#include "core/random/philox.h"
#include "tests/cuda/visible_device.h"

namespace potluck {
namespace {

using CudaNoiseTest = testing::VisibleDeviceTest;

TEST_F(CudaNoiseTest, HasTheBitsOfTheCpu) {
  for (const int64_t n : {1, 3, 128, 785}) {
    constexpr int64_t kRows = 300;
    std::vector<uint32_t> ids(kRows);
    std::iota(ids.begin(), ids.end(), 5u);
    std::vector<float> expected(kRows * n), got(kRows * n);
    RowArguments host;
    host.rows = kRows;
    host.n = n;
    host.chain = ids.data();
    host.seed = 42;
    host.variable = variable_key("x");
    host.step = 1009;
    row_kernels().normals(host, expected.data());

    const cuda::Memory chain(kRows * sizeof(uint32_t)), base(sizeof(uint32_t)), out(got.size() * sizeof(float));
    cuda::check(cudaMemcpy(chain.get(), ids.data(), kRows * sizeof(uint32_t), cudaMemcpyHostToDevice), "copying");
    cuda::set_step(static_cast<uint32_t*>(base.get()), 1000, nullptr);
    cuda::GridArguments device;
    device.rows = kRows;
    device.n = n;
    device.chain = static_cast<const uint32_t*>(chain.get());
    device.seed = 42;
    device.variable = variable_key("x");
    device.step = {static_cast<const uint32_t*>(base.get()), 9};
    cuda::normals(device, static_cast<float*>(out.get()), nullptr);
    cuda::check(cudaMemcpy(got.data(), out.get(), got.size() * sizeof(float), cudaMemcpyDeviceToHost), "copying");
    EXPECT_EQ(got, expected) << n;
  }
}

}  // namespace
}  // namespace potluck
