// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/known/normaliser.h"

namespace potluck {

/// A warning for each conditional expert of a product whose log Z depends on parents that are drawn too: a product
/// leaves it out, a hierarchy adds it.
std::vector<std::string> dropped_normalisers(const Composition& composition, const Coordinates& coordinates,
                                             const Normaliser& normaliser);

}  // namespace potluck
