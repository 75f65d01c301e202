// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/plan/plan.h"
#include "compose/tree/tree.h"
#include "core/learning/batch_energy.h"
#include "core/learning/likelihood_fit.h"
#include "core/learning/maximum_likelihood.h"

namespace potluck {

// Maximum likelihood of a composite. Everything that is given outlives what is returned.

/// log Z of the target. Its gradient is known where the target is quadratic in what it draws, or is a product of leaves
/// that draw different variables, and the models of those that are learned say it.
/// @throws CompositionError where it is not known, depends on what the target is conditional on, or has no such
/// gradient
std::unique_ptr<LogPartition> composed_log_partition(const Composition& composition, const LearnPhase& asked,
                                                     Plan& plan, BatchEnergy& energy);

/// The rounds of the models, where the target is a product of leaves that draw different variables, each at weight 1:
/// the likelihood is then a sum of theirs, and every leaf that is learned has statistics. Null where it is not so, or
/// where the plan is not on the CPU.
std::unique_ptr<LikelihoodRounds> composed_rounds(Plan& plan, BatchEnergy& energy);

}  // namespace potluck
