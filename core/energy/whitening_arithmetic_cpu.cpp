// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "core/energy/triangle_product.h"
#include "core/energy/whitening_arithmetic.h"

namespace potluck {

namespace {

template <class Real>
class CpuWhiteningArithmetic final : public WhiteningArithmetic {
 public:
  std::shared_ptr<void> allocate(size_t bytes) const override {
    const auto memory = std::make_shared<std::vector<double>>((bytes + sizeof(double) - 1) / sizeof(double));
    return {memory, memory->data()};
  }

  void upload(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
  void copy(void* to, const void* from, size_t bytes, void*) const override { std::memcpy(to, from, bytes); }

  void gather(const JointShare& share, const void* values, double* joint, void*) const override {
    const auto* of = static_cast<const Real*>(values);
    for (int64_t row = 0; row < share.rows; ++row)
      for (int64_t i = 0; i < share.count; ++i)
        joint[row * share.joint + share.first + i] = static_cast<double>(of[row * share.n + share.which[i]]);
  }

  void scatter(const JointShare& share, const double* joint, void* values, void*) const override {
    auto* of = static_cast<Real*>(values);
    for (int64_t row = 0; row < share.rows; ++row)
      for (int64_t i = 0; i < share.count; ++i)
        of[row * share.n + share.which[i]] = static_cast<Real>(joint[row * share.joint + share.first + i]);
  }

  void positions(int64_t rows, int64_t d, const double* mean, const double* by_column, const double* z, double* x,
                 void*) const override {
    multiply_triangle(vector_unit(), rows, d, mean, by_column, z, x);
  }

  void gradients(int64_t rows, int64_t d, const double* by_row, const double* g, double* h, void*) const override {
    multiply_transposed_triangle(vector_unit(), rows, d, by_row, g, h);
  }
};

}  // namespace

std::unique_ptr<WhiteningArithmetic> cpu_whitening_arithmetic(Precision precision) {
  if (precision == Precision::kFloat32) return std::make_unique<CpuWhiteningArithmetic<float>>();
  return std::make_unique<CpuWhiteningArithmetic<double>>();
}

}  // namespace potluck
