// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/tree.h"
#include "core/sampling/start.h"

namespace potluck {

/// Exact draws of the finished composite where it has them, else null: a leaf that draws; a hierarchy from the top
/// when nothing below the top is given; a quadratic composite, given or not, at any temperature; a normalised mixture
/// of those with nothing given. Where a support is bounded the draws are folded in and are no longer exact.
std::unique_ptr<Start> exact_start(const Composition& composition);

}  // namespace potluck
