// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/program.h"

namespace potluck {

int Program::add_leaf(int64_t parts) {
  parts_.push_back(parts);
  return static_cast<int>(parts_.size()) - 1;
}

int Program::add(ProgramOperator op, const std::vector<Term>& terms, int64_t parts) {
  op.operand = static_cast<int32_t>(operand_.size());
  op.operands = static_cast<int32_t>(terms.size());
  for (const Term& term : terms) {
    operand_.push_back(term.slot);
    number_.push_back(term.number);
  }
  op.result = add_leaf(parts);
  operators_.push_back(op);
  return op.result;
}

int Program::add_sum(double constant, const std::vector<Term>& terms, int64_t parts) {
  ProgramOperator op;
  op.kind = ProgramOperator::Kind::kSum;
  op.constant = constant;
  return add(op, terms, parts);
}

int Program::add_mixture(const std::vector<Term>& branches, int64_t parts) {
  ProgramOperator op;
  op.kind = ProgramOperator::Kind::kMixture;
  return add(op, branches, parts);
}

int Program::add_ceiling(int slot, double strength, double ceiling, double softness) {
  ProgramOperator op;
  op.kind = ProgramOperator::Kind::kCeiling;
  op.strength = strength;
  op.ceiling = ceiling;
  op.softness = softness;
  return add(op, {{slot, 1}}, parts(slot));
}

int Program::add_each(int slot, int64_t parts_summed) {
  ProgramOperator op;
  op.kind = ProgramOperator::Kind::kEach;
  op.parts = parts_summed;
  return add(op, {{slot, 1}}, parts(slot) / parts_summed);
}

void Program::mark_rates() {
  rate_.assign(parts_.size(), -1);
  constant_rate_.assign(parts_.size(), 0);
  fresh_.assign(operand_.size(), 0);
  constant_rate_[static_cast<size_t>(root_)] = 1;
  std::vector<uint8_t> varies(parts_.size(), 0), written(parts_.size(), 0);
  // Results come after their operands, so that from the last operator down every result is settled when it is met.
  for (size_t o = operators_.size(); o-- > 0;) {
    const ProgramOperator& op = operators_[o];
    const size_t result = static_cast<size_t>(op.result);
    const bool linear = op.kind == ProgramOperator::Kind::kSum || op.kind == ProgramOperator::Kind::kEach;
    for (int32_t i = 0; i < op.operands; ++i) {
      const size_t at = static_cast<size_t>(op.operand + i), slot = static_cast<size_t>(operand_[at]);
      if (!linear || varies[result]) varies[slot] = 1;
      const double number = op.kind == ProgramOperator::Kind::kSum ? number_[at] : 1;
      constant_rate_[slot] += number * constant_rate_[result];
      fresh_[at] = written[slot] ? 0 : 1;
      written[slot] = 1;
    }
  }
  for (size_t slot = 0; slot < parts_.size(); ++slot)
    if (varies[slot]) rate_[slot] = 0;
}

void Program::finish(int root) {
  root_ = root;
  mark_rates();
  value_.assign(parts_.size(), 0);
  for (size_t slot = 0; slot < parts_.size(); ++slot) {
    value_[slot] = doubles_a_chain_;
    doubles_a_chain_ += parts_[slot];
    if (rate_[slot] < 0) continue;
    rate_[slot] = doubles_a_chain_;
    doubles_a_chain_ += parts_[slot];
  }
  for (ProgramOperator& op : operators_) {
    if (op.kind != ProgramOperator::Kind::kMixture) continue;
    op.probabilities = doubles_a_chain_;
    doubles_a_chain_ += parts_[static_cast<size_t>(op.result)] * op.operands;
  }
}

ProgramView Program::view() const {
  return {operators_.data(), static_cast<int32_t>(operators_.size()),
          operand_.data(),   number_.data(),
          fresh_.data(),     value_.data(),
          rate_.data(),      constant_rate_.data(),
          parts_.data()};
}

void Program::run(double* memory, int64_t stride, int64_t chains, bool derivatives) const {
  const ProgramView program = view();
  for (const ProgramOperator& op : operators_) {
    const int64_t rows = chains * parts_[static_cast<size_t>(op.result)];
    for (int64_t row = 0; row < rows; ++row) run_forward(program, op, memory, stride, row);
  }
  if (!derivatives) return;
  for (size_t o = operators_.size(); o-- > 0;) {
    const ProgramOperator& op = operators_[o];
    const int64_t rows = chains * parts_[static_cast<size_t>(op.result)];
    for (int64_t row = 0; row < rows; ++row) run_backward(program, op, memory, stride, row);
  }
}

void Program::run_slopes(const double* memory, double* slope, int64_t stride, int64_t chains) const {
  const ProgramView program = view();
  for (const ProgramOperator& op : operators_) {
    const int64_t rows = chains * parts_[static_cast<size_t>(op.result)];
    for (int64_t row = 0; row < rows; ++row) slope_forward(program, op, memory, slope, stride, row);
  }
  for (size_t o = operators_.size(); o-- > 0;) {
    const ProgramOperator& op = operators_[o];
    const int64_t rows = chains * parts_[static_cast<size_t>(op.result)];
    for (int64_t row = 0; row < rows; ++row) slope_backward(program, op, memory, slope, stride, row);
  }
}

}  // namespace potluck
