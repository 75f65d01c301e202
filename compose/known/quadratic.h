// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>
#include <optional>
#include <string>
#include <vector>

#include "compose/experts/experts.h"
#include "compose/tree/coordinates.h"

namespace potluck {

class Normaliser;

/// E(v) = v'Pv/2 - h'v + c over some coordinates of the state, float64.
struct QuadraticForm {
  std::vector<int64_t> coordinates;  ///< which number of the state each v_i is, ascending
  Eigen::MatrixXd precision;         ///< P [n, n]
  Eigen::VectorXd linear;            ///< h [n]
  double constant = 0;               ///< c

  int64_t size() const { return static_cast<int64_t>(coordinates.size()); }
};

/// The largest n that is solved in closed form: n^2 numbers are kept and n^3/3 multiplications done, once.
constexpr int64_t kMostQuadratic = 4096;

/// The form of a node over every continuous coordinate that it reads, held ones included; labels stand at their held
/// values. Weights may be negative. Nothing where some leaf is not quadratic: `why` says which.
std::optional<QuadraticForm> quadratic_form(const Node& node, const Coordinates& coordinates, const Experts& experts,
                                            const Normaliser& normaliser, const CoordinateSet& given, std::string& why);

/// The form over the remaining coordinates where those in `held` stand at `value` (one number a coordinate of the
/// state).
QuadraticForm conditioned(const QuadraticForm& form, const CoordinateSet& held, const std::vector<double>& value);

/// exp(-E) integrated over `drawn`: exp(-E') over the rest. Nothing where the integral is infinite.
std::optional<QuadraticForm> integrated(const QuadraticForm& form, const CoordinateSet& drawn);

/// log of the integral of exp(-E) over all of v; nothing where it is infinite.
std::optional<double> log_normaliser(const QuadraticForm& form);

/// Least eigenvalue of the precision.
double least_eigenvalue(const QuadraticForm& form);

/// The held coordinates of a composition as a set, with a value for each coordinate of the state.
CoordinateSet held_coordinates(const Coordinates& coordinates, std::vector<double>& value);

}  // namespace potluck
