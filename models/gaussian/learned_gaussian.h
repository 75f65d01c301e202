// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/gaussian/gaussian_law.h"
#include "models/normal/log_cholesky.h"

namespace potluck::models {

/// What training moves of a Gaussian: `mean` [n], and the covariance in numbers that may all have any value,
/// `log_variance` [n] of diag(v) + W W' with `factor` W [n, r] where there is one, or `log_cholesky` [n, n] of P.
template <class Real>
class LearnedGaussian {
 public:
  /// Begins at `law`. @param mean, covariance  whether it is learned
  LearnedGaussian(const GaussianLaw& law, bool mean, bool covariance, double least_variance)
      : fixed_(law),
        n_(std::visit([](const auto& form) { return form.size(); }, law)),
        learns_mean_(mean),
        least_variance_(least_variance) {
    const Vector& centre = std::visit([](const auto& form) -> const Vector& { return form.mean(); }, law);
    mean_.assign(centre.begin(), centre.end());
    if (!covariance) return;
    if (const DenseNormal* dense = std::get_if<DenseNormal>(&law)) {
      log_cholesky_.resize(static_cast<size_t>(n_ * n_));
      put_log_cholesky(dense->precision(), log_cholesky_.data());
      return;
    }
    const LowRankNormal& low_rank = std::get<LowRankNormal>(law);
    for (const double variance : low_rank.variance()) log_variance_.push_back(static_cast<Real>(std::log(variance)));
    rank_ = low_rank.rank();
    factor_.assign(low_rank.factor().data(), low_rank.factor().data() + low_rank.factor().size());
  }

  std::vector<plugin::Parameter> parameters() {
    std::vector<plugin::Parameter> all;
    if (learns_mean_) all.push_back({"mean", mean_.data(), {n_}});
    if (!log_variance_.empty()) all.push_back({"log_variance", log_variance_.data(), {n_}});
    if (!factor_.empty()) all.push_back({"factor", factor_.data(), {n_, rank_}});
    if (!log_cholesky_.empty()) all.push_back({"log_cholesky", log_cholesky_.data(), {n_, n_}});
    return all;
  }

  /// At the present values.
  GaussianLaw law() const {
    Vector mean = mean_in_double();
    if (!log_cholesky_.empty()) {
      const Matrix factor = cholesky_factor(log_cholesky_.data(), n_);
      return DenseNormal(std::move(mean), factor * factor.transpose());
    }
    if (!log_variance_.empty())
      return LowRankNormal(std::move(mean), variance(), double_rows(factor_.data(), 0, n_, rank_));
    if (const DenseNormal* dense = std::get_if<DenseNormal>(&fixed_)) return DenseNormal(mean, dense->precision());
    const LowRankNormal& low_rank = std::get<LowRankNormal>(fixed_);
    return LowRankNormal(std::move(mean), low_rank.variance(), low_rank.factor());
  }

  /// With d = x - m, u = P d and w = P t, of the cotangent c and the tangent t of a row, and covariance C:
  ///   by m      -(c u + w)
  ///   by C      -(c u u' + u w' + w u')/2, from which follow those by log v and W
  ///   by L      (c d + t) (L'd)' + d (L't)' below the diagonal, times L_ii on it
  /// @param law  at the present values
  void add_gradient(const plugin::ParameterCall<Real>& wanted, const GaussianLaw& law) const {
    for (int64_t first = 0; first < wanted.call().rows(); first += kLearnedRows)
      add_rows(wanted, law, first, std::min(kLearnedRows, wanted.call().rows() - first));
  }

  /// Rows, sum of x - m, and sums of (x - m)^2 or of (x - m) (x - m)'; m is the present mean.
  std::optional<plugin::Statistics> statistics() const {
    if (!factor_.empty()) return std::nullopt;  // those of a factor are in no closed form
    const int64_t squares = !log_cholesky_.empty() ? n_ * n_ : (!log_variance_.empty() ? n_ : 0);
    return plugin::Statistics{1 + n_ + squares, true};
  }

  void add_statistics(const plugin::Call<Real>& call, std::span<double> sum) const {
    sum[0] += static_cast<double>(call.rows());
    Eigen::Map<Vector> offset(sum.data() + 1, n_);
    double* squares = sum.data() + 1 + n_;
    for (int64_t first = 0; first < call.rows(); first += kLearnedRows) {
      const int64_t count = std::min(kLearnedRows, call.rows() - first);
      Matrix difference = double_rows(call.input(), first, count, n_);
      difference.rowwise() -= mean_in_double().transpose();
      offset += difference.colwise().sum().transpose();
      if (!log_cholesky_.empty()) Eigen::Map<Matrix>(squares, n_, n_) += difference.transpose() * difference;
      if (!log_variance_.empty())
        Eigen::Map<Vector>(squares, n_) += difference.array().square().colwise().sum().matrix().transpose();
    }
  }

