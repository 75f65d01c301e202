// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/known/known_composition.h"
#include "compose/tree/tree.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// Where chains begin that go down a ladder of noise (Schedule::of_noise): normal with the precision and mean of the
/// composite's Gaussian part at the first level (gaussian_part()), at the temperature there, given what is given. Where
/// that part is not known or confines not every free number: normal with mean 0 and the deviation of the level in
/// numbers that noise blurs, as default_start() elsewhere. Both are folded into the supports.
/// @param known  as of exact_start()
std::unique_ptr<Start> level_start(const Composition& composition,
                                   const std::shared_ptr<const KnownComposition>& known = {});

}  // namespace potluck
