// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "compose/plan/arithmetic.h"
#include "compose/plan/difference_arithmetic.h"
#include "compose/plan/evaluation_order.h"
#include "compose/plan/parameter_store.h"
#include "core/precision.h"

namespace potluck {

/// Derivatives of slopes by parameters, of a model that differentiates its energy alone by them:
///
///   sum_b d/dp (t_b . dE_b/dx)  ~  sum_b (dE/dp (x_b + h_b t_b) - dE/dp (x_b - h_b t_b)) / (2 h_b)
///
/// The error of a row is h_b^2 times a sixth of the fourth derivative of E (three times along t, once by p), and the
/// rounding of dE/dp over h_b. The two are alike where the number that moves furthest moves by the cube root of the
/// precision, in units of the size of its input: x_b changes there by 2 eps^(1/3) times the root mean square of that
/// input in the rows of a call (.01 in float32, 1.2e-5 in float64). No input moves further. Both points of a row are
/// finite, but may lie outside a support.
class CentralDifferences {
 public:
  /// Everything outlives the object. @param device  of rows, sums and arithmetic
  CentralDifferences(const ParameterStore& store, const Arithmetic& arithmetic, const Device& device,
                     Precision precision);

  /// Sets all sums to zero.
  void clear(void* stream);

  /// Adds the rows of `call` to the sums of the arrays of `expert`, on the call's stream. Rows whose tangent is zero
  /// add nothing.
  /// @param tangent  [inputs of the evaluation] rows like those of the inputs; null where it is zero
  /// @return false where the model cannot differentiate by its parameters: then nothing was added
  bool add(const Model& model, const PlannedEvaluation& evaluation, const ParameterExpert& expert,
           const potluck_call& call, const void* const* tangent);

  /// Of array `array` of the store since clear(); null where nothing was added to it ever.
  const double* sum(size_t array) const { return static_cast<const double*>(sums_[array].get()); }

 private:
  void make_room(const PlannedEvaluation& evaluation, const ParameterExpert& expert, int64_t rows);
  void find_steps(const PlannedEvaluation& evaluation, const potluck_call& call, const void* const* tangent);
  void move(const PlannedEvaluation& evaluation, const potluck_call& call, const void* const* tangent, double sign);
  size_t bytes_of_array(size_t array) const { return store_.arrays()[array].array.bytes(); }

  const ParameterStore& store_;
  const Arithmetic& arithmetic_;
  const std::unique_ptr<DifferenceArithmetic> differences_;
  const Precision precision_;

  // On the device.
  std::vector<std::shared_ptr<void>> sums_;  ///< [arrays] in double
  std::vector<std::shared_ptr<void>> side_;  ///< [arrays] of one side, in the array's type
  std::shared_ptr<void> moved_rows_;
  size_t moved_bytes_ = 0;
  std::shared_ptr<void> of_rows_;  ///< step, weight and scratch, one after the other
  int64_t most_rows_ = 0;

  // Of one call.
  double* step_ = nullptr;          ///< [rows] h_b; 0 where the row does not move
  double* weight_ = nullptr;        ///< [rows] +-1/(2 h_b)
  double* scratch_ = nullptr;       ///< [rows + 1]
  std::vector<const void*> moved_;  ///< [inputs]
  std::vector<void*> side_sum_;     ///< [arrays of the expert]
};

}  // namespace potluck
