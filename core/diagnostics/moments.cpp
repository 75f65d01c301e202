// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/moments.h"

#include <cmath>
#include <limits>

namespace potluck {

Moments::Moments(int64_t size) : mean_(static_cast<size_t>(size)), squares_(static_cast<size_t>(size)) {}

template <typename Number>
void Moments::add_row(const Number* row) {
  ++count_;
  const double weight = 1.0 / static_cast<double>(count_);
  for (size_t i = 0; i < mean_.size(); ++i) {
    const double value = static_cast<double>(row[i]);
    const double before = value - mean_[i];
    mean_[i] += before * weight;
    squares_[i] += before * (value - mean_[i]);
  }
}

void Moments::add(const double* row) { add_row(row); }
void Moments::add(const float* row) { add_row(row); }
void Moments::add(const int64_t* row) { add_row(row); }

void Moments::merge(const Moments& other) {
  if (other.count_ == 0) return;
  const double mine = static_cast<double>(count_), theirs = static_cast<double>(other.count_);
  const double share = theirs / (mine + theirs);
  for (size_t i = 0; i < mean_.size(); ++i) {
    const double apart = other.mean_[i] - mean_[i];
    mean_[i] += apart * share;
    squares_[i] += other.squares_[i] + apart * apart * mine * share;
  }
  count_ += other.count_;
}

double Moments::mean(int64_t i) const {
  return count_ > 0 ? mean_[static_cast<size_t>(i)] : std::numeric_limits<double>::quiet_NaN();
}

double Moments::variance(int64_t i) const {
  return count_ > 1 ? squares_[static_cast<size_t>(i)] / static_cast<double>(count_ - 1)
                    : std::numeric_limits<double>::quiet_NaN();
}

double Moments::sd(int64_t i) const { return std::sqrt(variance(i)); }

}  // namespace potluck
