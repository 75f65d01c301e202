// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/learning/optimiser.h"

namespace potluck {

/// Opens the library of LibTorch's optimisers, for good, with the LibTorch that plugins share.
/// @throws PluginError where it, or LibTorch, cannot be opened
MakeOptimiser* open_optimisers(const std::filesystem::path& library);
/// The same library's L-BFGS.
MakeMinimiser* open_minimiser(const std::filesystem::path& library);

}  // namespace potluck
