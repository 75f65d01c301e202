// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "plugins/note.h"

namespace potluck {

/// Why this Potluck cannot use a plugin that says this of itself, as "built for LibTorch 2.10.0, this Potluck uses
/// 2.11.0. Rebuild it, or ask for one without LibTorch"; empty where it can.
std::string unfit_reason(const PluginNote& note);

/// Why a file is not safe to run: anybody may write to it or to its folder, links followed. Empty where it is.
std::string unsafe_reason(const std::filesystem::path& file);

}  // namespace potluck
