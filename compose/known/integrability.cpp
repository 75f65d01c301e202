// SPDX-License-Identifier: Apache-2.0
#include "compose/known/integrability.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "compose/known/bounds.h"
#include "compose/known/gaussian_part.h"
#include "compose/known/quadratic.h"
#include "compose/tree/visit.h"
#include "core/methods/label_blocks.h"

namespace potluck {

namespace {

/// exp(-E) is integrable over `drawn`, with one bound of the integral wherever what it needs stands.
struct Cover {
  CoordinateSet drawn;
  CoordinateSet needs;  ///< parents that are drawn too and have no bounds: these must be covered without this one
};

/// What a node says about the integral of exp(-E).
struct Tail {
  bool safe = true;           ///< E is bounded below, or integrable where it is not
  std::string trouble;        ///< why it is not safe
  std::vector<Cover> covers;  ///< no two with the same needs
  std::string withheld;       ///< why an integrable expert covers nothing
};

void add(std::vector<Cover>& covers, const Cover& more) {
  for (Cover& one : covers) {
    if (one.needs != more.needs) continue;
    include(one.drawn, more.drawn);
    return;
  }
  covers.push_back(more);
}

/// What is covered where `known` is: a cover after another, each once all that it needs is there. Covers that need each
/// other in a circle are none: exp(-(x - z)^2) is integrable over x for every z and over z for every x.
CoordinateSet covered(const std::vector<Cover>& covers, CoordinateSet known) {
  std::vector<uint8_t> used(covers.size(), 0);
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < covers.size(); ++i) {
      if (used[i] || !contains(known, covers[i].needs)) continue;
      include(known, covers[i].drawn);
      used[i] = 1;
      more = true;
    }
  }
  return known;
}

class Tails {
 public:
  Tails(const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser)
      : coordinates_(coordinates), experts_(experts), normaliser_(normaliser), settled_(coordinates.bounded()) {
    std::vector<double> value;
    include(settled_, held_coordinates(coordinates, value));
  }

  /// Of weight * E, weight > 0. Below weight 1 an integrable expert may lose its tail, unless it is quadratic.
  const Tail& of(const Node& node, double weight, const CoordinateSet& given) {
    const auto key = std::make_tuple(&node, weight, given);
    if (const auto kept = found_.find(key); kept != found_.end()) return kept->second;
    Tail tail = find(node, weight, given);
    return found_[key] = std::move(tail);
  }

 private:
  Tail find(const Node& node, double weight, const CoordinateSet& given) {
    return visit_kind(
        node, [&](const Leaf& leaf) { return of_leaf(leaf, node, weight); },
        [&](const Product& product) { return of_product(product, weight, given); },
        [&](const Mixture& mixture) { return of_mixture(mixture, weight, given); },
        [&](const Not& negated) {
          if (negated.ceiling) return Tail{};
          return of_negated(*negated.energy, given, fmt::format("'{}' has no ceiling", node.name));
        },
        [&](const Temper& temper) { return of(*temper.energy, weight / temper.temperature, given); },
        [&](const Hierarchy& hierarchy) { return of_levels(hierarchy, weight, given); },
        [&](const Each& each) { return of(*each.energy, weight, given); });
  }

  Tail of_product(const Product& product, double weight, const CoordinateSet& given) {
    Tail all;
    for (const Product::Term& term : product.terms)
      if (term.weight > 0)
        join(all, of(*term.energy, weight * term.weight, given));
      else if (term.weight < 0)
        join(all,
             of_negated(*term.energy, given, fmt::format("'{}' has the weight {}", term.energy->name, term.weight)));
    return all;
  }

  static void join(Tail& all, const Tail& more) {
    if (all.safe && !more.safe) all.trouble = more.trouble;
    all.safe = all.safe && more.safe;
    if (all.withheld.empty()) all.withheld = more.withheld;
    for (const Cover& one : more.covers) add(all.covers, one);
  }

