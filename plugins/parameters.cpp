// SPDX-License-Identifier: Apache-2.0
#include "plugins/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "plugins/memory_size.h"
#include "plugins/model_fault.h"
#include "plugins/plain_text.h"

namespace potluck {

namespace {

/// Size of potluck_array with all that is read of it: it has had these members since version 1.0.
constexpr size_t kArrayBytes = offsetof(potluck_array, trainable) + sizeof(potluck_array::trainable);

size_t bytes_of_type(int32_t type) { return type == POTLUCK_FLOAT32 ? 4 : 8; }

template <typename... Parts>
[[noreturn]] void refuse(const std::string& model, fmt::format_string<Parts...> format, Parts&&... parts) {
  throw ModelFault(model + ": " + fmt::format(format, std::forward<Parts>(parts)...));
}

std::string read_name(const std::string& model, int64_t at, const char* name) {
  if (name == nullptr || *name == '\0') refuse(model, "its parameter {} must have a name, got none", at);
  if (!is_utf8(name)) refuse(model, "the name of its parameter {} must be UTF-8, got '{}'", at, plain_line(name));
  return name;
}

void check_type(const std::string& model, const ModelParameter& parameter) {
  const bool real = parameter.type == POTLUCK_FLOAT32 || parameter.type == POTLUCK_FLOAT64;
  if (real || (parameter.type == POTLUCK_INT64 && !parameter.trainable)) return;
  refuse(model, "its parameter '{}' must be of type {}, got {}", parameter.name,
         parameter.trainable ? "POTLUCK_FLOAT32 or POTLUCK_FLOAT64, since it is trainable"
                             : "POTLUCK_FLOAT32, POTLUCK_FLOAT64 or POTLUCK_INT64",
         parameter.type);
}

void read_shape(const std::string& model, const Device& device, const potluck_array& array, ModelParameter& parameter) {
  if (array.rank < 0 || (array.rank > 0 && array.shape == nullptr))
    refuse(model, "its parameter '{}' must have a shape, got rank {}{}", parameter.name, array.rank,
           array.rank > 0 ? " and a null pointer" : "");
  parameter.shape.assign(array.shape, array.shape + array.rank);
  // So many that a product of their lengths would overflow cannot lie in memory either.
  double numbers = 1;
  for (const int64_t length : parameter.shape) numbers *= static_cast<double>(length);
  const bool positive = std::all_of(parameter.shape.begin(), parameter.shape.end(), [](int64_t n) { return n >= 1; });
  if (!positive || numbers > 1e15)
    refuse(model, "the shape of its parameter '{}' must be of lengths >= 1 that fit into memory, got [{}]",
           parameter.name, fmt::join(parameter.shape, ", "));
  const double bytes = numbers * static_cast<double>(bytes_of_type(parameter.type));
  if (device.kind == Device::Kind::kCpu && bytes > memory_of_machine())
    refuse(model, "its parameter '{}' must fit into the memory of this machine, {}, got {} for the shape [{}]",
           parameter.name, size_in_words(memory_of_machine()), size_in_words(bytes), fmt::join(parameter.shape, ", "));
}

void check_data(const std::string& model, const Device& device, const potluck_array& array,
                const ModelParameter& parameter) {
  const bool on_cpu = device.kind == Device::Kind::kCpu;
  if (array.device != (on_cpu ? POTLUCK_CPU : POTLUCK_CUDA))
    refuse(model, "its parameter '{}' must be on the model's device, {}, got device {}", parameter.name,
           on_cpu ? "POTLUCK_CPU" : "POTLUCK_CUDA", array.device);
  if (array.data == nullptr)
    refuse(model, "its parameter '{}' must have its numbers, got a null pointer", parameter.name);
  if (reinterpret_cast<uintptr_t>(array.data) % bytes_of_type(array.type) != 0)
    refuse(model, "the numbers of its parameter '{}' must be aligned to {} bytes, got an address that is not",
           parameter.name, bytes_of_type(array.type));
}

ModelParameter read_parameter(const std::string& model, const Device& device, int64_t at, const potluck_array* array) {
  if (array == nullptr) refuse(model, "its parameter {} must be a potluck_array, got a null pointer", at);
  constexpr size_t kMostBytes = 65536;  // more than any struct of the door will have
  if (array->size > kMostBytes)
    refuse(model, "its parameter {} must have a size of at most {} bytes, got {}. Set it to sizeof(potluck_array)", at,
           kMostBytes, array->size);
  if (array->size < kArrayBytes)
    refuse(model, "its parameter {} must have the {} bytes of potluck_array, got {}", at, kArrayBytes, array->size);
  ModelParameter parameter;
  parameter.name = read_name(model, at, array->name);
  parameter.type = array->type;
  parameter.trainable = array->trainable != 0;
  parameter.data = array->data;
  check_type(model, parameter);
  read_shape(model, device, *array, parameter);
  check_data(model, device, *array, parameter);
  return parameter;
}

/// Two that share names or memory would be saved and moved twice.
void check_apart(const std::string& model, std::vector<ModelParameter> all) {
  std::sort(all.begin(), all.end(),
            [](const ModelParameter& a, const ModelParameter& b) { return std::less<>()(a.data, b.data); });
  for (size_t i = 1; i < all.size(); ++i) {
    const char* end = static_cast<const char*>(all[i - 1].data) + all[i - 1].bytes();
    if (std::less<>()(static_cast<const char*>(all[i].data), end))
      refuse(model, "its parameters '{}' and '{}' must have memory of their own, got some that both have",
             all[i - 1].name, all[i].name);
  }
  std::sort(all.begin(), all.end(), [](const ModelParameter& a, const ModelParameter& b) { return a.name < b.name; });
  for (size_t i = 1; i < all.size(); ++i)
    if (all[i].name == all[i - 1].name)
      refuse(model, "the names of its parameters must be unique, got '{}' twice", all[i].name);
}

}  // namespace

int64_t ModelParameter::size() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

size_t ModelParameter::bytes() const { return static_cast<size_t>(size()) * bytes_of_type(type); }

std::vector<ModelParameter> read_parameters(const std::string& model, const Device& device, int64_t count,
                                            potluck_array* const* arrays) {
  if (count < 0) refuse(model, "the number of its parameters must be >= 0, got {}", count);
  if (count > 0 && arrays == nullptr)
    refuse(model, "parameters must leave the arrays of its {} parameters, got a null pointer", count);
  std::vector<ModelParameter> all;
  for (int64_t at = 0; at < count; ++at) all.push_back(read_parameter(model, device, at, arrays[at]));
  check_apart(model, all);
  return all;
}

}  // namespace potluck
