// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/methods/underdamped.h"

namespace potluck {

/// Underdamped Langevin, split as kick, drift, refresh, drift, kick over halves of h:
///
///   B: v -= h/2 grad E   A: x += h/2 v   O: v <- e^(-gamma h) v + sqrt((1 - e^(-2 gamma h)) T) z
///
/// Leimkuhler & Matthews 2013. Biased: on a quadratic energy of precision lambda the position keeps its law N(0,
/// T/lambda) and the velocity has variance T (1 - h^2 lambda / 4); elsewhere the bias of positions is of order h^2.
class Baoab final : public Underdamped {
 public:
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit Baoab(const Options& options) : Underdamped(options, option_table()) {}

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  std::vector<std::string> notes(const MethodCounts& counts) const override;
};

}  // namespace potluck
