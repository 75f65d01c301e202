// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace potluck {

// Where the rules of a verdict draw their lines (docs/verdict.md).

inline constexpr double kManyFrozen = 0.05;       // share of the chains
inline constexpr double kManyNanProposals = 0.1;  // share of the proposals
inline constexpr double kFarRhat = 1.05;          // beyond it estimates differ visibly from chain to chain
inline constexpr double kFewDraws = 50;           // effective ones: a standard error of .14 standard deviations
inline constexpr double kLeastAcceptance = 0.05;  // chains stand still
inline constexpr double kIdleAcceptance = 0.95;   // steps much smaller than need be
inline constexpr double kAcceptanceMissed = 0.2;  // from what was wanted
inline constexpr double kVeryLowEbfmi = 0.1;      // momenta reach a tenth of the levels of energy in a step
inline constexpr double kRareDivergences = 1e-5;  // share of the steps: one in a hundred thousand is no finding
inline constexpr double kManyDivergences = 0.01;  // share of the steps: the size is wrong, not a place
inline constexpr double kStandingRhat = 10;       // chains move a tenth of what they are apart
inline constexpr double kMostRhatTold = 1000;     // beyond it the number says nothing more
// Spacing of float32 in standard deviations: draws are off by up to half of it, which adds a twelfth of its square to
// their variance, and steps are rounded as much.
inline constexpr double kCoarse = 0.03;
inline constexpr double kTooCoarse = 0.2;
inline constexpr double kHottestRhat = 1.2;  // of energies of the hottest replicas, which need not agree closely

}  // namespace potluck
