// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "compose/plan/program_element.h"

namespace potluck {

/// The arrays behind a ProgramView, for those who copy them to a device.
struct ProgramTables {
  const std::vector<ProgramOperator>* operators;
  const std::vector<int32_t>* operand;
  const std::vector<double>* number;
  const std::vector<uint8_t>* fresh;
  const std::vector<int64_t>*value, *rate;
  const std::vector<double>* constant_rate;
  const std::vector<int64_t>* parts;
};

/// The scalar function C of leaf energies that a composition stands for, and its partial derivatives, row by row.
///
/// Built bottom up: leaves and operators each give a slot. A slot has `parts` rows a chain (1 outside `each`). All
/// arithmetic is float64, in the order in which the program was built. Evaluation allocates nothing.
class Program {
 public:
  struct Term {
    int slot = 0;
    double number = 1;
  };

  int add_leaf(int64_t parts);
  /// constant + sum_i number_i x_i
  int add_sum(double constant, const std::vector<Term>& terms, int64_t parts);
  /// -log sum_i exp(number_i - x_i), number_i = log a_i - log Z_i
  int add_mixture(const std::vector<Term>& branches, int64_t parts);
  /// -strength s(x), s(x) = -w log(exp(-x/w) + exp(-c/w))
  int add_ceiling(int slot, double strength, double ceiling, double softness);
  /// Sums the `parts` rows of `slot` that belong together.
  int add_each(int slot, int64_t parts);
  /// Lays out the memory. Nothing can be added afterwards.
  void finish(int root);

  int64_t parts(int slot) const { return parts_[static_cast<size_t>(slot)]; }
  int root() const { return root_; }
  /// dC/d(slot) is the same in every row and state: only sums and `each` stand above it.
  bool rate_is_constant(int slot) const { return rate_[static_cast<size_t>(slot)] < 0; }
  double constant_rate(int slot) const { return constant_rate_[static_cast<size_t>(slot)]; }

  /// Doubles of memory for a chain. The memory is that many times `stride` doubles, stride >= chains.
  int64_t doubles_a_chain() const { return doubles_a_chain_; }
  double* values(double* memory, int64_t stride, int slot) const {
    return memory + value_[static_cast<size_t>(slot)] * stride;
  }
  /// [chains * parts] dC/d(slot); only where it is not constant.
  double* rates(double* memory, int64_t stride, int slot) const {
    return memory + rate_[static_cast<size_t>(slot)] * stride;
  }

  /// From the values of the leaves to C and, where `derivatives`, to the rates of all slots.
  void run(double* memory, int64_t stride, int64_t chains, bool derivatives) const;

  /// From the slopes of the leaves' energies along some direction, which stand in `slope` as values() of theirs, to the
  /// slopes of all values and rates. `memory` is as run() with derivatives left it; `slope` has the same layout.
  void run_slopes(const double* memory, double* slope, int64_t stride, int64_t chains) const;

  ProgramView view() const;
  ProgramTables tables() const {
    return {&operators_, &operand_, &number_, &fresh_, &value_, &rate_, &constant_rate_, &parts_};
  }

 private:
  int add(ProgramOperator op, const std::vector<Term>& terms, int64_t parts);
  void mark_rates();

  std::vector<ProgramOperator> operators_;
  std::vector<int32_t> operand_;
  std::vector<double> number_;
  std::vector<uint8_t> fresh_;
  std::vector<int64_t> value_, rate_, parts_;
  std::vector<double> constant_rate_;
  int64_t doubles_a_chain_ = 0;
  int root_ = -1;
};

}  // namespace potluck
