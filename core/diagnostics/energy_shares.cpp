// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_shares.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/error.h"

namespace potluck {

EnergyShares::EnergyShares(int64_t experts) {
  for (std::vector<double>* one : {&moments_.expert_mean, &moments_.expert_squares, &moments_.products})
    one->resize(static_cast<size_t>(experts));
}

void EnergyShares::add(double energy, const double* expert_energy) {
  EnergyMoments& m = moments_;
  ++m.count;
  const double apart = energy - m.mean;
  m.mean += apart / m.count;
  m.squares += apart * (energy - m.mean);
  for (size_t e = 0; e < m.products.size(); ++e) {
    const double own = expert_energy[e] - m.expert_mean[e];
    m.expert_mean[e] += own / m.count;
    const double now = expert_energy[e] - m.expert_mean[e];
    m.expert_squares[e] += own * now;
    m.products[e] += apart * now;
  }
}

// Chan, Golub & LeVeque 1983, of means that are reference + sum / steps.
void EnergyShares::add_steps(double steps, const double* sums, int64_t stride) {
  EnergyMoments& m = moments_;
  const auto at = [&](int64_t number) { return sums[number * stride]; };
  const double share = steps / (m.count + steps), weight = m.count * share;
  const double apart = at(0) + at(1) / steps - m.mean;
  m.squares += at(2) - at(1) * at(1) / steps + apart * apart * weight;
  for (size_t e = 0; e < m.products.size(); ++e) {
    const auto first = static_cast<int64_t>(3 + 4 * e);
    const double own = at(first) + at(first + 1) / steps - m.expert_mean[e];
    m.expert_squares[e] += at(first + 2) - at(first + 1) * at(first + 1) / steps + own * own * weight;
    m.products[e] += at(first + 3) - at(1) * at(first + 1) / steps + apart * own * weight;
    m.expert_mean[e] += own * share;
  }
  m.mean += apart * share;
  m.count += steps;
}

void EnergyShares::merge(const EnergyShares& other) {
  EnergyMoments& m = moments_;
  const EnergyMoments& others = other.moments_;
  if (m.products.size() != others.products.size()) {
    throw SettingError(fmt::format("EnergyShares: what is merged must have the same {} experts, got {}",
                                   m.products.size(), others.products.size()));
  }
  if (others.count == 0) return;
  const double share = others.count / (m.count + others.count), weight = m.count * share;
  const double apart = others.mean - m.mean;
  m.squares += others.squares + apart * apart * weight;
  for (size_t e = 0; e < m.products.size(); ++e) {
    const double own = others.expert_mean[e] - m.expert_mean[e];
    m.expert_squares[e] += others.expert_squares[e] + own * own * weight;
    m.products[e] += others.products[e] + apart * own * weight;
    m.expert_mean[e] += own * share;
  }
  m.mean += apart * share;
  m.count += others.count;
}

double EnergyShares::share(int64_t expert) const {
  const auto e = static_cast<size_t>(expert);
  const double product = moments_.products[e];
  const double share = product / moments_.expert_squares[e] * (product / moments_.squares);
  return std::isfinite(share) ? std::fmin(share, 1.0) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace potluck
