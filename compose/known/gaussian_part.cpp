// SPDX-License-Identifier: Apache-2.0
#include "compose/known/gaussian_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "compose/experts/leaf_row.h"
#include "compose/known/bounds.h"
#include "compose/tree/visit.h"

namespace potluck {

namespace {

class Collector {
 public:
  Collector(const Composition& at, const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser,
            GaussianPart& part)
      : at_(at), coordinates_(coordinates), experts_(experts), normaliser_(normaliser), part_(part) {}

  bool add(const Node& node, double weight, const CoordinateSet& given) {
    if (weight == 0) return true;
    return add_parts(node, weight, given) || adds_nothing(node, weight, given);
  }

  std::string why;

 private:
  bool add_parts(const Node& node, double weight, const CoordinateSet& given) {
    return visit_kind(
        node, [&](const Leaf& leaf) { return add_leaf(leaf, node, weight); },
        [&](const Product& product) {
          return std::all_of(product.terms.begin(), product.terms.end(),
                             [&](const Product::Term& term) { return add(*term.energy, weight * term.weight, given); });
        },
        [&](const Mixture&) { return refuse(fmt::format("'{}' is a mixture", node.name)); },
        [&](const Not& negated) {
          if (negated.ceiling) return refuse(fmt::format("'{}' has a ceiling", node.name));
          return add(*negated.energy, -weight * negated.strength, given);
        },
        [&](const Temper& temper) { return add(*temper.energy, weight / temper.temperature, given); },
        [&](const Hierarchy& hierarchy) { return add_levels(hierarchy, weight, given); },
        [&](const Each& each) { return add(*each.energy, weight, given); });
  }

  bool refuse(std::string text) {
    why = std::move(text);
    return false;
  }

  bool adds_nothing(const Node& node, double weight, const CoordinateSet& given) const {
    const EnergyRange range = energy_range(node, experts_, normaliser_, given);
    return std::isfinite(weight > 0 ? range.least : range.most);
  }

  bool add_levels(const Hierarchy& hierarchy, double weight, CoordinateSet given) {
    for (const NodePointer& level : hierarchy.levels) {
      if (!add(*level, weight, given)) return false;
      if (!hierarchy.unnormalised && level != hierarchy.levels.front() &&
          normaliser_.of(*level, given).depends_on_parents())
        return refuse(fmt::format("log Z of level '{}' depends on its parents", level->name));
      include(given, coordinates_.drawn(*level));
    }
    return true;
  }

  bool add_leaf(const Leaf& leaf, const Node& node, double weight) {
    const Model* model = experts_.on_cpu(leaf);
    if (!model) return refuse(fmt::format("'{}' does not run on the cpu, where it is asked", node.name));
    for (int64_t part = 0; part < leaf.parts; ++part) {
      const LeafRow row(at_, *model, leaf, part);
      if (!add_quadratic(leaf, row, part, weight) && !add_gaussian(leaf, row, part, weight))
        return refuse(
            fmt::format("model '{}' of '{}' states no Gaussian part of its energy", leaf.kind->name, node.name));
    }
    return true;
  }

  bool add_quadratic(const Leaf& leaf, const LeafRow& row, int64_t part, double weight) {
    std::vector<uint8_t> open(leaf.inputs.size()), closed(leaf.inputs.size());
    int64_t numbers = 0;
    for (size_t i = 0; i < leaf.inputs.size(); ++i) {
      open[i] = row.continuous_variable(i);
      closed[i] = open[i] && !row.fixed(i);
      if (open[i]) numbers += size_of(leaf.inputs[i]);
      if (leaf.kind->inputs[i].categorical && !row.fixed(i)) return false;
    }
    if (numbers > kMostQuadratic) return false;
    auto own = row.quadratic(open);
    if (!own && open != closed) {
      open = closed;
      own = row.quadratic(open);
    }
    if (!own) return false;
    std::vector<int64_t> place;
    for (size_t i = 0; i < leaf.inputs.size(); ++i)
      for (int64_t j = 0; open[i] && j < size_of(leaf.inputs[i]); ++j)
        place.push_back(coordinates_.coordinate(leaf.inputs[i], part, j));
    const size_t n = place.size();
    std::vector<double> precision = std::move(own->precision);
    bool across = false;
    for (size_t i = 0; i < n; ++i) {
      part_.linear[static_cast<size_t>(place[i])] += weight * own->linear[i];
      for (size_t j = 0; j < n; ++j) {
        double& one = precision[i * n + j];
        one *= weight;
        if (place[i] == place[j])
          part_.curvature[static_cast<size_t>(place[i])] += one;
        else
          across = across || one != 0;
      }
    }
    if (across) part_.across.push_back({std::move(place), std::move(precision)});
    return true;
  }

  bool add_gaussian(const Leaf& leaf, const LeafRow& row, int64_t part, double weight) {
    const auto own = row.gaussian_part();
    if (!own) return false;
    size_t at = 0;
    for (size_t i = 0; i < leaf.inputs.size(); ++i) {
      const InputDescription& input = leaf.kind->inputs[i];
      if (input.parent || input.categorical || leaf.inputs[i].left_out) continue;
      for (int64_t j = 0; j < size_of(leaf.inputs[i]); ++j, ++at) {
        if (leaf.inputs[i].variable < 0) continue;  // a literal
        const auto place = static_cast<size_t>(coordinates_.coordinate(leaf.inputs[i], part, j));
        part_.curvature[place] += weight * own->curvature[at];
        part_.linear[place] += weight * own->curvature[at] * own->mean[at];
      }
    }
    part_.of_models = true;
    return true;
  }

  const Composition& at_;
  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
  GaussianPart& part_;
};

}  // namespace

std::optional<QuadraticForm> GaussianPart::form(const CoordinateSet& of) const {
  QuadraticForm form;
  std::vector<int64_t> place(curvature.size(), -1);
  for (size_t i = 0; i < of.size(); ++i) {
    if (!of[i]) continue;
    place[i] = form.size();
    form.coordinates.push_back(static_cast<int64_t>(i));
  }
  if (form.size() > kMostQuadratic) return std::nullopt;
  form.precision.setZero(form.size(), form.size());
  form.linear.setZero(form.size());
  for (int64_t i = 0; i < form.size(); ++i) {
    const auto at = static_cast<size_t>(form.coordinates[static_cast<size_t>(i)]);
    form.precision(i, i) = curvature[at];
    form.linear(i) = linear[at];
  }
  for (const Across& one : across) {
    const size_t n = one.place.size();
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j) {
        const int64_t row = place[static_cast<size_t>(one.place[i])], column = place[static_cast<size_t>(one.place[j])];
        if (row >= 0 && column >= 0 && row != column) form.precision(row, column) += one.precision[i * n + j];
      }
  }
  return form;
}

bool GaussianPart::confines(const CoordinateSet& over) const {
  for (size_t i = 0; i < over.size(); ++i)
    if (over[i] && !(curvature[i] > 0)) return false;
  if (across.empty()) return true;
  const auto all = form(over);
  return all && log_normaliser(*all).has_value();
}

std::optional<GaussianPart> gaussian_part(const Node& node, const Composition& at, const Coordinates& coordinates,
                                          const Experts& experts, const Normaliser& normaliser, std::string& why) {
  const auto total = static_cast<size_t>(coordinates.total());
  GaussianPart part{std::vector<double>(total), std::vector<double>(total), {}, false};
  Collector collector(at, coordinates, experts, normaliser, part);
  if (collector.add(node, 1, coordinates.none())) return part;
  why = collector.why;
  return std::nullopt;
}

}  // namespace potluck
