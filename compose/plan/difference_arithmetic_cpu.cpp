// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "compose/plan/difference_arithmetic.h"
#include "compose/plan/difference_element.h"

namespace potluck {

namespace {

template <class T>
class CpuDifferenceArithmetic final : public DifferenceArithmetic {
 public:
  void find_furthest(const void* input, const void* tangent, int64_t rows, int64_t n, bool fresh, double* scratch,
                     double* furthest, void*) const override {
    for (int64_t row = 0; row < rows; ++row)
      scratch[row] = element::squares_of_row(static_cast<const T*>(input) + row * n, n);
    const double size = element::size_of_input(scratch, rows, n);
    for (int64_t row = 0; row < rows; ++row)
      furthest[row] =
          element::furthest_of_row(static_cast<const T*>(tangent) + row * n, n, size, fresh ? 0 : furthest[row]);
  }

  void find_steps(int64_t rows, double* furthest, void*) const override {
    const double reach = 2 * std::cbrt(static_cast<double>(std::numeric_limits<T>::epsilon()));
    for (int64_t row = 0; row < rows; ++row) furthest[row] = element::step_of_row(furthest[row], reach);
  }

  void move_rows(const DifferenceSide& side, const void* input, const void* tangent, int64_t n, void* moved,
                 void*) const override {
    for (int64_t row = 0; row < side.rows; ++row)
      for (int64_t i = row * n; i < (row + 1) * n; ++i)
        static_cast<T*>(moved)[i] = element::moved_number(static_cast<const T*>(input)[i], side.sign * side.step[row],
                                                          static_cast<const T*>(tangent)[i]);
  }

  void weigh_rows(const DifferenceSide& side, double* weight, void*) const override {
    for (int64_t row = 0; row < side.rows; ++row) weight[row] = element::weight_of_row(side.step[row], side.sign);
  }
};

}  // namespace

std::unique_ptr<DifferenceArithmetic> cpu_difference_arithmetic(Precision precision) {
  if (precision == Precision::kFloat32) return std::make_unique<CpuDifferenceArithmetic<float>>();
  return std::make_unique<CpuDifferenceArithmetic<double>>();
}

}  // namespace potluck
