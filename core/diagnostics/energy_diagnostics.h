// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/diagnostics/convergence.h"

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

/// How far divergent draws of one scalar lie from all draws.
struct DivergenceShift {
  int64_t scalar = 0;
  double shift = 0;  ///< (mean of the divergent - mean of all) / standard deviation of all
};

/// Are the draws where integration diverged concentrated in space? Independent divergent draws anywhere shift by about
/// 1 / sqrt(their number); several times that is a place, where curvature is too strong for the step (Betancourt 2017,
/// "A conceptual introduction to Hamiltonian Monte Carlo", section 6.2).
/// @param values     [scalars, draws], draws of all chains in any order
/// @param divergent  [draws] 1: the energy error of the step that left or reached the draw was beyond the bound
/// @return the scalars that vary, the largest |shift| first; empty where no draw or every draw is divergent.
///   @throws SettingError where sizes do not fit.
std::vector<DivergenceShift> divergence_shifts(std::span<const double> values, int64_t scalars,
                                               std::span<const uint8_t> divergent);

}  // namespace potluck
