// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "models/normal/log_cholesky.h"
#include "models/normal/low_rank_normal.h"

namespace potluck::models {

/// One component: dense, or diagonal as one of low rank with rank 0.
using ComponentLaw = std::variant<DenseNormal, LowRankNormal>;

/// What training moves of a mixture, in numbers that may all have any value: `mean` [K, n], `log_weight` [K] up to a
/// constant, and of each component `log_variance` [K, n] or `log_cholesky` [K, n, n].
template <class Real>
class LearnedMixture {
 public:
  struct Choice {
    bool mean = true, weight = true, covariance = true;  ///< whether it is learned
    bool from_scratch = false;                           ///< nothing gives the means: round 0 chooses where EM begins
    double least_variance = 0;
    uint64_t key = 0;  ///< of what is random there
  };

  LearnedMixture(const Matrix& mean, const std::vector<double>& weight, const std::vector<ComponentLaw>& laws,
                 const Choice& choice)
      : fixed_(laws), choice_(choice), components_(mean.rows()), n_(mean.cols()) {
    mean_.assign(mean.data(), mean.data() + mean.size());
    for (const double one : weight) log_weight_.push_back(static_cast<Real>(std::log(one)));
    if (!choice.covariance) return;
    const auto size = static_cast<size_t>(components_ * n_);
    if (std::holds_alternative<DenseNormal>(laws[0])) {
      log_cholesky_.resize(size * static_cast<size_t>(n_));
      for (int64_t k = 0; k < components_; ++k)
        put_log_cholesky(std::get<DenseNormal>(laws[k]).precision(), log_cholesky_.data() + k * n_ * n_);
    } else {
      for (const ComponentLaw& law : laws)
        for (const double variance : std::get<LowRankNormal>(law).variance())
          log_variance_.push_back(static_cast<Real>(std::log(variance)));
    }
  }

  std::vector<plugin::Parameter> parameters() {
    std::vector<plugin::Parameter> all;
    if (choice_.mean) all.push_back({"mean", mean_.data(), {components_, n_}});
    if (choice_.weight) all.push_back({"log_weight", log_weight_.data(), {components_}});
    if (!log_variance_.empty()) all.push_back({"log_variance", log_variance_.data(), {components_, n_}});
    if (!log_cholesky_.empty()) all.push_back({"log_cholesky", log_cholesky_.data(), {components_, n_, n_}});
    return all;
  }

  Matrix mean() const { return double_rows(mean_.data(), 0, components_, n_); }
  /// They sum to 1.
  std::vector<double> weight() const {
    const double most = static_cast<double>(*std::max_element(log_weight_.begin(), log_weight_.end()));
    std::vector<double> weight;
    double sum = 0;
    for (const Real one : log_weight_) sum += weight.emplace_back(std::exp(static_cast<double>(one) - most));
    for (double& one : weight) one /= sum;
    return weight;
  }
  std::vector<ComponentLaw> laws() const {
    std::vector<ComponentLaw> laws;
    const Matrix means = mean();
    for (int64_t k = 0; k < components_; ++k) {
      Vector centre = means.row(k);
      if (!log_cholesky_.empty()) {
        const Matrix factor = cholesky_factor(log_cholesky_.data() + k * n_ * n_, n_);
        laws.emplace_back(DenseNormal(std::move(centre), factor * factor.transpose()));
      } else if (!log_variance_.empty()) {
        laws.emplace_back(LowRankNormal(std::move(centre), variance(k), Matrix(n_, 0)));
      } else if (const DenseNormal* dense = std::get_if<DenseNormal>(&fixed_[k])) {
        laws.emplace_back(DenseNormal(std::move(centre), dense->precision()));
      } else {
        laws.emplace_back(
            LowRankNormal(std::move(centre), std::get<LowRankNormal>(fixed_[k]).variance(), Matrix(n_, 0)));
      }
    }
    return laws;
  }

  /// With e_k the energy of component k, its constant c_k included, r_k = exp(E - e_k), g_k = t . de_k/dx and
  /// g = sum_k r_k g_k, of the cotangent c and the tangent t of a row:
  ///
  ///   sum_k r_k (c + g - g_k) de_k/dp + r_k d/dp (t . de_k/dx)
  void add_gradient(const plugin::ParameterCall<Real>& wanted, const std::vector<ComponentLaw>& laws,
                    const std::vector<double>& constant) const {
    for (int64_t first = 0; first < wanted.call().rows(); first += kLearnedRows)
      add_rows(wanted, laws, constant, first, std::min(kLearnedRows, wanted.call().rows() - first));
  }

