// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/portable_state.h"

#include <fmt/format.h>

#include <cstring>
#include <string>

#include "core/files/formats/safetensors.h"
#include "core/files/run/draws.h"

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

}  // namespace

void write_portable_state(const std::filesystem::path& run_folder) {
  DrawsReader counting(run_folder);
  int64_t draws = 0;
  while (counting.next() != nullptr) ++draws;
  DrawsReader reader(run_folder);
  for (int64_t draw = 0; draw + 1 < draws; ++draw) reader.next();
  const Draw* last = draws > 0 ? reader.next() : nullptr;
  if (last == nullptr) return;
  const Safetensors state = state_of(*last, reader.schema());
  if (!state.arrays.empty()) write_safetensors(run_folder / "state.safetensors", state);
}

}  // namespace potluck
