// SPDX-License-Identifier: Apache-2.0
#include "compose/start/level_start.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <cmath>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "compose/known/gaussian_part.h"
#include "core/error.h"
#include "core/random/element.h"
#include "core/random/philox.h"

namespace potluck {

namespace {

/// A law of some coordinates of the state: mean + deviation z, or mean + L^-T z with precision L L'.
struct Normal {
  std::vector<int64_t> coordinates;
  std::vector<double> mean, deviation;               ///< one for each coordinate
  std::optional<Eigen::LLT<Eigen::MatrixXd>> along;  ///< of precision / T, where it has numbers beside the diagonal
};

class LevelStart final : public WeighedStart {
 public:
  LevelStart(const std::vector<Variable>& variables, Normal normal, std::string description)
      : variables_(variables),
        rest_(default_start(variables)),
        normal_(std::move(normal)),
        description_(std::move(description)) {
    for (const Variable& variable : variables) first_.push_back(first_.back() + variable.size());
    for (const int64_t coordinate : normal_.coordinates) {
      size_t v = 0;
      while (first_[v + 1] <= coordinate) ++v;
      variable_.push_back(v);
    }
  }

  std::string description() const override { return description_; }
  bool exact() const override { return false; }

  void draw(uint32_t seed, int64_t first_chain, int64_t rows, int attempt, double* const* position) const override {
    rest_->draw(seed, first_chain, rows, attempt, position);
    const auto n = static_cast<int64_t>(normal_.coordinates.size());
    Eigen::VectorXd z(n);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < n; ++i) {
        const size_t v = variable_[static_cast<size_t>(i)];
        const NoiseAddress at{seed, variable_key(variables_[v].name), static_cast<uint32_t>(first_chain + row),
                              static_cast<uint32_t>(attempt), Purpose::kStart};
        z(i) = static_cast<double>(standard_normal(at, element(i)));
      }
      if (normal_.along) normal_.along->matrixU().solveInPlace(z);
      for (int64_t i = 0; i < n; ++i) put(i, z(i), row, position);
    }
  }

  void energies(int64_t rows, const double* const* position, double* energy) const override {
    const auto n = static_cast<int64_t>(normal_.coordinates.size());
    Eigen::VectorXd z(n);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < n; ++i) {
        const auto at = static_cast<size_t>(i);
        const size_t v = variable_[at];
        z(i) = (position[v][row * variables_[v].size() + element(i)] - normal_.mean[at]) / normal_.deviation[at];
      }
      energy[row] = (normal_.along ? Eigen::VectorXd(normal_.along->matrixU() * z) : z).squaredNorm() / 2;
    }
  }

  double log_z() const override {
    double log_z = static_cast<double>(normal_.coordinates.size()) / 2 * std::log(2 * M_PI);
    for (const double one : normal_.deviation) log_z += std::log(one);
    if (normal_.along) log_z -= normal_.along->matrixLLT().diagonal().array().log().sum();
    return log_z;
  }

  double length() const override {
    double trace = 0;
    for (const double one : normal_.deviation) trace += 1 / (one * one);
    if (normal_.along) trace = normal_.along->reconstructedMatrix().trace();
    return std::sqrt(static_cast<double>(normal_.coordinates.size()) / trace);
  }

 private:
  int64_t element(int64_t i) const {
    return normal_.coordinates[static_cast<size_t>(i)] - first_[variable_[static_cast<size_t>(i)]];
  }

  void put(int64_t i, double z, int64_t row, double* const* position) const {
    const size_t v = variable_[static_cast<size_t>(i)];
    const Variable& variable = variables_[v];
    const double x = normal_.mean[static_cast<size_t>(i)] + normal_.deviation[static_cast<size_t>(i)] * z;
    double sign;
    position[v][row * variable.size() + element(i)] =
        variable.has_face() ? element::fold(x, variable.least, variable.most, sign) : x;
  }

  const std::vector<Variable> variables_;
  const std::unique_ptr<Start> rest_;
  const Normal normal_;
  const std::string description_;
  std::vector<int64_t> first_ = {0};
  std::vector<size_t> variable_;  ///< of each coordinate of the normal law
};

/// The composition with the level of noise at which chains begin.
Composition at_first_level(const Composition& composition) {
  Composition first = composition;
  const GivenNumber& noise = composition.sample.anneal.given[0];
  first.held[static_cast<size_t>(noise.variable)].value[0] = noise.from;
  return first;
}

