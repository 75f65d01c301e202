// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/portable_state.h"

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <utility>

#include "core/files/formats/safetensors.h"

namespace potluck {

namespace {

NumberType type_of(const RecordedVariable& variable, Precision precision) {
  if (variable.categories > 0) return NumberType::kInt64;
  return precision == Precision::kFloat32 ? NumberType::kFloat32 : NumberType::kFloat64;
}

Safetensors state_of(const Draw& draw, const DrawsSchema& schema) {
  Safetensors state;
  state.metadata = {{"potluck", "portable state"}, {"step", fmt::format("{}", draw.step)}};
  for (size_t v = 0; v < schema.variables.size(); ++v) {
    const RecordedVariable& variable = schema.variables[v];
    Array array;
    array.type = type_of(variable, schema.precision);
    const size_t row = static_cast<size_t>(variable.size()) * bytes_of(array.type);
    int64_t moving = 0;
    for (int64_t chain = 0; chain < draw.chains; ++chain) {
      if (draw.frozen[chain]) continue;
      const auto* from = static_cast<const std::byte*>(draw.position[v]) + static_cast<size_t>(chain) * row;
      array.bytes.insert(array.bytes.end(), from, from + row);
      ++moving;
    }
    array.shape = {moving};
    array.shape.insert(array.shape.end(), variable.shape.begin(), variable.shape.end());
    if (moving > 0) state.arrays[variable.name] = std::move(array);
  }
  return state;
}

class PortableState final : public DrawsConsumer {
 public:
  PortableState(DrawsSchema schema, int64_t draws, std::filesystem::path file)
      : schema_(std::move(schema)), draws_(draws), file_(std::move(file)) {}

  void take(const Draw& draw) override {
    if (++taken_ == draws_) state_ = state_of(draw, schema_);
  }
  void finish() override {
    if (!state_.arrays.empty()) write_safetensors(file_, state_);
  }

 private:
  DrawsSchema schema_;
  int64_t draws_, taken_ = 0;
  std::filesystem::path file_;
  Safetensors state_;
};

}  // namespace

std::unique_ptr<DrawsConsumer> portable_state(const DrawsSchema& schema, const DrawsEnd& end,
                                              const std::filesystem::path& file) {
  return std::make_unique<PortableState>(schema, end.draws, file);
}

}  // namespace potluck
