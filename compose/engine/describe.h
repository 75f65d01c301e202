// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/methods/method_choice.h"
#include "core/settings.h"
#include "plugins/model.h"
#include "plugins/note.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// What the inside knows, as the face tells it.
std::vector<Setting> described(const std::vector<SettingDescription>& settings);
Method described(const MethodDescription& method);
Model described(const ModelKind& kind);
Plugin described(const PluginNote& note);

}  // namespace potluck::engine
