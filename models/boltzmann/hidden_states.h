// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace potluck::models {

/// log sum over h in {0, 1}^H of exp(b . h + a . W'h/s + |W'h|^2/2), W [H, n]. The states come in the order of a Gray
/// code: from one to the next one hidden unit changes, which costs n operations.
template <class Real>
double log_sum_of_states(const std::vector<Real>& weight, const std::vector<Real>& visible_bias,
                         const std::vector<Real>& hidden_bias, double scale) {
  const size_t hidden = hidden_bias.size(), n = visible_bias.size();
  std::vector<double> pull(n, 0.0);  // W'h
  double bias = 0, greatest = 0, sum = 1;
  uint64_t on = 0;
  for (uint64_t state = 1; state < uint64_t{1} << hidden; ++state) {
    const auto unit = static_cast<size_t>(std::countr_zero(state));
    on ^= uint64_t{1} << unit;
    const double sign = (on >> unit & 1) != 0 ? 1 : -1;
    bias += sign * static_cast<double>(hidden_bias[unit]);
    double exponent = bias;
    for (size_t i = 0; i < n; ++i) {
      pull[i] += sign * static_cast<double>(weight[unit * n + i]);
      exponent += pull[i] * (static_cast<double>(visible_bias[i]) / scale + pull[i] / 2);
    }
    if (exponent > greatest) {
      sum = sum * std::exp(greatest - exponent) + 1;
      greatest = exponent;
    } else {
      sum += std::exp(exponent - greatest);
    }
  }
  return greatest + std::log(sum);
}

}  // namespace potluck::models