  void fit(std::span<const double> sum) {
    const double rows = sum[0];
    const std::string whose =
        "the covariance of " + std::to_string(static_cast<int64_t>(rows)) + (rows == 1 ? " row" : " rows");
    Vector moved = Eigen::Map<const Vector>(sum.data() + 1, n_) / rows;
    if (learns_mean_)
      for (int64_t i = 0; i < n_; ++i) mean_[i] = static_cast<Real>(static_cast<double>(mean_[i]) + moved[i]);
    else
      moved.setZero();
    const double* squares = sum.data() + 1 + n_;
    if (!log_cholesky_.empty()) {
      Matrix covariance = Eigen::Map<const Matrix>(squares, n_, n_) / rows - moved * moved.transpose();
      covariance = 0.5 * (covariance + covariance.transpose().eval());
      put_log_cholesky(inverse_of(raised_covariance(covariance, least_variance_, whose)), log_cholesky_.data());
    }
    if (!log_variance_.empty()) {
      const Vector variance = Eigen::Map<const Vector>(squares, n_) / rows - moved.cwiseAbs2();
      const Vector raised = raised_variance(variance, least_variance_, whose);
      for (int64_t i = 0; i < n_; ++i) log_variance_[i] = static_cast<Real>(std::log(raised[i]));
    }
  }

 private:
  Vector mean_in_double() const {
    return Eigen::Map<const Eigen::Matrix<Real, Eigen::Dynamic, 1>>(mean_.data(), n_).template cast<double>();
  }
  Vector variance() const {
    Vector variance(n_);
    for (int64_t i = 0; i < n_; ++i) variance[i] = std::exp(static_cast<double>(log_variance_[i]));
    return variance;
  }

  /// Rows times P.
  static Matrix in_precision(const Matrix& rows, const GaussianLaw& law) {
    if (const DenseNormal* dense = std::get_if<DenseNormal>(&law)) return rows * dense->precision();
    const LowRankNormal& low_rank = std::get<LowRankNormal>(law);
    Matrix rest = rows;
    if (low_rank.rank() > 0) rest -= rows * low_rank.latent().transpose() * low_rank.factor().transpose();
    return rest * low_rank.variance().cwiseInverse().asDiagonal();
  }

  void add_rows(const plugin::ParameterCall<Real>& wanted, const GaussianLaw& law, int64_t first, int64_t count) const {
    Matrix d = double_rows(wanted.call().input(), first, count, n_);
    d.rowwise() -= mean_in_double().transpose();
    Matrix t = Matrix::Zero(count, n_);
    if (wanted.tangent() != nullptr) t = double_rows(wanted.tangent(), first, count, n_);
    Vector c = Vector::Zero(count);
    if (wanted.cotangent() != nullptr) c = Eigen::Map<const Vector>(wanted.cotangent() + first, count);
    const Matrix u = in_precision(d, law), w = in_precision(t, law);
    const Matrix cu = c.asDiagonal() * u;
    int32_t p = 0;
    if (learns_mean_) add_to(wanted.sum(p++), (-(cu + w).colwise().sum()).eval());
    if (!log_variance_.empty()) {
      const Eigen::RowVectorXd squares = (u.array() * (cu + 2 * w).array()).colwise().sum();
      add_to(wanted.sum(p++), (-0.5 * squares.array() * variance().transpose().array()).matrix().eval());
    }
    if (!factor_.empty()) {
      const Matrix factor = double_rows(factor_.data(), 0, n_, rank_);
      add_to(wanted.sum(p++), (-((cu + w).transpose() * (u * factor) + u.transpose() * (w * factor))).eval());
    }
    if (!log_cholesky_.empty()) {
      const Matrix cholesky = cholesky_factor(log_cholesky_.data(), n_);
      Matrix by_factor = (c.asDiagonal() * d + t).transpose() * (d * cholesky) + d.transpose() * (t * cholesky);
      by_factor.diagonal().array() *= cholesky.diagonal().array();
      add_to(wanted.sum(p), Matrix(by_factor.triangularView<Eigen::Lower>()));
    }
  }

  GaussianLaw fixed_;  // whose covariance stands where none is learned
  int64_t n_, rank_ = 0;
  bool learns_mean_;
  double least_variance_;
  std::vector<Real> mean_, log_variance_, factor_, log_cholesky_;
};

}  // namespace potluck::models
