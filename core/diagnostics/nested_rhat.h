// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/diagnostics/convergence.h"

namespace potluck {

// Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari & Gelman 2024, "Nested R-hat: assessing the convergence of Markov
// chain Monte Carlo when running many short chains". Chains that began at one point are a superchain. Of K superchains
// of M chains of N draws,
//
//   nested R-hat = sqrt(1 + B / W),
//   B = variance of the K superchain means,
//   W = mean over superchains of (variance of the M chain means) + (mean variance of the N draws within a chain);
//
// a variance of one number counts as 0, so N = 1 or M = 1 will do, but not both. Neither split nor rank-normalised.

/// @param superchain  [chains]: which superchain a chain belongs to, any numbers; empty: every chain is its own.
///   Superchains may differ in size, as where a frozen chain is left out: squared deviations of chain means are pooled.
/// @return NaN where a value is not finite, nothing varies, or there are fewer than two superchains.
double nested_rhat(const ChainValues& draws, std::span<const int64_t> superchain = {});

/// What nested R-hat must fall below for a chain to have `effective_draws` and superchains to have forgotten their
/// starts but for a share `remembered` of the variance.
///
/// At stationarity a chain mean has variance W / e, e effective draws a chain, and a superchain mean W / (M e); what is
/// left of the starts adds `remembered` W between superchains. Hence B = W (1/(M e) + remembered) and
///
///   threshold = sqrt(1 + 1 / (M e) + remembered).
///
/// The paper's choice for many short chains is e = 1, where M chains make up for what a chain lacks. With M = 1 and
/// e = 100 it is R-hat's familiar 1.01, for remembered = 0.01. B is an estimate from K means, off by a share
/// sqrt(2 / (K - 1)): of M = 1 or few superchains no smaller share can be seen.
double nested_rhat_threshold(int64_t chains_a_superchain, double effective_draws = 1, double remembered = 0.01);

/// Superchains of `size` neighbouring chains: chain c is in superchain c / size.
std::vector<int64_t> neighbouring_superchains(int64_t chains, int64_t size);

}  // namespace potluck
