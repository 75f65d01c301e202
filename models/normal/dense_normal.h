// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Cholesky>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace potluck::models {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

inline const double kLog2Pi = std::log(2 * std::numbers::pi);

/// Which coordinates are held and which are free; `mask` null: all are free.
struct HeldPattern {
  HeldPattern(const uint8_t* mask, int64_t size) {
    for (int64_t i = 0; i < size; ++i) (mask != nullptr && mask[i] != 0 ? held : free).push_back(i);
  }
  std::vector<int64_t> held, free;
};

/// N(m, P^-1) with any positive definite precision P [n, n]: everything that is done once, or for draws, in double.
class DenseNormal {
 public:
  DenseNormal(Vector mean, Matrix precision) : mean_(std::move(mean)), precision_(std::move(precision)) {
    const Eigen::LLT<Matrix> factor(precision_);
    log_determinant_ = -2 * factor.matrixLLT().diagonal().array().log().sum();
  }

  int64_t size() const { return mean_.size(); }
  int64_t normals() const { return size(); }                   ///< standard normals that one draw takes
  double log_determinant() const { return log_determinant_; }  ///< of the covariance
  const Vector& mean() const { return mean_; }
  Matrix precision() const { return precision_; }

  /// The law of the free coordinates given the held ones:
  ///
  ///   x_f | x_h ~ N(m_f - P_ff^-1 P_fh (x_h - m_h), P_ff^-1),  and the held ones' own precision is the Schur
  ///   complement P_hh - P_hf P_ff^-1 P_fh.
  class Given {
   public:
    Given(const DenseNormal& law, const uint8_t* held)
        : law_(law),
          pattern_(held, law.size()),
          factor_(law.precision_(pattern_.free, pattern_.free)),
          pull_(factor_.solve(law.precision_(pattern_.free, pattern_.held))) {
      Matrix schur = law.precision_(pattern_.held, pattern_.held);
      schur -= law.precision_(pattern_.held, pattern_.free) * pull_;
      held_factor_.compute(schur);
    }

    /// The squared distance of the held coordinates of x [n] from their mean, in their own precision.
    double held_square(const double* x) const {
      const Vector scaled = held_factor_.matrixU() * offset(x);
      return scaled.squaredNorm();
    }

    /// Log density of the held coordinates of x [n].
    double held_log_density(const double* x) const {
      if (pattern_.held.empty()) return 0;
      return held_factor_.matrixLLT().diagonal().array().log().sum() -
             0.5 * (held_square(x) + kLog2Pi * static_cast<double>(pattern_.held.size()));
    }

    /// Of the free coordinates, given the held ones of x [n].
    DenseNormal free_law(const double* x) const {
      return {law_.mean_(pattern_.free) - pull_ * offset(x), law_.precision_(pattern_.free, pattern_.free)};
    }

    /// Fills the free coordinates of x [n]; reads the held ones. `normals` [n].
    void draw(const double* normals, double* x) const {
      Vector noise(static_cast<int64_t>(pattern_.free.size()));
      for (int64_t i = 0; i < noise.size(); ++i) noise[i] = normals[pattern_.free[i]];
      factor_.matrixU().solveInPlace(noise);
      if (!pattern_.held.empty()) noise -= pull_ * offset(x);
      for (int64_t i = 0; i < noise.size(); ++i) x[pattern_.free[i]] = law_.mean_[pattern_.free[i]] + noise[i];
    }

   private:
    Vector offset(const double* x) const {
      Vector difference(static_cast<int64_t>(pattern_.held.size()));
      for (int64_t i = 0; i < difference.size(); ++i)
        difference[i] = x[pattern_.held[i]] - law_.mean_[pattern_.held[i]];
      return difference;
    }
    const DenseNormal& law_;
    HeldPattern pattern_;
    Eigen::LLT<Matrix> factor_;  // of P_ff
    Matrix pull_;                // P_ff^-1 P_fh
    Eigen::LLT<Matrix> held_factor_;
  };

 private:
  Vector mean_;
  Matrix precision_;
  double log_determinant_;
};

}  // namespace potluck::models
