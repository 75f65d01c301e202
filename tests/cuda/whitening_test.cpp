// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <vector>

#include "core/device/cuda/runtime.h"
#include "core/energy/whitening_arithmetic_cuda.h"
#include "tests/cuda/visible_device.h"

namespace potluck {
namespace {

using CudaWhiteningTest = testing::VisibleDeviceTest;

template <class T>
std::shared_ptr<void> uploaded(const WhiteningArithmetic& arithmetic, const std::vector<T>& values) {
  std::shared_ptr<void> there = arithmetic.allocate(values.size() * sizeof(T));
  arithmetic.upload(there.get(), values.data(), values.size() * sizeof(T));
  return there;
}

/// What comes out of gather, product and scatter, positions and then gradients.
template <class Real>
std::vector<Real> moved(const WhiteningArithmetic& arithmetic, int64_t n, bool on_device) {
  constexpr int64_t kRows = 300;
  std::mt19937_64 source(4);
  std::normal_distribution<> normal;
  std::vector<Real> values(static_cast<size_t>(kRows * n));
  for (Real& one : values) one = static_cast<Real>(normal(source));
  std::vector<int64_t> which;
  for (int64_t i = 0; i < n; ++i)
    if (n == 1 || i != 1) which.push_back(i);  // number 1 is held
  const auto d = static_cast<int64_t>(which.size());
  std::vector<double> mean(static_cast<size_t>(d)), factor(static_cast<size_t>(d * d));
  for (double& one : mean) one = normal(source);
  for (double& one : factor) one = normal(source);

  const auto mean_there = uploaded(arithmetic, mean), factor_there = uploaded(arithmetic, factor),
             which_there = uploaded(arithmetic, which), values_there = uploaded(arithmetic, values);
  const auto before = arithmetic.allocate(static_cast<size_t>(kRows * d) * sizeof(double)),
             after = arithmetic.allocate(static_cast<size_t>(kRows * d) * sizeof(double));
  const JointShare share{kRows, n, d, static_cast<const int64_t*>(which_there.get()), 0, d};
  auto* first = static_cast<double*>(before.get());
  auto* second = static_cast<double*>(after.get());
  const auto* of_factor = static_cast<const double*>(factor_there.get());
  arithmetic.gather(share, values_there.get(), first, nullptr);
  arithmetic.positions(kRows, d, static_cast<const double*>(mean_there.get()), of_factor, first, second, nullptr);
  arithmetic.gradients(kRows, d, of_factor, second, first, nullptr);
  arithmetic.scatter(share, first, values_there.get(), nullptr);
  if (on_device) {
    cuda::check(cudaMemcpy(values.data(), values_there.get(), values.size() * sizeof(Real), cudaMemcpyDeviceToHost),
                "copying");
  } else {
    const auto* host = static_cast<const Real*>(values_there.get());
    values.assign(host, host + values.size());
  }
  return values;
}

TEST_F(CudaWhiteningTest, PositionsAndGradientsHaveTheBitsOfTheCpu) {
  for (const int64_t n : {1, 3, 100}) {
    EXPECT_EQ(moved<float>(*cuda_whitening_arithmetic(Precision::kFloat32, 0), n, true),
              moved<float>(*cpu_whitening_arithmetic(Precision::kFloat32), n, false));
    EXPECT_EQ(moved<double>(*cuda_whitening_arithmetic(Precision::kFloat64, 0), n, true),
              moved<double>(*cpu_whitening_arithmetic(Precision::kFloat64), n, false));
  }
}

}  // namespace
}  // namespace potluck
