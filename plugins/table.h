// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
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

/// Our models are bare (gaussian); everyone else's carry the plugin's id (acme.smoothness), so that no two authors can
/// collide. What is wrong with a name; empty where nothing is.
std::string complaint_about_model_name(const std::string& name, const std::string& id);

}  // namespace potluck
