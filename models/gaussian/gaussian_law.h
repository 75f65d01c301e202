// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "models/normal/arrays.h"
#include "models/normal/dense_normal.h"
#include "models/normal/log_cholesky.h"
#include "models/normal/low_rank_normal.h"

namespace potluck::models {

/// A Gaussian in the form in which its user gave it; a diagonal one is of low rank with rank 0.
using GaussianLaw = std::variant<DenseNormal, LowRankNormal>;

/// Reads `mean` and one of `variance`, `variance` with `factor`, `covariance`, `precision`, each from the settings or
/// from the weights, or of what training leaves in the weights: `log_variance`, also with `factor`, or `log_cholesky`.
/// Without any of them the variance is 1, in the form that is asked for.
/// @throws Failure that names the array and what it must be.
inline GaussianLaw read_gaussian(const plugin::Setup& setup) {
  const int64_t n = setup.size();
  const auto mean_given = GivenNumbers::find(setup, "mean");
  const auto variance = GivenNumbers::find(setup, "variance");
  const auto factor = GivenNumbers::find(setup, "factor");
  const auto covariance = GivenNumbers::find(setup, "covariance");
  const auto precision = GivenNumbers::find(setup, "precision");

  const auto log_variance = GivenNumbers::find_weight(setup, "log_variance");
  const auto log_cholesky = GivenNumbers::find_weight(setup, "log_cholesky");

  if (setup.has_weights() && !mean_given && !variance && !covariance && !precision && !log_variance && !log_cholesky)
    throw plugin::Failure(POTLUCK_BAD_SHAPE,
                          "weights must have arrays among 'mean', 'variance', 'factor', 'covariance', 'precision', "
                          "'log_variance', 'log_cholesky', got none of them");
  if (mean_given) mean_given->require_finite();
  Vector mean = mean_given ? mean_given->spread(n) : Vector::Zero(n);

  const std::optional<GivenNumbers>* given_form = nullptr;
  for (const auto* form : {&variance, &log_variance, &covariance, &log_cholesky, &precision}) {
    if (!*form) continue;
    if (given_form != nullptr)
      throw(*form)->error("must be left out where another of variance, covariance and precision is given. Keep one");
    given_form = form;
  }
  if (factor && !variance && !log_variance)
    throw factor->error("must come with 'variance', the diagonal part of the covariance. Add it");
  if (log_cholesky) {
    log_cholesky->require_size(n * n);
    log_cholesky->require_finite();
    const Matrix lower = cholesky_factor(log_cholesky->numbers().data(), n);
    return DenseNormal(std::move(mean), lower * lower.transpose());
  }

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
  if (given_form == nullptr && setup.choice("form") == 1) return DenseNormal(std::move(mean), Matrix::Identity(n, n));
  if (given_form == nullptr) return LowRankNormal(std::move(mean), Vector::Ones(n), Matrix(n, 0));
  if (variance) variance->require_positive();
  if (log_variance) log_variance->require_finite();
  Vector diagonal = variance ? variance->spread(n) : Vector(log_variance->spread(n).array().exp());
  if (!factor) return LowRankNormal(std::move(mean), std::move(diagonal), Matrix(n, 0));
  factor->require_finite();
  if (factor->size() == 0 || factor->size() % n != 0)
    throw factor->error("must have a multiple of " + std::to_string(n) + " numbers ([" + std::to_string(n) +
                        ", rank]), got " + std::to_string(factor->size()));
  return LowRankNormal(std::move(mean), std::move(diagonal), factor->matrix(n, factor->size() / n));
}

}  // namespace potluck::models
