// SPDX-License-Identifier: Apache-2.0
#include "compose/known/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "compose/known/bounds.h"
#include "compose/tree/visit.h"
#include "core/energy/transform.h"

namespace potluck {

namespace {

class Explainer {
 public:
  Explainer(const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser,
            std::vector<std::string>& lines)
      : coordinates_(coordinates), experts_(experts), normaliser_(normaliser), lines_(lines) {}

  void walk(const Node& node, const CoordinateSet& given) {
    if (!seen_.insert(&node).second) return;
    const auto below = [&] {
      for (const NodePointer& child : children(node)) walk(*child, given);
    };
    visit_kind(
        node, [](const Leaf&) {}, [&](const Product&) { below(); },
        [&](const Mixture& mixture) {
          explain_mixture(mixture, node, given);
          below();
        },
        [&](const Not& negated) {
          explain_not(negated, node, given);
          below();
        },
        [&](const Temper&) { below(); },
        [&](const Hierarchy& hierarchy) {
          CoordinateSet above = given;
          for (const NodePointer& level : hierarchy.levels) {
            explain_level(hierarchy, node, *level, above);
            walk(*level, above);
            include(above, coordinates_.drawn(*level));
          }
        },
        [&](const Each&) { below(); });
  }

 private:
  static std::string in_words(const LogNormaliser& log_z) {
    if (!log_z.known) return "unknown (" + log_z.why() + ")";
    if (log_z.depends_on_parents()) return "a function of the parents (" + log_z.how + ")";
    if (log_z.awaited) return log_z.how + " before a run";
    if (log_z.estimated) return fmt::format("{:.6g} +- {:.2g} ({})", log_z.constant, log_z.standard_error, log_z.how);
    return fmt::format("{:.6g} ({})", log_z.constant, log_z.how);
  }

  void explain_mixture(const Mixture& mixture, const Node& node, const CoordinateSet& given) {
    if (mixture.unnormalised) {
      lines_.push_back(fmt::format("mixture '{}': unnormalised, its weights absorb the normalisers", node.name));
      return;
    }
    for (const Mixture::Branch& branch : mixture.branches)
      if (branch.weight != 0)
        lines_.push_back(fmt::format("mixture '{}': log Z of '{}' is {}", node.name, branch.energy->name,
                                     in_words(log_normaliser_of_branch(normaliser_, branch, given))));
  }

  void explain_not(const Not& negated, const Node& node, const CoordinateSet& given) {
    if (!negated.ceiling) {
      lines_.push_back(fmt::format("not '{}': no ceiling", node.name));
      return;
    }
    const double least = energy_range(*negated.energy, experts_, normaliser_, given).least;
    lines_.push_back(std::isfinite(least)
                         ? fmt::format("not '{}': the ceiling {} counts from the lower bound {:.6g} of '{}'", node.name,
                                       *negated.ceiling, least, negated.energy->name)
                         : fmt::format("not '{}': the ceiling {} counts from 0, since no lower bound of '{}' is known",
                                       node.name, *negated.ceiling, negated.energy->name));
  }

  void explain_level(const Hierarchy& hierarchy, const Node& node, const Node& level, const CoordinateSet& above) {
    const std::string text = fmt::format("hierarchy '{}': log Z of level '{}' is ", node.name, level.name);
    const LogNormaliser log_z = normaliser_.of(level, above);
    const char* use = "";
    if (hierarchy.unnormalised)
      use = ", not added";
    else if (normaliser_.adds_log_z(hierarchy, level, above))
      use = ", and is added";
    else if (log_z.depends_on_parents())
      use = ", which are given: not added";
    lines_.push_back(text + in_words(log_z) + use);
  }

  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
  std::vector<std::string>& lines_;
  std::set<const Node*> seen_;
};

void explain_transforms(const Composition& composition, std::vector<std::string>& lines) {
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Variable& variable = composition.variables[v];
    if (!is_transformed(variable, v < composition.held.size() ? composition.held[v] : Held{})) continue;
    const bool box = std::isfinite(variable.least) && std::isfinite(variable.most);
    lines.push_back(fmt::format("'{}' moves in {} coordinates, and T times the log of the Jacobian is taken off E",
                                variable.name, box ? "logit" : "log"));
  }
}

}  // namespace

std::vector<std::string> explain(const Composition& composition, const Coordinates& coordinates, const Experts& experts,
                                 const Normaliser& normaliser, const Integrability& integrability) {
  std::vector<std::string> lines;
  Explainer(coordinates, experts, normaliser, lines).walk(*composition.target, coordinates.none());
  const LogNormaliser log_z = normaliser.of(*composition.target);
  if (log_z.known && !log_z.depends_on_parents())
    lines.push_back(
        fmt::format("log Z of the target, nothing given and unconfined: {:.6g} ({})", log_z.constant, log_z.how));
  else
    lines.push_back("log Z of the target: " + (log_z.known ? "a function of its parents" : "unknown, " + log_z.why()));
  const bool confined = std::any_of(composition.variables.begin(), composition.variables.end(),
                                    [](const Variable& variable) { return variable.has_face(); });
  if (confined)
    lines.push_back("experts are normalised on their natural domain; supports confine the finished composite");
  explain_transforms(composition, lines);
  lines.push_back("integrable: " + integrability.why);
  lines.push_back(fmt::format("T = {}, acts once on the finished composite", composition.sample.temperature));
  return lines;
}

}  // namespace potluck
