// SPDX-License-Identifier: Apache-2.0
#include "core/learning/denoising_score_matching.h"

#include <algorithm>
#include <cmath>

#include "core/random/philox.h"

namespace potluck {

namespace {

/// The held-out rows have noise of their own: bit 31 is free, as no batch has that many rows.
constexpr uint32_t kHeldOut = 0x80000000u;

/// Standard normals 0 ... count-1 of a stream.
template <class Real>
void fill_normals(const NoiseAddress& at, int64_t count, Real* out) {
  for (int64_t i = 0; i < count; i += 4) {
    const PhiloxWords words = philox_words(at, static_cast<uint32_t>(i / 4));
    float four[4];
    element::normal_pair(words.word[0], words.word[1], four[0], four[1]);
    element::normal_pair(words.word[2], words.word[3], four[2], four[3]);
    for (int64_t j = i; j < std::min(i + 4, count); ++j) out[j] = static_cast<Real>(four[j - i]);
  }
}

template <class Real>
void blur_row(const NoiseAddress& at, double sigma, int64_t n, Real* noise, Real* data) {
  fill_normals(at, n, noise);
  for (int64_t j = 0; j < n; ++j) data[j] += static_cast<Real>(sigma) * noise[j];
}

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

/// Calls `use(Real())` with the type of the batch's numbers.
template <class Use>
auto in_precision(const Batch& batch, const Use& use) {
  return batch.precision() == Precision::kFloat64 ? use(double()) : use(float());
}

}  // namespace

NoiseLaw preset_noise_law(double scale) { return {std::log(scale) - 0.3, 1.4, 0.02 * scale, 40 * scale}; }

DenoisingScoreMatching::DenoisingScoreMatching(BatchEnergy& energy, DenoisingOptions options)
    : energy_(energy), options_(std::move(options)) {}

void DenoisingScoreMatching::make_room(const Batch& data) {
  if (noise_ && noise_->rows() == data.rows()) return;
  noise_.emplace(energy_.variables(), data.precision(), data.rows());
  score_.emplace(energy_.variables(), data.precision(), data.rows());
  for (std::vector<double>* rows : {&level_, &energies_, &row_loss_}) rows->resize(static_cast<size_t>(data.rows()));
}

void DenoisingScoreMatching::blur(uint32_t step, int64_t first, bool held_out, Batch& data) {
  make_room(data);
  for (int64_t row = 0; row < data.rows(); ++row) {
    NoiseAddress at;
    at.seed = options_.seed;
    at.chain = static_cast<uint32_t>(first + row) | (held_out ? kHeldOut : 0);
    at.step = step;
    at.purpose = Purpose::kNoiseLevel;
    const NoiseLaw& law = options_.law;
    const double drawn = std::exp(law.log_mean + law.log_sd * static_cast<double>(standard_normal(at, 0)));
    const double sigma = std::clamp(drawn, law.least, law.most);
    level_[static_cast<size_t>(row)] = sigma;
    if (options_.noise) data.set(*options_.noise, row, sigma);
    at.purpose = Purpose::kDenoising;
    for (const size_t v : options_.blurred) {
      at.variable = variable_key(energy_.variables()[v].name);
      const int64_t n = data.numbers_a_row(v);
      in_precision(data, [&](auto real) {
        using Real = decltype(real);
        blur_row(at, sigma, n, static_cast<Real*>(noise_->of(v)) + row * n, static_cast<Real*>(data.of(v)) + row * n);
      });
    }
  }
}

double DenoisingScoreMatching::loss(Batch& data) {
  energy_.evaluate(data, energies_.data(), options_.blurred, &*score_);
  int64_t numbers = 0;
  for (const size_t v : options_.blurred) numbers += data.numbers_a_row(v);
  const double share = 1 / static_cast<double>(numbers * data.rows()), s2 = options_.scale * options_.scale;
  double total = 0;
  for (int64_t row = 0; row < data.rows(); ++row) {
    const double sigma = level_[static_cast<size_t>(row)], weight = (sigma * sigma + s2) / s2;
    double sum = 0;
    for (const size_t v : options_.blurred) {
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
  energy_.add_gradient(data, nullptr, options_.blurred, &*score_, sums);
  return {{"loss", found}};
}

Figures DenoisingScoreMatching::assess(int64_t first, Batch& data) {
  blur(0, first, true, data);
  return {{"loss", loss(data)}};
}

}  // namespace potluck
