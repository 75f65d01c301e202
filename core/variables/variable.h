// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace potluck {

/// What happens at a finite end of a variable's support.
enum class Walls { kReflect, kTransform };

/// One variable of a composition: `size()` numbers in every chain.
struct Variable {
  std::string name;
  std::vector<int64_t> shape;  ///< one chain's shape; empty: one number
  int64_t categories = 0;      ///< K > 0: categorical with labels 0 .. K-1 (int64_t in the state); 0: continuous
  double least = -std::numeric_limits<double>::infinity();  ///< support of every coordinate, inclusive
  double most = std::numeric_limits<double>::infinity();
  Walls walls = Walls::kReflect;

  bool categorical() const { return categories > 0; }
  bool has_face() const;  ///< an end of the support is finite
  int64_t size() const;   ///< product of the shape
};

/// A part of a variable, or several parts of equal shape (patches).
struct View {
  std::string name;
  int variable = 0;                 ///< index into the composition's variables
  std::vector<int64_t> part_shape;  ///< shape of one part
  int64_t parts = 1;
  /// [parts, size of a part]: which element of the variable stands there. Empty: the whole variable, in order.
  std::vector<int32_t> index;

  bool whole() const { return index.empty(); }
  int64_t part_size() const;
};

/// Coordinates of one variable held at given values, the same in every chain.
struct Held {
  std::vector<uint8_t> mask;  ///< [n], 1 where held; empty: nothing is held
  std::vector<double> value;  ///< [n], meaningful where mask is 1

  bool any() const { return !mask.empty(); }
  bool all() const;
};

}  // namespace potluck
