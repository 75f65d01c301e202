// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/diagonal_metric.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {

constexpr double kShrinkage = 5;

bool all_finite(const std::vector<double>& values, int64_t first, int64_t count) {
  return std::all_of(values.begin() + first, values.begin() + first + count, [](double v) { return std::isfinite(v); });
}

/// Welford 1962.
void add_row(std::vector<double>& mean, std::vector<double>& square, const double* row, double count) {
  for (size_t j = 0; j < mean.size(); ++j) {
    const double before = row[j] - mean[j];
    mean[j] += before / count;
    square[j] += before * (row[j] - mean[j]);
  }
}

}  // namespace

bool fits(const std::vector<Variable>& variables, const std::vector<std::vector<double>>& lengths) {
  if (lengths.empty()) return true;
  bool fit = lengths.size() == variables.size();
  for (size_t v = 0; fit && v < lengths.size(); ++v)
    fit = lengths[v].empty() || static_cast<int64_t>(lengths[v].size()) == variables[v].size();
  return fit;
}

bool scales(const std::vector<Variable>& variables, const std::vector<std::vector<double>>& lengths) {
  for (const std::vector<double>& one : lengths)
    if (!std::all_of(one.begin(), one.end(), [](double s) { return s > 0 && std::isfinite(s); })) return false;
  return fits(variables, lengths);
}

void DiagonalMetric::add(const CohortPositions& cohort, const std::vector<uint8_t>& which) {
  const size_t variables = cohort.position.size(), chains = which.size();
  sums_.resize(variables);
  for (size_t v = 0; v < variables; ++v) {
    const size_t n = cohort.position[v].size() / chains;
    for (std::vector<double>* one :
         {&sums_[v].mean, &sums_[v].square, &sums_[v].gradient_mean, &sums_[v].gradient_square}) {
      one->resize(n);
    }
  }
  for (size_t chain = 0; chain < chains; ++chain) {
    bool sound = which[chain] != 0;
    for (size_t v = 0; v < variables && sound; ++v) {
      const auto n = static_cast<int64_t>(sums_[v].mean.size()), first = static_cast<int64_t>(chain) * n;
      sound = all_finite(cohort.position[v], first, n) && all_finite(cohort.gradient[v], first, n);
    }
    if (!sound) continue;
    ++count_;
    for (size_t v = 0; v < variables; ++v) {
      Sums& sums = sums_[v];
      const size_t first = chain * sums.mean.size();
      add_row(sums.mean, sums.square, cohort.position[v].data() + first, static_cast<double>(count_));
      add_row(sums.gradient_mean, sums.gradient_square, cohort.gradient[v].data() + first, static_cast<double>(count_));
    }
  }
}

std::vector<std::vector<double>> DiagonalMetric::centre() const {
  std::vector<std::vector<double>> centre;
  for (const Sums& sums : sums_) centre.push_back(sums.mean);
  return centre;
}

std::vector<std::vector<double>> DiagonalMetric::scale(double temperature) const {
  std::vector<std::vector<double>> scale;
  const double count = static_cast<double>(count_);
  double sum = 0, known = 0;
  for (const Sums& sums : sums_) {
    std::vector<double>& logs = scale.emplace_back();
    for (size_t j = 0; j < sums.mean.size(); ++j) {
      const double draws = sums.square[j] / count;
      const double scores = sums.gradient_square[j] / count / (temperature * temperature);
      // A coordinate without force tells its scale by its draws alone; one that is held tells nothing.
      const double squared = scores > 0 ? std::sqrt(draws / scores) : draws;
      logs.push_back(std::log(squared));
      if (!std::isfinite(logs.back())) continue;
      sum += logs.back();
      ++known;
    }
  }
  const double mean = known > 0 ? sum / known : 0;
  for (std::vector<double>& logs : scale) {
    for (double& one : logs) {
      one = std::isfinite(one) ? (count * one + kShrinkage * mean) / (count + kShrinkage) : mean;
      one = std::exp(one / 2);
    }
  }
  return scale;
}

void DiagonalMetric::clear() {
  count_ = 0;
  sums_.clear();
}

}  // namespace potluck
