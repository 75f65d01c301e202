// SPDX-License-Identifier: Apache-2.0
#include "plugins/weights.h"

#include "core/files/formats/safetensors.h"

namespace potluck {

Weight weight_of(const std::string& name, const Array& array) {
  Weight weight;
  weight.name = name;
  weight.shape = array.shape;
  if (array.type == NumberType::kFloat32 || array.type == NumberType::kFloat64 || array.type == NumberType::kInt64) {
    weight.type = array.type == NumberType::kFloat32   ? POTLUCK_FLOAT32
                  : array.type == NumberType::kFloat64 ? POTLUCK_FLOAT64
                                                       : POTLUCK_INT64;
    weight.bytes = array.bytes;
    return weight;
  }
  std::vector<int64_t> values(static_cast<size_t>(array.count()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(array.at(static_cast<int64_t>(i)));
  weight.type = POTLUCK_INT64;
  weight.bytes = Array::of(array.shape, values).bytes;
  return weight;
}

std::vector<Weight> read_weights(const std::filesystem::path& file) {
  std::vector<Weight> weights;
  for (const auto& [name, array] : read_safetensors(file).arrays) weights.push_back(weight_of(name, array));
  return weights;
}

}  // namespace potluck
