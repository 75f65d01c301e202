// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/normal/log_cholesky.h"

namespace potluck::models {

/// What training moves of x | z ~ N(W z + b, diag(v)): `matrix` W [n, m], `offset` b [n], `log_variance` [n]; each
/// unless the settings give it.
template <class Real>
class LearnedLinear {
 public:
  struct Choice {
    bool matrix = true, offset = true, variance = true;  ///< whether it is learned
    double least_variance = 0;
  };

  LearnedLinear(const Matrix& matrix, const Vector& offset, const Vector& variance, const Choice& choice)
      : choice_(choice),
        n_(matrix.rows()),
        m_(matrix.cols()),
        fixed_matrix_(matrix),
        fixed_offset_(offset),
        fixed_variance_(variance),
        matrix_(matrix.data(), matrix.data() + matrix.size()),
        offset_(offset.begin(), offset.end()) {
    for (const double one : variance) log_variance_.push_back(static_cast<Real>(std::log(one)));
  }

  std::vector<plugin::Parameter> parameters() {
    std::vector<plugin::Parameter> all;
    if (choice_.matrix) all.push_back({"matrix", matrix_.data(), {n_, m_}});
    if (choice_.offset) all.push_back({"offset", offset_.data(), {n_}});
    if (choice_.variance) all.push_back({"log_variance", log_variance_.data(), {n_}});
    return all;
  }

  Matrix matrix() const { return choice_.matrix ? double_rows(matrix_.data(), 0, n_, m_) : fixed_matrix_; }
  Vector offset() const {
    return choice_.offset ? Vector(double_rows(offset_.data(), 0, 1, n_).row(0)) : fixed_offset_;
  }
  Vector variance() const {
    if (!choice_.variance) return fixed_variance_;
    return double_rows(log_variance_.data(), 0, 1, n_).row(0).array().exp();
  }

  /// With e = x - W z - b and s = t_x - W t_z, q = e/v and p = s/v, of the cotangent c and the tangent t of a row:
  ///   by W -(c q + p) z' - q t_z'     by b -(c q + p)     by log v -q (c e/2 + s)
  void add_gradient(const plugin::ParameterCall<Real>& wanted) const {
    const Matrix w = matrix();
    const Vector b = offset(), scale = variance().cwiseInverse();
    for (int64_t first = 0; first < wanted.call().rows(); first += kLearnedRows) {
      const int64_t count = std::min(kLearnedRows, wanted.call().rows() - first);
      const Matrix z = double_rows(wanted.call().input(1), first, count, m_);
      const Matrix e = residuals(wanted.call(), first, count, w, b);
      Matrix s = Matrix::Zero(count, n_), tz = Matrix::Zero(count, m_);
      if (wanted.tangent(0) != nullptr) s = double_rows(wanted.tangent(0), first, count, n_);
      if (wanted.tangent(1) != nullptr) tz = double_rows(wanted.tangent(1), first, count, m_);
      s -= tz * w.transpose();
      Vector c = Vector::Zero(count);
      if (wanted.cotangent() != nullptr) c = Eigen::Map<const Vector>(wanted.cotangent() + first, count);
      const Matrix q = e * scale.asDiagonal(), pulled = c.asDiagonal() * q + s * scale.asDiagonal();
      int32_t p = 0;
      if (choice_.matrix) add_to(wanted.sum(p++), (-(pulled.transpose() * z + q.transpose() * tz)).eval());
      if (choice_.offset) add_to(wanted.sum(p++), (-pulled.colwise().sum()).eval());
      if (choice_.variance) {
        const Matrix stretched = 0.5 * (c.asDiagonal() * e) + s;
        add_to(wanted.sum(p), (-(q.array() * stretched.array()).colwise().sum()).matrix().eval());
      }
    }
  }

  /// Rows; with a = (1, z) and the residual e at the present parameters: sums of a a' [1 + m, 1 + m], of a e' [1 + m,
  /// n] and of e^2 [n].
  plugin::Statistics statistics() const { return {1 + (1 + m_) * (1 + m_ + n_) + n_, true}; }

