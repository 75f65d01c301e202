// SPDX-License-Identifier: Apache-2.0
#include "core/learning/label_cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace potluck {

LabelCrossEntropy::LabelCrossEntropy(BatchEnergy& energy, LabelOptions options)
    : energy_(energy),
      label_(options.label),
      blur_(std::move(options.blur)),
      energies_(static_cast<size_t>(energy.variables()[label_].categories)) {}

void LabelCrossEntropy::show_label(Batch& data, int64_t label) const {
  std::fill_n(static_cast<int64_t*>(data.of(label_)), data.rows(), label);
}

Figures LabelCrossEntropy::loss(Batch& data) {
  const auto* labels = static_cast<const int64_t*>(data.of(label_));
  own_.assign(labels, labels + data.rows());
  for (int64_t k = 0; k < categories(); ++k) {
    std::vector<double>& energy = energies_[static_cast<size_t>(k)];
    energy.resize(own_.size());
    show_label(data, k);
    energy_.evaluate(data, energy.data());
  }
  const auto counted = std::count_if(own_.begin(), own_.end(), [](int64_t y) { return y >= 0; });
  const double share = counted > 0 ? 1 / static_cast<double>(counted) : 0;
  double total = 0, right = 0;
  for (size_t row = 0; row < own_.size(); ++row) {
    const int64_t y = own_[row];
    double least = energies_[0][row], sum = 0;
    for (const std::vector<double>& energy : energies_) least = std::min(least, energy[row]);
    for (const std::vector<double>& energy : energies_) sum += std::exp(least - energy[row]);
    if (y >= 0) {
      const double own = energies_[static_cast<size_t>(y)][row];
      total += share * (own - least + std::log(sum));
      right += own == least ? share : 0;
    }
    for (int64_t k = 0; k < categories(); ++k) {
      double& energy = energies_[static_cast<size_t>(k)][row];
      energy = y < 0 ? 0 : share * ((k == y ? 1 : 0) - std::exp(least - energy) / sum);
    }
  }
  return {{"loss", total}, {"accuracy", right}};
}

Figures LabelCrossEntropy::add_gradient(int64_t update, Batch& data, ParameterSums& sums) {
  blur_(static_cast<uint32_t>(update), 0, false, energy_.variables(), data, level_);
  const Figures found = loss(data);
  for (int64_t k = 0; k < categories(); ++k) {
    show_label(data, k);
    energy_.add_gradient(data, energies_[static_cast<size_t>(k)].data(), {}, nullptr, sums);
  }
  return found;
}

Figures LabelCrossEntropy::assess(int64_t first, Batch& data) {
  blur_(0, first, true, energy_.variables(), data, level_);
  return loss(data);
}

}  // namespace potluck