/// Nothing where the Gaussian part at the first level is not known, or confines not every free number.
/// @param temperature  of the law
std::optional<Normal> gaussian_at_first_level(const KnownComposition& known, double temperature) {
  const Composition first = at_first_level(known.composition);
  const Coordinates& coordinates = known.coordinates;
  std::string why;
  const auto part = gaussian_part(*first.target, first, coordinates, known.experts, known.normaliser, why);
  const CoordinateSet free = coordinates.free();
  if (!part || !part->confines(free)) return std::nullopt;
  Normal normal;
  if (part->across.empty()) {
    for (size_t i = 0; i < free.size(); ++i) {
      if (!free[i]) continue;
      normal.coordinates.push_back(static_cast<int64_t>(i));
      normal.mean.push_back(part->linear[i] / part->curvature[i]);
      normal.deviation.push_back(std::sqrt(temperature / part->curvature[i]));
    }
    return normal;
  }
  CoordinateSet all = free;
  std::vector<double> value;
  const CoordinateSet held = held_coordinates(coordinates, value);
  const GivenNumber& noise = first.sample.anneal.given[0];
  value[static_cast<size_t>(coordinates.first(noise.variable))] = noise.from;
  include(all, held);
  const auto form = part->form(all);
  if (!form) return std::nullopt;
  const QuadraticForm rest = conditioned(*form, held, value);
  normal.coordinates = rest.coordinates;
  normal.along.emplace(Eigen::MatrixXd(rest.precision / temperature));
  const Eigen::VectorXd mean = rest.precision.llt().solve(rest.linear);
  normal.mean.assign(mean.data(), mean.data() + mean.size());
  normal.deviation.assign(normal.mean.size(), 1);
  return normal;
}

/// As wide as the noise of the first level, in what it blurs.
Normal as_wide_as_the_noise(const Composition& composition) {
  Normal normal;
  const Schedule& anneal = composition.sample.anneal;
  int64_t coordinate = 0;
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Held& held = composition.held[v];
    for (int64_t j = 0; j < composition.variables[v].size(); ++j, ++coordinate) {
      const auto at = static_cast<size_t>(j);
      if (v >= anneal.blurred.size() || anneal.blurred[v].empty() || !anneal.blurred[v][at]) continue;
      if (held.any() && held.mask[at]) continue;
      normal.coordinates.push_back(coordinate);
      normal.mean.push_back(0);
      normal.deviation.push_back(anneal.given[0].from);
    }
  }
  return normal;
}

/// Beside what the noise blurs standard normal, in all that is free.
Normal as_wide_as_the_noise_and_standard(const Composition& composition) {
  Normal normal = as_wide_as_the_noise(composition);
  const std::set<int64_t> blurred(normal.coordinates.begin(), normal.coordinates.end());
  const CoordinateSet free = Coordinates(composition).free();
  for (size_t i = 0; i < free.size(); ++i) {
    if (!free[i] || blurred.count(static_cast<int64_t>(i)) > 0) continue;
    normal.coordinates.push_back(static_cast<int64_t>(i));
    normal.mean.push_back(0);
    normal.deviation.push_back(1);
  }
  return normal;
}

void check_no_supports(const Composition& composition) {
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Variable& variable = composition.variables[v];
    if (variable.categorical() || composition.held[v].all() || !variable.has_face()) continue;
    throw SettingError("along", fmt::format(" must be left out where a variable that is drawn has a support, got '{}' "
                                            "on [{:g}, {:g}]: particles begin in a normal law. Leave its support out",
                                            variable.name, variable.least, variable.most));
  }
}

std::string first_level(const Composition& composition) {
  const GivenNumber& noise = composition.sample.anneal.given[0];
  return fmt::format("{} = {:g}", composition.variables[static_cast<size_t>(noise.variable)].name, noise.from);
}

}  // namespace

std::unique_ptr<WeighedStart> level_base(const Composition& composition,
                                         const std::shared_ptr<const KnownComposition>& known) {
  check_no_supports(composition);
  std::optional<Normal> normal = gaussian_at_first_level(*known, composition.sample.temperature);
  if (!normal) normal = as_wide_as_the_noise_and_standard(composition);
  return std::make_unique<LevelStart>(composition.variables, *std::move(normal), "base at " + first_level(composition));
}

std::unique_ptr<Start> level_start(const Composition& composition,
                                   const std::shared_ptr<const KnownComposition>& known) {
  const std::string where = first_level(composition);
  PlanOptions options;
  options.precision = composition.sample.precision;
  options.most_rows = 1;
  const auto here = known ? known : std::make_shared<KnownComposition>(composition, options);
  const SampleSettings& sample = composition.sample;
  const double temperature = sample.anneal.temperature.value_or(sample.temperature);
  if (std::optional<Normal> normal = gaussian_at_first_level(*here, temperature))
    return std::make_unique<LevelStart>(composition.variables, std::move(*normal),
                                        "normal, with the Gaussian part of the composite at " + where);
  return std::make_unique<LevelStart>(composition.variables, as_wide_as_the_noise(composition),
                                      "normal, as wide as the noise at " + where + " blurs");
}

}  // namespace potluck
