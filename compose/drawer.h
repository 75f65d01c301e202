// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compose/normaliser.h"

namespace potluck {

/// Draws what a node stands for, given the rest of the state.
class Drawer {
 public:
  virtual ~Drawer() = default;
  virtual std::string description() const = 0;
  /// Uniforms in (0, 1) that one draw consumes.
  virtual int64_t uniforms() const = 0;
  /// Writes the drawn coordinates of `state` (one number for each coordinate), reading its parents and what is held.
  virtual void draw(const double* uniform, std::vector<double>& state) const = 0;
};

/// Draws of the finished composite, unconfined: quadratic composites, given or not, at any temperature; at T = 1 a leaf
/// that draws, a hierarchy with nothing given below its top, a normalised mixture of those with nothing given. Null
/// where there are none.
std::unique_ptr<Drawer> make_drawer(const Coordinates& coordinates, const Experts& experts,
                                    const Normaliser& normaliser);

}  // namespace potluck
