// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace potluck {

/// Draws of one number: `values` is [chains, draws].
struct ChainValues {
  std::span<const double> values;
  int64_t chains = 0;
  int64_t draws = 0;
};

// Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, "Rank-normalization, folding, and localization: an improved R-hat
// for assessing convergence of MCMC". Chains are split in half; the middle draw of an odd number is left out. The
// numbers are those of ArviZ with four exceptions: draws that are all equal have an effective sample size of 0, a
// single chain has an R-hat (of its halves), small numbers are not taken for equal ones, and effective sample sizes,
// with the standard errors that follow from them, need kLeastDrawsForEss draws a chain. NaN where a value is not finite
// or there are fewer than 4 draws a chain.

/// Of halves of fewer than 4 draws there are no more than two autocorrelations, whatever the chains do: tau would be 3
/// at most even of chains that stand still.
inline constexpr int64_t kLeastDrawsForEss = 8;

/// Rank-normalised split R-hat: the larger of bulk and folded.
double rhat(const ChainValues& draws);
/// Effective sample size of the mean of the rank-normalised draws.
double ess_bulk(const ChainValues& draws);
/// The smaller of the effective sample sizes of the indicators of the 5 % and the 95 % quantile.
double ess_tail(const ChainValues& draws);
/// Effective sample size of the mean, without rank normalisation.
double ess_mean(const ChainValues& draws);
/// Effective draws of one chain, chains taken each about its own mean: how well a chain explores what it reaches. Where
/// R-hat is high, many say that chains reach different things, few that they are slow. Without halves.
double ess_within_chain(const ChainValues& draws);
/// Monte Carlo standard error of the mean: sd / sqrt(ess_mean).
double mcse_mean(const ChainValues& draws);
/// Monte Carlo standard error of the standard deviation.
double mcse_sd(const ChainValues& draws);

/// All at once, in less time than one by one.
struct Convergence {
  double mean = 0;
  double sd = 0;
  double mcse_mean = 0;
  double mcse_sd = 0;
  double ess_bulk = 0;
  double ess_tail = 0;
  double rhat = 0;
};
Convergence diagnose(const ChainValues& draws);

/// Which chains have a value that is not finite, in order.
std::vector<int64_t> chains_not_finite(const ChainValues& draws);

}  // namespace potluck
