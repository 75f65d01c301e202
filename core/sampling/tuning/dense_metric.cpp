// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/dense_metric.h"

#include <cmath>

namespace potluck {

namespace {

/// In place, the lower triangle of [d, d] by rows. False where it is not positive definite.
bool cholesky(std::vector<double>& a, size_t d) {
  for (size_t j = 0; j < d; ++j) {
    for (size_t k = 0; k <= j; ++k) {
      double sum = a[j * d + k];
      for (size_t i = 0; i < k; ++i) sum -= a[j * d + i] * a[k * d + i];
      if (k < j) {
        a[j * d + k] = sum / a[k * d + k];
      } else if (sum > 0 && std::isfinite(sum)) {
        a[j * d + j] = std::sqrt(sum);
      } else {
        return false;
      }
    }
  }
  return true;
}

/// A B of lower triangles.
std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, size_t d) {
  std::vector<double> c(d * d, 0.0);
  for (size_t j = 0; j < d; ++j)
    for (size_t i = 0; i <= j; ++i)
      for (size_t k = 0; k <= i; ++k) c[j * d + k] += a[j * d + i] * b[i * d + k];
  return c;
}

/// The numbers of [chains, n] bytes of the run's precision.
std::vector<double> numbers(const std::vector<std::byte>& bytes, Precision precision) {
  std::vector<double> all(bytes.size() / bytes_of(precision));
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = precision == Precision::kFloat32 ? double{reinterpret_cast<const float*>(bytes.data())[i]}
                                              : reinterpret_cast<const double*>(bytes.data())[i];
  return all;
}

std::vector<double> categories(const std::vector<std::byte>& bytes) {
  const auto* first = reinterpret_cast<const int64_t*>(bytes.data());
  return {first, first + bytes.size() / sizeof(int64_t)};
}

}  // namespace

void DenseMetric::add(const CohortPositions& cohort, const std::vector<uint8_t>& sound,
                      const std::vector<std::vector<int64_t>>& moving) {
  size_t d = 0;
  for (const std::vector<int64_t>& one : moving) d += one.size();
  mean_.resize(d);
  square_.resize(d * d);
  std::vector<double> before(d), after(d);
  for (size_t chain = 0; chain < sound.size(); ++chain) {
    bool counts = sound[chain] != 0;
    size_t at = 0;
    for (size_t v = 0; v < moving.size(); ++v) {
      const size_t n = cohort.position[v].size() / sound.size();
      for (const int64_t i : moving[v]) {
        const double z = cohort.position[v][chain * n + static_cast<size_t>(i)];
        counts = counts && std::isfinite(z);
        before[at++] = z;
      }
    }
    if (!counts) continue;
    // Welford 1962.
    ++count_;
    for (size_t j = 0; j < d; ++j) {
      before[j] -= mean_[j];
      mean_[j] += before[j] / static_cast<double>(count_);
    }
    const double weight = static_cast<double>(count_ - 1) / static_cast<double>(count_);
    for (size_t j = 0; j < d; ++j) {
      const double own = weight * before[j];
      for (size_t k = 0; k <= j; ++k) square_[j * d + k] += own * before[k];
    }
  }
}

void DenseMetric::clear() {
  count_ = 0;
  mean_.clear();
  square_.clear();
}

std::optional<DenseMetric::Change> DenseMetric::change() const {
  const size_t d = mean_.size();
  double trace = 0;
  for (size_t j = 0; j < d; ++j) trace += square_[j * d + j] / static_cast<double>(count_);
  // d readings of the mean variance on every axis.
  const double weight = static_cast<double>(count_) + static_cast<double>(d);
  Change change{mean_, square_};
  for (double& one : change.factor) one /= weight;
  for (size_t j = 0; j < d; ++j) change.factor[j * d + j] += trace / weight;
  if (d == 0 || !cholesky(change.factor, d)) return {};
  return change;
}

double change_coordinates(Chains& chains, WhitenedEnergy& energy, const DenseMetric::Change& change) {
  const auto d = static_cast<size_t>(energy.dimension());
  const std::vector<Variable>& variables = energy.variables();
  const std::vector<std::vector<int64_t>>& moving = energy.moving();
  ChainsState state;
  chains.read(state);
  std::vector<std::vector<double>> position;
  for (size_t v = 0; v < variables.size(); ++v)
    position.push_back(variables[v].categorical() ? categories(state.position[v])
                                                  : numbers(state.position[v], energy.precision()));
  std::vector<double*> element(d);
  std::vector<double> z(d);
  for (int64_t chain = 0; chain < chains.count(); ++chain) {
    size_t at = 0;
    for (size_t v = 0; v < moving.size(); ++v)
      for (const int64_t i : moving[v])
        element[at++] = &position[v][static_cast<size_t>(chain * variables[v].size() + i)];
    // C z' = z - m
    for (size_t j = 0; j < d; ++j) {
      double sum = *element[j] - change.mean[j];
      for (size_t k = 0; k < j; ++k) sum -= change.factor[j * d + k] * z[k];
      z[j] = sum / change.factor[j * d + j];
    }
    for (size_t j = 0; j < d; ++j) *element[j] = z[j];
  }

  std::vector<double> mean = energy.mean();
  for (size_t j = 0; j < d; ++j)
    for (size_t k = 0; k <= j; ++k) mean[j] += energy.factor()[j * d + k] * change.mean[k];
  energy.set(std::move(mean), product(energy.factor(), change.factor, d));
  std::vector<const double*> pointers;
  for (const std::vector<double>& one : position) pointers.push_back(one.data());
  chains.write(0, chains.count(), pointers.data());
  chains.evaluate();

  double logs = 0;
  for (size_t j = 0; j < d; ++j) logs += std::log(change.factor[j * d + j]);
  return logs / static_cast<double>(d);
}

}  // namespace potluck
