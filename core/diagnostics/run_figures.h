// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/diagnostics/responsibilities.h"
#include "core/diagnostics/until.h"
#include "core/diagnostics/virial.h"

namespace potluck {

/// A figure, and the number, variable or chain that it was found at.
struct FigureAt {
  double value = 0;
  std::string where;  ///< "image[3, 14]"; empty: not said
};

/// A number that still moved in all chains together when recording began.
struct DriftFigure {
  std::string where;          ///< "energy", "image[3, 14]"
  double first = 0;           ///< mean of the first tenth of the draws
  double last = 0;            ///< of the last half
  double standard_error = 0;  ///< of their difference
  double score = 0;           ///< joint_score() of all numbers that were looked at
  int tenths = 0;             ///< Drift::tenths
};

/// A number of float32 whose draws lie few of its representable values apart.
struct SpacingFigure {
  std::string where;
  double size = 0;     ///< of the draws: |mean|
  double spacing = 0;  ///< of float32 there
  double sd = 0;       ///< of the draws
};

/// What a run of tempered chains says of its ladders.
struct LadderFigures {
  int64_t replicas = 0;
  double hottest = 0;                  ///< temperature
  std::optional<double> hottest_rhat;  ///< of the energies of the hottest replicas, ladder by ladder
  double least_swap_rate = 1;
};

/// What is known of a run when it ends, or of its draws where it was cut short. What is not known stays empty, and no
/// rule looks at it.
struct RunFigures {
  std::string method;
  std::optional<bool> exact_method;  ///< leaves the target invariant whatever its step size
  std::optional<bool> exact_start;   ///< every start was a draw of the target
  bool ended = true;                 ///< else it was cut short or goes on, and what only an end tells is not known
  int64_t chains = 0;
  int64_t draws = 0;                ///< a chain
  int64_t steps = 0;                ///< after the warm-up
  int64_t warmup = 0;               ///< steps
  int64_t steps_asked = 0;          ///< a rule may have ended the run before
  std::optional<Until> stopped_by;  ///< the rule that did

  std::string step_option = "step_size";  ///< the option of the method that sets it; empty: there is none
  bool step_tunable = true;               ///< it may be `auto`
  std::optional<double> step_size;
  std::optional<double> acceptance;         ///< of a method that proposes
  std::optional<double> wanted_acceptance;  ///< that warm-up tuned towards
  bool blocks = false;                      ///< moved one after the other: acceptance is a mean over them

  int64_t frozen = 0;                        ///< chains left out of all that follows
  std::string first_frozen;                  ///< "chain 17 at step 1734, critic = inf"
  std::optional<double> nan_proposal_share;  ///< of those after the warm-up
  std::optional<int64_t> divergences;        ///< steps after the warm-up whose energy error was beyond the bound
  std::optional<FigureAt> divergent_shift;   ///< the largest DivergenceShift
  std::string lost;                          ///< draws that could not be read

  std::optional<FigureAt> rhat;  ///< the worst; NaN where it has no value
  /// Effective draws of a chain about its own mean, where R-hat is worst: many of them beside a high R-hat are chains
  /// that explore well what they reach, and do not reach the same.
  std::optional<double> ess_within_chain;
  std::optional<FigureAt> nested_rhat;  ///< the worst, of superchains of several chains
  double most_nested_rhat = 0;          ///< nested_rhat_threshold()
  std::optional<FigureAt> ess;          ///< the least of bulk and tail
  std::optional<FigureAt> unmoved;      ///< how many numbers are the same in all draws, and the first
  /// A label that an element had in all draws of all chains, "label = 3", and the number of labels that it could have;
  /// where there are several, the one of the most.
  std::optional<FigureAt> lone_label;
  /// At how many labels of an element chains were held in the warm-up while numbers moved, if it has that many; none:
  /// labels do not move, or nothing else does, and they are independent draws.
  std::optional<int64_t> labels_begun;
  std::optional<FigureAt> ebfmi;   ///< of the total energy; of methods with fresh momenta only
  std::optional<int64_t> momenta;  ///< coordinates of a method whose trajectories begin with fresh momenta
  std::optional<VirialEstimate> virial;
  std::string virial_of;                         ///< the variable
  double temperature = 1;                        ///< that the run was to have
  std::vector<double> expert_shares;             ///< [experts] of EnergyShares over steps; empty: not counted
  Mixtures mixtures;                             ///< of the composite, for what the draws say of their branches
  std::vector<BranchShare> branches;             ///< of all of them
  std::optional<DriftFigure> drift;              ///< the worst
  std::optional<SpacingFigure> spacing;          ///< where float32 is coarsest for the spread; none: float64
  std::optional<SpacingFigure> unmoved_spacing;  ///< of the numbers that never moved where it is coarsest
  std::optional<LadderFigures> ladder;           ///< none: chains are not tempered
  std::optional<double> start_energy;            ///< median over chains where they began, in units of T
  std::optional<FigureAt> energy;                ///< median over draws and chains, in units of T
  bool annealed = false;                         ///< the run has an `anneal`
  bool hard_walls = false;                       ///< an expert may say +infinity inside the support

