// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

#ifndef POTLUCK_HOST_DEVICE
#ifdef __CUDACC__
#define POTLUCK_HOST_DEVICE __host__ __device__
#else
#define POTLUCK_HOST_DEVICE
#endif
#endif

namespace potluck {

/// One operator of a program. Its operands and its result are slots; a slot holds `parts` numbers a chain.
struct ProgramOperator {
  enum class Kind : int32_t {
    kSum,      ///< constant + sum_i number_i x_i
    kMixture,  ///< -log sum_i exp(number_i - x_i), number_i = log a_i - log Z_i
    kCeiling,  ///< -strength s(x), s(x) = -w log(exp(-x/w) + exp(-c/w))
    kEach,     ///< the sum of the `parts` rows of x that belong to one row of the result
  };
  Kind kind = Kind::kSum;
  int32_t result = 0;                              ///< slot
  int32_t operand = 0;                             ///< where its operands begin in ProgramView's arrays
  int32_t operands = 0;                            ///< how many they are
  int64_t parts = 1;                               ///< of kEach
  int64_t probabilities = 0;                       ///< of kMixture: where they begin in the memory, in doubles a chain
  double constant = 0;                             ///< of kSum
  double strength = 0, ceiling = 0, softness = 1;  ///< of kCeiling
};

/// A program as plain arrays, for host and device. The memory of a run is [doubles a chain, stride]: slot s begins at
/// value[s] * stride and has chains * parts[s] rows, chain after chain.
struct ProgramView {
  const ProgramOperator* operators = nullptr;
  int32_t count = 0;
  const int32_t* operand = nullptr;       ///< slots
  const double* number = nullptr;         ///< beside `operand`
  const uint8_t* fresh = nullptr;         ///< beside `operand`: 1: its rate is overwritten, 0: added to
  const int64_t* value = nullptr;         ///< [slots]
  const int64_t* rate = nullptr;          ///< [slots] where d(program)/d(slot) stands, or -1: the same in every row
  const double* constant_rate = nullptr;  ///< [slots] that number
  const int64_t* parts = nullptr;         ///< [slots]
};

// The operators on one row, for the loops of the CPU and the grids of CUDA alike. They are total: an operand of
// +infinity is density zero; -infinity is the failure of a row and is turned into NaN wherever it arises, so that no
// later operator can make a density of it again.

POTLUCK_HOST_DEVICE inline double failed_if_minus_infinity(double x) { return x == -INFINITY ? NAN : x; }

/// s(x) of kCeiling is min(x, c) - w log(1 + exp(-|x - c| / w)); exactly c where x is +infinity.
POTLUCK_HOST_DEVICE inline double ceiling_value(const ProgramOperator& op, double x) {
  if (x == INFINITY) return -op.strength * op.ceiling;
  const double low = x > op.ceiling ? op.ceiling : x;
  return -op.strength * (low - op.softness * log1p(exp(-fabs(x - op.ceiling) / op.softness)));
}

/// d ceiling_value / dx = -strength / (1 + exp((x - c) / w)); zero where x is +infinity or not a number.
POTLUCK_HOST_DEVICE inline double ceiling_rate(const ProgramOperator& op, double x) {
  if (!(x < INFINITY)) return 0;
  return -op.strength / (1 + exp((x - op.ceiling) / op.softness));
}

/// d ceiling_rate / dx = (strength / w) q (1 - q), q = 1 / (1 + exp((x - c) / w)); zero where the rate is.
POTLUCK_HOST_DEVICE inline double ceiling_curvature(const ProgramOperator& op, double x) {
  const double q = -ceiling_rate(op, x) / op.strength;
  return op.strength / op.softness * q * (1 - q);
}

/// a b, and zero where either is, whatever the other is: what has no share adds nothing.
POTLUCK_HOST_DEVICE inline double share_of(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

/// The value of one row of `op`, from the values of its operands.
POTLUCK_HOST_DEVICE inline void run_forward(const ProgramView& program, const ProgramOperator& op, double* memory,
                                            int64_t stride, int64_t row) {
  const int32_t* operand = program.operand + op.operand;
  const double* number = program.number + op.operand;
  double value = 0;
  switch (op.kind) {
    case ProgramOperator::Kind::kSum:
      value = op.constant;
      for (int32_t i = 0; i < op.operands; ++i) value += number[i] * memory[program.value[operand[i]] * stride + row];
      break;
    case ProgramOperator::Kind::kMixture: {
      double* probability = memory + op.probabilities * stride;
      const int64_t step = stride * program.parts[op.result];
      double most = -INFINITY;
      for (int32_t i = 0; i < op.operands; ++i) {
        const double t = number[i] - memory[program.value[operand[i]] * stride + row];
        most = t > most ? t : most;
      }
      double sum = 0;
      for (int32_t i = 0; i < op.operands; ++i) {
        const double t = number[i] - memory[program.value[operand[i]] * stride + row];
        // Where every branch is at +infinity, t - most would be a NaN.
        const double share = t == -INFINITY ? 0 : exp(t - most);
        probability[i * step + row] = share;
        sum += share;
      }
      value = sum == 0 ? INFINITY : -(most + log(sum));
      const double scale = value < INFINITY ? 1 / sum : 0;
      for (int32_t i = 0; i < op.operands; ++i) {
        double& share = probability[i * step + row];
        share = scale > 0 ? share * scale : 0;
      }
      break;
    }
    case ProgramOperator::Kind::kCeiling:
      value = ceiling_value(op, memory[program.value[operand[0]] * stride + row]);
      break;
    case ProgramOperator::Kind::kEach: {
      const double* x = memory + program.value[operand[0]] * stride + row * op.parts;
      for (int64_t part = 0; part < op.parts; ++part) value += x[part];
      break;
    }
  }
  memory[program.value[op.result] * stride + row] = failed_if_minus_infinity(value);
}

/// Passes d(program)/d(result) of one row of `op` on to those of its operands that have rates of their own.
POTLUCK_HOST_DEVICE inline void run_backward(const ProgramView& program, const ProgramOperator& op, double* memory,
                                             int64_t stride, int64_t row) {
  const int32_t* operand = program.operand + op.operand;
  const int64_t own = program.rate[op.result];
  const double outer = own < 0 ? program.constant_rate[op.result] : memory[own * stride + row];
  for (int32_t i = 0; i < op.operands; ++i) {
    const int64_t at = program.rate[operand[i]];
    if (at < 0) continue;
    double* rate = memory + at * stride;
    double inner = 1;
    if (op.kind == ProgramOperator::Kind::kSum) inner = program.number[op.operand + i];
    if (op.kind == ProgramOperator::Kind::kMixture)
      inner = memory[op.probabilities * stride + i * stride * program.parts[op.result] + row];
    if (op.kind == ProgramOperator::Kind::kCeiling)
      inner = ceiling_rate(op, memory[program.value[operand[i]] * stride + row]);
    const double passed = outer == 0 ? 0 : outer * inner;
    for (int64_t r = row * op.parts; r < (row + 1) * op.parts; ++r)
      rate[r] = program.fresh[op.operand + i] ? passed : rate[r] + passed;
  }
}

// Slopes: how values and rates change along a direction in which the leaves' energies have given slopes. They stand in
// a second memory of the same layout, `slope` beside `memory`, which run_forward and run_backward have filled.

/// The slope of the value of one row of `op`, and of its probabilities, from those of its operands.
POTLUCK_HOST_DEVICE inline void slope_forward(const ProgramView& program, const ProgramOperator& op,
                                              const double* memory, double* slope, int64_t stride, int64_t row) {
  const int32_t* operand = program.operand + op.operand;
  const double* number = program.number + op.operand;
  double value = 0;
  switch (op.kind) {
    case ProgramOperator::Kind::kSum:
      for (int32_t i = 0; i < op.operands; ++i)
        value += share_of(number[i], slope[program.value[operand[i]] * stride + row]);
      break;
    case ProgramOperator::Kind::kMixture: {
      // p_i = exp(number_i - x_i + value): its slope is p_i (slope of value - slope of x_i).
      const int64_t step = stride * program.parts[op.result], at = op.probabilities * stride + row;
      for (int32_t i = 0; i < op.operands; ++i)
        value += share_of(memory[at + i * step], slope[program.value[operand[i]] * stride + row]);
      for (int32_t i = 0; i < op.operands; ++i) {
        const double probability = memory[at + i * step];
        slope[at + i * step] =
            probability == 0 ? 0 : probability * (value - slope[program.value[operand[i]] * stride + row]);
      }
      break;
    }
    case ProgramOperator::Kind::kCeiling: {
      const int64_t at = program.value[operand[0]] * stride + row;
      value = share_of(ceiling_rate(op, memory[at]), slope[at]);
      break;
    }
    case ProgramOperator::Kind::kEach: {
      const double* x = slope + program.value[operand[0]] * stride + row * op.parts;
      for (int64_t part = 0; part < op.parts; ++part) value += x[part];
      break;
    }
  }
  slope[program.value[op.result] * stride + row] = value;
}

/// Passes the slope of d(program)/d(result) of one row of `op` on: of rate * inner it is
/// (slope of rate) inner + rate (slope of inner).
POTLUCK_HOST_DEVICE inline void slope_backward(const ProgramView& program, const ProgramOperator& op,
                                               const double* memory, double* slope, int64_t stride, int64_t row) {
  const int32_t* operand = program.operand + op.operand;
  const int64_t own = program.rate[op.result];
  const double outer = own < 0 ? program.constant_rate[op.result] : memory[own * stride + row];
  const double outer_slope = own < 0 ? 0 : slope[own * stride + row];
  for (int32_t i = 0; i < op.operands; ++i) {
    const int64_t at = program.rate[operand[i]];
    if (at < 0) continue;
    double* rate = slope + at * stride;
    double inner = 1, inner_slope = 0;
    if (op.kind == ProgramOperator::Kind::kSum) inner = program.number[op.operand + i];
    if (op.kind == ProgramOperator::Kind::kMixture) {
      const int64_t place = op.probabilities * stride + i * stride * program.parts[op.result] + row;
      inner = memory[place];
      inner_slope = slope[place];
    }
    if (op.kind == ProgramOperator::Kind::kCeiling) {
      const int64_t x = program.value[operand[i]] * stride + row;
      inner = ceiling_rate(op, memory[x]);
      inner_slope = share_of(ceiling_curvature(op, memory[x]), slope[x]);
    }
    const double passed = share_of(outer_slope, inner) + share_of(outer, inner_slope);
    for (int64_t r = row * op.parts; r < (row + 1) * op.parts; ++r)
      rate[r] = program.fresh[op.operand + i] ? passed : rate[r] + passed;
  }
}

}  // namespace potluck
