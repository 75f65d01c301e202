// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>

#include "plugins/note.h"
#include "plugins/verdict.h"

namespace potluck {

/// Opens a plugin in a child process, asks for its table and checks it there. A static initialiser that throws,
/// crashes, ends the process or never returns takes the child with it, not the host.
///
/// Call it before worker threads are started: the child is a fork (docs/decisions/0003-first-sight.md).
/// @throws PluginError where no child can be started.
Verdict first_sight(const std::filesystem::path& file, const PluginNote& note,
                    std::chrono::milliseconds patience = std::chrono::seconds(120));

}  // namespace potluck