  /// Of each component: its share r_k of all rows, and the sums of r_k (x - m_k) and of r_k (x - m_k)^2, or of
  /// r_k (x - m_k) (x - m_k)'. Of round 0 from scratch: rows, sums of x and x^2, and of each component the sums of g
  /// and g x, where g is a standard normal number of row and component.
  plugin::Statistics statistics() const { return {std::max(of_rounds(), 1 + 2 * n_ + components_ * (1 + n_)), false}; }

  void add_statistics(const plugin::Call<Real>& call, int64_t round, const std::vector<ComponentLaw>& laws,
                      const std::vector<double>& constant, std::span<double> sum) const {
    for (int64_t first = 0; first < call.rows(); first += kLearnedRows) {
      const int64_t count = std::min(kLearnedRows, call.rows() - first);
      if (choice_.from_scratch && round == 0)
        add_first(call, first, count, sum);
      else
        add_round(call, first, count, laws, constant, sum);
    }
  }

  void fit(int64_t round, std::span<const double> sum) {
    if (choice_.from_scratch && round == 0)
      begin(sum);
    else
      maximise(sum);
  }

 private:
  using RowVector = Eigen::RowVectorXd;

  int64_t squares() const { return log_cholesky_.empty() ? (log_variance_.empty() ? 0 : n_) : n_ * n_; }
  int64_t of_rounds() const { return components_ * (1 + n_ + squares()); }

  Vector variance(int64_t k) const {
    Vector variance(n_);
    for (int64_t i = 0; i < n_; ++i) variance[i] = std::exp(static_cast<double>(log_variance_[k * n_ + i]));
    return variance;
  }
  static Matrix in_precision(const Matrix& rows, const ComponentLaw& law) {
    if (const DenseNormal* dense = std::get_if<DenseNormal>(&law)) return rows * dense->precision();
    return rows * std::get<LowRankNormal>(law).variance().cwiseInverse().asDiagonal();
  }
  Matrix from_mean(const Matrix& rows, int64_t k) const {
    Matrix difference = rows;
    difference.rowwise() -= double_rows(mean_.data(), k, 1, n_).row(0);
    return difference;
  }

  /// Shares r [rows, K] from the energies of the components, which they replace.
  static void to_shares(Matrix& energy) {
    for (int64_t b = 0; b < energy.rows(); ++b) {
      const double least = energy.row(b).minCoeff();
      energy.row(b) = (least - energy.row(b).array()).exp();
      energy.row(b) /= energy.row(b).sum();
    }
  }

  /// e_k = (x - m_k)' P_k (x - m_k) / 2 + c_k  [rows, K]
  Matrix energies(const Matrix& x, const std::vector<ComponentLaw>& laws, const std::vector<double>& constant) const {
    Matrix energy(x.rows(), components_);
    for (int64_t k = 0; k < components_; ++k) {
      const Matrix d = from_mean(x, k);
      energy.col(k) = 0.5 * (d.array() * in_precision(d, laws[k]).array()).rowwise().sum() + constant[k];
    }
    return energy;
  }

  void add_rows(const plugin::ParameterCall<Real>& wanted, const std::vector<ComponentLaw>& laws,
                const std::vector<double>& constant, int64_t first, int64_t count) const {
    const Matrix x = double_rows(wanted.call().input(), first, count, n_);
    Matrix t = Matrix::Zero(count, n_);
    if (wanted.tangent() != nullptr) t = double_rows(wanted.tangent(), first, count, n_);
    Vector c = Vector::Zero(count);
    if (wanted.cotangent() != nullptr) c = Eigen::Map<const Vector>(wanted.cotangent() + first, count);
    Matrix share = energies(x, laws, constant), slope(count, components_);
    to_shares(share);
    for (int64_t k = 0; k < components_; ++k)
      slope.col(k) = (t.array() * in_precision(from_mean(x, k), laws[k]).array()).rowwise().sum();
    const Vector mean_slope = (share.array() * slope.array()).rowwise().sum();
    // Of each row: what de_k/dp is multiplied by.
    Matrix by_energy = share;
    for (int64_t k = 0; k < components_; ++k)
      by_energy.col(k).array() *= c.array() + mean_slope.array() - slope.col(k).array();
    for (int64_t k = 0; k < components_; ++k) {
      const Matrix d = from_mean(x, k), moved = share.col(k).asDiagonal() * t;
      add_component(wanted, laws[k], k, d, by_energy.col(k), moved);
    }
    if (!choice_.weight) return;
    const std::vector<double> weight = this->weight();
    const RowVector sums = by_energy.colwise().sum();
    Real* to = wanted.sum(choice_.mean ? 1 : 0);
    for (int64_t k = 0; k < components_; ++k)
      to[k] += static_cast<Real>(weight[static_cast<size_t>(k)] * sums.sum() - sums[k]);
  }

