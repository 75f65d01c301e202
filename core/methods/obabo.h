// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/methods/underdamped.h"

namespace potluck {

/// Underdamped Langevin, split as refresh, kick, drift, kick, refresh:
///
///   O: v <- e^(-gamma h/2) v + sqrt((1 - e^(-gamma h)) T) z   B: v -= h/2 grad E   A: x += h v
///
/// Bussi & Parrinello 2007. Biased: on a quadratic energy of precision lambda the position has variance (T/lambda) /
/// (1 - h^2 lambda / 4) and the velocity keeps T. It is the unadjusted form of ghmc with one leapfrog.
class Obabo final : public Underdamped {
 public:
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit Obabo(const Options& options) : Underdamped(options, option_table()) {}

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  std::vector<std::string> notes(const MethodCounts& counts) const override;
};

}  // namespace potluck
