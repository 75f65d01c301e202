// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "models/normal/arrays.h"

namespace potluck::models {

// A positive definite precision P = L L' as numbers that may all have any value (Pinheiro & Bates 1996, the
// log-Cholesky parametrisation): [n, n], below the diagonal the entries of L, on it their logarithms; above it nothing
// is looked at.

/// L [n, n], lower triangular.
template <class Real>
Matrix cholesky_factor(const Real* log_cholesky, int64_t n) {
  Matrix factor = Matrix::Zero(n, n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) factor(i, j) = static_cast<double>(log_cholesky[i * n + j]);
    factor(i, i) = std::exp(static_cast<double>(log_cholesky[i * n + i]));
  }
  return factor;
}

template <class Real>
void put_log_cholesky(const Matrix& precision, Real* log_cholesky) {
  const int64_t n = precision.rows();
  const Matrix factor = Eigen::LLT<Matrix>(precision).matrixL();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      log_cholesky[i * n + j] = static_cast<Real>(j < i ? factor(i, j) : (j == i ? std::log(factor(i, i)) : 0.0));
}

/// The covariance of maximum likelihood among those of which no eigenvalue is below `least`, where `covariance` is that
/// of the data: it has the same eigenvectors, and lower eigenvalues are raised.
/// @param whose  "the covariance of 20 rows", for errors
/// @throws Failure where some eigenvalue is then still 0, up to rounding
inline Matrix raised_covariance(const Matrix& covariance, double least, const std::string& whose) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);
  const Vector& values = solver.eigenvalues();
  const double lowest = values.minCoeff(), rounding = static_cast<double>(values.size()) *
                                                      std::numeric_limits<double>::epsilon() *
                                                      std::max(values.maxCoeff(), 0.0);
  if (!(std::max(lowest, least) > rounding))
    throw plugin::Failure(POTLUCK_NUMERIC,
                          whose + " must be positive definite, got a smallest eigenvalue of " +
                              GivenNumbers::text_of(lowest) +
                              ". Set least_variance above 0, choose form: diagonal, or learn from more rows");
  if (lowest >= least) return covariance;
  return solver.eigenvectors() * values.cwiseMax(least).asDiagonal() * solver.eigenvectors().transpose();
}

/// The same of a diagonal one.
inline Vector raised_variance(const Vector& variance, double least, const std::string& whose) {
  for (int64_t i = 0; i < variance.size(); ++i)
    if (!(std::max(variance[i], least) > 0))
      throw plugin::Failure(POTLUCK_NUMERIC,
                            whose + " must have variances above 0, got " + GivenNumbers::text_of(variance[i]) +
                                " of number " + std::to_string(i) +
                                ", which is the same in all rows. Set least_variance above 0, or leave "
                                "such numbers out");
  return variance.cwiseMax(least);
}

/// Rows first ... first + count - 1 of numbers [rows, n], in double.
template <class Real>
Matrix double_rows(const Real* numbers, int64_t first, int64_t count, int64_t n) {
  using Rows = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const Rows>(numbers + first * n, count, n).template cast<double>();
}

/// sum += added, in the type of the sum.
template <class Real, class Added>
void add_to(Real* sum, const Added& added) {
  for (int64_t i = 0; i < added.rows(); ++i)
    for (int64_t j = 0; j < added.cols(); ++j) sum[i * added.cols() + j] += static_cast<Real>(added(i, j));
}

/// Rows that learning takes at once: so many that matrix products are worth their call.
inline constexpr int64_t kLearnedRows = 256;

}  // namespace potluck::models
