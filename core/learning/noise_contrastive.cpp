// SPDX-License-Identifier: Apache-2.0
#include "core/learning/noise_contrastive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace potluck {

namespace {

constexpr double kFarEnough = 40;  // e^-40 is nothing beside 1
constexpr int kHalvings = 200;

/// 1 / (1 + e^-x)
double logistic(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

/// log(1 + e^x)
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

}  // namespace

double bennett_log_z(const std::vector<double>& data, const std::vector<double>& noise) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const std::vector<double>* side : {&data, &noise})
    for (const double one : *side)
      if (std::isfinite(one)) {
        low = std::min(low, one - kFarEnough);
        high = std::max(high, one + kFarEnough);
      }
  if (!(low < high)) return 0;
  for (int i = 0; i < kHalvings && low < high; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle == low || middle == high) break;
    double excess = 0;  // rises with log Z
    for (const double a : data) excess += logistic(middle - a);
    for (const double b : noise) excess -= logistic(b - middle);
    (excess < 0 ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

NoiseContrastive::NoiseContrastive(BatchEnergy& energy, std::unique_ptr<NoiseDistribution> noise, bool fits_log_z)
    : energy_(energy), law_(std::move(noise)), fits_log_z_(fits_log_z) {}

void NoiseContrastive::find_ratios(const Batch& at, Side& side) {
  side.energy.resize(static_cast<size_t>(at.rows()));
  side.ratio.resize(side.energy.size());
  energy_.evaluate(at, side.energy.data());
  law_->log_density(at, side.ratio.data());
  for (size_t row = 0; row < side.energy.size(); ++row) side.ratio[row] = -side.energy[row] - side.ratio[row];
}

Figures NoiseContrastive::loss(const Batch& data) {
  find_ratios(data, of_data_);
  find_ratios(*noise_, of_noise_);
  const double log_z = fits_log_z_ ? bennett_log_z(of_data_.ratio, of_noise_.ratio) : 0;
  const double share = 1 / static_cast<double>(data.rows());
  double total = 0, right = 0;
  for (size_t row = 0; row < of_data_.energy.size(); ++row) {
    const double of_data = of_data_.ratio[row] - log_z, of_noise = of_noise_.ratio[row] - log_z;
    total += share * (softplus(-of_data) + softplus(of_noise));
    right += share * ((of_data > 0 ? 0.5 : 0) + (of_noise < 0 ? 0.5 : 0));
    of_data_.energy[row] = share * logistic(-of_data);
    of_noise_.energy[row] = -share * logistic(of_noise);
  }
  return {{"loss", total}, {"log_z", log_z}, {"told_apart", right}};
}

Figures NoiseContrastive::add_gradient(int64_t update, Batch& data, ParameterSums& sums) {
  noise_ = data;
  law_->draw(update, 0, false, *noise_);
  const Figures found = loss(data);
  energy_.add_gradient(data, of_data_.energy.data(), {}, nullptr, sums);
  energy_.add_gradient(*noise_, of_noise_.energy.data(), {}, nullptr, sums);
  return found;
}

Figures NoiseContrastive::assess(int64_t first, Batch& data) {
  noise_ = data;
  law_->draw(0, first, true, *noise_);
  return loss(data);
}

}  // namespace potluck
