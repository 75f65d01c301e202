// SPDX-License-Identifier: Apache-2.0
#include "compose/known/given_log_z.h"

#include <fmt/format.h>

#include <cmath>
#include <set>
#include <utility>

#include "compose/tree/visit.h"

namespace potluck {
namespace {

constexpr double kRounded = 0.01;  // what a number in a file may be off without a word

class Finder {
 public:
  explicit Finder(const Normaliser& normaliser) : normaliser_(normaliser) {}

  /// @param given  coordinates of the levels above
  void walk(const Node& node, const CoordinateSet& given) {
    if (!seen_.insert({&node, given}).second) return;
    CoordinateSet above = given;
    if (const auto* hierarchy = std::get_if<Hierarchy>(&node.kind)) {
      for (const NodePointer& level : hierarchy->levels) {
        walk(*level, above);
        include(above, normaliser_.coordinates().drawn(*level));
      }
      return;
    }
    for (const NodePointer& child : children(node)) walk(*child, given);
    const auto* mixture = std::get_if<Mixture>(&node.kind);
    if (!mixture || mixture->unnormalised) return;
    for (const Mixture::Branch& branch : mixture->branches)
      if (branch.weight != 0) look_at(branch, node, given);
  }

  std::vector<std::string> warnings;

 private:
  void look_at(const Mixture::Branch& branch, const Node& mixture, const CoordinateSet& given) {
    const LogNormaliser log_z = log_normaliser_of_branch(normaliser_, branch, given);
    if (std::abs(log_z.excess) <= kRounded) return;
    warnings.push_back(
        fmt::format("mixture '{}': log_z of '{}' is {}, so that it has {:.3g} times the mass that its "
                    "weight says. Leave log_z out where you mean the weight",
                    mixture.name, branch.energy->name, in_file(log_z), std::exp(log_z.excess)));
  }

  /// "1.2, given in the file, although it is 2.11768 (quadratic, in closed form)"
  static std::string in_file(const LogNormaliser& log_z) {
    return fmt::format("{:.6g}, {}", log_z.constant, log_z.how);
  }

  const Normaliser& normaliser_;
  std::set<std::pair<const Node*, CoordinateSet>> seen_;
};

}  // namespace

std::vector<std::string> given_log_z_that_differs(const Composition& composition, const Normaliser& normaliser) {
  Finder finder(normaliser);
  finder.walk(*composition.target, normaliser.coordinates().none());
  return std::move(finder.warnings);
}

}  // namespace potluck
