// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/central_differences.h"

#include "compose/plan/difference_arithmetic_cuda.h"
#include "core/device/devices.h"

namespace potluck {

CentralDifferences::CentralDifferences(const ParameterStore& store, const Arithmetic& arithmetic, const Device& device,
                                       Precision precision)
    : store_(store),
      arithmetic_(arithmetic),
      differences_(
          for_device(device, cpu_difference_arithmetic, POTLUCK_WITH_CUDA(cuda_difference_arithmetic), precision)),
      precision_(precision),
      sums_(store.arrays().size()),
      side_(store.arrays().size()) {}

void CentralDifferences::clear(void* stream) {
  for (size_t a = 0; a < sums_.size(); ++a)
    if (sums_[a])
      arithmetic_.set_zero(sums_[a].get(), static_cast<size_t>(store_.arrays()[a].array.size()) * sizeof(double),
                           stream);
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
  if (rows > most_rows_) {
    most_rows_ = rows;
    of_rows_ = arithmetic_.allocate(static_cast<size_t>(3 * rows + 1) * sizeof(double));
  }
  step_ = static_cast<double*>(of_rows_.get());
  weight_ = step_ + most_rows_;
  scratch_ = weight_ + most_rows_;
}

void CentralDifferences::find_steps(const PlannedEvaluation& evaluation, const potluck_call& call,
                                    const void* const* tangent) {
  bool fresh = true;
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    if (!tangent[i]) continue;
    differences_->find_furthest(call.input[i], tangent[i], call.rows, evaluation.inputs[i].size, fresh, scratch_, step_,
                                call.stream);
    fresh = false;
  }
  differences_->find_steps(call.rows, step_, call.stream);
}

void CentralDifferences::move(const PlannedEvaluation& evaluation, const potluck_call& call, const void* const* tangent,
                              double sign) {
  const DifferenceSide side = {sign, step_, call.rows};
  char* to = static_cast<char*>(moved_rows_.get());
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    moved_[i] = call.input[i];
    if (!tangent[i]) continue;
    const int64_t n = evaluation.inputs[i].size;
    differences_->move_rows(side, call.input[i], tangent[i], n, to, call.stream);
    moved_[i] = to;
    to += static_cast<size_t>(call.rows * n) * bytes_of(precision_);
  }
  differences_->weigh_rows(side, weight_, call.stream);
}

bool CentralDifferences::add(const Model& model, const PlannedEvaluation& evaluation, const ParameterExpert& expert,
                             const potluck_call& call, const void* const* tangent) {
  make_room(evaluation, expert, call.rows);
  find_steps(evaluation, call, tangent);
  potluck_call beside = call;
  beside.input = moved_.data();
  for (const double sign : {1.0, -1.0}) {
    move(evaluation, call, tangent, sign);
    for (size_t i = 0; i < expert.count; ++i)
      arithmetic_.set_zero(side_sum_[i], bytes_of_array(expert.first + i), call.stream);
    if (!model.parameter_gradient(beside, weight_, nullptr, side_sum_.data())) return false;
    for (size_t i = 0; i < expert.count; ++i) {
      const ModelParameter& array = store_.arrays()[expert.first + i].array;
      arithmetic_.add_sum(side_sum_[i], array.type == POTLUCK_FLOAT64, array.size(),
                          static_cast<double*>(sums_[expert.first + i].get()), call.stream);
    }
  }
  return true;
}

}  // namespace potluck
