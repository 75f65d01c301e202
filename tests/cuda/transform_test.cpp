// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "core/device/cuda/runtime.h"
#include "core/energy/transform_arithmetic_cuda.h"
#include "tests/cuda/visible_device.h"

namespace potluck {
namespace {

using CudaTransformTest = testing::VisibleDeviceTest;

/// An array on the device and back.
template <class T>
class Copy {
 public:
  explicit Copy(std::vector<T> values) : values_(std::move(values)), there_(values_.size() * sizeof(T)) {
    cuda::check(cudaMemcpy(there_.get(), values_.data(), values_.size() * sizeof(T), cudaMemcpyHostToDevice),
                "copying");
  }
  T* get() const { return static_cast<T*>(there_.get()); }
  std::vector<T> back() {
    cuda::check(cudaMemcpy(values_.data(), there_.get(), values_.size() * sizeof(T), cudaMemcpyDeviceToHost),
                "copying");
    return values_;
  }

 private:
  std::vector<T> values_;
  cuda::Memory there_;
};

template <class Real>
void expect_the_bits_of_the_cpu(double least, double most, int64_t n) {
  constexpr int64_t kRows = 300;
  constexpr Precision kPrecision = sizeof(Real) == 4 ? Precision::kFloat32 : Precision::kFloat64;
  Variable variable;
  variable.name = "x";
  variable.shape = {n};
  variable.least = least;
  variable.most = most;
  variable.walls = Walls::kTransform;
  std::vector<uint8_t> mask(static_cast<size_t>(n), 0);
  if (n > 1) mask[1] = 1;

  std::mt19937_64 source(4);
  std::normal_distribution<> z(0, 30);  // far enough to meet both walls in float32
  std::vector<Real> u(static_cast<size_t>(kRows * n)), gradient(u.size());
  for (Real& one : u) one = static_cast<Real>(z(source));
  for (Real& one : gradient) one = static_cast<Real>(z(source));

  const auto cpu = cpu_transform_arithmetic(kPrecision), cuda = cuda_transform_arithmetic(kPrecision, 0);
  FreeRows free{*transform_of(variable, {}, kPrecision), kRows, n, mask.data(), u.data()};
  std::vector<Real> x(u.size()), free_gradient = gradient;
  std::vector<double> log_slope(kRows, 0.0), energy(kRows, 1.0);
  cpu->user_positions(free, x.data(), log_slope.data(), nullptr);
  cpu->free_gradients(free, 1.5, free_gradient.data(), nullptr);
  cpu->subtract(log_slope.data(), 1.5, kRows, energy.data(), nullptr);

  const Copy<Real> u_there(u);
  Copy<Real> x_there(std::vector<Real>(u.size())), gradient_there(gradient);
  Copy<double> log_slope_there(std::vector<double>(kRows, 7.0)), energy_there(std::vector<double>(kRows, 1.0));
  const auto kept = cuda->keep(mask);
  free.held = kept.get();
  free.u = u_there.get();
  cuda->set_zero(log_slope_there.get(), kRows, nullptr);
  cuda->user_positions(free, x_there.get(), log_slope_there.get(), nullptr);
  cuda->free_gradients(free, 1.5, gradient_there.get(), nullptr);
  cuda->subtract(log_slope_there.get(), 1.5, kRows, energy_there.get(), nullptr);
  EXPECT_EQ(x_there.back(), x);
  EXPECT_EQ(gradient_there.back(), free_gradient);
  const std::vector<double> energies = energy_there.back();
  for (int64_t row = 0; row < kRows; ++row) {
    const double expected = energy[static_cast<size_t>(row)], got = energies[static_cast<size_t>(row)];
    if (std::isinf(expected)) {
      EXPECT_EQ(got, expected);
    } else {
      EXPECT_NEAR(got, expected, 1e-12 * (1 + std::fabs(expected)));
    }
  }
}

TEST_F(CudaTransformTest, PositionsAndGradientsHaveTheBitsOfTheCpu) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const int64_t n : {1, 3, 100}) {
    for (const auto& [least, most] : {std::pair{0.0, 1.0}, {-2.0, 5.0}, {1.0, kInfinity}, {-kInfinity, 0.5}}) {
      expect_the_bits_of_the_cpu<float>(least, most, n);
      expect_the_bits_of_the_cpu<double>(least, most, n);
    }
  }
}

}  // namespace
}  // namespace potluck
