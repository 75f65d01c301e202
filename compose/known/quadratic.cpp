// SPDX-License-Identifier: Apache-2.0
#include "compose/known/quadratic.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "compose/experts/leaf_row.h"
#include "compose/known/normaliser.h"
#include "compose/tree/visit.h"

namespace potluck {

namespace {

/// Adds the forms of leaves, at their weights, into one joint form.
class Collector {
 public:
  Collector(const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser, QuadraticForm& form)
      : coordinates_(coordinates), experts_(experts), normaliser_(normaliser), form_(form) {
    place_.assign(static_cast<size_t>(coordinates.total()), -1);
    for (int64_t i = 0; i < form.size(); ++i) place_[static_cast<size_t>(form.coordinates[static_cast<size_t>(i)])] = i;
  }

  bool add(const Node& node, double weight, const CoordinateSet& given) {
    if (weight == 0) return true;
    return visit_kind(
        node, [&](const Leaf& leaf) { return add_leaf(leaf, node, weight); },
        [&](const Product& product) {
          return std::all_of(product.terms.begin(), product.terms.end(),
                             [&](const Product::Term& term) { return add(*term.energy, weight * term.weight, given); });
        },
        [&](const Mixture& mixture) { return add_single_branch(mixture, node, weight, given); },
        [&](const Not& negated) {
          if (negated.ceiling) return refuse(fmt::format("'{}' has a ceiling", node.name));
          return add(*negated.energy, -weight * negated.strength, given);
        },
        [&](const Temper& temper) { return add(*temper.energy, weight / temper.temperature, given); },
        [&](const Hierarchy& hierarchy) { return add_levels(hierarchy, weight, given); },
        [&](const Each& each) { return add(*each.energy, weight, given); });
  }

  std::string why;

 private:
  bool refuse(std::string text) {
    why = std::move(text);
    return false;
  }

  bool add_levels(const Hierarchy& hierarchy, double weight, CoordinateSet given) {
    for (const NodePointer& level : hierarchy.levels) {
      if (!add(*level, weight, given)) return false;
      if (normaliser_.adds_log_z(hierarchy, *level, given))
        return refuse(fmt::format("log Z of level '{}' depends on its parents", level->name));
      include(given, coordinates_.drawn(*level));
    }
    return true;
  }

  bool add_single_branch(const Mixture& mixture, const Node& node, double weight, const CoordinateSet& given) {
    const Mixture::Branch* only = nullptr;
    for (const Mixture::Branch& branch : mixture.branches) {
      if (branch.weight == 0) continue;
      if (only) return refuse(fmt::format("'{}' is a mixture", node.name));
      only = &branch;
    }
    if (!only) return refuse(fmt::format("'{}' is a mixture without branches", node.name));
    if (!mixture.unnormalised) {
      const LogNormaliser log_z = log_normaliser_of_branch(normaliser_, *only, given);
      if (!log_z.known || log_z.depends_on_parents())
        return refuse(fmt::format("log Z of '{}' depends on its parents", only->energy->name));
      if (log_z.awaited) return refuse(fmt::format("log Z of '{}' is still to be estimated", only->energy->name));
      form_.constant += weight * log_z.constant;
    }
    return add(*only->energy, weight, given);
  }

  bool add_leaf(const Leaf& leaf, const Node& node, double weight) {
    const Model* model = experts_.on_cpu(leaf);
    if (!model) return refuse(fmt::format("'{}' does not run on the cpu, where it is asked", node.name));
    for (int64_t part = 0; part < leaf.parts; ++part) {
      const LeafRow row(coordinates_.composition(), *model, leaf, part);
      std::vector<uint8_t> open(leaf.inputs.size()), closed(leaf.inputs.size());
      int64_t numbers = 0;
      for (size_t i = 0; i < leaf.inputs.size(); ++i) {
        open[i] = row.continuous_variable(i);
        closed[i] = open[i] && !row.fixed(i);
        if (open[i]) numbers += size_of(leaf.inputs[i]);
        if (leaf.kind->inputs[i].categorical && !row.fixed(i))
          return refuse(fmt::format("label '{}' of '{}' is not given", leaf.kind->inputs[i].name, node.name));
      }
      if (numbers > kMostQuadratic)
        return refuse(fmt::format("'{}' reads {} numbers, more than the {} that are solved in closed form", node.name,
                                  numbers, kMostQuadratic));
      // A model may be quadratic in what it draws only: what is held can be given to it.
      auto own = experts_.quadratic(leaf, part, row, open);
      if (!own && open != closed) {
        open = closed;
        own = experts_.quadratic(leaf, part, row, open);
      }
      if (!own) return refuse(fmt::format("model '{}' of '{}' is not quadratic", leaf.kind->name, node.name));
      scatter(leaf, open, part, *own, weight);
    }
    return true;
  }

