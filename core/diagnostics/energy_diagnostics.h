// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/diagnostics/convergence.h"
#include "core/diagnostics/moments.h"

namespace potluck {

/// Below this the momenta of Hamiltonian methods move the energy too slowly (Stan, ArviZ).
inline constexpr double kLeastEbfmi = 0.3;

/// Energy Bayesian fraction of missing information of each chain (Betancourt 2016, "Diagnosing suboptimal cotangent
/// disintegrations in Hamiltonian Monte Carlo"):
///
///   sum_n (E_n - E_{n-1})^2 / sum_n (E_n - mean)^2,  about 2 (1 - rho_1), rho_1 the lag-1 autocorrelation.
///
/// Of the total energy after a fresh momentum it says whether momenta reach all levels of energy, and should be above
/// kLeastEbfmi. Of the potential energy of methods without momenta it is only that autocorrelation, which a small step
/// makes small without harm: there it is no ground for a verdict.
/// @return [chains]; NaN where a chain has fewer than 2 draws, an energy is not finite, or energies are all equal.
std::vector<double> energy_bfmi(const ChainValues& energies);

/// What energy_bfmi() of the total energy H = U + K tends to, for exact trajectories that each begin with a fresh
/// momentum of d coordinates at temperature T, told by the variance of the potential energy U alone. H changes from one
/// trajectory to the next by fresh kinetic energy in place of that which the last one ended with; these are independent
/// and both have variance d T^2 / 2, as K is T/2 times a chi-square of d:
///
///   E (H_n - H_{n-1})^2 / Var H = 2 (d T^2 / 2) / (Var U + d T^2 / 2);  1 of a Gaussian.
///
/// So no total energy is recorded. Neither units of the variables nor the metric nor thinning change it; heavy tails
/// and funnels, where U varies by more than momenta carry, make it small. Rejected trajectories keep the law.
double total_energy_bfmi(double potential_variance, int64_t momenta, double temperature);

/// How far divergent draws of one scalar lie from all draws.
struct DivergenceShift {
  int64_t scalar = 0;
  double shift = 0;  ///< (mean of the divergent - mean of all) / standard deviation of all
};

/// Are the draws where integration diverged concentrated in space? Such a place is one where curvature is too strong
/// for the step (Betancourt 2017, "A conceptual introduction to Hamiltonian Monte Carlo", section 6.2).
/// @param all        draws of all chains
/// @param divergent  those of them at which a step had diverged since the draw before
/// @return of the scalars that vary the one with the largest |shift|; none where no draw or every draw is divergent.
std::optional<DivergenceShift> divergence_shift(const Moments& all, const Moments& divergent);

/// The mean over k independent chains that diverge anywhere shifts by about 1 / sqrt(k) standard deviations; more than
/// this many times that, in the worst of many scalars, is a place.
inline constexpr double kSureShift = 6;

/// Of fewer nobody can say where most of them are: 8 that lie on one side of the mean do so by chance in one run of
/// 128, 5 in one of 16.
inline constexpr int64_t kLeastDivergences = 8;

/// @param chains  that diverged: draws of one chain are not independent
/// @param draws   that are divergent
bool is_concentrated(const DivergenceShift& shift, int64_t chains, int64_t draws);

}  // namespace potluck
