// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/lag_products.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/diagnostics/autocovariance.h"
#include "core/diagnostics/moments.h"
#include "core/error.h"

namespace potluck {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kLeastLags = 3;  // one pair after the first

double sum_of_first(std::span<const double> values, int64_t count) {
  return std::accumulate(values.begin(), values.begin() + count, 0.0);
}

}  // namespace

LagProducts::LagProducts(int64_t most_lag) {
  if (most_lag < kLeastLags)
    throw SettingError(fmt::format("LagProducts: most_lag must be >= {}, got {}", kLeastLags, most_lag));
  products_.resize(static_cast<size_t>(most_lag) + 1);
  tail_.resize(static_cast<size_t>(most_lag));
}

void LagProducts::add(double value) {
  if (count_ == 0) reference_ = value;
  const double apart = value - reference_;
  const auto length = static_cast<int64_t>(tail_.size());
  products_[0] += apart * apart;
  const int64_t lags = std::min(count_, length);
  for (int64_t lag = 1; lag <= lags; ++lag) {
    products_[static_cast<size_t>(lag)] += apart * tail_[static_cast<size_t>((count_ - lag) % length)];
  }
  if (count_ < length) head_.push_back(apart);
  tail_[static_cast<size_t>(count_ % length)] = apart;
  sum_ += apart;
  ++count_;
}

void LagProducts::append(const LagProducts& next) {
  if (most_lag() != next.most_lag()) {
    throw SettingError(fmt::format("LagProducts: what is appended must have the same most_lag {}, got {}", most_lag(),
                                   next.most_lag()));
  }
  if (next.count_ == 0) return;
  if (count_ == 0) {
    *this = next;
    return;
  }
  const int64_t length = most_lag();
  const double apart = next.reference_ - reference_;
  const int64_t mine = std::min(count_, length), theirs = std::min(next.count_, length);
  // The values round the border, in order: the last of mine, then the first of theirs.
  std::vector<double> border;
  for (int64_t i = count_ - mine; i < count_; ++i) border.push_back(tail_[static_cast<size_t>(i % length)]);
  for (const double value : next.head_) border.push_back(value + apart);

  double head = 0, tail = 0;  // of theirs, of the lag at hand
  for (int64_t lag = 0; lag <= length; ++lag) {
    double& product = products_[static_cast<size_t>(lag)];
    if (lag < next.count_) {
      product += next.products_[static_cast<size_t>(lag)] + apart * (2 * next.sum_ - head - tail) +
                 static_cast<double>(next.count_ - lag) * apart * apart;
    }
    for (int64_t i = std::max<int64_t>(0, mine - lag); i < mine && i + lag < mine + theirs; ++i) {
      product += border[static_cast<size_t>(i)] * border[static_cast<size_t>(i + lag)];
    }
    if (lag < theirs) {
      head += next.head_[static_cast<size_t>(lag)];
      tail += next.tail_[static_cast<size_t>((next.count_ - 1 - lag) % length)];
    }
  }
  for (int64_t i = 0; i < theirs && static_cast<int64_t>(head_.size()) < length; ++i) {
    head_.push_back(border[static_cast<size_t>(mine + i)]);
  }
  for (int64_t i = next.count_ - theirs; i < next.count_; ++i) {
    tail_[static_cast<size_t>((count_ + i) % length)] = next.tail_[static_cast<size_t>(i % length)] + apart;
  }
  sum_ += next.sum_ + static_cast<double>(next.count_) * apart;
  count_ += next.count_;
}

double LagProducts::mean() const { return count_ > 0 ? reference_ + sum_ / static_cast<double>(count_) : kNan; }

double LagProducts::autocovariance(int64_t lag) const {
  if (lag >= count_) return kNan;
  const double mean = sum_ / static_cast<double>(count_);
  const double head = sum_of_first(head_, lag);
  double tail = 0;
  for (int64_t i = count_ - lag; i < count_; ++i) tail += tail_[static_cast<size_t>(i % most_lag())];
  return (products_[static_cast<size_t>(lag)] - mean * (2 * sum_ - tail - head) +
          static_cast<double>(count_ - lag) * mean * mean) /
         static_cast<double>(count_);
}

AutocorrelationTime autocorrelation_time(std::span<const LagProducts> chains) {
  if (chains.empty()) return {kNan, false};
  const int64_t n = chains[0].count(), most_lag = chains[0].most_lag();
  Moments means(1);
  std::vector<double> covariance(static_cast<size_t>(std::min(most_lag, n - 1)) + 1);
  for (const LagProducts& chain : chains) {
    if (chain.count() != n || chain.most_lag() != most_lag) {
      throw SettingError(
          fmt::format("autocorrelation_time: chains must all have {} draws and {} lags, got {} draws and {} lags", n,
                      most_lag, chain.count(), chain.most_lag()));
    }
    if (n < 4) continue;
    const double mean = chain.mean();
    means.add(&mean);
    for (size_t lag = 0; lag < covariance.size(); ++lag) {
      covariance[lag] += chain.autocovariance(static_cast<int64_t>(lag)) / static_cast<double>(chains.size());
    }
  }
  if (n < 4) return {kNan, false};
  const double within = covariance[0] * static_cast<double>(n) / static_cast<double>(n - 1);
  const double total = covariance[0] + (chains.size() > 1 ? means.variance(0) : 0.0);
  if (!(total > 0) || !std::isfinite(total)) return {kNan, false};
  const int64_t last = std::min(most_lag, n - 2);
  const MonotoneSum sum = initial_monotone_sum(
      [&](int64_t lag) { return 1 - (within - covariance[static_cast<size_t>(lag)]) / total; }, last);
  const double least = 1 / std::log10(static_cast<double>(n) * static_cast<double>(chains.size()));
  return {std::max(sum.value, least), sum.ended || last == n - 2};
}

}  // namespace potluck