  void scatter(const Leaf& leaf, const std::vector<uint8_t>& open, int64_t part, const Model::Quadratic& own,
               double weight) {
    std::vector<int64_t> at;
    for (size_t i = 0; i < leaf.inputs.size(); ++i)
      for (int64_t j = 0; open[i] && j < size_of(leaf.inputs[i]); ++j)
        at.push_back(place_[static_cast<size_t>(coordinates_.coordinate(leaf.inputs[i], part, j))]);
    const size_t n = at.size();
    for (size_t i = 0; i < n; ++i) {
      form_.linear(at[i]) += weight * own.linear[i];
      for (size_t j = 0; j < n; ++j) form_.precision(at[i], at[j]) += weight * own.precision[i * n + j];
    }
    form_.constant += weight * own.constant;
  }

  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
  QuadraticForm& form_;
  std::vector<int64_t> place_;
};

/// Splits the coordinates of a form into those in a set and the rest.
void split(const QuadraticForm& form, const CoordinateSet& set, std::vector<int64_t>& in, std::vector<int64_t>& out) {
  for (int64_t i = 0; i < form.size(); ++i)
    (set[static_cast<size_t>(form.coordinates[static_cast<size_t>(i)])] ? in : out).push_back(i);
}

std::vector<int64_t> chosen(const std::vector<int64_t>& all, const std::vector<int64_t>& which) {
  std::vector<int64_t> some;
  for (const int64_t i : which) some.push_back(all[static_cast<size_t>(i)]);
  return some;
}

}  // namespace

std::optional<QuadraticForm> quadratic_form(const Node& node, const Coordinates& coordinates, const Experts& experts,
                                            const Normaliser& normaliser, const CoordinateSet& given,
                                            std::string& why) {
  QuadraticForm form;
  CoordinateSet touched = coordinates.drawn(node);
  include(touched, coordinates.parents(node));
  for (int64_t i = 0; i < coordinates.total(); ++i) {
    const int variable = coordinates.variable_of(i);
    if (touched[static_cast<size_t>(i)] &&
        !coordinates.composition().variables[static_cast<size_t>(variable)].categorical())
      form.coordinates.push_back(i);
  }
  if (form.size() > kMostQuadratic) {
    why = fmt::format("'{}' reads {} numbers, more than the {} that are solved in closed form", node.name, form.size(),
                      kMostQuadratic);
    return std::nullopt;
  }
  form.precision.setZero(form.size(), form.size());
  form.linear.setZero(form.size());
  Collector collector(coordinates, experts, normaliser, form);
  if (!collector.add(node, 1, given)) {
    why = collector.why;
    return std::nullopt;
  }
  return form;
}

QuadraticForm conditioned(const QuadraticForm& form, const CoordinateSet& held, const std::vector<double>& value) {
  std::vector<int64_t> in, out;
  split(form, held, in, out);
  Eigen::VectorXd x(static_cast<int64_t>(in.size()));
  for (size_t i = 0; i < in.size(); ++i)
    x(static_cast<int64_t>(i)) = value[static_cast<size_t>(form.coordinates[static_cast<size_t>(in[i])])];
  QuadraticForm rest;
  rest.coordinates = chosen(form.coordinates, out);
  rest.precision = form.precision(out, out);
  const Eigen::MatrixXd across = form.precision(out, in), own = form.precision(in, in);
  const Eigen::VectorXd linear = form.linear(in);
  rest.linear = form.linear(out) - across * x;
  rest.constant = form.constant + 0.5 * x.dot(own * x) - x.dot(linear);
  return rest;
}

std::optional<QuadraticForm> integrated(const QuadraticForm& form, const CoordinateSet& drawn) {
  // With P and h split into drawn (d) and rest (r): P' = P_rr - P_rd P_dd^-1 P_dr, h' = h_r - P_rd P_dd^-1 h_d,
  // c' = c - h_d' P_dd^-1 h_d / 2 - n_d/2 log 2 pi + log det P_dd / 2.
  std::vector<int64_t> in, out;
  split(form, drawn, in, out);
  if (in.empty()) return form;
  const Eigen::LLT<Eigen::MatrixXd> factor(Eigen::MatrixXd(form.precision(in, in)));
  if (factor.info() != Eigen::Success) return std::nullopt;
  const Eigen::VectorXd linear = form.linear(in);
  const Eigen::MatrixXd across = form.precision(in, out);
  const Eigen::VectorXd mean = factor.solve(linear);
  QuadraticForm rest;
  rest.coordinates = chosen(form.coordinates, out);
  rest.precision = form.precision(out, out) - across.transpose() * factor.solve(across);
  rest.linear = form.linear(out) - across.transpose() * mean;
  const double half_log_determinant = factor.matrixLLT().diagonal().array().log().sum();
  rest.constant = form.constant - 0.5 * linear.dot(mean) -
                  0.5 * static_cast<double>(in.size()) * std::log(2 * std::numbers::pi) + half_log_determinant;
  return rest;
}

std::optional<double> log_normaliser(const QuadraticForm& form) {
  CoordinateSet all(form.coordinates.empty() ? 0 : static_cast<size_t>(form.coordinates.back()) + 1, 1);
  const auto rest = integrated(form, all);
  if (!rest) return std::nullopt;
  return -rest->constant;
}

double least_eigenvalue(const QuadraticForm& form) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(form.precision, Eigen::EigenvaluesOnly).eigenvalues()(0);
}

CoordinateSet held_coordinates(const Coordinates& coordinates, std::vector<double>& value) {
  CoordinateSet set = coordinates.none();
  value.assign(set.size(), 0);
  const Composition& composition = coordinates.composition();
  for (size_t v = 0; v < composition.held.size(); ++v)
    for (size_t i = 0; i < composition.held[v].mask.size(); ++i) {
      if (!composition.held[v].mask[i]) continue;
      const size_t at = static_cast<size_t>(coordinates.first(static_cast<int>(v))) + i;
      set[at] = 1;
      value[at] = composition.held[v].value[i];
    }
  return set;
}

}  // namespace potluck
