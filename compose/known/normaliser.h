// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compose/experts/experts.h"
#include "compose/tree/coordinates.h"

namespace potluck {

/// log Z of a node, the log integral of exp(-E) over what it draws, as far as it is known:
/// constant + sum of the leaves' own log Z as functions of their parents.
struct LogNormaliser {
  bool known = false;
  std::string how;         ///< how it is known, or why it is not, by the rules
  std::string not_closed;  ///< where it is not known: why it is not in closed form either
  double constant = 0;
  double standard_error = 0;  ///< of the constant, where it is an estimate
  bool estimated = false;
  double excess = 0;     ///< of a branch: log Z that is known, less the one that its file gives instead
  std::string kept_in;   ///< of a branch: the weights file that keeps the estimate
  std::string not_kept;  ///< of a branch whose log Z is not known: what its weights keep, and how to make them keep it
  bool awaited = false;  ///< an estimate that is still to be made: the constant says nothing
  /// Leaves whose log Z depends on parents that are part of the state. Where a leaf has more rows than the node, its
  /// rows are summed.
  std::vector<const Leaf*> leaves;

  bool depends_on_parents() const { return !leaves.empty(); }
  /// Why it is not known.
  std::string why() const {
    return how + (not_closed.empty() ? "" : "; and not in closed form: " + not_closed) +
           (not_kept.empty() ? "" : "; " + not_kept);
  }
};

/// Knows the normalisers of nodes, by these rules: a leaf as its model says; a product of factors that draw disjoint
/// variables at weight 1, a hierarchy of known levels and `each` over disjoint parts: the sum; a normalised mixture: 0;
/// anything quadratic: closed form. Not safe to share between threads: what was found once is kept. Supports and held
/// coordinates do not enter: experts are normalised as their authors meant them.
class Normaliser {
 public:
  Normaliser(const Coordinates& coordinates, const Experts& experts) : coordinates_(&coordinates), experts_(&experts) {}

  /// @param given  coordinates that are not integrated over although the node may draw them: those of the levels above.
  LogNormaliser of(const Node& node, const CoordinateSet& given) const;
  LogNormaliser of(const Node& node) const { return of(node, coordinates_->none()); }
  /// Whether a hierarchy wants log Z of one of its levels, the top or another: it is normalised, and the level is
  /// conditional on what is drawn above it, or on what is drawn anywhere else or is a label that moves.
  bool wants_log_z(const Hierarchy& hierarchy, const Node& level, const CoordinateSet& above) const;
  /// Whether that log Z is part of the hierarchy's energy: it is wanted, and is a function of the level's parents. A
  /// constant is left out. Of this function are the energy, what is explained and what is known of the hierarchy.
  bool adds_log_z(const Hierarchy& hierarchy, const Node& level, const CoordinateSet& above) const;
  const Coordinates& coordinates() const { return *coordinates_; }

 private:
  LogNormaliser found(const Node& node, const CoordinateSet& given) const;
  LogNormaliser in_closed_form(const Node& node, const CoordinateSet& given) const;
  LogNormaliser by_rule(const Node& node, const CoordinateSet& given) const;
  LogNormaliser of_leaf(const Node& node, const Leaf& leaf, const CoordinateSet& given) const;
  LogNormaliser of_product(const std::vector<NodePointer>& factors, const CoordinateSet& given,
                           const std::string& what) const;
  LogNormaliser of_mixture(const Mixture& mixture, const CoordinateSet& given) const;
  LogNormaliser of_hierarchy(const Hierarchy& hierarchy, const CoordinateSet& given) const;
  LogNormaliser of_each(const Each& each, const CoordinateSet& given) const;

  const Coordinates* coordinates_;
  const Experts* experts_;
  mutable std::map<std::pair<const Node*, CoordinateSet>, LogNormaliser> known_;
};

/// The drawn inputs of a leaf read some coordinate twice: within one part, or also in two parts.
bool draws_twice(const Coordinates& coordinates, const Leaf& leaf, bool across_parts);

/// log Z of a branch: the user's number, else what is known, else the estimate that the user asked for or that the
/// branch's weights keep (compose/experts/kept_log_z.h). An estimate over supports is of a truncated expert: there what
/// is known is not used, unless no support cuts the branch off.
LogNormaliser log_normaliser_of_branch(const Normaliser& normaliser, const Mixture::Branch& branch,
                                       const CoordinateSet& given);

/// The branch stands for an expert that is cut off at the supports of what it draws.
bool is_truncated(const Coordinates& coordinates, const Mixture::Branch& branch);

}  // namespace potluck
