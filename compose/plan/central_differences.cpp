// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/central_differences.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace potluck {

namespace {

/// How far the furthest number moves, in units of the size of its input.
template <class Real>
double reach_of() {
  return 2 * std::cbrt(static_cast<double>(std::numeric_limits<Real>::epsilon()));
}

/// Root mean square of an input's numbers; 1 where all are 0.
template <class Real>
double size_of(const Real* numbers, int64_t count) {
  double squares = 0;
  for (int64_t k = 0; k < count; ++k) squares += static_cast<double>(numbers[k]) * static_cast<double>(numbers[k]);
  return squares > 0 ? std::sqrt(squares / static_cast<double>(count)) : 1;
}

template <class Real>
double largest(const Real* numbers, int64_t count) {
  double most = 0;
  for (int64_t k = 0; k < count; ++k) most = std::max(most, std::abs(static_cast<double>(numbers[k])));
  return most;
}

}  // namespace

CentralDifferences::CentralDifferences(const ParameterStore& store, const Arithmetic& arithmetic, Precision precision)
    : store_(store),
      arithmetic_(arithmetic),
      precision_(precision),
      sums_(store.arrays().size()),
      side_(store.arrays().size()) {}

void CentralDifferences::clear() {
  for (size_t a = 0; a < sums_.size(); ++a)
    if (sums_[a])
      arithmetic_.set_zero(sums_[a].get(), static_cast<size_t>(store_.arrays()[a].array.size()) * sizeof(double),
                           nullptr);
}

void CentralDifferences::make_room(const PlannedEvaluation& evaluation, const ParameterExpert& expert, int64_t rows) {
  side_sum_.resize(expert.count);
  for (size_t i = 0; i < expert.count; ++i) {
    const size_t a = expert.first + i;
    if (!side_[a]) {
      side_[a] = arithmetic_.allocate(bytes_of_array(a));
      sums_[a] = arithmetic_.allocate(static_cast<size_t>(store_.arrays()[a].array.size()) * sizeof(double));
    }
    side_sum_[i] = side_[a].get();
  }
  size_t bytes = 0;
  for (const PlannedInput& input : evaluation.inputs)
    if (input.has_gradient()) bytes += static_cast<size_t>(rows * input.size) * bytes_of(precision_);
  if (bytes > moved_bytes_) moved_rows_ = arithmetic_.allocate(moved_bytes_ = bytes);
  moved_.resize(evaluation.inputs.size());
  step_.resize(static_cast<size_t>(rows));
  weight_.resize(static_cast<size_t>(rows));
}

template <class Real>
void CentralDifferences::find_steps(const PlannedEvaluation& evaluation, const potluck_call& call,
                                    const void* const* tangent) {
  std::fill(step_.begin(), step_.end(), 0.0);
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    if (!tangent[i]) continue;
    const int64_t n = evaluation.inputs[i].size;
    const double size = size_of(static_cast<const Real*>(call.input[i]), call.rows * n);
    for (int64_t row = 0; row < call.rows; ++row) {
      double& furthest = step_[static_cast<size_t>(row)];
      furthest = std::max(furthest, largest(static_cast<const Real*>(tangent[i]) + row * n, n) / size);
    }
  }
  for (double& step : step_) step = std::isnormal(step) ? reach_of<Real>() / step : 0;
}

template <class Real>
void CentralDifferences::move(const PlannedEvaluation& evaluation, const potluck_call& call, const void* const* tangent,
                              double sign) {
  Real* to = static_cast<Real*>(moved_rows_.get());
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    moved_[i] = call.input[i];
    if (!tangent[i]) continue;
    moved_[i] = to;
    const auto* from = static_cast<const Real*>(call.input[i]);
    const auto* along = static_cast<const Real*>(tangent[i]);
    for (const double step : step_)
      for (int64_t j = 0; j < evaluation.inputs[i].size; ++j, ++from, ++along, ++to)
        *to = static_cast<Real>(static_cast<double>(*from) + sign * step * static_cast<double>(*along));
  }
  for (size_t row = 0; row < step_.size(); ++row) weight_[row] = step_[row] > 0 ? sign / (2 * step_[row]) : 0;
}

bool CentralDifferences::add(const Model& model, const PlannedEvaluation& evaluation, const ParameterExpert& expert,
                             const potluck_call& call, const void* const* tangent) {
  const bool wide = precision_ == Precision::kFloat64;
  make_room(evaluation, expert, call.rows);
  wide ? find_steps<double>(evaluation, call, tangent) : find_steps<float>(evaluation, call, tangent);
  potluck_call beside = call;
  beside.input = moved_.data();
  for (const double sign : {1.0, -1.0}) {
    wide ? move<double>(evaluation, call, tangent, sign) : move<float>(evaluation, call, tangent, sign);
    for (size_t i = 0; i < expert.count; ++i)
      arithmetic_.set_zero(side_sum_[i], bytes_of_array(expert.first + i), nullptr);
    if (!model.parameter_gradient(beside, weight_.data(), nullptr, side_sum_.data())) return false;
    for (size_t i = 0; i < expert.count; ++i) {
      const ModelParameter& array = store_.arrays()[expert.first + i].array;
      arithmetic_.add_sum(side_sum_[i], array.type == POTLUCK_FLOAT64, array.size(),
                          static_cast<double*>(sums_[expert.first + i].get()), nullptr);
    }
  }
  return true;
}

}  // namespace potluck
