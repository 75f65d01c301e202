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
};

std::unique_ptr<Arithmetic> cpu_arithmetic(Precision precision);

}  // namespace potluck
