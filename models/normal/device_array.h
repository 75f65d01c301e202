// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "potluck/model.hpp"

namespace potluck::models {

#ifdef POTLUCK_HAVE_CUDA
/// A copy of `bytes` bytes on a GPU, freed with the last owner (device_array.cu).
std::shared_ptr<const void> copy_to_device(const void* data, size_t bytes, int device);
#endif

/// Constant numbers of a model, where the model runs.
template <class Value>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(const plugin::Setup& setup, std::vector<Value> numbers) : numbers_(std::move(numbers)) {
#ifdef POTLUCK_HAVE_CUDA
    if (setup.on_cuda()) copy_ = copy_to_device(numbers_.data(), numbers_.size() * sizeof(Value), setup.device_index());
#else
    static_cast<void>(setup);
#endif
  }
  /// On the CPU.
  explicit DeviceArray(std::vector<Value> numbers) : numbers_(std::move(numbers)) {}
  const Value* data() const { return copy_ != nullptr ? static_cast<const Value*>(copy_.get()) : numbers_.data(); }
  size_t size() const { return numbers_.size(); }

 private:
  std::vector<Value> numbers_;
  std::shared_ptr<const void> copy_;
};

}  // namespace potluck::models
