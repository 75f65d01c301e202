// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/known/known_composition.h"
#include "compose/tree/tree.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// The start that `sample.start` asks for: auto (draws of the composite or of a mixture's branches where it has them,
/// as many of each branch as its weight says, else uniform in bounded supports and normal elsewhere; where a level of
/// noise moves before the warm-up as of level_start()), exact, uniform,
/// normal, or a file of positions. In a file, .npy holds [rows, the variable's shape] of the only variable that is not
/// given, .safetensors one such array for each; chain c takes row c mod rows.
/// @throws SettingError where the composite has no such start, or a file has other shapes or a number where no chain
/// may stand; FileError
/// @param known  as of exact_start()
std::unique_ptr<Start> make_start(const Composition& composition,
                                  const std::shared_ptr<const KnownComposition>& known = {});

}  // namespace potluck
