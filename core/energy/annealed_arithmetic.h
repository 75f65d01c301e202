// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/precision.h"

namespace potluck {

/// One variable of a batch, and its share of the base's energy: precision (x - centre)^2 / 2 a coordinate.
struct BaseRows {
  double centre = 0;
  double precision = 0;  ///< 0: the base is uniform
  int64_t rows = 0;
  int64_t n = 0;
  const uint8_t* held = nullptr;   ///< [n] 1: the coordinate is given and has no share; null: none
  const void* position = nullptr;  ///< [rows, n] of the run's precision
};

/// The rows' energies that are blended, [rows] each.
struct BlendedEnergies {
  int64_t rows = 0;
  double beta = 0;
  double temperature = 1;        ///< of the target: its energy is divided by it
  const double* base = nullptr;  ///< E_0
  double* energy = nullptr;      ///< in: E; out: (1 - b) E_0 + b E/T
  double* both = nullptr;        ///< [2, rows] or null; out: E_0, E/T
};

/// What AnnealedEnergy does to arrays behind the energy that it is made of, on one kind of device: raw pointers in,
/// enqueued on `stream`. Nothing is allocated but by keep().
class AnnealedArithmetic {
 public:
  virtual ~AnnealedArithmetic() = default;

  /// A mask on the device that lives as long as what is returned.
  virtual std::shared_ptr<const uint8_t> keep(const std::vector<uint8_t>& mask) const = 0;

  virtual void set_zero(double* base, int64_t rows, void* stream) const = 0;

  /// base[row] += the variable's share of E_0, summed in float64.
  virtual void add_base(const BaseRows& variable, double* base, void* stream) const = 0;

  virtual void blend(const BlendedEnergies& energies, void* stream) const = 0;

  /// gradient <- (1 - b) dE_0/dx + (b/T) gradient, in place [rows, n].
  virtual void blend_gradient(const BaseRows& variable, double beta, double temperature, void* gradient,
                              void* stream) const = 0;
};

std::unique_ptr<AnnealedArithmetic> cpu_annealed_arithmetic(Precision precision);

}  // namespace potluck
