// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

namespace potluck::conformance {

/// How far two numbers are apart: 0 where they are equal, infinite ones too; +inf where only one is finite or one is
/// no number, so that it passes no bound.
inline double apart(double one, double other) {
  if (one == other) return 0;
  const double distance = std::abs(one - other);
  return std::isnan(distance) ? static_cast<double>(INFINITY) : distance;
}

/// Of many differences, each with its own bound, the one that stands worst against its bound.
class WorstDifference {
 public:
  /// A difference or a bound that is not finite is worse than any that is, and stays the worst.
  /// @param where  what was compared, for the text of a failure
  void take(double difference, double bound, std::string where = "") {
    ++seen_;
    const bool finite = std::isfinite(difference) && std::isfinite(bound);
    const bool worse = seen_ == 1 || !finite || difference * bound_ > difference_ * bound;
    if (!finite_ || !worse) return;
    difference_ = finite ? difference : static_cast<double>(INFINITY);
    bound_ = bound;
    finite_ = finite;
    where_ = std::move(where);
  }

  bool within() const { return finite_ && difference_ <= bound_; }
  double difference() const { return difference_; }
  double bound() const { return bound_; }
  const std::string& where() const { return where_; }
  int64_t seen() const { return seen_; }

 private:
  double difference_ = 0, bound_ = 0;
  bool finite_ = true;
  std::string where_;
  int64_t seen_ = 0;
};

}  // namespace potluck::conformance
