// SPDX-License-Identifier: Apache-2.0
#pragma once

// Gradients with respect to parameters, and central differences of what they are the gradients of.

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "compose/plan/parameter_gradient.h"
#include "tests/compose/trees.h"

namespace potluck::testing {

/// What sums are weighed with: cotangents [rows], and a direction like the positions. Empty: none.
struct Weighing {
  std::vector<double> cotangent;
  std::vector<std::vector<double>> tangent;
};

/// The rows of `some` from `first` on, of arrays with `rows` rows.
inline std::vector<double> rows_of(const std::vector<double>& some, int64_t rows, int64_t first, int64_t count) {
  const int64_t n = static_cast<int64_t>(some.size()) / rows;
  return {some.begin() + first * n, some.begin() + (first + count) * n};
}

/// Arrays as a call takes them, in the plan's precision.
class CallArrays {
 public:
  CallArrays(const Energy& plan, const std::vector<std::vector<double>>& position, const Weighing& weighing)
      : position_(position), tangent_(weighing.tangent), cotangent_(weighing.cotangent) {
    for (size_t v = 0; v < position_.size(); ++v) {
      labels_.emplace_back(position_[v].begin(), position_[v].end());
      narrow_position_.emplace_back(position_[v].begin(), position_[v].end());
      narrow_tangent_.emplace_back();
      if (!tangent_.empty()) narrow_tangent_[v].assign(tangent_[v].begin(), tangent_[v].end());
    }
    const bool narrow = plan.precision() == Precision::kFloat32;
    for (size_t v = 0; v < position_.size(); ++v) {
      const bool categorical = plan.variables()[v].categorical();
      const void* numbers = narrow ? static_cast<const void*>(narrow_position_[v].data()) : position_[v].data();
      positions_.push_back(categorical ? labels_[v].data() : numbers);
      const bool moves = !tangent_.empty() && !categorical && !tangent_[v].empty();
      const void* direction = nullptr;
      if (moves) direction = narrow ? static_cast<const void*>(narrow_tangent_[v].data()) : tangent_[v].data();
      tangents_.push_back(direction);
    }
  }
  CallArrays(const CallArrays&) = delete;
  CallArrays& operator=(const CallArrays&) = delete;

  ParameterGradientCall call(int64_t rows) const {
    ParameterGradientCall call;
    call.rows = rows;
    call.position = positions_.data();
    call.cotangent = cotangent_.empty() ? nullptr : cotangent_.data();
    call.tangent = tangent_.empty() ? nullptr : tangents_.data();
    return call;
  }

 private:
  std::vector<std::vector<double>> position_, tangent_;
  std::vector<double> cotangent_;
  std::vector<std::vector<float>> narrow_position_, narrow_tangent_;
  std::vector<std::vector<int64_t>> labels_;
  std::vector<const void*> positions_, tangents_;
};

using Sums = std::vector<std::vector<double>>;  ///< like the arrays of the store

inline Sums zero_sums(Plan& plan) {
  Sums sums;
  for (const StoredParameter& stored : plan.parameters().arrays())
    sums.emplace_back(static_cast<size_t>(stored.array.size()), 0.0);
  return sums;
}

/// Adds the gradient at `rows` rows to `sums`.
inline void add_gradient(Plan& plan, const std::vector<std::vector<double>>& position, int64_t rows,
                         const Weighing& weighing, Sums& sums, ThreadPool* threads = nullptr) {
  const CallArrays arrays(plan, position, weighing);
  std::vector<double*> pointers;
  for (std::vector<double>& sum : sums) pointers.push_back(sum.data());
  ParameterGradientCall call = arrays.call(rows);
  call.sum = pointers.data();
  call.threads = threads;
  plan.parameter_gradient(call);
}

inline Sums gradient(Plan& plan, const std::vector<std::vector<double>>& position, int64_t rows,
                     const Weighing& weighing, ThreadPool* threads = nullptr) {
  Sums sums = zero_sums(plan);
  add_gradient(plan, position, rows, weighing, sums, threads);
  return sums;
}

/// sum_b cotangent_b C_b + sum_b t_b . dC_b/dx, whose gradient that is.
inline double weighed(const Plan& plan, const std::vector<std::vector<double>>& position, int64_t rows,
                      const Weighing& weighing) {
  const Evaluated at = evaluate(plan, position, rows);
  double sum = 0;
  for (size_t b = 0; b < weighing.cotangent.size(); ++b) sum += weighing.cotangent[b] * at.energy[b];
  for (size_t v = 0; v < weighing.tangent.size(); ++v)
    for (size_t k = 0; k < weighing.tangent[v].size() && !plan.variables()[v].categorical(); ++k)
      sum += weighing.tangent[v][k] * at.gradient[v][k];
  return sum;
}

/// Largest difference of `sums` from central differences, relative to 1 + their size. Values are put back.
inline double worst_against_differences(Plan& plan, const std::vector<std::vector<double>>& position, int64_t rows,
                                        const Weighing& weighing, const Sums& sums) {
  constexpr double kStep = 1e-5;
  ParameterStore& store = plan.parameters();
  double worst = 0;
  for (size_t a = 0; a < sums.size(); ++a) {
    if (!store.is_learned(a)) continue;
    const std::vector<double> before = store.numbers(a);
    for (size_t k = 0; k < before.size(); ++k) {
      const auto at = [&](double value) {
        std::vector<double> moved = before;
        moved[k] = value;
        store.set_numbers(a, moved);
        store.changed();
        return weighed(plan, position, rows, weighing);
      };
      const double difference = (at(before[k] + kStep) - at(before[k] - kStep)) / (2 * kStep);
      const double apart = std::abs(sums[a][k] - difference) / (1 + std::abs(difference));
      worst = std::isnan(apart) ? INFINITY : std::max(worst, apart);
    }
    store.set_numbers(a, before);
    store.changed();
  }
  return worst;
}

/// Numbers like `position`, for directions; or `count` of them.
inline std::vector<double> any_numbers(std::mt19937& random, size_t count) {
  std::normal_distribution<double> normal;
  std::vector<double> numbers;
  for (size_t i = 0; i < count; ++i) numbers.push_back(normal(random));
  return numbers;
}
inline std::vector<std::vector<double>> any_direction(std::mt19937& random,
                                                      const std::vector<std::vector<double>>& position) {
  std::vector<std::vector<double>> direction;
  for (const std::vector<double>& variable : position) direction.push_back(any_numbers(random, variable.size()));
  return direction;
}

}  // namespace potluck::testing
