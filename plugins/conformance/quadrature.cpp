// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/quadrature.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace potluck::conformance {

namespace {

constexpr int kShifts = 4;
constexpr double kReach = 4.3;  // x as far as 1e24

/// Where the drawn coordinates stand: input and index within its row.
struct Coordinate {
  size_t input, index, size;
};

std::vector<Coordinate> drawn_coordinates(const Model& model) {
  std::vector<Coordinate> all;
  for (size_t i = 0; i < model.setup().slots.size(); ++i) {
    const auto size = static_cast<size_t>(model.setup().slots[i].size());
    for (size_t j = 0; j < size && !model.kind().inputs[i].parent; ++j) all.push_back({i, j, size});
  }
  return all;
}

/// Energies at points x [count, 2], in calls of at most most_rows.
std::vector<double> energies_at(const Model& model, const Batch& held, const std::vector<Coordinate>& coordinates,
                                const std::vector<std::array<double, 2>>& points) {
  std::vector<double> all;
  all.reserve(points.size());
  const auto most = static_cast<size_t>(model.setup().most_rows);
  for (size_t first = 0; first < points.size(); first += most) {
    const size_t rows = std::min(most, points.size() - first);
    Batch batch = repeated(model, held, 0, static_cast<int64_t>(rows));
    for (size_t c = 0; c < coordinates.size(); ++c)
      for (size_t b = 0; b < rows; ++b)
        batch.values[coordinates[c].input][b * coordinates[c].size + coordinates[c].index] = points[first + b][c];
    const auto some = energies(model, batch);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

/// The lowest of a coarse grid: where most of the nodes go.
std::array<double, 2> near_mode(const Model& model, const Batch& held, const std::vector<Coordinate>& coordinates) {
  std::vector<double> line;
  for (int k = -60; k <= 60; ++k) line.push_back(std::sinh(k / 8.0) / 40);  // from -22 to 22, finest at 0
  std::vector<std::array<double, 2>> points;
  for (const double x : line) {
    if (coordinates.size() == 1) points.push_back({x, 0});
    for (size_t k = 0; coordinates.size() == 2 && k < line.size(); ++k) points.push_back({x, line[k]});
  }
  const auto energy = energies_at(model, held, coordinates, points);
  return points[static_cast<size_t>(std::min_element(energy.begin(), energy.end()) - energy.begin())];
}

struct Rule {
  std::vector<double> x, weight;
};

Rule rule(double centre, int count, double shift) {
  const double h = 2 * kReach / count;
  Rule out;
  for (int k = 0; k < count; ++k) {
    const double t = -kReach + (k + shift) * h, half_pi = std::numbers::pi / 2;
    out.x.push_back(centre + std::sinh(half_pi * std::sinh(t)));
    out.weight.push_back(h * half_pi * std::cosh(t) * std::cosh(half_pi * std::sinh(t)));
  }
  return out;
}

}  // namespace

double Quadrature::mean(const std::function<double(const double* x)>& f) const {
  double sum = 0;
  for (const Node& node : nodes) sum += node.probability * f(node.x);
  return sum;
}

Quadrature integrate(const Model& model, const Batch& held, bool with_nodes) {
  const std::vector<Coordinate> coordinates = drawn_coordinates(model);
  const std::array<double, 2> centre = near_mode(model, held, coordinates);
  const bool plane = coordinates.size() == 2;
  const int count = plane ? 280 : 65536;
  Quadrature out;
  std::array<double, kShifts> part{};
  double lowest = INFINITY;  // energies count from the lowest that was met first
  for (int s = 0; s < kShifts; ++s) {
    const Rule first = rule(centre[0], count, s / static_cast<double>(kShifts));
    const Rule second = plane ? rule(centre[1], count, s / static_cast<double>(kShifts)) : Rule{{0}, {1}};
    std::vector<std::array<double, 2>> points;
    for (const double x : first.x)
      for (const double y : second.x) points.push_back({x, y});
    const auto energy = energies_at(model, held, coordinates, points);
    if (s == 0) lowest = *std::min_element(energy.begin(), energy.end());
    for (size_t k = 0; k < points.size(); ++k) {
      const double density = std::exp(lowest - energy[k]);
      if (!(density > 0)) continue;
      const size_t columns = second.x.size();
      const double mass = first.weight[k / columns] * second.weight[k % columns] * density;
      part[static_cast<size_t>(s)] += mass;
      if (with_nodes) out.nodes.push_back({{points[k][0], points[k][1]}, mass});
    }
  }
  double whole = 0;
  for (const double one : part) whole += one / kShifts;
  const auto [least, most] = std::minmax_element(part.begin(), part.end());
  out.log_z = std::log(whole) - lowest;
  out.error = (*most - *least) / whole;
  if (!std::isfinite(out.log_z)) out.error = INFINITY;
  for (Quadrature::Node& node : out.nodes) node.probability /= whole * kShifts;
  return out;
}

}  // namespace potluck::conformance
