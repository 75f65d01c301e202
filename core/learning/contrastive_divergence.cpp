// SPDX-License-Identifier: Apache-2.0
#include "core/learning/contrastive_divergence.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace potluck {

namespace {

/// Adds shares of energies and of their squares, and turns each energy into the derivative of
/// sign E + l2 E^2, weighed by its share.
void differentiate(const std::vector<double>& share, double sign, double l2, std::vector<double>& energy, double& mean,
                   double& squares) {
  for (size_t row = 0; row < energy.size(); ++row) {
    if (share[row] == 0) {
      energy[row] = 0;
      continue;
    }
    mean += share[row] * energy[row];
    squares += share[row] * energy[row] * energy[row];
    energy[row] = share[row] * (sign + 2 * l2 * energy[row]);
  }
}

}  // namespace

ContrastiveDivergence::ContrastiveDivergence(BatchEnergy& energy, ContrastiveOptions options)
    : energy_(energy),
      options_(std::move(options)),
      blur_(options_.blur),
      negatives_(energy.learnable().energy(), options_.rows, options_.negatives) {}

std::vector<double> ContrastiveDivergence::shares_of_negatives() const {
  std::vector<size_t> order;
  for (size_t row = 0; row < of_negatives_.size(); ++row)
    if (!negatives_.failed(static_cast<int64_t>(row)) && std::isfinite(of_negatives_[row])) order.push_back(row);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return of_negatives_[a] < of_negatives_[b]; });
  const auto cut = static_cast<size_t>(options_.trim * static_cast<double>(order.size()));
  std::vector<double> share(of_negatives_.size());
  for (size_t i = cut; i + cut < order.size(); ++i) share[order[i]] = 1 / static_cast<double>(order.size() - 2 * cut);
  return share;
}

Figures ContrastiveDivergence::loss(const Batch& data) {
  of_data_.resize(static_cast<size_t>(data.rows()));
  of_negatives_.resize(static_cast<size_t>(options_.rows));
  energy_.evaluate(data, of_data_.data());
  energy_.evaluate(negatives_.states(), of_negatives_.data());
  double mean = 0, of_model = 0, squares = 0;
  const std::vector<double> even(of_data_.size(), 1 / static_cast<double>(data.rows()));
  differentiate(even, 1, options_.energy_l2, of_data_, mean, squares);
  differentiate(shares_of_negatives(), -1, options_.energy_l2, of_negatives_, of_model, squares);
  return {{"loss", mean - of_model + options_.energy_l2 * squares}, {"energy", mean}, {"negative_energy", of_model}};
}

Figures ContrastiveDivergence::add_gradient(int64_t update, Batch& data, ParameterSums& sums) {
  blur_(static_cast<uint32_t>(update), 0, false, energy_.variables(), data, level_);
  negatives_.draw(update, data);
  Figures found = loss(data);
  energy_.add_gradient(data, of_data_.data(), {}, nullptr, sums);
  energy_.add_gradient(negatives_.states(), of_negatives_.data(), {}, nullptr, sums);
  double failed = 0;
  for (int64_t row = 0; row < options_.rows; ++row) failed += negatives_.failed(row) ? 1 : 0;
  found.emplace_back("restarted", negatives_.restarted());
  found.emplace_back("failed", failed / static_cast<double>(options_.rows));
  return found;
}

Figures ContrastiveDivergence::assess(int64_t first, Batch& data) {
  blur_(0, first, true, energy_.variables(), data, level_);
  return loss(data);
}

}  // namespace potluck
