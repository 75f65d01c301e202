// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/runtime.h"
#include "core/energy/annealed_arithmetic_cuda.h"
#include "core/energy/annealed_element.h"

namespace potluck {

namespace {

using cuda::blocks_for, cuda::item_of_thread, cuda::kThreads, cuda::of;
using cuda::kWarp, cuda::lane_of_thread, cuda::row_of_warp, cuda::warp_sum;

// One warp a row: lane l takes elements l, l + 32, ..., and the row's sum is folded in one order.
template <class Real>
__global__ void add_base_kernel(BaseRows variable, double* base) {
  const int64_t row = row_of_warp();
  if (row >= variable.rows) return;
  const int lane = lane_of_thread();
  const Real* x = static_cast<const Real*>(variable.position) + row * variable.n;
  double sum = 0;
  for (int64_t j = lane; j < variable.n; j += kWarp) {
    if (variable.held && variable.held[j]) continue;
    const double apart = static_cast<double>(x[j]) - variable.centre;
    sum += apart * apart;
  }
  sum = warp_sum(sum);
  if (lane == 0) base[row] += variable.precision / 2 * sum;
}

__global__ void blend_kernel(BlendedEnergies energies) {
  const int64_t row = item_of_thread();
  if (row >= energies.rows) return;
  const double base = energies.base[row], target = energies.energy[row] / energies.temperature;
  energies.energy[row] = element::annealed_energy(base, target, energies.beta);
  if (!energies.both) return;
  energies.both[row] = base;
  energies.both[energies.rows + row] = target;
}

template <class Real>
__global__ void blend_gradient_kernel(BaseRows variable, Real of_base, Real of_target, Real* gradient) {
  const int64_t item = item_of_thread();
  if (item >= variable.rows * variable.n) return;
  gradient[item] = element::annealed_gradient(static_cast<const Real*>(variable.position)[item], gradient[item],
                                              static_cast<Real>(variable.centre), of_base, of_target);
}

template <class Real>
class CudaAnnealedArithmetic final : public AnnealedArithmetic {
 public:
  explicit CudaAnnealedArithmetic(int device) : device_(device) {}

  std::shared_ptr<const uint8_t> keep(const std::vector<uint8_t>& mask) const override {
    cuda::check(cudaSetDevice(device_), "choosing the device");
    const auto memory = std::make_shared<cuda::Memory>(mask.size());
    cuda::check(cudaMemcpy(memory->get(), mask.data(), mask.size(), cudaMemcpyHostToDevice), "copying to the device");
    return {memory, static_cast<const uint8_t*>(memory->get())};
  }

  void set_zero(double* base, int64_t rows, void* stream) const override {
    cuda::check(cudaMemsetAsync(base, 0, static_cast<size_t>(rows) * sizeof(double), of(stream)), "clearing sums");
  }

  void add_base(const BaseRows& variable, double* base, void* stream) const override {
    add_base_kernel<Real><<<blocks_for(variable.rows * kWarp), kThreads, 0, of(stream)>>>(variable, base);
    cuda::check(cudaGetLastError(), "adding the base's energy");
  }

  void blend(const BlendedEnergies& energies, void* stream) const override {
    blend_kernel<<<blocks_for(energies.rows), kThreads, 0, of(stream)>>>(energies);
    cuda::check(cudaGetLastError(), "annealing energies");
  }

  void blend_gradient(const BaseRows& variable, double beta, double temperature, void* gradient,
                      void* stream) const override {
    blend_gradient_kernel<<<blocks_for(variable.rows * variable.n), kThreads, 0, of(stream)>>>(
        variable, static_cast<Real>((1 - beta) * variable.precision), static_cast<Real>(beta / temperature),
        static_cast<Real*>(gradient));
    cuda::check(cudaGetLastError(), "annealing gradients");
  }

 private:
  int device_;
};

}  // namespace

std::unique_ptr<AnnealedArithmetic> cuda_annealed_arithmetic(Precision precision, int device) {
  if (precision == Precision::kFloat32) return std::make_unique<CudaAnnealedArithmetic<float>>(device);
  return std::make_unique<CudaAnnealedArithmetic<double>>(device);
}

}  // namespace potluck
