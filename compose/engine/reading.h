// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/engine/state.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// What the outside asks for, as a session takes it: without a file. @throws SettingError
SessionOptions session_options(const Overrides& overrides, const Machine& machine);

/// Reads the file or text of `options`. @throws Error
std::shared_ptr<const Composition::State> read(SessionOptions options, Plugins& plugins);

}  // namespace potluck::engine
