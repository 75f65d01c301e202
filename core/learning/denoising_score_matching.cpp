// SPDX-License-Identifier: Apache-2.0
#include "core/learning/denoising_score_matching.h"

#include <utility>

namespace potluck {

namespace {

/// sum_j (sigma g_j - z_j)^2, and g_j becomes that distance.
template <class Real>
double residual_of_row(double sigma, int64_t n, const Real* noise, Real* score) {
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) {
    const double residual = sigma * static_cast<double>(score[j]) - static_cast<double>(noise[j]);
    sum += residual * residual;
    score[j] = static_cast<Real>(residual);
  }
  return sum;
}

template <class Real>
void scale_row(double factor, int64_t n, Real* row) {
  for (int64_t j = 0; j < n; ++j) row[j] = static_cast<Real>(factor * static_cast<double>(row[j]));
}

}  // namespace

DenoisingScoreMatching::DenoisingScoreMatching(BatchEnergy& energy, DenoisingOptions options)
    : energy_(energy), blur_(std::move(options.blur)), scale_(options.scale) {}

void DenoisingScoreMatching::blur(uint32_t step, int64_t first, bool held_out, Batch& data) {
  if (!noise_ || noise_->rows() != data.rows()) {
    noise_.emplace(energy_.variables(), data.precision(), data.rows());
    score_.emplace(energy_.variables(), data.precision(), data.rows());
    for (std::vector<double>* rows : {&energies_, &row_loss_}) rows->resize(static_cast<size_t>(data.rows()));
  }
  blur_(step, first, held_out, energy_.variables(), data, level_, &*noise_);
}

double DenoisingScoreMatching::loss(Batch& data) {
  const std::vector<size_t>& blurred = blur_.options().blurred;
  energy_.evaluate(data, energies_.data(), blurred, &*score_);
  int64_t numbers = 0;
  for (const size_t v : blurred) numbers += data.numbers_a_row(v);
  const double share = 1 / static_cast<double>(numbers * data.rows()), s2 = scale_ * scale_;
  double total = 0;
  for (int64_t row = 0; row < data.rows(); ++row) {
    const double sigma = level_[static_cast<size_t>(row)], weight = (sigma * sigma + s2) / s2;
    double sum = 0;
    for (const size_t v : blurred) {
      const int64_t n = data.numbers_a_row(v);
      in_precision(data, [&](auto real) {
        using Real = decltype(real);
        Real* score = static_cast<Real*>(score_->of(v)) + row * n;
        sum += residual_of_row(sigma, n, static_cast<const Real*>(noise_->of(v)) + row * n, score);
        scale_row(2 * sigma * weight * share, n, score);
      });
    }
    row_loss_[static_cast<size_t>(row)] = weight * sum * share;
    total += row_loss_[static_cast<size_t>(row)];
  }
  return total;
}

Figures DenoisingScoreMatching::add_gradient(int64_t update, Batch& data, ParameterSums& sums) {
  blur(static_cast<uint32_t>(update), 0, false, data);
  const double found = loss(data);
  energy_.add_gradient(data, nullptr, blur_.options().blurred, &*score_, sums);
  return {{"loss", found}};
}

Figures DenoisingScoreMatching::assess(int64_t first, Batch& data) {
  blur(0, first, true, data);
  return {{"loss", loss(data)}};
}

}  // namespace potluck
