// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace potluck {

// Sums over weighted particles from the logs of their weights, made in the order of the particles. A weight may be 0,
// its log -infinity.

/// log((1/N) sum exp(log_weight)); -infinity where no particle has weight.
double log_mean_exp(const std::vector<double>& log_weight);

/// (sum w)^2 / (N sum w^2), in (0, 1]; 0 where no particle has weight (Kong, Liu & Wong 1994).
double effective_share(const std::vector<double>& log_weight);

/// (sum W v)^2 / sum W v^2 for the increments v = exp(-amount * apart), W the normalised weights: the conditional
/// effective share of Zhou, Johansen & Aston 2016, eq. 11. An infinite `apart` is v = 0, also at amount 0.
double conditional_share(const std::vector<double>& log_weight, const std::vector<double>& apart, double amount);

/// The ancestors of N particles, in ascending order: particle i descends from the first j with w_0 + ... + w_j above
/// (i + uniform)/N of the sum (Kitagawa 1996).
std::vector<int64_t> systematic_ancestors(const std::vector<double>& log_weight, double uniform);

}  // namespace potluck
