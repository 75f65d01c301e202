// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "plugins/model.h"
#include "plugins/note.h"
#include "plugins/verdict.h"

namespace potluck {

/// The models of an opened plugin, in the order of its table.
using LoadedModels = std::vector<std::unique_ptr<const ModelKind>>;

/// Opens a plugin whose note is fit: the first sight of a file is in a child process, then here, all or nothing.
/// A file is opened once in a process, whoever asks; what is returned lives as long as the process.
/// @param file  the whole path
/// @param trust_verdicts  false: judged in a child process whatever was kept, unless this process has it open
/// @throws PluginError with the reason, without the file's name.
const LoadedModels& load_plugin(const std::filesystem::path& file, const PluginNote& note, const Verdicts& verdicts,
                                bool trust_verdicts);

}  // namespace potluck
