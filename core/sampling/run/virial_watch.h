// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/chains/chains.h"
#include "core/diagnostics/virial.h"
#include "core/methods/method.h"
#include "core/state_archive.h"

namespace potluck {

/// Takes the temperature of a run's draws, variable by variable (Virial): where the method has a virial identity, and
/// the variable coordinates that move on the whole real line.
class VirialWatch {
 public:
  /// @param first, count the chains that are this run's own.
  VirialWatch(const Target& target, const MethodDescription& method, int64_t first, int64_t count);

  /// There is something to watch.
  bool any() const { return !watched_.empty(); }
  /// The chains at the end of the warm-up: their means are the centres. @param chains of all in `state`.
  void begin(const ChainsState& state);
  /// A draw, with its gradients.
  void add(const ChainsState& state);
  /// @param step_size of the method.
  std::vector<VariableVirial> estimates(double step_size) const;

  void persist(StateArchive& archive);

 private:
  struct Watched {
    size_t variable;
    std::string name;
    std::vector<uint8_t> counts;
    Virial virial{0, {}, {}};
  };
  bool unadjusted_;
  bool float32_;
  int64_t first_, count_;
  bool begun_ = false;
  std::vector<Watched> watched_;
};

}  // namespace potluck
