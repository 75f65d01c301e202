// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/learning/batch.h"

namespace potluck {

/// How much noise the data are blurred with: ln(sigma) ~ N(mean, sd^2), cut to [least, most], in the units of the data.
struct NoiseLaw {
  double log_mean = 0;
  double log_sd = 0;
  double least = 0;
  double most = 0;
};

/// Karras et al. 2022 (table 1: ln sigma ~ N(-1.2, 1.2^2) for data of standard deviation 0.5), somewhat wider: data of
/// standard deviation `scale` are blurred with ln(sigma/scale) ~ N(-0.3, 1.4^2), cut to [0.02, 40].
NoiseLaw preset_noise_law(double scale);

/// All rows have this much.
NoiseLaw one_level(double sigma);

struct BlurOptions {
  std::vector<size_t> blurred;  ///< variables that noise is added to
  std::optional<size_t> noise;  ///< the variable that says how much: one real number; none: models do not read it
  NoiseLaw law;                 ///< with least = most where models do not read it
  uint32_t seed = 1;
};

/// Adds noise to rows of data: y = x + sigma z, z ~ N(0, 1), with a sigma of each row's own. What a row gets is a
/// function of seed, update and row (docs/noise.md). Held-out rows have noise of their own.
class Blur {
 public:
  explicit Blur(BlurOptions options) : options_(std::move(options)) {}

  const BlurOptions& options() const { return options_; }

  /// @param data   rows first, first + 1, ... of update `step`. The noise variable is set to each row's sigma
  /// @param level  [rows]: sigma
  /// @param noise  z of the blurred variables, rows like `data`; null: it is not kept
  void operator()(uint32_t step, int64_t first, bool held_out, const std::vector<Variable>& variables, Batch& data,
                  std::vector<double>& level, Batch* noise = nullptr) const;

 private:
  double draw_level(uint32_t step, uint32_t chain) const;

  BlurOptions options_;
};

/// Calls `use(Real())` with the type of the batch's numbers.
template <class Use>
auto in_precision(const Batch& batch, const Use& use) {
  return batch.precision() == Precision::kFloat64 ? use(double()) : use(float());
}

}  // namespace potluck
