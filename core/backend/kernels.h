// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/backend/group.h"

namespace potluck {

/// The moves that methods are made of, for a group of chains. One implementation a device; both are made of the
/// elements of core/random/element.h. `step` counts from the first step of the warm-up and addresses the noise.
class Kernels {
 public:
  virtual ~Kernels() = default;

  /// Freezes the rows whose current energy or gradient is not finite.
  virtual void freeze_failed(Group& group, uint32_t step) const = 0;

  /// x <- fold(x - drift g + noise z)
  virtual void langevin(Group& group, uint32_t step, double drift, double noise) const = 0;

  /// x <- x - drift clip(g) + noise z, then put on the face (clamp) or reflected; counts what was clipped.
  virtual void clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                                bool clamp) const = 0;

  /// y' = x - drift g + noise z into `unfolded`, y = fold(y') into `proposal`.
  virtual void propose_langevin(Group& group, uint32_t step, double drift, double noise) const = 0;

  /// Accepts each row's proposal with the Metropolis probability of a Langevin proposal of this step size, decided in
  /// the unfolded space:
  ///   log a = (E(x) - E(y))/T - [<x - y', g_x + s g_y>/2 + step_size (|g_y|^2 - |g_x|^2)/4]/T
  /// A proposal at +infinity is rejected; one that is not a number is rejected and counted. Accepted rows take over
  /// position, gradient and energies.
  virtual void decide_langevin(Group& group, uint32_t step, double step_size) const = 0;
};

}  // namespace potluck
