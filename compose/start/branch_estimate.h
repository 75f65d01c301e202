// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/plan/plan.h"
#include "compose/tree/tree.h"
#include "core/sampling/annealing/evidence.h"

namespace potluck {

/// A mixture's branch whose log Z has to be estimated: its file asks for it, and nothing that is known says it.
struct BranchToEstimate {
  const Mixture::Branch* branch = nullptr;  ///< of the composition's tree
  std::string mixture;                      ///< name of the mixture
};

/// All of them below the target, those within a branch before it.
/// @throws CompositionError with what the models refuse
std::vector<BranchToEstimate> branches_to_estimate(const Composition& composition, const PlanOptions& options);

/// Refuses what cannot be estimated, without annealing.
/// @throws CompositionError at the branch's `log_z`, where its density is not known to be integrable
void check_estimate(const Composition& composition, const BranchToEstimate& branch, const PlanOptions& options);

/// Anneals particles to the branch's density, at T = 1 with nothing given (core/sampling/annealing/evidence.h). The
/// same bits for any number of threads. It belongs into `composition.estimates` at content_key_of_branch() before the
/// next is made. It brings draws of the branch, from which chains can begin.
/// @param options   device and precision; most_rows and workers are chosen here
/// @param observer  sees how far it is; or null
/// @throws CompositionError at the branch's `log_z`, also where annealing does not get to the end
LogZEstimate estimate_log_z(const Composition& composition, const BranchToEstimate& branch, const PlanOptions& options,
                            int threads, EvidenceObserver* observer = nullptr);

/// A warning for each mixture where standard errors of log Z move a weight by more than .01: that of branch j by
/// a_j sqrt((1 - a_j)^2 s_j^2 + sum_{i != j} a_i^2 s_i^2), a the weights, s the standard errors.
std::vector<std::string> weights_in_doubt(const Composition& composition);

}  // namespace potluck
