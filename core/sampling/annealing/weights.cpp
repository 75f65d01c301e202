// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/weights.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {

double largest(const std::vector<double>& log_weight) {
  return *std::max_element(log_weight.begin(), log_weight.end());
}

}  // namespace

double log_mean_exp(const std::vector<double>& log_weight) {
  const double most = largest(log_weight);
  if (most == -INFINITY) return most;
  double sum = 0;
  for (const double one : log_weight) sum += std::exp(one - most);
  return most + std::log(sum / static_cast<double>(log_weight.size()));
}

double effective_share(const std::vector<double>& log_weight) {
  const double most = largest(log_weight);
  if (most == -INFINITY) return 0;
  double sum = 0, squares = 0;
  for (const double one : log_weight) {
    const double weight = std::exp(one - most);
    sum += weight;
    squares += weight * weight;
  }
  return sum * sum / squares / static_cast<double>(log_weight.size());
}

double conditional_share(const std::vector<double>& log_weight, const std::vector<double>& apart, double amount) {
  const double most = largest(log_weight);
  const auto counts = [&](size_t i) { return log_weight[i] > -INFINITY && apart[i] < INFINITY; };
  double largest_increment = -INFINITY;
  for (size_t i = 0; i < apart.size(); ++i) {
    if (counts(i)) largest_increment = std::max(largest_increment, -amount * apart[i]);
  }
  double weights = 0, first = 0, second = 0;
  for (size_t i = 0; i < apart.size(); ++i) {
    const double weight = std::exp(log_weight[i] - most);
    weights += weight;
    if (!counts(i)) continue;
    const double increment = std::exp(-amount * apart[i] - largest_increment);
    first += weight * increment;
    second += weight * increment * increment;
  }
  return second > 0 ? first * first / (second * weights) : 0;
}

std::vector<int64_t> systematic_ancestors(const std::vector<double>& log_weight, double uniform) {
  const double most = largest(log_weight);
  double sum = 0;
  for (const double one : log_weight) sum += std::exp(one - most);
  std::vector<int64_t> ancestors;
  ancestors.reserve(log_weight.size());
  const double count = static_cast<double>(log_weight.size());
  double passed = 0;
  int64_t last = 0;  // the last particle with weight, should rounding leave some over
  for (size_t j = 0; j < log_weight.size(); ++j) {
    const double weight = std::exp(log_weight[j] - most);
    if (weight > 0) last = static_cast<int64_t>(j);
    passed += weight;
    while (ancestors.size() < log_weight.size() &&
           (static_cast<double>(ancestors.size()) + uniform) / count * sum < passed) {
      ancestors.push_back(static_cast<int64_t>(j));
    }
  }
  ancestors.resize(log_weight.size(), last);
  return ancestors;
}

}  // namespace potluck
