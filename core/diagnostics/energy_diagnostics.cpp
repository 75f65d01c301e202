// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/diagnostics/moments.h"
#include "core/error.h"

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

std::vector<DivergenceShift> divergence_shifts(std::span<const double> values, int64_t scalars,
                                               std::span<const uint8_t> divergent) {
  const size_t draws = divergent.size();
  if (values.size() != static_cast<size_t>(scalars) * draws) {
    throw SettingError(fmt::format("divergence_shifts: values must be {} scalars of {} draws, got {} numbers", scalars,
                                   draws, values.size()));
  }
  std::vector<DivergenceShift> shifts;
  for (int64_t scalar = 0; scalar < scalars; ++scalar) {
    Moments all(1), diverged(1);
    for (size_t draw = 0; draw < draws; ++draw) {
      const double* value = &values[static_cast<size_t>(scalar) * draws + draw];
      all.add(value);
      if (divergent[draw] != 0) diverged.add(value);
    }
    if (diverged.count() == 0 || diverged.count() == all.count() || !(all.sd(0) > 0)) continue;
    shifts.push_back({scalar, (diverged.mean(0) - all.mean(0)) / all.sd(0)});
  }
  std::stable_sort(shifts.begin(), shifts.end(), [](const DivergenceShift& a, const DivergenceShift& b) {
    return std::abs(a.shift) > std::abs(b.shift);
  });
  return shifts;
}

}  // namespace potluck
