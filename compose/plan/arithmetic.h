// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "compose/plan/program.h"
#include "core/precision.h"

namespace potluck {

/// The elements of a variable that one input of a leaf reads: `parts` rows of `size` numbers for each chain.
struct ReadElements {
  /// Consecutive elements.
  struct Run {
    int32_t first = 0;
    int32_t length = 0;
  };
  int64_t parts = 1;
  int64_t size = 0;
  std::vector<int32_t> index;  ///< [parts, size]
  std::vector<Run> runs;       ///< the same, part after part; no run crosses two parts
};
ReadElements read_elements(const std::vector<int32_t>& index, int64_t size);

/// Gradient rows of one evaluation and what they are multiplied with.
struct Contribution {
  const void* gradient = nullptr;  ///< [chains * parts, size]
  const double* rate = nullptr;    ///< [chains * parts], or null: `constant` in every row
  double constant = 1;
};

/// Energies as a model left them.
struct Evaluated {
  double* energy = nullptr;  ///< [chains * parts]
  int64_t parts = 1;
  double* expert_energy = nullptr;  ///< [chains], or null
};

/// Where a program runs.
struct ProgramRun {
  double* memory = nullptr;  ///< [doubles a chain, stride]
  int64_t stride = 0, chains = 0;
  bool derivatives = false;
};

/// A direction in a variable, from which the rows of a leaf's input are taken.
struct TangentRows {
  const void* tangent = nullptr;           ///< [chains, n]
  const ReadElements* elements = nullptr;  ///< null: the whole variable, one row a chain
  const uint8_t* held = nullptr;           ///< [n] 1: does not move, so that the direction is 0 there; null: none is
  int64_t n = 0;
};

/// What the rows of a leaf weigh in a composite C: r = dC/dE, and how r changes along a direction.
struct RowRates {
  const double* rate = nullptr;   ///< [chains * parts], or null: `constant` in every row
  const double* slope = nullptr;  ///< [chains * parts], or null: 0
  double constant = 1;
  int64_t parts = 1;
};

/// What a row of a leaf adds to the derivative of sum_chain cotangent[chain] C[chain], and of how C changes along a
/// direction: cotangent rate + slope.
POTLUCK_HOST_DEVICE inline double cotangent_of_row(const double* cotangent, const RowRates& rates, int64_t row) {
  const double outer = cotangent ? cotangent[row / rates.parts] : 0;
  return share_of(outer, rates.rate ? rates.rate[row] : rates.constant) + (rates.slope ? rates.slope[row] : 0);
}

/// What of a direction reaches a row of a leaf from element `element` of a variable.
template <class T>
POTLUCK_HOST_DEVICE inline T tangent_of_element(const T* tangent, const uint8_t* held, int64_t element, double rate) {
  return held && held[element] ? T(0) : static_cast<T>(share_of(rate, static_cast<double>(tangent[element])));
}

/// start + sum_j gradient[j] tangent[j]. Where a tangent is 0 the gradient is not looked at.
template <class T>
POTLUCK_HOST_DEVICE inline double slope_of_row(const T* gradient, const T* tangent, int64_t size, double start) {
  double sum = start;
  for (int64_t j = 0; j < size; ++j)
    if (tangent[j] != 0) sum += static_cast<double>(gradient[j]) * static_cast<double>(tangent[j]);
  return sum;
}

/// Number `j` of a sum that a model wrote in its own type.
POTLUCK_HOST_DEVICE inline double number_of_sum(const void* sum, bool wide, int64_t j) {
  return wide ? static_cast<const double*>(sum)[j] : static_cast<double>(static_cast<const float*>(sum)[j]);
}

/// The work of a plan between the calls of its models, on one kind of device: raw pointers in, enqueued on `stream`.
///
/// This is the seam for other devices. Every sum has one order, whatever the device: what stands in the total, then
/// the contributions in their order, then the parts in theirs. A row whose rate is zero is left alone, whatever its
/// gradient holds. Nothing is allocated but by keep().
class Arithmetic {
 public:
  virtual ~Arithmetic() = default;

  /// A copy of `bytes` bytes on the device that lives as long as what is returned.
  virtual std::shared_ptr<const void> keep(const void* from, size_t bytes) const = 0;

  virtual void set_zero(void* to, size_t bytes, void* stream) const = 0;

  /// rows[chain, part, j] = variable[chain, index[part, j]]; labels are int64_t, others are of the precision.
  virtual void gather(const ReadElements& elements, bool labels, const void* variable, int64_t n, int64_t chains,
                      void* rows, void* stream) const = 0;

  /// total[chain, :] (+)= sum_i rate_i[chain] gradient_i[chain, :], overwriting where `fresh`.
  virtual void add_whole(const Contribution* from, int count, bool fresh, int64_t n, int64_t chains, void* total,
                         void* stream) const = 0;

  /// total[chain, index[part, j]] += rate[chain, part] gradient[chain, part, j].
  virtual void add_view(const Contribution& from, const ReadElements& elements, int64_t n, int64_t chains, void* total,
                        void* stream) const = 0;

  /// Makes -infinity of evaluated energies a NaN, sums their parts for each chain where an expert wants to know, runs
  /// the program, and writes the values of its root to total [chains].
  virtual void finish(const Evaluated* evaluated, int count, const Program& program, const ProgramRun& run,
                      double* total, void* stream) const = 0;

  // For gradients with respect to parameters.

  /// Memory on the device, zeroed, aligned to 64 bytes, that lives as long as what is returned.
  virtual std::shared_ptr<void> allocate(size_t bytes) const = 0;

  /// Copies between any two of host and device, after what `stream` has to do, and has done so when it returns.
  virtual void copy(void* to, const void* from, size_t bytes, void* stream) const = 0;

  /// Returns when `stream` has done what it has to do.
  virtual void wait(void* stream) const = 0;

  /// rows[chain, part, j] = rate[chain, part] tangent[chain, index[part, j]], and 0 where that number is held.
  virtual void tangent_rows(const TangentRows& from, const RowRates& rates, int64_t chains, void* rows,
                            void* stream) const = 0;

  /// slope[row] (+)= sum_j gradient[row, j] tangent[row, j] in double, overwriting where `fresh`. Where a tangent is 0
  /// the gradient is not looked at.
  virtual void slope_along(const void* gradient, const void* tangent, int64_t rows, int64_t size, bool fresh,
                           double* slope, void* stream) const = 0;

  /// cotangent_of_row[chain, part] = cotangent[chain] rate[chain, part] + slope[chain, part]; cotangent null: 0.
  virtual void cotangent_rows(const double* cotangent, const RowRates& rates, int64_t chains, double* of_row,
                              void* stream) const = 0;

  /// Program::run_slopes.
  virtual void run_slopes(const Program& program, const ProgramRun& run, double* slope, void* stream) const = 0;

  /// total[j] += sum[j], in double; `sum` holds float or double numbers.
  virtual void add_sum(const void* sum, bool wide, int64_t size, double* total, void* stream) const = 0;
};

std::unique_ptr<Arithmetic> cpu_arithmetic(Precision precision);

}  // namespace potluck
