// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "plugins/model.h"
#include "plugins/note.h"

namespace potluck {

/// Checks the whole of a plugin's table and describes its models. Every pointer in it is followed, so that what
/// survives a child process will survive here. `plugin_file` and `plugin_sha256` are left empty.
/// @throws PluginError with the reason, such as "model 'acme.smoothness': evaluate must be given".
std::vector<ModelKind> read_table(const potluck_plugin* table);

/// @throws PluginError where the table of the opened library is not what its note promised.
void compare_with_note(const potluck_plugin& table, const PluginNote& note);

}  // namespace potluck
