// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {

/// A method that leaves its target invariant, at any step size: one row of the table below gives it every check of
/// exact_kernels_test.cpp.
struct ExactKernel {
  std::string name;
  std::function<std::unique_ptr<Method>(double step_size)> at;
  int64_t least_coordinates = 1;
  bool flux = true;  ///< one move is reversible in the positions
};
const std::vector<ExactKernel>& exact_kernels();

/// A kernel of the table on one of exact_targets() that has coordinates enough for it: what a suite runs through.
struct KernelOnTarget {
  size_t kernel_index, target_index;

  const ExactKernel& kernel() const { return exact_kernels()[kernel_index]; }
  const ExactTarget& target() const { return exact_targets()[target_index]; }
};
std::vector<KernelOnTarget> kernels_on_targets();
/// Of a test: "mala_x_4".
std::string name_of(const KernelOnTarget& one);
void PrintTo(const KernelOnTarget& one, std::ostream* out);

/// The largest D, and the largest |z| of mean and variance, over a target's marginals.
struct Distance {
  double d = 0, z = 0;
  double acceptance = 1;
};

/// n = 10^6 chains from exact draws of `target`, 20 moves in `energy`.
Distance distance_after(const ExactTarget& target, const Energy& energy, const Method& method);

/// The step size at which the kernel accepts this share in equilibrium, by bisection on 4096 chains: within .01 of it.
double step_size_for(const ExactKernel& kernel, const ExactTarget& target, double acceptance);

/// Standard errors that the mean flux x^3 x' - x x'^3 over 20 moves is away from zero on `target`.
double flux(const ExactTarget& target, const Energy& energy, const Method& method);

}  // namespace potluck::testing
