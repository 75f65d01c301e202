// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace potluck {

/// Streaming mean and variance of n numbers, element by element, in float64: Welford's update, merged as Chan, Golub &
/// LeVeque 1979. Memory does not grow with what is added.
class Moments {
 public:
  explicit Moments(int64_t size);

  int64_t size() const { return static_cast<int64_t>(mean_.size()); }
  int64_t count() const { return count_; }
  /// Adds one row of size() numbers.
  void add(const double* row);
  void add(const float* row);
  void add(const int64_t* row);
  /// As if the other's rows had been added here. Sizes must agree.
  void merge(const Moments& other);

  double mean(int64_t i) const;      ///< NaN where nothing was added
  double variance(int64_t i) const;  ///< sum of squared deviations / (count - 1); NaN below two rows
  double sd(int64_t i) const;

 private:
  template <typename Number>
  void add_row(const Number* row);

  int64_t count_ = 0;
  std::vector<double> mean_;
  std::vector<double> squares_;  ///< sum of squared deviations from the mean
};

}  // namespace potluck