  Tail of_leaf(const Leaf& leaf, const Node& node, double weight) const {
    const Model& model = experts_.model(leaf);
    Tail tail;
    const bool below = std::isfinite(model.facts().least_energy);
    const bool quadratic = is_quadratic(node);
    const bool keeps_its_tail = (weight >= 1 && below) || weight == 1 || quadratic;
    // On the diagonal of two inputs an integrable density need not be one.
    const bool apart = quadratic || !draws_twice(coordinates_, leaf, false);
    if (model.can(POTLUCK_INTEGRABLE) && keeps_its_tail && apart) {
      Cover cover{coordinates_.none(), coordinates_.none()};
      for (size_t i = 0; i < leaf.inputs.size(); ++i)
        coordinates_.add(leaf.inputs[i], leaf.kind->inputs[i].parent ? cover.needs : cover.drawn);
      exclude(cover.needs, settled_);
      // A quadratic E >= least has Z(parents) <= Z(where E is least): Z is exp(-min E over x) times a constant.
      if (is_empty(cover.needs) || model.can(POTLUCK_NORMALISER_BOUNDED) || (quadratic && below)) {
        tail.covers.push_back(std::move(cover));
        return tail;
      }
      tail.withheld =
          fmt::format("model '{}' of '{}' does not state that its log Z is bounded over {}, which is drawn too",
                      leaf.kind->name, node.name, coordinates_.describe(cover.needs));
    }
    tail.safe = below;
    if (!below)
      tail.trouble = fmt::format("model '{}' of '{}' states no lower bound of its energy", leaf.kind->name, node.name);
    return tail;
  }

  bool is_quadratic(const Node& node) const {
    std::string why;
    return quadratic_form(node, coordinates_, experts_, normaliser_, coordinates_.none(), why).has_value();
  }

  Tail of_negated(const Node& node, const CoordinateSet& given, const std::string& what) const {
    Tail tail;
    tail.safe = std::isfinite(energy_range(node, experts_, normaliser_, given).most);
    if (!tail.safe) tail.trouble = what + " and its energy is not bounded above";
    return tail;
  }

  /// Of a node to whose energy log Z is added: over what it draws the integral is 1, whatever its parents are.
  Tail of_normalised(const Node& node, double weight, const CoordinateSet& above, const LogNormaliser& log_z) {
    Tail tail = of(node, weight, above);
    Cover cover{coordinates_.drawn(node), coordinates_.drawn(node)};
    exclude(cover.drawn, above);
    for (size_t i = 0; i < above.size(); ++i) cover.needs[i] = cover.needs[i] && above[i];
    include(cover.needs, coordinates_.parents(node));
    exclude(cover.needs, settled_);
    if (log_z.known && weight == 1) {
      tail = {};
      tail.covers.push_back(std::move(cover));
    } else if (log_z.depends_on_parents() && !is_empty(cover.needs)) {
      // (p(x | z))^w has another normaliser, which nobody knows.
      tail = {};
      tail.safe = false;
      tail.trouble = fmt::format("'{}' is normalised over {} and then has the weight {:g}", node.name,
                                 coordinates_.describe(cover.needs), weight);
    }
    return tail;
  }

  Tail of_levels(const Hierarchy& hierarchy, double weight, const CoordinateSet& given) {
    Tail all;
    CoordinateSet above = given;
    for (const NodePointer& level : hierarchy.levels) {
      join(all, hierarchy.unnormalised ? of(*level, weight, above)
                                       : of_normalised(*level, weight, above, normaliser_.of(*level, above)));
      include(above, coordinates_.drawn(*level));
    }
    return all;
  }

  /// A mixture covers what all its branches cover.
  Tail of_mixture(const Mixture& mixture, double weight, const CoordinateSet& given) {
    Tail all;
    Cover always, with_needs;
    for (const Mixture::Branch& branch : mixture.branches) {
      if (branch.weight == 0) continue;
      const LogNormaliser log_z = log_normaliser_of_branch(normaliser_, branch, given);
      const bool added = !mixture.unnormalised && log_z.depends_on_parents();
      const Tail own = added ? of_normalised(*branch.energy, weight, given, log_z) : of(*branch.energy, weight, given);
      CoordinateSet needs = coordinates_.none(), drawn = coordinates_.none();
      for (const Cover& one : own.covers) {
        include(needs, one.needs);
        include(drawn, one.drawn);
      }
      exclude(needs, drawn);
      const CoordinateSet alone = covered(own.covers, coordinates_.none());
      CoordinateSet in_company = covered(own.covers, needs);
      exclude(in_company, needs);
      if (always.drawn.empty()) {
        always = {alone, coordinates_.none()};
        with_needs = {in_company, needs};
      } else {
        for (size_t i = 0; i < alone.size(); ++i) {
          always.drawn[i] = always.drawn[i] && alone[i];
          with_needs.drawn[i] = with_needs.drawn[i] && in_company[i];
        }
        include(with_needs.needs, needs);
      }
      join(all, {own.safe, own.trouble, {}, own.withheld});
    }
    if (always.drawn.empty()) return all;
    add(all.covers, always);
    if (!is_empty(with_needs.needs)) add(all.covers, with_needs);
    return all;
  }

  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
  CoordinateSet settled_;  ///< held, or of a support that is bounded: not over all of the real line
  std::map<std::tuple<const Node*, double, CoordinateSet>, Tail> found_;
};

