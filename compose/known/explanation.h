// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/known/integrability.h"

namespace potluck {

/// What `potluck explain` says of a composition beside its tree and its leaves, a line each: what is normalised and how
/// that is known, from where ceilings count, whether the composite is integrable and why, T.
std::vector<std::string> explain(const Composition& composition, const Coordinates& coordinates, const Experts& experts,
                                 const Normaliser& normaliser, const Integrability& integrability);

}  // namespace potluck
