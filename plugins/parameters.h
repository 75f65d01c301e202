// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/precision.h"
#include "potluck/plugin.h"

namespace potluck {

/// A named array of numbers that a model owns and the host may write between evaluations. The memory is the model's, on
/// its device, and stays where it is for the life of the model.
struct ModelParameter {
  std::string name;  ///< "layers.0.weight"
  int32_t type = POTLUCK_FLOAT32;
  std::vector<int64_t> shape;
  void* data = nullptr;
  bool trainable = true;  ///< false: a buffer, saved but not optimised

  int64_t size() const;  ///< numbers
  size_t bytes() const;
};

/// What a model answered to parameters(), checked. @param model  as texts name it: "model 'acme.net' (acme.net 1.0.0)"
/// @throws ModelFault
std::vector<ModelParameter> read_parameters(const std::string& model, const Device& device, int64_t count,
                                            potluck_array* const* arrays);

}  // namespace potluck
