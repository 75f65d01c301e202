// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/methods/underdamped.h"

namespace potluck {

/// The limit of BAOAB for infinite friction, an overdamped step that is as cheap as ULA and of second order:
///
///   x' = x - eps grad E(x) + sqrt(eps T / 2) (z + z'),  eps = h^2 / 2, z' is the next step's z
///
/// Leimkuhler & Matthews 2013, eq. 1.4. The carried normal is kept as the velocity v = sqrt(T) z - h/2 grad E. On a
/// quadratic energy the position keeps its law exactly, once started jointly: Cov(x, z) = sqrt(eps T / 2).
class LeimkuhlerMatthews final : public Underdamped {
 public:
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit LeimkuhlerMatthews(const Options& options) : Underdamped(options, option_table()) {}

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  std::vector<std::string> notes(const MethodCounts& counts) const override;
};

}  // namespace potluck
