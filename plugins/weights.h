// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/files/formats/array.h"
#include "plugins/model.h"

namespace potluck {

/// An array of a file as the door carries it: float32, float64 and int64 as they are, other integers and booleans
/// widened to int64.
Weight weight_of(const std::string& name, const Array& array);

/// Everything in a safetensors file, in the order of the names. @throws FileError
std::vector<Weight> read_weights(const std::filesystem::path& file);

}  // namespace potluck
