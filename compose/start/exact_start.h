// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "compose/known/known_composition.h"
#include "compose/start/strata.h"
#include "compose/tree/tree.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// Exact draws of the finished composite where it has them, else null: a leaf that draws; a hierarchy from the top
/// when nothing below the top is given; a quadratic composite, given or not, at any temperature; a normalised mixture
/// of those with nothing given. Where a support is bounded the draws are folded in and are no longer exact.
/// @param strata  the chains of a run: each is a draw of the composite all the same, but as many of them are of each
///   branch of a mixture as its weight says, so that they are not independent. Starts that are drawn anew choose their
///   branch anew. None: all are independent
/// @param known  of this composition, where its models are created on the CPU; else they are created here
std::unique_ptr<Start> exact_start(const Composition& composition, const std::optional<Strata>& strata = {},
                                   const std::shared_ptr<const KnownComposition>& known = {});

/// The same, and where log Z of a branch that can be drawn is a number of the file's or an estimate, or where draws of
/// it were kept from its estimate: draws of the branches in proportion to their weights, which are not exact.
std::unique_ptr<Start> branch_start(const Composition& composition, const std::optional<Strata>& strata = {},
                                    const std::shared_ptr<const KnownComposition>& known = {});

}  // namespace potluck
