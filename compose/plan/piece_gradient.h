// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "compose/plan/central_differences.h"
#include "compose/plan/input_rows.h"
#include "compose/plan/parameter_gradient.h"

namespace potluck {

/// The gradient at one piece of the rows at a time, with memory and models of its own: several pieces may be evaluated
/// at once, by one object each.
class PieceGradient {
 public:
  /// @param most_chains  of a piece  @param worker  whose models are called
  PieceGradient(const GradientSources& sources, int64_t most_chains, int worker);

  /// Computes the sums of the `chains` rows of `call` from `first` on.
  void evaluate(const ParameterGradientCall& call, int64_t first, int64_t chains);

  /// Of the last piece: of array `array` of the store, in the array's type. It is there where the array's expert was
  /// learned.
  const void* sum(size_t array) const { return sums_[array].get(); }

  /// Of the last piece: what is to be added to that sum, in double; null where nothing is.
  const double* differences(size_t array) const { return differences_.sum(array); }

 private:
  /// Where everything stands in the memory, in bytes a chain.
  struct Layout {
    int64_t slopes = 0;      ///< after the program's values and rates: their slopes along the direction
    int64_t total = 0;       ///< C
    int64_t inputs = 0;      ///< rows that one evaluation reads
    int64_t gradients = 0;   ///< of one evaluation
    int64_t tangents = 0;    ///< of one evaluation
    int64_t cotangents = 0;  ///< of one evaluation
    int64_t model = 0;       ///< the model's own scratch
  };

  void keep_held();
  void lay_out();
  void allocate(int64_t most_chains);
  void clear_sums();
  void begin(const ParameterGradientCall& call, int64_t first, int64_t chains);

  bool is_learned(size_t evaluation) const;
  bool rates_vary() const;
  bool moves(const PlannedInput& input) const { return any_moves_ && input.has_gradient() && tangent_[v_of(input)]; }
  static size_t v_of(const PlannedInput& input) { return static_cast<size_t>(input.variable); }
  size_t row_bytes(const PlannedInput& input) const;
  int64_t bytes_of_input(const PlannedEvaluation& evaluation, const PlannedInput& input) const;
  RowRates rates_of(const PlannedEvaluation& evaluation) const;

  char* at(int64_t bytes_a_chain) const { return static_cast<char*>(memory_.get()) + bytes_a_chain * stride_; }
  double* program_memory() const { return static_cast<double*>(memory_.get()); }
  double* slopes() const { return reinterpret_cast<double*>(at(layout_.slopes)); }

  void find_rates();
  void evaluate_leaf(size_t e);
  void find_slope(const PlannedEvaluation& evaluation);
  void add_leaf(size_t e);
  void add_model(size_t e, int64_t rows, const double* cotangent, bool moved);
  bool add_call(size_t e, const potluck_call& call, const double* cotangent, bool moved);

  void bind_inputs(const PlannedEvaluation& evaluation);
  template <class Pointer>
  bool place_moving(const PlannedEvaluation& evaluation, int64_t at, std::vector<Pointer>& places);
  void gather_tangent(const PlannedInput& input, const RowRates& rates, void* rows) const;
  template <class Call>
  void in_calls(const PlannedEvaluation& evaluation, int64_t rows, Call model);
  int64_t keep_active_rows(const PlannedEvaluation& evaluation, const RowRates& rates, bool moved, double* cotangent);

  const GradientSources sources_;
  const InputRows input_rows_;
  const bool on_cpu_;
  std::vector<const Model*> models_;               ///< [evaluations]
  std::vector<int> expert_;                        ///< [evaluations] of the store, or -1
  std::vector<std::shared_ptr<const void>> held_;  ///< [variables] null: none is held
  Layout layout_;
  std::shared_ptr<void> memory_;
  std::vector<std::shared_ptr<void>> sums_;  ///< [arrays] null where they were never needed
  CentralDifferences differences_;           ///< of models without tangents

  // Of the piece.
  int64_t chains_ = 0, stride_ = 0;
  const double* cotangent_ = nullptr;  ///< [chains], or null
  bool any_moves_ = false;
  void* stream_ = nullptr;
  std::vector<const void*> position_, tangent_;  ///< [variables]
  std::vector<Evaluated> evaluated_;             ///< [evaluations]

  // Of one evaluation: its rows, and those of one call of its model.
  std::vector<const void*> input_, next_input_;  ///< [inputs]
  std::vector<void*> gradient_, next_gradient_;
  std::vector<void*> moved_;
  std::vector<const void*> next_moved_;
  std::vector<void*> sum_;  ///< [arrays of its expert]
  std::vector<int64_t> active_;
};

}  // namespace potluck
