// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Cholesky>
#include <cmath>
#include <cstdint>
#include <utility>

#include "models/normal/dense_normal.h"

namespace potluck::models {

/// N(m, diag(v) + W W') with variances v [n] > 0 and a factor W [n, r]; r may be 0. Nothing of size n x n is made
/// unless it is asked for.
///
/// With latent u = A (x - m), A = (I + W' V^-1 W)^-1 W' V^-1 [r, n] (the mean of the r factors given x), Woodbury's
/// identity reads
///
///   P (x - m) = V^-1 (x - m - W u)
///   (x - m)' P (x - m) = |x - m - W u|^2_{1/v} + |u|^2
///
/// a sum of squares: unlike V^-1 - V^-1 W A it loses no digits where W W' is much larger than v. The determinant lemma
/// gives log det = sum log v + log det(I + W' V^-1 W).
class LowRankNormal {
 public:
  LowRankNormal(Vector mean, Vector variance, Matrix factor)
      : mean_(std::move(mean)), variance_(std::move(variance)), factor_(std::move(factor)) {
    const Eigen::LLT<Matrix> inner = inner_factor(factor_, variance_);
    latent_ = inner.solve(factor_.transpose() * variance_.cwiseInverse().asDiagonal());
    log_determinant_ = variance_.array().log().sum() + log_determinant_of(inner);
  }

  int64_t size() const { return mean_.size(); }
  int64_t rank() const { return factor_.cols(); }
  int64_t normals() const { return size() + rank(); }          ///< standard normals that one draw takes
  double log_determinant() const { return log_determinant_; }  ///< of the covariance
  const Vector& mean() const { return mean_; }
  const Vector& variance() const { return variance_; }
  const Matrix& factor() const { return factor_; }  ///< W [n, r]
  const Matrix& latent() const { return latent_; }  ///< A [r, n]
  Matrix precision() const {
    const Vector scale = variance_.cwiseInverse();
    Matrix precision = -(scale.asDiagonal() * factor_ * latent_);
    precision.diagonal() += scale;
    return 0.5 * (precision + precision.transpose());
  }

  /// The law of the free coordinates given the held ones, by way of the latent factors z of x = m + W z + sqrt(v) e:
  ///
  ///   z | x_h ~ N(M^-1 W_h' V_h^-1 (x_h - m_h), M^-1),  M = I + W_h' V_h^-1 W_h,   x_f = m_f + W_f z + sqrt(v_f) e_f
  class Given {
   public:
    Given(const LowRankNormal& law, const uint8_t* held)
        : law_(law),
          pattern_(held, law.size()),
          held_factor_(law.factor_(pattern_.held, Eigen::all)),
          held_variance_(law.variance_(pattern_.held)),
          inner_(inner_factor(held_factor_, held_variance_)) {}

    /// The squared distance of the held coordinates of x [n] from their mean, in their own precision.
    double held_square(const double* x) const {
      const Vector difference = offset(x);
      const Vector latent = latent_mean(difference);
      return (difference - held_factor_ * latent).cwiseAbs2().cwiseQuotient(held_variance_).sum() +
             latent.squaredNorm();
    }

    /// Log density of the held coordinates of x [n].
    double held_log_density(const double* x) const {
      if (pattern_.held.empty()) return 0;
      return -0.5 * (held_square(x) + held_variance_.array().log().sum() + log_determinant_of(inner_) +
                     kLog2Pi * static_cast<double>(pattern_.held.size()));
    }

    /// Of the free coordinates, given the held ones of x [n]: of the same rank, with the factor W_f U^-1, M = U'U.
    LowRankNormal free_law(const double* x) const {
      const Matrix factor = law_.factor_(pattern_.free, Eigen::all);
      const Vector latent = latent_mean(offset(x));
      return {law_.mean_(pattern_.free) + factor * latent, law_.variance_(pattern_.free),
              inner_.matrixU().solve<Eigen::OnTheRight>(factor)};
    }

    /// Fills the free coordinates of x [n]; reads the held ones. `normals` [r + n], the latent factors' first.
    void draw(const double* normals, double* x) const {
      Vector latent = Eigen::Map<const Vector>(normals, law_.rank());
      if (law_.rank() > 0) {
        inner_.matrixU().solveInPlace(latent);
        if (!pattern_.held.empty()) latent += latent_mean(offset(x));
      }
      for (const int64_t i : pattern_.free)
        x[i] =
            law_.mean_[i] + law_.factor_.row(i).dot(latent) + std::sqrt(law_.variance_[i]) * normals[law_.rank() + i];
    }

   private:
    Vector offset(const double* x) const {
      Vector difference(static_cast<int64_t>(pattern_.held.size()));
      for (int64_t i = 0; i < difference.size(); ++i)
        difference[i] = x[pattern_.held[i]] - law_.mean_[pattern_.held[i]];
      return difference;
    }
    Vector latent_mean(const Vector& difference) const {
      if (law_.rank() == 0) return Vector(0);
      return inner_.solve(held_factor_.transpose() * difference.cwiseQuotient(held_variance_));
    }
    const LowRankNormal& law_;
    HeldPattern pattern_;
    Matrix held_factor_;
    Vector held_variance_;
    Eigen::LLT<Matrix> inner_;
  };

 private:
  static Eigen::LLT<Matrix> inner_factor(const Matrix& factor, const Vector& variance) {
    Matrix inner = Matrix::Identity(factor.cols(), factor.cols());
    inner += factor.transpose() * variance.cwiseInverse().asDiagonal() * factor;
    return Eigen::LLT<Matrix>(inner);
  }
  static double log_determinant_of(const Eigen::LLT<Matrix>& inner) {
    return 2 * inner.matrixLLT().diagonal().array().log().sum();
  }
  Vector mean_, variance_;
  Matrix factor_, latent_;
  double log_determinant_;
};

}  // namespace potluck::models
