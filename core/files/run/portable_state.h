// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace potluck {

/// Writes the positions of a run's last draw as `<run folder>/state.safetensors`, which another run may start from:
/// for each recorded variable an array of its name, [chains, shape]. Chains that are frozen are left out. Writes
/// nothing where there are no draws, or all chains are frozen.
/// @throws FileError
void write_portable_state(const std::filesystem::path& run_folder);

}  // namespace potluck
