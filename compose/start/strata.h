// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace potluck {

/// How the starts of a run are spread over the branches of a mixture: by systematic sampling over the chains, so that
/// as many begin in each branch as its weight says, up to less than one chain.
struct Strata {
  int64_t chains = 1;
  int64_t replicas = 1;    ///< of a chain: the ids of starts count them
  int64_t superchain = 1;  ///< neighbouring chains that begin at one point, the first one's
};

/// The uniform by which start `id` chooses a branch. For one seed, those of all superchains are n equally spaced
/// numbers with one random offset: in an interval of length w lie n w of them, rounded up or down; each of them alone
/// is uniform in (0, 1). Superchains that follow each other lie far apart, so that every part of a run is spread as
/// well as a few chains can be. The same for any threads and ranks. Every replica of a ladder has an offset of its own.
///
/// Systematic sampling: Madow & Madow 1944, On the theory of systematic sampling. Superchain c has place g c mod n; g
/// is next to n divided by the golden ratio for the first choice, random for others, so that choices are not aligned.
/// @param choice  0, 1, ...: which of several mixtures that a start chooses branches of
double stratified_uniform(uint32_t seed, size_t choice, int64_t id, const Strata& strata);

}  // namespace potluck
