// SPDX-License-Identifier: Apache-2.0
#include "compose/known/bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compose/tree/visit.h"

namespace potluck {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

EnergyRange scaled(const EnergyRange& range, double weight) {
  if (weight == 0) return {0, 0, true, true};
  if (weight > 0)
    return {weight * range.least, weight * range.most, range.bounded_below_on_boxes, range.bounded_above_on_boxes};
  return {weight * range.most, weight * range.least, range.bounded_above_on_boxes, range.bounded_below_on_boxes};
}

EnergyRange sum(const EnergyRange& a, const EnergyRange& b) {
  return {a.least + b.least, a.most + b.most, a.bounded_below_on_boxes && b.bounded_below_on_boxes,
          a.bounded_above_on_boxes && b.bounded_above_on_boxes};
}

/// -strength s(E): s is at most the ceiling, and follows E below it.
EnergyRange negated(const Not& node, const EnergyRange& inner) {
  if (!node.ceiling) return scaled(inner, -node.strength);
  const double ceiling = *node.ceiling + (std::isfinite(inner.least) ? inner.least : 0);
  EnergyRange saturated = inner;
  saturated.most = ceiling;
  saturated.bounded_above_on_boxes = true;
  if (std::isfinite(inner.least)) {
    saturated.least = std::min(inner.least, ceiling) - node.softness * std::log(2.0);
    saturated.bounded_below_on_boxes = true;
  }
  return scaled(saturated, -node.strength);
}

/// -log sum_i a_i exp(-E_i)/Z_i lies between min and max of E_i + log Z_i, since the a_i sum to 1.
EnergyRange mixed(const Mixture& mixture, const Experts& experts, const Normaliser& normaliser,
                  const CoordinateSet& given) {
  EnergyRange range{kInfinity, -kInfinity, true, true};
  for (const Mixture::Branch& branch : mixture.branches) {
    if (branch.weight == 0) continue;
    EnergyRange inner = energy_range(*branch.energy, experts, normaliser, given);
    if (!mixture.unnormalised) {
      const LogNormaliser log_z = log_normaliser_of_branch(normaliser, branch, given);
      const bool constant = log_z.known && !log_z.awaited && !log_z.depends_on_parents();
      inner.least = constant ? inner.least + log_z.constant : -kInfinity;
      inner.most = constant ? inner.most + log_z.constant : kInfinity;
    }
    range.least = std::min(range.least, inner.least);
    range.most = std::max(range.most, inner.most);
    range.bounded_below_on_boxes = range.bounded_below_on_boxes && inner.bounded_below_on_boxes;
    range.bounded_above_on_boxes = range.bounded_above_on_boxes && inner.bounded_above_on_boxes;
  }
  return range;
}

EnergyRange of_levels(const Hierarchy& hierarchy, const Experts& experts, const Normaliser& normaliser,
                      CoordinateSet given, const Coordinates& coordinates) {
  EnergyRange range{0, 0, true, true};
  for (const NodePointer& level : hierarchy.levels) {
    EnergyRange own = energy_range(*level, experts, normaliser, given);
    if (normaliser.adds_log_z(hierarchy, *level, given)) {
      own.least = -kInfinity;
      own.most = kInfinity;
    }
    range = sum(range, own);
    include(given, coordinates.drawn(*level));
  }
  return range;
}

}  // namespace

EnergyRange energy_range(const Node& node, const Experts& experts, const Normaliser& normaliser,
                         const CoordinateSet& given) {
  const auto of = [&](const NodePointer& inner) { return energy_range(*inner, experts, normaliser, given); };
  return visit_kind(
      node,
      [&](const Leaf& leaf) {
        const Model& model = experts.model(leaf);
        const double least = model.facts().least_energy;
        const bool on_boxes = model.can(POTLUCK_BOUNDED_ON_BOXES);
        return EnergyRange{least, kInfinity, on_boxes || std::isfinite(least), on_boxes};
      },
      [&](const Product& product) {
        EnergyRange range{0, 0, true, true};
        for (const Product::Term& term : product.terms)
          if (term.weight != 0) range = sum(range, scaled(of(term.energy), term.weight));
        return range;
      },
      [&](const Mixture& mixture) { return mixed(mixture, experts, normaliser, given); },
      [&](const Not& negated_node) { return negated(negated_node, of(negated_node.energy)); },
      [&](const Temper& temper) { return scaled(of(temper.energy), 1 / temper.temperature); },
      [&](const Hierarchy& hierarchy) {
        return of_levels(hierarchy, experts, normaliser, given, normaliser.coordinates());
      },
      [&](const Each& each) { return scaled(of(each.energy), static_cast<double>(each.parts)); });
}

}  // namespace potluck
