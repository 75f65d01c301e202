// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/experts/experts.h"
#include "compose/known/normaliser.h"
#include "compose/tree/coordinates.h"
#include "compose/tree/tree.h"

namespace potluck {

/// A composition whose models are created, and what is known of it through them. Made once, for its plan and its start.
/// One thread at a time may use it: the normaliser keeps what it has found.
struct KnownComposition {
  /// @throws CompositionError with everything that the models refuse
  KnownComposition(const Composition& read, const PlanOptions& made_for)
      : composition(read),
        options(made_for),
        coordinates(composition),
        experts(composition, options),
        normaliser(coordinates, experts) {}
  KnownComposition(const KnownComposition&) = delete;
  KnownComposition& operator=(const KnownComposition&) = delete;

  const Composition composition;
  const PlanOptions options;
  const Coordinates coordinates;
  Experts experts;
  const Normaliser normaliser;
};

}  // namespace potluck
