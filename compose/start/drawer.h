// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compose/known/normaliser.h"

namespace potluck {

/// Draws what a node stands for, given the rest of the state.
class Drawer {
 public:
  virtual ~Drawer() = default;
  virtual std::string description() const = 0;
  /// Uniforms in (0, 1) that one draw consumes.
  virtual int64_t uniforms() const = 0;
  /// Which of them choose a branch of a mixture, each alone.
  virtual std::vector<int64_t> choices() const { return {}; }
  /// Draws have the law of the node; else only its branches do, in proportion to the weights that the file states.
  virtual bool exact() const { return true; }
  /// Writes the drawn coordinates of `state` (one number for each coordinate), reading its parents and what is held.
  virtual void draw(const double* uniform, std::vector<double>& state) const = 0;
};

/// Draws of the finished composite, unconfined: quadratic composites, given or not, at any temperature; at T = 1 a leaf
/// that draws, a hierarchy with nothing given below its top, a normalised mixture of those with nothing given. Null
/// where there are none.
/// @param by_word  a mixture may also have branches whose log Z is a number of the file's or an estimate, which are
///   drawn by their models or from what their estimates kept: in proportion to the weights, which is not exact
/// @param refined  the uniform that chooses a branch of a mixture chooses within it too where it is a mixture
std::unique_ptr<Drawer> make_drawer(const Coordinates& coordinates, const Experts& experts,
                                    const Normaliser& normaliser, bool by_word = false, bool refined = false);

}  // namespace potluck
