// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/tree/tree.h"
#include "core/learning/noise_contrastive.h"

namespace potluck {

/// The energy that `learn.noise_law` names as the noise of noise-contrastive estimation: it draws all variables that
/// have data, on the CPU in float64, with the parameters that its weights have now.
/// @param composition  outlives what is returned
/// @throws CompositionError where there is no such energy, its log Z is not known, or it has no exact draws
std::unique_ptr<NoiseDistribution> composed_noise(const Composition& composition, const LearnPhase& asked);

}  // namespace potluck
