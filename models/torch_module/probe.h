// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "potluck/torch_model.hpp"

namespace potluck::models {

/// Rows of every input that a composition binds, within the supports: [rows, shape ...], undefined for one that is left
/// out. Rows 0 and 2 are the same point, and row 1 is another.
std::vector<at::Tensor> probing_rows(const plugin::Setup& setup, int64_t rows);

/// What a module does for bound inputs, as "x [2, 28, 28], label [2]".
std::string text_of(const std::vector<at::Tensor>& inputs);

/// "[2, 28, 28]"
std::string text_of(at::IntArrayRef shape);

/// The first line of what LibTorch says, without where in its source code it says so.
std::string first_line(const std::string& text);

/// Looks that energies are numbers of a row each.
/// @param energy_of  evaluates rows of inputs
/// @throws Failure about the setting `module` where they are not [rows] floating-point numbers, or depend on other rows
void probe_energies(const plugin::Setup& setup, int64_t rows,
                    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& energy_of);

}  // namespace potluck::models
