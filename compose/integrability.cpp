// SPDX-License-Identifier: Apache-2.0
#include "compose/integrability.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "compose/bounds.h"
#include "compose/quadratic.h"

namespace potluck {

namespace {

/// What a node says about the integral of exp(-E).
struct Tail {
  bool safe = true;       ///< E is bounded below, or integrable where it is not
  std::string trouble;    ///< why it is not safe
  CoordinateSet covered;  ///< coordinates over which exp(-E) is integrable, whatever the others
};

class Tails {
 public:
  Tails(const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser)
      : coordinates_(coordinates), experts_(experts), normaliser_(normaliser) {}

  /// Of weight * E, weight > 0. Below weight 1 an integrable expert may lose its tail, unless it is quadratic.
  Tail of(const Node& node, double weight, const CoordinateSet& given) const {
    if (const auto* leaf = std::get_if<Leaf>(&node.kind)) return of_leaf(*leaf, node, weight);
    if (const auto* product = std::get_if<Product>(&node.kind)) {
      Tail all{true, "", coordinates_.none()};
      for (const Product::Term& term : product->terms)
        if (term.weight > 0)
          join(all, of(*term.energy, weight * term.weight, given));
        else if (term.weight < 0)
          join(all,
               of_negated(*term.energy, given, fmt::format("'{}' has the weight {}", term.energy->name, term.weight)));
      return all;
    }
    if (const auto* temper = std::get_if<Temper>(&node.kind))
      return of(*temper->energy, weight / temper->temperature, given);
    if (const auto* each = std::get_if<Each>(&node.kind)) return of(*each->energy, weight, given);
    if (const auto* mixture = std::get_if<Mixture>(&node.kind)) return of_mixture(*mixture, weight, given);
    if (const auto* hierarchy = std::get_if<Hierarchy>(&node.kind)) {
      Tail all{true, "", coordinates_.none()};
      CoordinateSet above = given;
      for (const NodePointer& level : hierarchy->levels) {
        join(all, of(*level, weight, above));
        include(above, coordinates_.drawn(*level));
      }
      return all;
    }
    const Not& negated = std::get<Not>(node.kind);
    if (negated.ceiling) return {true, "", coordinates_.none()};
    return of_negated(*negated.energy, given, fmt::format("'{}' has no ceiling", node.name));
  }

 private:
  static void join(Tail& all, const Tail& more) {
    if (all.safe && !more.safe) all.trouble = more.trouble;
    all.safe = all.safe && more.safe;
    include(all.covered, more.covered);
  }

  Tail of_leaf(const Leaf& leaf, const Node& node, double weight) const {
    const Model& model = experts_.model(leaf);
    Tail tail{true, "", coordinates_.none()};
    const bool below = std::isfinite(model.facts().least_energy);
    std::string why;
    const bool keeps_its_tail = (weight >= 1 && below) || weight == 1 || is_quadratic(node);
    if (model.can(POTLUCK_INTEGRABLE) && keeps_its_tail)
      tail.covered = coordinates_.drawn(node);
    else if (!below)
      tail = {false, fmt::format("model '{}' of '{}' states no lower bound of its energy", leaf.kind->name, node.name),
              coordinates_.none()};
    return tail;
  }

  bool is_quadratic(const Node& node) const {
    std::string why;
    return quadratic_form(node, coordinates_, experts_, normaliser_, coordinates_.none(), why).has_value();
  }

  Tail of_negated(const Node& node, const CoordinateSet& given, const std::string& what) const {
    if (std::isfinite(energy_range(node, experts_, normaliser_, given).most)) return {true, "", coordinates_.none()};
    return {false, what + " and its energy is not bounded above", coordinates_.none()};
  }

  Tail of_mixture(const Mixture& mixture, double weight, const CoordinateSet& given) const {
    std::optional<Tail> all;
    for (const Mixture::Branch& branch : mixture.branches) {
      if (branch.weight == 0) continue;
      const Tail own = of(*branch.energy, weight, given);
      if (!all) {
        all = own;
        continue;
      }
      CoordinateSet both = all->covered;
      for (size_t i = 0; i < both.size(); ++i) both[i] = both[i] && own.covered[i];
      join(*all, own);
      all->covered = both;
    }
    return all ? *all : Tail{true, "", coordinates_.none()};
  }

  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
};

}  // namespace

Integrability integrability(const Composition& composition, const Coordinates& coordinates, const Experts& experts,
                            const Normaliser& normaliser) {
  const CoordinateSet free = coordinates.free();
  const Node& target = *composition.target;
  const EnergyRange range = energy_range(target, experts, normaliser, coordinates.none());
  if (is_empty(free)) return {true, "nothing is free"};
  CoordinateSet unbounded = free;
  exclude(unbounded, coordinates.bounded());
  if (is_empty(unbounded) && range.bounded_below_on_boxes)
    return {true, "all supports are bounded, and the energy is bounded below on them"};

  std::string missing;
  const auto form = quadratic_form(target, coordinates, experts, normaliser, coordinates.none(), missing);
  if (form) {
    std::vector<double> value;
    const QuadraticForm rest = conditioned(*form, held_coordinates(coordinates, value), value);
    CoordinateSet untouched = unbounded;
    for (const int64_t i : rest.coordinates) untouched[static_cast<size_t>(i)] = 0;
    if (is_empty(untouched) && log_normaliser(rest))
      return {true,
              fmt::format("all experts are quadratic, and the precision of the {} free numbers is positive definite",
                          rest.size())};
    missing = is_empty(untouched) ? fmt::format(
                                        "all experts are quadratic, and the precision is not positive definite (least "
                                        "eigenvalue {:.6g})",
                                        least_eigenvalue(rest))
                                  : fmt::format("no expert reads {}", coordinates.describe(untouched));
  }
  const Tail tail = Tails(coordinates, experts, normaliser).of(target, 1, coordinates.none());
  CoordinateSet uncovered = unbounded;
  exclude(uncovered, tail.covered);
  if (!form && tail.safe && is_empty(uncovered))
    return {true, "every negated energy is bounded, and an integrable expert is on every free number"};
  if (composition.integrable.value_or(false)) return {true, "by the word of the file (integrable: true)"};
  if (!form) missing = !tail.safe ? tail.trouble : "no integrable expert is on " + coordinates.describe(uncovered);
  return {false,
          fmt::format("the target '{}' must be integrable, got no reason that it is: {}. Bound the supports, add "
                      "an integrable expert or a ceiling, or write integrable: true",
                      target.name, missing)};
}

}  // namespace potluck