  /// As of one Gaussian with cotangents c and tangents t, and its constant.
  void add_component(const plugin::ParameterCall<Real>& wanted, const ComponentLaw& law, int64_t k, const Matrix& d,
                     const Vector& c, const Matrix& t) const {
    const Matrix u = in_precision(d, law), w = in_precision(t, law), cu = c.asDiagonal() * u;
    int32_t p = 0;
    if (choice_.mean) add_to(wanted.sum(p++) + k * n_, (-(cu + w).colwise().sum()).eval());
    p += choice_.weight ? 1 : 0;
    if (!log_variance_.empty()) {
      const RowVector squares = (u.array() * (cu + 2 * w).array()).colwise().sum();
      const RowVector all = 0.5 * (c.sum() - squares.array() * variance(k).transpose().array());
      add_to(wanted.sum(p) + k * n_, all);
    }
    if (!log_cholesky_.empty()) {
      const Matrix factor = cholesky_factor(log_cholesky_.data() + k * n_ * n_, n_);
      Matrix by_factor = (c.asDiagonal() * d + t).transpose() * (d * factor) + d.transpose() * (t * factor);
      by_factor.diagonal().array() = by_factor.diagonal().array() * factor.diagonal().array() - c.sum();
      add_to(wanted.sum(p) + k * n_ * n_, Matrix(by_factor.template triangularView<Eigen::Lower>()));
    }
  }

  void add_round(const plugin::Call<Real>& call, int64_t first, int64_t count, const std::vector<ComponentLaw>& laws,
                 const std::vector<double>& constant, std::span<double> sum) const {
    const Matrix x = double_rows(call.input(), first, count, n_);
    Matrix share = energies(x, laws, constant);
    to_shares(share);
    for (int64_t k = 0; k < components_; ++k) {
      const Matrix d = from_mean(x, k), shared = share.col(k).asDiagonal() * d;
      double* to = sum.data() + k * (1 + n_ + squares());
      to[0] += share.col(k).sum();
      Eigen::Map<RowVector>(to + 1, n_) += shared.colwise().sum();
      if (!log_variance_.empty())
        Eigen::Map<RowVector>(to + 1 + n_, n_) += (shared.array() * d.array()).colwise().sum().matrix();
      if (!log_cholesky_.empty()) Eigen::Map<Matrix>(to + 1 + n_, n_, n_) += d.transpose() * shared;
    }
  }

  /// The M step.
  void maximise(std::span<const double> sum) {
    double rows = 0;
    for (int64_t k = 0; k < components_; ++k) rows += sum[k * (1 + n_ + squares())];
    for (int64_t k = 0; k < components_; ++k) {
      const double* from = sum.data() + k * (1 + n_ + squares());
      const double share = from[0];
      if (choice_.weight) log_weight_[k] = static_cast<Real>(std::log(std::max(share / rows, kLeastWeight)));
      if (share <= kLeastWeight * rows) continue;  // nothing is known of a component without rows
      Vector moved = Eigen::Map<const Vector>(from + 1, n_) / share;
      if (choice_.mean)
        for (int64_t i = 0; i < n_; ++i)
          mean_[k * n_ + i] = static_cast<Real>(static_cast<double>(mean_[k * n_ + i]) + moved[i]);
      else
        moved.setZero();
      fit_covariance(k, share, moved, from + 1 + n_);
    }
  }

