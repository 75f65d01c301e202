// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "models/normal/arrays.h"
#include "models/normal/dense_normal.h"
#include "models/normal/low_rank_normal.h"

namespace potluck::models {

/// A Gaussian in the form in which its user gave it; a diagonal one is of low rank with rank 0.
using GaussianLaw = std::variant<DenseNormal, LowRankNormal>;

/// Reads `mean` and one of `variance`, `variance` with `factor`, `covariance`, `precision`, each from the settings or
/// from the weights. Without any of them the variance is 1.
/// @throws Failure that names the array and what it must be.
inline GaussianLaw read_gaussian(const plugin::Setup& setup) {
  const int64_t n = setup.size();
  const auto mean_given = GivenNumbers::find(setup, "mean");
  const auto variance = GivenNumbers::find(setup, "variance");
  const auto factor = GivenNumbers::find(setup, "factor");
  const auto covariance = GivenNumbers::find(setup, "covariance");
  const auto precision = GivenNumbers::find(setup, "precision");

  if (setup.has_weights() && !mean_given && !variance && !covariance && !precision)
    throw plugin::Failure(POTLUCK_BAD_SHAPE,
                          "weights must have arrays among 'mean', 'variance', 'factor', 'covariance', 'precision', got "
                          "none of them");
  if (mean_given) mean_given->require_finite();
  Vector mean = mean_given ? mean_given->spread(n) : Vector::Zero(n);

  const int forms = (variance ? 1 : 0) + (covariance ? 1 : 0) + (precision ? 1 : 0);
  if (forms > 1) {
    const GivenNumbers& extra = precision ? *precision : *covariance;
    throw extra.error("must be left out where another of variance, covariance and precision is given. Keep one");
  }
  if (factor && !variance)
    throw factor->error("must come with 'variance', the diagonal part of the covariance. Add it");

  if (covariance || precision) {
    const GivenNumbers& given = precision ? *precision : *covariance;
    given.require_finite();
    if (given.size() == n * n && n > 1) {
      const Matrix matrix = positive_definite(given, n);
      return DenseNormal(std::move(mean), precision ? matrix : inverse_of(matrix));
    }
    if (given.size() != 1 && given.size() != n)
      throw given.error("must have 1, " + std::to_string(n) + " or " + std::to_string(n * n) + " numbers (" +
                        std::to_string(n) + " x " + std::to_string(n) + "), got " + std::to_string(given.size()));
    given.require_positive();
    const Vector diagonal = given.spread(n);
    return LowRankNormal(std::move(mean), precision ? Vector(diagonal.cwiseInverse()) : diagonal, Matrix(n, 0));
  }
  if (!variance) return LowRankNormal(std::move(mean), Vector::Ones(n), Matrix(n, 0));
  variance->require_positive();
  Vector diagonal = variance->spread(n);
  if (!factor) return LowRankNormal(std::move(mean), std::move(diagonal), Matrix(n, 0));
  factor->require_finite();
  if (factor->size() == 0 || factor->size() % n != 0)
    throw factor->error("must have a multiple of " + std::to_string(n) + " numbers ([" + std::to_string(n) +
                        ", rank]), got " + std::to_string(factor->size()));
  return LowRankNormal(std::move(mean), std::move(diagonal), factor->matrix(n, factor->size() / n));
}

}  // namespace potluck::models
