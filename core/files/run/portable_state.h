// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "core/files/run/draws_pass.h"

namespace potluck {

/// Writes the positions of a run's last draw to `file`, state.safetensors of its folder, which another run may start
/// from: for each recorded variable an array of its name, [chains, shape]. Chains that are frozen are left out. Writes
/// nothing where there are no draws, or all chains are frozen.
std::unique_ptr<DrawsConsumer> portable_state(const DrawsSchema& schema, const DrawsEnd& end,
                                              const std::filesystem::path& file);

}  // namespace potluck
