// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "compose/plan/arithmetic.h"
#include "compose/plan/parameter_store.h"
#include "compose/plan/plan.h"
#include "core/learning/learnable.h"

namespace potluck {

/// A plan as whoever trains it sees it. Which experts are frozen is fixed when it is made.
class LearnablePlan final : public Learnable {
 public:
  /// @param plan  outlives the object
  explicit LearnablePlan(Plan& plan);

  const Energy& energy() const override { return plan_; }
  const std::vector<LearnableArray>& arrays() const override { return arrays_; }
  int64_t piece() override { return plan_.parameter_piece(); }
  void add_gradient(const ParameterGradientCall& call) override { plan_.parameter_gradient(call); }
  std::vector<double> numbers(size_t array) const override { return store_.numbers(array); }
  void set_numbers(size_t array, const std::vector<double>& numbers) override { store_.set_numbers(array, numbers); }
  void changed() override { store_.changed(); }
  std::shared_ptr<void> allocate(size_t bytes) const override { return arithmetic_->allocate(bytes); }
  void copy(void* to, const void* from, size_t bytes) const override { arithmetic_->copy(to, from, bytes, nullptr); }

 private:
  Plan& plan_;
  ParameterStore& store_;
  std::unique_ptr<Arithmetic> arithmetic_;
  std::vector<LearnableArray> arrays_;
};

}  // namespace potluck
