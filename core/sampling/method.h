// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backend/group.h"
#include "core/backend/kernels.h"
#include "core/sampling/run.h"

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
};

/// One way to move chains. A method is stateless but for what warm-up tunes, and moves groups of any size through the
/// kernels of the device; it allocates nothing and looks at no single chain.
class Method {
 public:
  virtual ~Method() = default;

  virtual const MethodDescription& description() const = 0;
  virtual Coupling coupling() const { return Coupling::kNone; }
  virtual bool proposes() const { return false; }  ///< needs a second set of positions, gradients and energies

  /// @throws SettingError where the method cannot sample such a target: an unadjusted one meets hard walls.
  virtual void check(const Energy& energy, double temperature) const;

  /// Moves every row of the group. Positions, energies and gradients belong together on entry and on return.
  virtual void advance(Group& group, const Kernels& kernels, StepRange steps) const = 0;

  /// Mean acceptance probability that warm-up aims at with step_size; none: nothing is tuned.
  virtual std::optional<double> wanted_acceptance() const { return std::nullopt; }
  virtual double step_size() const = 0;
  virtual void set_step_size(double) {}

  /// What a user must know of this run: effective temperature, bias.
  virtual std::vector<std::string> notes(const MethodCounts&) const { return {}; }
};

/// Creates the method that the user named. `values` as in RunOptions.
/// @throws SettingError for an unknown name or values that do not fit together.
std::unique_ptr<Method> make_method(const std::string& name, const std::vector<SettingValue>& values);

}  // namespace potluck