  void fit_covariance(int64_t k, double share, const Vector& moved, const double* squares) {
    const std::string whose = "the covariance of component " + std::to_string(k) + " of " +
                              std::to_string(components_) + ", which holds " + GivenNumbers::text_of(share) + " rows,";
    if (!log_cholesky_.empty()) {
      Matrix covariance = Eigen::Map<const Matrix>(squares, n_, n_) / share - moved * moved.transpose();
      covariance = 0.5 * (covariance + covariance.transpose().eval());
      put_log_cholesky(inverse_of(raised_covariance(covariance, choice_.least_variance, whose)),
                       log_cholesky_.data() + k * n_ * n_);
    }
    if (!log_variance_.empty()) {
      const Vector raised = raised_variance(Eigen::Map<const Vector>(squares, n_) / share - moved.cwiseAbs2(),
                                            choice_.least_variance, whose);
      for (int64_t i = 0; i < n_; ++i) log_variance_[k * n_ + i] = static_cast<Real>(std::log(raised[i]));
    }
  }

  void add_first(const plugin::Call<Real>& call, int64_t first, int64_t count, std::span<double> sum) const {
    const Matrix x = double_rows(call.input(), first, count, n_);
    sum[0] += static_cast<double>(count);
    Eigen::Map<RowVector>(sum.data() + 1, n_) += x.colwise().sum();
    Eigen::Map<RowVector>(sum.data() + 1 + n_, n_) += x.array().square().colwise().sum().matrix();
    Matrix normal(count, components_);
    for (int64_t b = 0; b < count; ++b) {
      const uint64_t hash = hash_of(call.input_row(0, first + b));
      for (int64_t k = 0; k < components_; ++k) normal(b, k) = normal_of(hash, static_cast<uint64_t>(k));
    }
    Eigen::Map<RowVector>(sum.data() + 1 + 2 * n_, components_) += normal.colwise().sum();
    Eigen::Map<Matrix>(sum.data() + 1 + 2 * n_ + components_, components_, n_) += normal.transpose() * x;
  }

  /// Means are drawn from N(m, S), where m and S are mean and covariance of the data (McLachlan & Peel 2000, section
  /// 2.12.2): m + sum_b g_b (x_b - m) / sqrt(N) has that law. All components have the variances of the data.
  void begin(std::span<const double> sum) {
    const double rows = sum[0];
    const Vector centre = Eigen::Map<const Vector>(sum.data() + 1, n_) / rows;
    Vector spread = Eigen::Map<const Vector>(sum.data() + 1 + n_, n_) / rows - centre.cwiseAbs2();
    for (int64_t i = 0; i < n_; ++i)
      if (const double least = std::max(choice_.least_variance, 0.0); !(spread[i] > least))
        spread[i] = least > 0 ? least : 1;
    for (int64_t k = 0; k < components_; ++k) {
      const double drawn = sum[1 + 2 * n_ + k];
      const double* across = sum.data() + 1 + 2 * n_ + components_ + k * n_;
      for (int64_t i = 0; i < n_; ++i) {
        mean_[k * n_ + i] = static_cast<Real>(centre[i] + (across[i] - drawn * centre[i]) / std::sqrt(rows));
        const double log = std::log(spread[i]);
        if (!log_variance_.empty()) log_variance_[k * n_ + i] = static_cast<Real>(log);
        for (int64_t j = 0; j < n_ && !log_cholesky_.empty(); ++j)
          log_cholesky_[(k * n_ + i) * n_ + j] = static_cast<Real>(i == j ? -log / 2 : 0.0);
      }
    }
  }

  static uint64_t mixed(uint64_t word) {  // splitmix64
    word += 0x9e3779b97f4a7c15;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }
  /// Of its numbers, so that it is the same wherever the row stands.
  uint64_t hash_of(std::span<const Real> row) const {
    uint64_t hash = choice_.key;
    for (const Real number : row) hash = mixed(hash ^ std::bit_cast<uint64_t>(static_cast<double>(number)));
    return hash;
  }
  static double normal_of(uint64_t hash, uint64_t k) {
    const auto uniform = [](uint64_t word) { return (static_cast<double>(word >> 11) + 0.5) * 0x1p-53; };
    const uint64_t one = mixed(hash ^ mixed(2 * k)), other = mixed(hash ^ mixed(2 * k + 1));
    return std::sqrt(-2 * std::log(uniform(one))) * std::cos(2 * std::numbers::pi * uniform(other));
  }

  static constexpr double kLeastWeight = 1e-12;

  std::vector<ComponentLaw> fixed_;  // whose covariances stand where none are learned
  Choice choice_;
  int64_t components_, n_;
  std::vector<Real> mean_, log_weight_, log_variance_, log_cholesky_;
};

}  // namespace potluck::models
