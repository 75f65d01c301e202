// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/known/known_composition.h"
#include "compose/tree/tree.h"
#include "core/sampling/annealing/noise_ladder.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// Where chains begin that go down a ladder of noise (Schedule::of_noise): normal with the precision and mean of the
/// composite's Gaussian part at the first level (gaussian_part()), at the temperature there, given what is given. Where
/// that part is not known or confines not every free number: normal with mean 0 and the deviation of the level in
/// numbers that noise blurs, as default_start() elsewhere. Both are folded into the supports.
/// @param known  as of exact_start()
std::unique_ptr<Start> level_start(const Composition& composition,
                                   const std::shared_ptr<const KnownComposition>& known = {});

/// The same law at the temperature of the run, of all numbers that are free, with its energies: the base from which
/// particles go down the levels. Numbers that the noise does not blur are standard normal where the Gaussian part is
/// not known.
/// @throws SettingError where a number that is free has a support, which no normal law keeps to
std::unique_ptr<WeighedStart> level_base(const Composition& composition,
                                         const std::shared_ptr<const KnownComposition>& known);

}  // namespace potluck
