// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_diagnostics.h"

#include <cmath>
#include <limits>

namespace potluck {

std::vector<double> energy_bfmi(const ChainValues& energies) {
  std::vector<double> all;
  for (int64_t chain = 0; chain < energies.chains; ++chain) {
    const auto own =
        energies.values.subspan(static_cast<size_t>(chain * energies.draws), static_cast<size_t>(energies.draws));
    Moments moments(1);
    double jumps = 0;
    for (size_t i = 0; i < own.size(); ++i) {
      moments.add(&own[i]);
      if (i > 0) jumps += (own[i] - own[i - 1]) * (own[i] - own[i - 1]);
    }
    const double squares = moments.variance(0) * static_cast<double>(moments.count() - 1);
    all.push_back(squares > 0 && std::isfinite(squares) ? jumps / squares : std::numeric_limits<double>::quiet_NaN());
  }
  return all;
}

double total_energy_bfmi(double potential_variance, int64_t momenta, double temperature) {
  const double kinetic_variance = static_cast<double>(momenta) * temperature * temperature / 2;
  return 2 * kinetic_variance / (potential_variance + kinetic_variance);
}

std::optional<DivergenceShift> divergence_shift(const Moments& all, const Moments& divergent) {
  std::optional<DivergenceShift> worst;
  if (divergent.count() == 0 || divergent.count() == all.count()) return worst;
  for (int64_t scalar = 0; scalar < all.size(); ++scalar) {
    if (!(all.sd(scalar) > 0)) continue;
    const double shift = (divergent.mean(scalar) - all.mean(scalar)) / all.sd(scalar);
    if (!worst || std::abs(shift) > std::abs(worst->shift)) worst = {scalar, shift};
  }
  return worst;
}

bool is_concentrated(const DivergenceShift& shift, int64_t chains, int64_t draws) {
  return draws >= kLeastDivergences && std::abs(shift.shift) * std::sqrt(static_cast<double>(chains)) > kSureShift;
}

}  // namespace potluck
