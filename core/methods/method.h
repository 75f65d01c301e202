// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backend/group.h"
#include "core/backend/kernels.h"
#include "core/methods/ladder.h"
#include "core/methods/method_choice.h"
#include "core/methods/swap_summary.h"
#include "core/methods/target.h"

namespace potluck {

/// Steps first, first + 1, ..., first + count - 1 of a run, counted from the start of the warm-up.
struct StepRange {
  uint32_t first = 0;
  int64_t count = 0;
};

/// Which chains a method must see together.
enum class Coupling {
  kNone,       ///< every chain alone: any tiles, threads, blocks and ranks
  kGroup,      ///< neighbouring chains in groups of a fixed size, never split
  kPopulation  ///< all chains at once
};

/// What a run has counted, for a method's closing words.
struct MethodCounts {
  double temperature = 1;
  double acceptance = 1;
  double clipped = 0;  ///< mean share of coordinates whose gradient was clipped
  SwapSummary swaps = {};
  int64_t frozen_replicas = 0;  ///< of all ladders, but for the coldest
};

/// No trajectory has more leapfrogs, whatever its options: so many are a sign of a step size that is far too small.
inline constexpr int64_t kMostLeapfrogs = 1000;

/// What warm-up may tune on the cohort.
struct Tuning {
  std::optional<double> acceptance = std::nullopt;  ///< step size: this mean acceptance probability
  std::optional<double> energy_error =
      std::nullopt;                        ///< step size: this variance of the energy error per coordinate and step
  bool harmonic = false;                   ///< the mean is harmonic over chains: the few that hardly accept count most
  bool metric = false;                     ///< the metric,
  bool dense = false;                      ///< a full matrix (WhitenedRun) in place of a diagonal
  bool trajectory = false;                 ///< the trajectory length, by ChEES,
  int64_t max_leapfrogs = kMostLeapfrogs;  ///< so that none has more, and the mean is at most half of it
  bool ladder = false;                     ///< temperatures of the replicas, to equal swap rates
  int64_t climb_from = 0;                  ///< steps of a warm-up from which on the hottest of them is raised until
                                           ///< replicas cross; 0: it stays
  double step_power = 1;                   ///< the step size is this power of a length: 1 for h, 2 for eps
  bool any() const { return acceptance || energy_error || metric || trajectory || ladder; }
};

class Method;

/// A part of a step that warm-up moves and tunes apart from the others.
struct MethodPart {
  Method* method = nullptr;
  std::vector<int> variables = {};  ///< indices of those that it moves; empty: all
};

/// One way to move chains. A method is stateless but for what warm-up tunes, and moves groups of any size through the
/// kernels of the device; it allocates nothing and looks at no single chain.
class Method {
 public:
  virtual ~Method() = default;

  virtual const MethodDescription& description() const = 0;
  virtual Coupling coupling() const { return Coupling::kNone; }
  virtual Needs needs() const { return {}; }
  bool proposes() const { return needs().proposal; }
  /// Proposals that a chain decides about in a step.
  virtual int decisions() const { return proposes() ? 1 : 0; }
  /// Energy errors that a chain counts in a step: of its proposals, or of a step without any.
  virtual int energy_errors() const { return decisions(); }

  /// @throws SettingError where the method cannot sample such a target: an unadjusted one meets hard walls.
  virtual void check(const Target& target) const;

  /// Settles what depends on the target, such as a length that grows with the number of coordinates.
  virtual void prepare(const Target&) {}

  /// Draws what the method keeps beside positions: velocities.
  virtual void begin(Group&, const Kernels&, uint32_t) const {}

  /// Moves every row of the group. Positions, energies and gradients belong together on entry and on return, but for
  /// a method of labels, behind which the sweep evaluates.
  virtual void advance(Group& group, const Kernels& kernels, StepRange steps) const = 0;

  /// Evaluations of energy and gradient that a chain needs for these steps.
  virtual int64_t evaluations(StepRange steps) const { return steps.count; }
  /// Evaluations are leapfrogs of a trajectory, one each.
  virtual bool makes_trajectories() const { return false; }

  /// True where a block of steps is the same sequence of kernels whatever its first step, so that a captured graph of
  /// it can be launched again.
  virtual bool replayable() const { return true; }

  virtual Tuning tuning() const { return {}; }
  /// In the order in which a step moves them; each has its own tuning.
  virtual std::vector<MethodPart> parts() { return {{this}}; }
  /// The method that warm-up tunes in this one's place: for an unadjusted one its adjusted relative. None: itself.
  virtual std::unique_ptr<Method> tuned_in_place() const { return nullptr; }
  /// Takes over what was tuned in place.
  virtual void take_tuned(const Method&) {}

  /// While it holds them, a method of labels leaves them as they are. Numbers move all the same.
  virtual void hold_labels(bool) {}

  /// Warm-up is over: what was tuned stays, and nothing more is measured for it.
  virtual void freeze() {}

  virtual double step_size() const = 0;  ///< 0 where there is none
  virtual void set_step_size(double) {}
  /// Where step sizes are squares of a length: the one to take at a level of noise, in units of the level's square,
  /// where none is given. 0: they are not, and the method cannot take its step size from a level.
  virtual double level_step_size() const { return 0; }
  /// Takes eta times the square of a level of noise as its step size; eta none: level_step_size().
  virtual void set_level(std::optional<double> eta, double square) {
    set_step_size(eta.value_or(level_step_size()) * square);
  }
  /// Time of a trajectory, in coordinates of the metric; 0 where there is none.
  virtual double trajectory_length() const { return 0; }
  virtual void set_trajectory_length(double) {}

  /// Replicas of a chain, which are neighbouring rows; draws are the first one's. 1 where a chain is a single state.
  virtual int64_t replicas() const { return 1; }
  /// Their temperatures and step sizes, from `prepare` on.
  virtual Ladder ladder() const { return {}; }
  virtual void set_ladder(const Ladder&) {}

  /// What a user must know of this run: effective temperature, bias.
  virtual std::vector<std::string> notes(const MethodCounts&) const { return {}; }
};

/// Creates the method that the user named. `values` as in MethodChoice.
/// @throws SettingError for an unknown name or values that do not fit together.
std::unique_ptr<Method> make_method(const std::string& name, const std::vector<SettingValue>& values);

/// The method of a run: the sweep, where there are blocks.
std::unique_ptr<Method> make_method(const MethodChoice& choice);

}  // namespace potluck
