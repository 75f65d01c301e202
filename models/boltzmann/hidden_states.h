// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace potluck::models {

/// Calls use(h, exponent) for every state h in {0, 1}^H of the hidden units, a bit each, with the logarithm of its
/// weight when real visible units are integrated out, but for what is the same for all:
///
///   exponent = b . h + a . W'h/s + |W'h|^2/2,   W [H, n]
///
/// The states come in the order of a Gray code: from one to the next one hidden unit changes, which costs n operations.
template <class Real, class Use>
void for_each_hidden_state(const std::vector<Real>& weight, const std::vector<Real>& visible_bias,
                           const std::vector<Real>& hidden_bias, double scale, const Use& use) {
  const size_t hidden = hidden_bias.size(), n = visible_bias.size();
  std::vector<double> pull(n, 0.0);  // W'h
  double bias = 0;
  uint64_t on = 0;
  use(on, 0.0);
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
    use(on, exponent);
  }
}

/// log sum of exp over numbers that come one after the other.
class RunningLogSum {
 public:
  void add(double exponent) {
    if (exponent > greatest_) {
      sum_ = sum_ * std::exp(greatest_ - exponent) + 1;
      greatest_ = exponent;
    } else {
      sum_ += std::exp(exponent - greatest_);
    }
  }
  double value() const { return greatest_ + std::log(sum_); }

 private:
  double greatest_ = -INFINITY, sum_ = 0;
};

/// The law of the hidden units.
class HiddenLaw {
 public:
  /// Each with the logarithm of its weight, in any order.
  void add(uint64_t state, double exponent) {
    state_.push_back(state);
    below_.push_back(exponent);
  }
  /// Once all are there.
  void finish() {
    const double greatest = *std::max_element(below_.begin(), below_.end());
    double sum = 0;
    for (double& exponent : below_) exponent = sum += std::exp(exponent - greatest);
  }
  /// The state that a uniform in (0, 1) chooses.
  uint64_t draw(double uniform) const {
    const auto found = std::upper_bound(below_.begin(), below_.end(), uniform * below_.back());
    return state_[static_cast<size_t>(std::min(found - below_.begin(), std::ssize(state_) - 1))];
  }

 private:
  std::vector<uint64_t> state_;
  std::vector<double> below_;  ///< weights of all states up to each
};

}  // namespace potluck::models
