// SPDX-License-Identifier: Apache-2.0
#include "core/learning/blur.h"

#include <algorithm>
#include <cmath>

#include "core/random/philox.h"

namespace potluck {

namespace {

/// The held-out rows have noise of their own: bit 31 is free, as no batch has that many rows.
constexpr uint32_t kHeldOut = 0x80000000u;

/// Standard normals 0 ... count-1 of a stream, in order.
template <class Use>
void for_normals(const NoiseAddress& at, int64_t count, const Use& use) {
  for (int64_t i = 0; i < count; i += 4) {
    const PhiloxWords words = philox_words(at, static_cast<uint32_t>(i / 4));
    float four[4];
    element::normal_pair(words.word[0], words.word[1], four[0], four[1]);
    element::normal_pair(words.word[2], words.word[3], four[2], four[3]);
    for (int64_t j = i; j < std::min(i + 4, count); ++j) use(j, four[j - i]);
  }
}

/// @param noise  null: it is not kept
template <class Real>
void blur_row(const NoiseAddress& at, double sigma, int64_t n, Real* noise, Real* data) {
  for_normals(at, n, [&](int64_t j, float normal) {
    if (noise) noise[j] = static_cast<Real>(normal);
    data[j] += static_cast<Real>(sigma) * static_cast<Real>(normal);
  });
}

}  // namespace

NoiseLaw preset_noise_law(double scale) { return {std::log(scale) - 0.3, 1.4, 0.02 * scale, 40 * scale}; }

NoiseLaw one_level(double sigma) { return {std::log(sigma), 0, sigma, sigma}; }

double Blur::draw_level(uint32_t step, uint32_t chain) const {
  NoiseAddress at;
  at.seed = options_.seed;
  at.chain = chain;
  at.step = step;
  at.purpose = Purpose::kNoiseLevel;
  const NoiseLaw& law = options_.law;
  const double drawn = std::exp(law.log_mean + law.log_sd * static_cast<double>(standard_normal(at, 0)));
  return std::clamp(drawn, law.least, law.most);
}

void Blur::operator()(uint32_t step, int64_t first, bool held_out, const std::vector<Variable>& variables, Batch& data,
                      std::vector<double>& level, Batch* noise) const {
  level.resize(static_cast<size_t>(data.rows()));
  for (int64_t row = 0; row < data.rows(); ++row) {
    NoiseAddress at;
    at.seed = options_.seed;
    at.chain = static_cast<uint32_t>(first + row) | (held_out ? kHeldOut : 0);
    at.step = step;
    at.purpose = Purpose::kDenoising;
    const double sigma = level[static_cast<size_t>(row)] = draw_level(step, at.chain);
    if (options_.noise) data.set(*options_.noise, row, sigma);
    for (const size_t v : options_.blurred) {
      at.variable = variable_key(variables[v].name);
      const int64_t n = data.numbers_a_row(v);
      in_precision(data, [&](auto real) {
        using Real = decltype(real);
        Real* kept = noise ? static_cast<Real*>(noise->of(v)) + row * n : nullptr;
        blur_row(at, sigma, n, kept, static_cast<Real*>(data.of(v)) + row * n);
      });
    }
  }
}

}  // namespace potluck