  // Vehtari et al. 2021: R-hat below 1.01, and 100 effective draws for each of four chains.
  double most_rhat = 1.01;
  double wanted_ess = 400;
};

/// Share of the chains that froze.
double frozen_share(const RunFigures& figures);
bool all_frozen(const RunFigures& figures);
/// There are draws of chains that did not freeze.
bool drew(const RunFigures& figures);

/// Every chain has the target's law at every step, however slowly it moves: exact starts, moved by an exact method.
bool exact_throughout(const RunFigures& figures);

/// The least effective sample size; of exact draws every chain counts as one, whatever the estimate says. More than
/// that only as many as both the estimate and R-hat tell of: chains of few draws that stand still have autocorrelations
/// that end before they fall, and the estimate is then a multiple of the chains. Starts that are spread over the
/// branches of a mixture by their weights are not independent, but a mean over them is known as well as over
/// independent ones where chains are more than branches.
std::optional<FigureAt> effective_draws(const RunFigures& figures);

/// Chains explore well what they reach, and do not reach the same: more steps would not help. Of stationary halves of
/// chains R-hat^2 - 1 is about 2 / e, e the effective draws of a chain; five times that, where e is 10 at least and
/// R-hat above 1.1, is not chance.
bool separate_modes(const RunFigures& figures);

/// A branch of those that are judged, and its score as one of them all (joint_score()).
struct JudgedBranch {
  const BranchShare* branch = nullptr;
  double score = 0;
};
/// The branch whose responsibility is furthest from its weight; none where no branch is judged.
std::optional<JudgedBranch> worst_branch(const RunFigures& figures);
/// The branch that the draws have less than half of what its weight promises of, beyond chance.
std::optional<JudgedBranch> missing_branch(const RunFigures& figures);

/// An element had one label in all draws, and chains were not held at all of its labels: what they would have found
/// there nobody knows.
bool missing_labels(const RunFigures& figures);

/// Chains began where the energy is so high that moves which fit the target take for ever to leave there.
bool began_far_out(const RunFigures& figures);

/// A number for which float32 is too coarse: the spacing of float32 where its draws are is not far below their spread,
/// or it never moved, though steps were taken: they are below the spacing, or were accepted and rounded away.
struct Coarseness {
  const SpacingFigure* at = nullptr;
  double share = 0;  ///< spacing / sd; infinite where nothing moved
};
std::optional<Coarseness> coarseness(const RunFigures& figures);

/// Almost every proposal is rejected.
bool rejecting(const RunFigures& figures);
double divergent_share(const RunFigures& figures);
/// Steps diverge everywhere: not only one here and there.
bool diverging(const RunFigures& figures);
/// Steps diverge in one place. Where density ends at a wall, trajectories that meet it are rejected as they should be.
bool concentrated_divergences(const RunFigures& figures);
/// What a chain moves is a tenth at most of what chains are apart.
bool hardly_moving(const RunFigures& figures);
/// Chains hardly move, though steps of the size that was given are accepted.
bool step_far_too_small(const RunFigures& figures);

/// Steps after the warm-up that R-hat and effective sample size are estimated to need, rounded up to two digits; none
/// where they are fine or unknown, and where R-hat is above kMostForecastRhat: chains that are so far apart have not
/// yet shown how fast they come together. The effective sample size grows with the steps; R-hat^2 - 1 falls with them.
inline constexpr double kMostForecastRhat = 1.2;
std::optional<double> steps_needed(const RunFigures& figures);

}  // namespace potluck