  void add_statistics(const plugin::Call<Real>& call, std::span<double> sum) const {
    const Matrix w = matrix();
    const Vector b = offset();
    sum[0] += static_cast<double>(call.rows());
    double* next = sum.data() + 1;
    Eigen::Map<Matrix> squares(next, 1 + m_, 1 + m_), across(next + (1 + m_) * (1 + m_), 1 + m_, n_);
    Eigen::Map<Eigen::RowVectorXd> rest(next + (1 + m_) * (1 + m_ + n_), n_);
    for (int64_t first = 0; first < call.rows(); first += kLearnedRows) {
      const int64_t count = std::min(kLearnedRows, call.rows() - first);
      Matrix a(count, 1 + m_);
      a.col(0).setOnes();
      a.rightCols(m_) = double_rows(call.input(1), first, count, m_);
      const Matrix e = residuals(call, first, count, w, b);
      squares += a.transpose() * a;
      across += a.transpose() * e;
      rest += e.array().square().colwise().sum().matrix();
    }
  }

  /// Least squares: what W and b move by solves the normal equations of the residuals.
  void fit(std::span<const double> sum) {
    const double rows = sum[0];
    const double* next = sum.data() + 1;
    const Eigen::Map<const Matrix> squares(next, 1 + m_, 1 + m_), across(next + (1 + m_) * (1 + m_), 1 + m_, n_);
    Vector rest = Eigen::Map<const Vector>(next + (1 + m_) * (1 + m_ + n_), n_);
    std::vector<int64_t> learned;
    if (choice_.offset) learned.push_back(0);
    for (int64_t j = 0; j < m_ && choice_.matrix; ++j) learned.push_back(1 + j);
    if (!learned.empty()) {
      const Matrix normal = squares(learned, learned), right = across(learned, Eigen::all);
      const Matrix moved = solved(normal, right, rows);
      rest -= (right.array() * moved.array()).colwise().sum().matrix().transpose();
      for (size_t k = 0; k < learned.size(); ++k) {
        const int64_t column = learned[k] - 1;
        for (int64_t i = 0; i < n_; ++i) {
          Real& to = column < 0 ? offset_[i] : matrix_[i * m_ + column];
          to = static_cast<Real>(static_cast<double>(to) + moved(static_cast<int64_t>(k), i));
        }
      }
    }
    if (!choice_.variance) return;
    const Vector raised = raised_variance(rest / rows, choice_.least_variance, "the noise of " + in_words(rows));
    for (int64_t i = 0; i < n_; ++i) log_variance_[i] = static_cast<Real>(std::log(raised[i]));
  }

 private:
  static std::string in_words(double rows) {
    return std::to_string(static_cast<int64_t>(rows)) + (rows == 1 ? " row" : " rows");
  }

  static Matrix residuals(const plugin::Call<Real>& call, int64_t first, int64_t count, const Matrix& w,
                          const Vector& b) {
    Matrix e = double_rows(call.input(0), first, count, w.rows());
    e.rowwise() -= b.transpose();
    e -= double_rows(call.input(1), first, count, w.cols()) * w.transpose();
    return e;
  }

  /// @throws Failure where the numbers of z, with 1 where there is an offset, are linear functions of one another
  static Matrix solved(const Matrix& normal, const Matrix& right, double rows) {
    const Vector scale = normal.diagonal().array().sqrt().max(1e-300).inverse();
    const Matrix scaled = scale.asDiagonal() * normal * scale.asDiagonal();
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(scaled);
    const double least = solver.eigenvalues().minCoeff();
    if (!(least > 1e-12))
      throw plugin::Failure(POTLUCK_NUMERIC,
                            "the numbers of z must not be linear functions of one another in " + in_words(rows) +
                                ", got a smallest eigenvalue of " + GivenNumbers::text_of(least) +
                                " of their correlations. Leave such numbers out, or learn from more rows");
    const Matrix inner = solver.eigenvectors().transpose() * (scale.asDiagonal() * right);
    return scale.asDiagonal() * (solver.eigenvectors() * (solver.eigenvalues().cwiseInverse().asDiagonal() * inner));
  }

  Choice choice_;
  int64_t n_, m_;
  Matrix fixed_matrix_;
  Vector fixed_offset_, fixed_variance_;
  std::vector<Real> matrix_, offset_, log_variance_;
};

}  // namespace potluck::models
