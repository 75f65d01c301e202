// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "compose/plan/difference_arithmetic_cuda.h"
#include "compose/plan/difference_element.h"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/runtime.h"

namespace potluck {

namespace {

using cuda::blocks_for, cuda::item_of_thread, cuda::kThreads, cuda::of;

template <class T>
__global__ void squares_kernel(const T* input, int64_t rows, int64_t n, double* squares) {
  const int64_t row = item_of_thread();
  if (row < rows) squares[row] = element::squares_of_row(input + row * n, n);
}

// One thread: a number for each row, in the order of the CPU.
__global__ void size_kernel(const double* squares, int64_t rows, int64_t n, double* size) {
  *size = element::size_of_input(squares, rows, n);
}

template <class T>
__global__ void furthest_kernel(const T* tangent, int64_t rows, int64_t n, const double* size, bool fresh,
                                double* furthest) {
  const int64_t row = item_of_thread();
  if (row < rows) {
    furthest[row] = element::furthest_of_row(tangent + row * n, n, *size, fresh ? 0 : furthest[row]);
  }
}

__global__ void steps_kernel(int64_t rows, double reach, double* furthest) {
  const int64_t row = item_of_thread();
  if (row < rows) furthest[row] = element::step_of_row(furthest[row], reach);
}

template <class T>
__global__ void move_kernel(DifferenceSide side, const T* input, const T* tangent, int64_t n, T* moved) {
  const int64_t item = item_of_thread();
  if (item < side.rows * n) {
    moved[item] = element::moved_number(input[item], side.sign * side.step[item / n], tangent[item]);
  }
}

__global__ void weigh_kernel(DifferenceSide side, double* weight) {
  const int64_t row = item_of_thread();
  if (row < side.rows) weight[row] = element::weight_of_row(side.step[row], side.sign);
}

template <class T>
class CudaDifferenceArithmetic final : public DifferenceArithmetic {
 public:
  explicit CudaDifferenceArithmetic(int device) : device_(device) {}

  void find_furthest(const void* input, const void* tangent, int64_t rows, int64_t n, bool fresh, double* scratch,
                     double* furthest, void* stream) const override {
    choose();
    squares_kernel<<<blocks_for(rows), kThreads, 0, of(stream)>>>(static_cast<const T*>(input), rows, n, scratch);
    size_kernel<<<1, 1, 0, of(stream)>>>(scratch, rows, n, scratch + rows);
    furthest_kernel<<<blocks_for(rows), kThreads, 0, of(stream)>>>(static_cast<const T*>(tangent), rows, n,
                                                                   scratch + rows, fresh, furthest);
    cuda::check(cudaGetLastError(), "measuring tangents");
  }

  void find_steps(int64_t rows, double* furthest, void* stream) const override {
    choose();
    const double reach = 2 * std::cbrt(static_cast<double>(std::numeric_limits<T>::epsilon()));
    steps_kernel<<<blocks_for(rows), kThreads, 0, of(stream)>>>(rows, reach, furthest);
    cuda::check(cudaGetLastError(), "choosing differences");
  }

  void move_rows(const DifferenceSide& side, const void* input, const void* tangent, int64_t n, void* moved,
                 void* stream) const override {
    choose();
    move_kernel<<<blocks_for(side.rows * n), kThreads, 0, of(stream)>>>(
        side, static_cast<const T*>(input), static_cast<const T*>(tangent), n, static_cast<T*>(moved));
    cuda::check(cudaGetLastError(), "moving rows along tangents");
  }

  void weigh_rows(const DifferenceSide& side, double* weight, void* stream) const override {
    choose();
    weigh_kernel<<<blocks_for(side.rows), kThreads, 0, of(stream)>>>(side, weight);
    cuda::check(cudaGetLastError(), "weighing differences");
  }

 private:
  void choose() const { cuda::check(cudaSetDevice(device_), "choosing the device"); }

  int device_;
};

}  // namespace

std::unique_ptr<DifferenceArithmetic> cuda_difference_arithmetic(Precision precision, int device) {
  if (precision == Precision::kFloat32) return std::make_unique<CudaDifferenceArithmetic<float>>(device);
  return std::make_unique<CudaDifferenceArithmetic<double>>(device);
}

}  // namespace potluck
