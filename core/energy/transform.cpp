// SPDX-License-Identifier: Apache-2.0
#include "core/energy/transform.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace potluck {

namespace {

/// The numbers next to the walls; false where none is between them, or their distance is past the largest number. Next
/// to 0 it is the least normal one: with less, 1/x is no number any more.
template <class Real>
bool place_ends(Transform& transform) {
  using Numbers = std::numeric_limits<Real>;
  const Real least = static_cast<Real>(transform.least), most = static_cast<Real>(transform.most);
  transform.first = double{std::max(std::nextafter(least, Numbers::infinity()), least + Numbers::min())};
  transform.last = double{std::min(std::nextafter(most, -Numbers::infinity()), most - Numbers::min())};
  const bool width_is_a_number = std::isfinite(static_cast<Real>(transform.most - transform.least));
  return transform.first < transform.last && (width_is_a_number || transform.kind != Transform::Kind::kLogit);
}

}  // namespace

bool is_transformed(const Variable& variable, const Held& held) {
  return variable.walls == Walls::kTransform && variable.has_face() && !held.all();
}

std::optional<Transform> transform_of(const Variable& variable, const Held& held, Precision precision) {
  if (!is_transformed(variable, held)) return std::nullopt;
  Transform transform;
  transform.least = variable.least;
  transform.most = variable.most;
  if (!std::isfinite(variable.most)) {
    transform.kind = Transform::Kind::kLogAboveLeast;
  } else if (!std::isfinite(variable.least)) {
    transform.kind = Transform::Kind::kLogBelowMost;
  }
  const bool narrow = precision == Precision::kFloat32;
  if (!(narrow ? place_ends<float>(transform) : place_ends<double>(transform))) {
    throw SettingError(
        fmt::format("the support of '{}' must have {} numbers between its ends, and between those a distance that is "
                    "one, to be transformed, got [{:.17g}, {:.17g}]. Use {}another unit for it, or walls: reflect",
                    variable.name, narrow ? "float32" : "float64", variable.least, variable.most,
                    narrow ? "precision: float64, " : ""));
  }
  return transform;
}

double free_coordinate(const Transform& transform, double x) {
  switch (transform.kind) {
    case Transform::Kind::kLogAboveLeast:
      return std::log(x - transform.least);
    case Transform::Kind::kLogBelowMost:
      return std::log(transform.most - x);
    default:
      return std::log(x - transform.least) - std::log(transform.most - x);
  }
}

}  // namespace potluck