/// Why some coordinates are not covered, and what may help.
std::string uncovered_text(const Coordinates& coordinates, const Tail& tail, const CoordinateSet& uncovered,
                           std::string& advice) {
  std::string text = "no integrable expert is on " + coordinates.describe(uncovered);
  CoordinateSet waiting = coordinates.none(), needs = coordinates.none();
  for (const Cover& one : tail.covers) {
    if (!overlap(one.drawn, uncovered) || !overlap(one.needs, uncovered)) continue;
    include(waiting, one.drawn);
    include(needs, one.needs);
  }
  if (!tail.withheld.empty()) {
    text = fmt::format("{}: {}", text, tail.withheld);
    advice = "Put it into a hierarchy below what it is conditional on, which adds that log Z; or " + advice;
  } else if (!is_empty(waiting)) {
    text +=
        fmt::format(": what is on {} is conditional on {}", coordinates.describe(waiting), coordinates.describe(needs));
  }
  return text;
}

/// Why the Gaussian parts of all experts confine nothing.
std::string unconfined_text(const Coordinates& coordinates, const GaussianPart& part, const CoordinateSet& over) {
  CoordinateSet open = coordinates.none();
  double least = INFINITY;
  for (size_t i = 0; i < over.size(); ++i) {
    if (!over[i]) continue;
    least = std::min(least, part.curvature[i]);
    open[i] = !(part.curvature[i] > 0);
  }
  if (is_empty(open))
    return "the Gaussian parts of the experts add up to a precision that is not positive definite over " +
           coordinates.describe(over);
  return fmt::format(
      "the Gaussian parts of the experts, at their weights, add up to a curvature of {:.6g} on {}, which "
      "must be above 0",
      least, coordinates.describe(open));
}

}  // namespace

Integrability integrability(const Composition& composition, const Coordinates& coordinates, const Experts& experts,
                            const Normaliser& normaliser) {
  const CoordinateSet free = coordinates.free();
  const Node& target = *composition.target;
  const EnergyRange range = energy_range(target, experts, normaliser, coordinates.none());
  if (is_empty(free)) {
    return {true, moving_labels(composition.variables, composition.held).empty()
                      ? "nothing is free"
                      : "labels alone are free, of which there are finitely many"};
  }
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
  Tails tails(coordinates, experts, normaliser);
  const Tail& tail = tails.of(target, 1, coordinates.none());
  CoordinateSet uncovered = unbounded;
  exclude(uncovered, covered(tail.covers, coordinates.none()));
  if (!form && tail.safe && is_empty(uncovered))
    return {true, "every negated energy is bounded, and an integrable expert is on every free number"};
  std::string no_part;
  const auto part = form ? std::nullopt : gaussian_part(target, composition, coordinates, experts, normaliser, no_part);
  if (part && part->of_models && part->confines(unbounded))
    return {true,
            fmt::format("the Gaussian parts of all experts add up to a positive definite precision of the {} free "
                        "numbers, and what is left of them grows at most linearly",
                        std::count(unbounded.begin(), unbounded.end(), uint8_t{1}))};
  if (composition.integrable.value_or(false)) return {true, "by the word of the file (integrable: true)"};
  std::string advice = "bound the supports, add an integrable expert or a ceiling, or write integrable: true";
  if (part && part->of_models) {
    missing = unconfined_text(coordinates, *part, unbounded);
    advice = "raise the weights of experts that confine these numbers, lower those below 0, " + advice;
  } else if (!form && !tail.safe) {
    missing = tail.trouble;
    if (is_empty(unbounded))
      advice =
          "all supports are bounded, so that it is enough if its model states bounded_on_boxes "
          "(POTLUCK_BOUNDED_ON_BOXES): its energy is finite on every bounded box. Where that is true, its author adds "
          "it to its facts; or write integrable: true";
  } else if (!form) {
    missing = uncovered_text(coordinates, tail, uncovered, advice);
  }
  advice.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(advice.front())));
  return {false, fmt::format("the target '{}' must be integrable, got no reason that it is: {}. {}", target.name,
                             missing, advice)};
}

}  // namespace potluck
