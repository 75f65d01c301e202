// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/precision.h"
#include "core/variables/variable.h"

namespace potluck {

/// How the numbers of a variable with `walls: transform` are made of free coordinates u on the real line:
///
///   [a, inf)    x = a + exp(u)          log|dx/du| = u
///   (-inf, b]   x = b - exp(u)          log|dx/du| = u
///   [a, b]      x = a + (b - a) s(u)    log|dx/du| = log s(u) + log s(-u) + log(b - a),  s(u) = 1/(1 + exp(-u))
///
/// The constant log(b - a) is left out everywhere. x is always strictly inside: what would round onto a wall, or past
/// the largest number, is put on the nearest number of the run's precision that is not there (`first`, `last`).
/// log|dx/du| is that of u, whatever x was rounded to; where x is past the largest number it is -infinity, which makes
/// the energy +infinity.
///
/// A plain value that goes into CUDA kernels; the arithmetic is in transform_element.h.
struct Transform {
  enum class Kind : int32_t { kLogAboveLeast, kLogBelowMost, kLogit };
  Kind kind = Kind::kLogit;
  double least = 0, most = 0;  ///< the walls; one of them infinite, but for kLogit
  double first = 0, last = 0;  ///< least and largest x: numbers of the precision, strictly between the walls
};

/// The variable asks for it, has a wall, and is not held whole: what is held stays as it is given.
bool is_transformed(const Variable& variable, const Held& held);

/// None where nothing is transformed. @throws SettingError where the precision has no number between the walls.
std::optional<Transform> transform_of(const Variable& variable, const Held& held, Precision precision);

/// u of an x strictly between the walls.
double free_coordinate(const Transform& transform, double x);

}  // namespace potluck
