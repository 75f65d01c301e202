// SPDX-License-Identifier: Apache-2.0
#include "compose/known/coarse_numbers.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <set>

#include "compose/known/quadratic.h"

namespace potluck {

namespace {

/// Neighbouring numbers that a standard deviation should span: rounding then moves a draw by less than a hundredth of
/// it, and energies of two neighbours differ by little.
constexpr double kLeastNeighbours = 100;
/// Larger forms are looked at where their precision is diagonal: a factor of n numbers costs n^3/3.
constexpr int64_t kMostFactored = 512;

/// From a number of that size to the next one.
double spacing(double size) {
  const float near = static_cast<float>(std::fabs(size));
  return static_cast<double>(std::nextafter(near, std::numeric_limits<float>::infinity())) - static_cast<double>(near);
}

bool coarse(double size, double deviation) { return deviation > 0 && deviation < kLeastNeighbours * spacing(size); }

class Finder {
 public:
  Finder(const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser)
      : coordinates_(coordinates), experts_(experts), normaliser_(normaliser), told_(coordinates.none()) {
    held_ = held_coordinates(coordinates, value_);
  }

  void look_at_supports(const std::vector<Variable>& variables) {
    for (size_t v = 0; v < variables.size(); ++v) {
      const Variable& variable = variables[v];
      const double width = variable.most - variable.least;
      if (variable.categorical() || !std::isfinite(width)) continue;
      const double size = std::max(std::fabs(variable.least), std::fabs(variable.most));
      const double deviation = width / std::sqrt(12.0);  // of a uniform law
      if (!coarse(size, deviation)) continue;
      tell(coordinates_.first(static_cast<int>(v)),
           fmt::format("the support [{:.9g}, {:.9g}] of '{}'", variable.least, variable.most, variable.name),
           fmt::format("is {:.3g} wide", width), size);
    }
  }

  /// The largest nodes that are quadratic.
  void walk(const Node& node) {
    if (!seen_.insert(&node).second || std::holds_alternative<Not>(node.kind)) return;
    std::string why;
    const auto form = quadratic_form(node, coordinates_, experts_, normaliser_, coordinates_.none(), why);
    if (form) return look_at(node, conditioned(*form, held_, value_));
    for (const NodePointer& child : children(node)) walk(*child);
  }

  std::vector<std::string> warnings;

 private:
  void look_at(const Node& node, const QuadraticForm& form) {
    const int64_t n = form.size();
    if (n == 0) return;
    Eigen::VectorXd mean, variance;
    if (form.precision.isDiagonal(0)) {
      if (!(form.precision.diagonal().array() > 0).all()) return;
      variance = form.precision.diagonal().cwiseInverse();
      mean = form.linear.cwiseProduct(variance);
    } else {
      if (n > kMostFactored) return;
      const Eigen::LLT<Eigen::MatrixXd> factor(form.precision);
      if (factor.info() != Eigen::Success) return;
      mean = factor.solve(form.linear);
      variance = factor.solve(Eigen::MatrixXd::Identity(n, n)).diagonal();
    }
    for (int64_t i = 0; i < n; ++i) {
      const double deviation = std::sqrt(variance(i));
      if (!coarse(mean(i), deviation)) continue;
      const int64_t coordinate = form.coordinates[static_cast<size_t>(i)];
      const std::string& name =
          coordinates_.composition().variables[static_cast<size_t>(coordinates_.variable_of(coordinate))].name;
      tell(coordinate, fmt::format("'{}' puts '{}' near {:.6g}", node.name, name, mean(i)),
           fmt::format("with a standard deviation of {:.3g}", deviation), mean(i));
    }
  }

  /// Once for each variable.
  void tell(int64_t coordinate, const std::string& what, const std::string& spread, double size) {
    const int variable = coordinates_.variable_of(coordinate);
    uint8_t& told = told_[static_cast<size_t>(coordinates_.first(variable))];
    if (told) return;
    told = 1;
    warnings.push_back(
        fmt::format("{} {}, where neighbouring numbers of float32 are {:.2g} apart: its draws would be coarse. Use "
                    "precision: float64 in `sample`",
                    what, spread, spacing(size)));
  }

  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
  CoordinateSet held_, told_;
  std::vector<double> value_;
  std::set<const Node*> seen_;
};

}  // namespace

std::vector<std::string> coarse_numbers(const Composition& composition, const Coordinates& coordinates,
                                        const Experts& experts, const Normaliser& normaliser) {
  if (composition.sample.precision != Precision::kFloat32) return {};
  Finder finder(coordinates, experts, normaliser);
  finder.look_at_supports(composition.variables);
  finder.walk(*composition.target);
  return std::move(finder.warnings);
}

}  // namespace potluck
