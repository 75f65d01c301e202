// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/normal_score.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace potluck {

namespace {

constexpr double kMostScore = 37;  // its tail is about 1e-300
constexpr double kLeastTail = 1e-300;

}  // namespace

double normal_score(double t, double freedom) {
  if (t == 0 || std::isnan(t)) return t;
  if (std::isinf(t)) return std::copysign(kMostScore, t);
  const boost::math::students_t student(freedom);
  const double tail = boost::math::cdf(boost::math::complement(student, std::abs(t)));
  if (tail < kLeastTail) return std::copysign(kMostScore, t);
  return std::copysign(boost::math::quantile(boost::math::complement(boost::math::normal(), tail)), t);
}

double joint_score(double score, int64_t comparisons) {
  if (std::isnan(score)) return score;
  const double size = std::abs(score);
  if (size >= kMostScore) return score;
  const double tail = boost::math::cdf(boost::math::complement(boost::math::normal(), size));
  const double joint = std::min(0.5, tail * static_cast<double>(std::max<int64_t>(comparisons, 1)));
  if (joint < kLeastTail) return score;
  return std::copysign(boost::math::quantile(boost::math::complement(boost::math::normal(), joint)), score);
}

}  // namespace potluck
