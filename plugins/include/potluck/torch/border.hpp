// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <optional>
#include <type_traits>

#ifdef POTLUCK_TORCH_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include "potluck/model.hpp"

namespace potluck::plugin {

/// Where a model's tensors live.
inline at::Device torch_device(const Setup& setup) {
  return setup.on_cuda() ? at::Device(at::kCUDA, static_cast<at::DeviceIndex>(setup.device_index()))
                         : at::Device(at::kCPU);
}
/// Type and device of a model's inputs, gradients and weights: for every tensor that a model makes, as LibTorch's
/// default type belongs to the whole process and is left alone.
inline at::TensorOptions torch_options(const Setup& setup) {
  return at::TensorOptions().dtype(setup.float64() ? at::kDouble : at::kFloat).device(torch_device(setup));
}

/// The host's array as a tensor, without a copy. Valid during the call that brought the array.
template <class Value>
at::Tensor tensor_view(Value* data, at::IntArrayRef shape, at::Device device) {
  using Plain = std::remove_const_t<Value>;
  constexpr at::ScalarType kType = std::is_same_v<Plain, double>    ? at::kDouble
                                   : std::is_same_v<Plain, int64_t> ? at::kLong
                                                                    : at::kFloat;
  return at::from_blob(const_cast<Plain*>(data), shape, at::TensorOptions().dtype(kType).device(device));
}

/// LibTorch's state of a thread as the host wants it during one call, put back at its end: whether operations are
/// recorded for autograd, how many threads an operation may use, and on CUDA the device and the host's stream.
class TorchBorder {
 public:
  template <class Real>
  TorchBorder(const Call<Real>& call, at::Device device, bool grad)
      : grad_(grad), threads_before_(at::get_num_threads()) {
    if (device.is_cuda()) {
#ifdef POTLUCK_TORCH_CUDA
      stream_.emplace(c10::cuda::getStreamFromExternal(static_cast<cudaStream_t>(call.stream()), device.index()));
#else
      throw Failure(POTLUCK_UNSUPPORTED, "this plugin was built without CUDA");
#endif
    } else if (call.threads() > 0 && call.threads() != threads_before_) {
      at::set_num_threads(call.threads());
      threads_changed_ = true;
    }
  }
  ~TorchBorder() {
    if (threads_changed_) at::set_num_threads(threads_before_);
  }
  TorchBorder(const TorchBorder&) = delete;
  TorchBorder& operator=(const TorchBorder&) = delete;

  /// Whether models of this plugin can run on CUDA.
#ifdef POTLUCK_TORCH_CUDA
  static constexpr bool kCuda = true;
#else
  static constexpr bool kCuda = false;
#endif

 private:
  at::AutoGradMode grad_;
  int threads_before_;
  bool threads_changed_ = false;
#ifdef POTLUCK_TORCH_CUDA
  std::optional<c10::cuda::CUDAStreamGuard> stream_;  // also sets the device
#endif
};

/// Runs `function`; LibTorch's errors become failures with their own words and without a stack trace.
template <class Function>
auto with_torch_errors(Function&& function) {
  try {
    return function();
  } catch (const c10::OutOfMemoryError& error) {
    throw Failure(POTLUCK_OUT_OF_MEMORY, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    throw Failure(POTLUCK_INTERNAL, error.what_without_backtrace());
  }
}

}  // namespace potluck::plugin
