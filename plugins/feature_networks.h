// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/comparison/feature_network.h"

namespace potluck {

/// Opens the library that hosts networks of features, for good, with the LibTorch that plugins share.
/// @throws PluginError where it, or LibTorch, cannot be opened
OpenFeatureNetwork* open_feature_networks(const std::filesystem::path& library);

}  // namespace potluck
