// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/coordinate_table.h"
#include "models/row_model/loop.h"
#include "potluck/model.hpp"

namespace potluck::models {

#ifdef POTLUCK_HAVE_CUDA
/// Defined in kernel.cuh, instantiated by each model's .cu file.
template <class Terms, class Real>
cudaError_t enqueue_rows(const Terms& terms, const RowCall<Real>& call, cudaStream_t stream);
#endif

/// A model of one continuous input "x" whose energy is a sum of one term a coordinate (see loop.h). Derived classes
/// set `terms_`, whose pointers are on the model's device, and declare the rest.
template <template <class> class Terms, class Real>
class RowModel {
 public:
  static constexpr plugin::Input inputs[] = {plugin::continuous("x", "the state, of any shape")};

  void evaluate(const plugin::Call<Real>& call) const { evaluate_on_cpu(terms_, plain(call)); }

#ifdef POTLUCK_HAVE_CUDA
  void evaluate_cuda(const plugin::Call<Real>& call) const {
    const CurrentDevice current(device_index_);
    check_cuda(enqueue_rows(terms_, plain(call), static_cast<cudaStream_t>(call.stream())), "launching a kernel");
  }
#endif

 protected:
  explicit RowModel(const plugin::Setup& setup) : device_index_(setup.device_index()) {}
  RowModel(const RowModel&) = delete;
  RowModel& operator=(const RowModel&) = delete;

  /// What holds of every row model; derived classes add what they know.
  static plugin::Facts row_facts() {
    plugin::Facts facts;
    facts.accumulates = true;
    facts.batch_invariant = true;
    facts.graph_capturable = true;
    return facts;
  }

  Terms<Real> terms_{};

 private:
  static RowCall<Real> plain(const plugin::Call<Real>& call) {
    return {call.rows(),     call.size(),        call.input(),     call.energy(),
            call.gradient(), call.row_weights(), call.accumulate()};
  }
  int device_index_;
};

}  // namespace potluck::models
