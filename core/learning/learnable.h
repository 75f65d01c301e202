// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/backend/thread_pool.h"
#include "core/energy/energy.h"

namespace potluck {

/// What a gradient with respect to parameters is asked at. All arrays live on the energy's device.
struct ParameterGradientCall {
  int64_t rows = 0;                       ///< any number
  const void* const* position = nullptr;  ///< [variables]: [rows, n], as in an EnergyCall
  const double* cotangent = nullptr;      ///< [rows]; null: 0
  /// [variables]: a direction t, [rows, n] in the energy's precision; an entry is null where the variable does not
  /// move, as categorical ones never do. Held coordinates are taken not to move either. Null: 0.
  const void* const* tangent = nullptr;
  /// [arrays]: [size] in double, added to. Those of arrays that are not learned are not looked at.
  double* const* sum = nullptr;
  /// Of the CPU; null: the calling thread. No more than the energy has workers are used.
  ThreadPool* threads = nullptr;
  void* stream = nullptr;  ///< CUDA stream, null on the CPU
};

/// An array of numbers that an energy's value depends on.
struct LearnableArray {
  std::string name;  ///< unique: "garment.layers.0.weight"
  std::vector<int64_t> shape;
  bool float64 = false;
  void* data = nullptr;  ///< on the energy's device; whoever writes there calls changed()
  bool learned = true;   ///< false: a buffer, or of an expert that is frozen

  int64_t size() const;
};

/// An energy whose parameters are learned, as a composite of experts is. One thread at a time, and no evaluation while
/// parameters are written.
class Learnable {
 public:
  virtual ~Learnable() = default;

  virtual const Energy& energy() const = 0;
  virtual const std::vector<LearnableArray>& arrays() const = 0;  ///< of one memory for the life of the object

  /// Rows that are worked through together: calls that are split at its multiples add up to the same bits.
  virtual int64_t piece() = 0;
  /// sum[p] += sum_b cotangent_b dE_b/dp + sum_b d/dp (t_b . dE_b/dx)
  virtual void add_gradient(const ParameterGradientCall& call) = 0;

  /// All numbers of an array as doubles, which hold floats exactly.
  virtual std::vector<double> numbers(size_t array) const = 0;
  virtual void set_numbers(size_t array, const std::vector<double>& numbers) = 0;
  /// Numbers were written: evaluations are of the new ones from here on.
  virtual void changed() = 0;

  /// Memory on the energy's device, zeroed, that lives as long as what is returned.
  virtual std::shared_ptr<void> allocate(size_t bytes) const = 0;
  /// Copies between any two of host and device, and has done so when it returns.
  virtual void copy(void* to, const void* from, size_t bytes) const = 0;
};

}  // namespace potluck
