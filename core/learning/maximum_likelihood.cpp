// SPDX-License-Identifier: Apache-2.0
#include "core/learning/maximum_likelihood.h"

#include <algorithm>
#include <utility>

namespace potluck {

MaximumLikelihood::MaximumLikelihood(BatchEnergy& energy, std::unique_ptr<LogPartition> log_z, const std::string& how)
    : energy_(energy), log_z_(std::move(log_z)), name_("maximum_likelihood" + how) {}

Figures MaximumLikelihood::figures(double mean_energy, double log_z) {
  const double loss = mean_energy + log_z;
  return {{"loss", loss}, {"log_likelihood", -loss}, {"log_z", log_z}};
}

double MaximumLikelihood::add_energies(const Batch& data, double share, ParameterSums* sums) {
  energies_.resize(static_cast<size_t>(data.rows()));
  energy_.evaluate(data, energies_.data());
  double sum = 0;
  for (const double energy : energies_) sum += energy;
  if (sums) {
    std::fill(energies_.begin(), energies_.end(), share);
    energy_.add_gradient(data, energies_.data(), {}, nullptr, *sums);
  }
  return sum;
}

Figures MaximumLikelihood::add_gradient(int64_t, Batch& data, ParameterSums& sums) {
  const auto rows = static_cast<double>(data.rows());
  const double mean = add_energies(data, 1 / rows, &sums) / rows;
  log_z_->add_gradient(1, sums);
  return figures(mean, log_z_->value());
}

Figures MaximumLikelihood::assess(int64_t, Batch& data) {
  return figures(add_energies(data, 0, nullptr) / static_cast<double>(data.rows()), log_z_->value());
}

}  // namespace potluck
