// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/diagnostics/virial.h"

namespace potluck {

/// A figure, and the number, variable or chain that it was found at.
struct FigureAt {
  double value = 0;
  std::string where;  ///< "image[3, 14]"; empty: not said
};

/// What is known of a run when it ends. What is not known stays empty, and no rule looks at it.
struct RunFigures {
  std::string method;
  std::optional<bool> exact_method;  ///< leaves the target invariant whatever its step size
  std::optional<bool> exact_start;   ///< starts were independent draws of the target
  int64_t chains = 0;
  int64_t draws = 0;   ///< a chain
  int64_t steps = 0;   ///< after the warm-up
  double seconds = 0;  ///< of those steps; 0: unknown
  std::optional<double> step_size;
  std::optional<double> acceptance;         ///< of a method that proposes
  std::optional<double> wanted_acceptance;  ///< that warm-up tuned towards

  int64_t frozen = 0;        ///< chains left out of all that follows
  std::string first_frozen;  ///< "chain 17 at step 1734, critic = inf"
  std::optional<double> nan_proposal_share;
  std::optional<int64_t> divergences;       ///< steps whose energy error was beyond the bound
  std::optional<FigureAt> divergent_shift;  ///< the largest DivergenceShift
  std::string lost;                         ///< draws that could not be read

  std::optional<FigureAt> rhat;  ///< the worst; NaN where it has no value
  /// Effective draws of a chain about its own mean, where R-hat is worst: many of them beside a high R-hat are chains
  /// that explore well what they reach, and do not reach the same.
  std::optional<double> ess_within_chain;
  std::optional<FigureAt> nested_rhat;  ///< the worst, of superchains of several chains
  double most_nested_rhat = 0;          ///< nested_rhat_threshold()
  std::optional<FigureAt> ess;          ///< the least of bulk and tail
  std::optional<FigureAt> unmoved;      ///< how many numbers are the same in all draws, and the first
  std::optional<FigureAt> ebfmi;        ///< of the total energy; of methods with fresh momenta only
  std::optional<int64_t> momenta;       ///< coordinates of a method whose trajectories begin with fresh momenta
  std::optional<VirialEstimate> virial;
  std::string virial_of;              ///< the variable
  double temperature = 1;             ///< that the run was to have
  std::vector<double> expert_shares;  ///< [experts] of EnergyShares over steps; empty: not counted

  // Vehtari et al. 2021: R-hat below 1.01, and 100 effective draws for each of four chains.
  double most_rhat = 1.01;
  double wanted_ess = 400;
};

/// Share of the chains that froze.
double frozen_share(const RunFigures& figures);
bool all_frozen(const RunFigures& figures);
/// There are draws of chains that did not freeze.
bool drew(const RunFigures& figures);

/// Every draw has the target's law, however slowly chains move: exact starts, moved by an exact method.
bool exact_throughout(const RunFigures& figures);

/// The least effective sample size; exact draws of independent chains count each, whatever the estimate says.
std::optional<FigureAt> effective_draws(const RunFigures& figures);

/// Chains explore well what they reach, and do not reach the same: more steps would not help. Of stationary halves of
/// chains R-hat^2 - 1 is about 2 / e, e the effective draws of a chain; five times that, where e is 10 at least and
/// R-hat above 1.1, is not chance.
bool separate_modes(const RunFigures& figures);

/// Steps after the warm-up that R-hat and effective sample size are estimated to need, rounded up to two digits; none
/// where they are fine or unknown. The effective sample size grows with the steps; R-hat^2 - 1 falls with them.
std::optional<double> steps_needed(const RunFigures& figures);

}  // namespace potluck
