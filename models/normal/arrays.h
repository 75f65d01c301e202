// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Eigenvalues>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/normal/dense_normal.h"
#include "potluck/model.hpp"

namespace potluck::models {

/// Numbers that a user gave, as a setting or as an array of the weights file, with the words to complain about them.
class GivenNumbers {
 public:
  /// The numbers called `name`; nothing where the user gave neither. A setting counts as given unless its list is
  /// empty.
  static std::optional<GivenNumbers> find(const plugin::Setup& setup, std::string_view name) {
    const std::optional<plugin::Weight> weight = setup.find_weight(name);
    const std::span<const double> listed = setup.reals(name);
    if (weight && !listed.empty())
      throw setup.setting_error(name, "must be left out, for the weights have an array of that name. Keep one of them");
    if (weight) return GivenNumbers(setup, name, weight->numbers(), weight);
    if (!listed.empty()) return GivenNumbers(setup, name, {listed.begin(), listed.end()}, std::nullopt);
    return std::nullopt;
  }
  /// The weights' array called `name`, which no setting can replace; nothing where there is none.
  static std::optional<GivenNumbers> find_weight(const plugin::Setup& setup, std::string_view name) {
    const std::optional<plugin::Weight> weight = setup.find_weight(name);
    if (!weight) return std::nullopt;
    return GivenNumbers(setup, name, weight->numbers(), weight);
  }

  int64_t size() const { return static_cast<int64_t>(numbers_.size()); }
  const std::vector<double>& numbers() const { return numbers_; }
  double operator[](int64_t i) const { return numbers_[static_cast<size_t>(i)]; }

  /// Row-major [rows, columns] from element `first` on.
  Matrix matrix(int64_t rows, int64_t columns, int64_t first = 0) const {
    return Eigen::Map<const Matrix>(numbers_.data() + first, rows, columns);
  }
  Vector vector(int64_t count, int64_t first = 0) const {
    return Eigen::Map<const Vector>(numbers_.data() + first, count);
  }
  /// [count], from `count` numbers or from one that stands for all.
  /// @throws Failure "weights 'mean' must have 784 numbers, got 1024"
  Vector spread(int64_t count) const {
    if (size() == 1) return Vector::Constant(count, numbers_[0]);
    require_size(count);
    return vector(count);
  }
  void require_size(int64_t count) const {
    if (size() != count) throw error("must have " + std::to_string(count) + " numbers, got " + std::to_string(size()));
  }
  void require_positive() const {
    for (const double number : numbers_)
      if (!(number > 0) || !std::isfinite(number)) throw error("must be > 0 and finite, got " + text_of(number));
  }
  void require_finite() const {
    for (const double number : numbers_)
      if (!std::isfinite(number)) throw error("must be finite, got " + text_of(number));
  }

  plugin::Failure error(const std::string& what) const {
    return weight_ ? setup_->weight_error(*weight_, what) : setup_->setting_error(name_, what);
  }
  static std::string text_of(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", number);
    return text;
  }

 private:
  GivenNumbers(const plugin::Setup& setup, std::string_view name, std::vector<double> numbers,
               std::optional<plugin::Weight> weight)
      : setup_(&setup), name_(name), numbers_(std::move(numbers)), weight_(weight) {}
  const plugin::Setup* setup_;
  std::string name_;
  std::vector<double> numbers_;
  std::optional<plugin::Weight> weight_;
};

/// A symmetric positive definite [n, n] from element `first` of `given`, its rounding errors made symmetric.
/// @throws Failure that says which two entries differ, or by how much the matrix fails to be positive definite.
inline Matrix positive_definite(const GivenNumbers& given, int64_t n, int64_t first = 0) {
  const Matrix matrix = given.matrix(n, n, first);
  const double tolerance = 1e-5 * matrix.cwiseAbs().maxCoeff();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < i; ++j)
      if (!(std::abs(matrix(i, j) - matrix(j, i)) <= tolerance))
        throw given.error("must be symmetric, got " + GivenNumbers::text_of(matrix(i, j)) + " in row " +
                          std::to_string(i) + ", column " + std::to_string(j) + " and " +
                          GivenNumbers::text_of(matrix(j, i)) + " in row " + std::to_string(j) + ", column " +
                          std::to_string(i));
  Matrix symmetric = 0.5 * (matrix + matrix.transpose());
  if (Eigen::LLT<Matrix>(symmetric).info() != Eigen::Success) {
    const double least =
        Eigen::SelfAdjointEigenSolver<Matrix>(symmetric, Eigen::EigenvaluesOnly).eigenvalues().minCoeff();
    throw given.error("must be positive definite, got a smallest eigenvalue of " + GivenNumbers::text_of(least) +
                      ". Add a number larger than that is below zero to its diagonal, or correct its entries");
  }
  return symmetric;
}

inline Matrix inverse_of(const Matrix& positive) {
  const Matrix inverse = Eigen::LLT<Matrix>(positive).solve(Matrix::Identity(positive.rows(), positive.cols()));
  return 0.5 * (inverse + inverse.transpose());
}

}  // namespace potluck::models
