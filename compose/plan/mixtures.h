// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/plan/evaluation_order.h"
#include "compose/tree/coordinates.h"
#include "core/diagnostics/responsibilities.h"

namespace potluck {

/// The mixtures of a composite whose responsibilities the energies of its experts tell, and of which of them the
/// expectation of each is the branch's weight.
///
/// It is where the mixture is normalised and a factor of the target whose numbers no other factor reads, or such a
/// factor of such a branch; where no number that it draws is given or has a support that cuts its branches off; and at
/// T = 1. A mixture inside `each`, or one that is made of normalisers which depend on the state, is not told by those
/// energies and is left out. One that stands in several places counts once, by itself.
Mixtures watched_mixtures(const Composition& composition, const Coordinates& coordinates, const EvaluationOrder& order);

}  // namespace potluck
