// SPDX-License-Identifier: Apache-2.0
// E(v) = sum_j curvature[j] (v_j - mean[j])^2 / 2 + a rest of linear growth, where a model says so: far from the mean.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "plugins/conformance/checks.h"

namespace potluck::conformance {

namespace {

constexpr int64_t kParents = 3;      ///< rows of parents at which the part is checked
constexpr int64_t kDirections = 16;  ///< along all numbers together, and as many single numbers
/// The nearest distance, in standard deviations of the narrowest number: where activations have long reached their
/// ends.
constexpr double kNear = 1000;
constexpr std::array kDistances = {0.0, kNear, 2 * kNear, 4 * kNear, 8 * kNear};

/// Continuous drawn inputs, one after the other as the part has them.
std::vector<size_t> drawn_inputs(const Model& model) {
  std::vector<size_t> inputs;
  for (size_t i = 0; i < model.kind().inputs.size(); ++i) {
    const InputDescription& input = model.kind().inputs[i];
    if (!input.categorical && !input.parent) inputs.push_back(i);
  }
  return inputs;
}

std::optional<Model::GaussianPart> part_at(const Model& model, const Batch& parents, int64_t row) {
  Arrays values(model, repeated(model, parents, row, 1));
  for (size_t i = 0; i < parents.values.size(); ++i)
    if (!model.kind().inputs[i].parent) values.pointers()[i] = nullptr;
  return model.gaussian_part(values.pointers());
}

/// A direction in which the rest is looked at: number `single` alone, or all of them.
std::vector<double> direction(const Subject& subject, const Model& model, int64_t index, size_t n) {
  std::vector<double> along;
  if (index >= kDirections) {
    along.assign(n, 0);
    along[static_cast<size_t>(index - kDirections) * n / std::min<size_t>(n, kDirections)] = 1;
    return along;
  }
  const Batch normal = subject.points(model, 1, static_cast<uint32_t>(110 + index));
  for (const size_t i : drawn_inputs(model))
    along.insert(along.end(), normal.values[i].begin(), normal.values[i].end());
  double square = 0;
  for (const double value : along) square += value * value;
  for (double& value : along) value /= std::sqrt(square > 0 ? square : 1);
  return along;
}

/// The energies without their Gaussian part at kDistances from the mean.
struct Ray {
  std::array<double, kDistances.size()> rest{}, rounding{};
  double unit = 1;  ///< kDistances are multiples of it

  /// How much the rest grows per unit of length, between the distances `end` - 1 and `end`.
  double slope(size_t end) const {
    return std::abs(rest[end] - rest[end - 1]) / (unit * (kDistances[end] - kDistances[end - 1]));
  }
  double slope_rounding(size_t end) const {
    return (rounding[end] + rounding[end - 1]) / (unit * (kDistances[end] - kDistances[end - 1]));
  }
};

Ray ray(const Model& model, const Model::GaussianPart& part, const Batch& parents, int64_t row,
        const std::vector<double>& along) {
  Ray found;
  const double most = *std::max_element(part.curvature.begin(), part.curvature.end());
  if (most > 0) found.unit = 1 / std::sqrt(most);
  Batch batch = repeated(model, parents, row, kDistances.size());
  std::array<double, kDistances.size()> gaussian{};
  size_t j = 0;
  for (const size_t i : drawn_inputs(model)) {
    const size_t size = batch.values[i].size() / kDistances.size();
    for (size_t k = 0; k < size; ++k, ++j) {
      for (size_t b = 0; b < kDistances.size(); ++b) {
        double& value = batch.values[i][b * size + k];
        value = part.mean[j] + found.unit * kDistances[b] * along[j];
        if (model.setup().precision == Precision::kFloat32) value = static_cast<double>(static_cast<float>(value));
        gaussian[b] += part.curvature[j] * (value - part.mean[j]) * (value - part.mean[j]) / 2;
      }
    }
  }
  const std::vector<double> energy = energies(model, batch);
  for (size_t b = 0; b < kDistances.size(); ++b) {
    found.rest[b] = energy[b] - gaussian[b];
    found.rounding[b] = rounding(model, 1 + std::abs(gaussian[b]) + std::abs(found.rest[b]));
  }
  return found;
}

}  // namespace

// Between one distance and twice that, a rest of linear growth gains the same per unit of length, and one of quadratic
// growth twice as much as between half the distance and the distance itself: the bound is 1.5 times as much. To that
// comes what rounding may do, and 1e-4 of the slope of the Gaussian part, for a rest that only wavers.
Finding check_gaussian_part(const Subject& subject) {
  const Model model = subject.create();
  const Batch parents = subject.points(model, kParents, 109);
  double worst = 0;
  int64_t rays = 0;
  for (int64_t row = 0; row < kParents; ++row) {
    const auto part = part_at(model, parents, row);
    if (!part) continue;
    const size_t n = part->mean.size();
    const auto directions = kDirections + static_cast<int64_t>(std::min<size_t>(n, kDirections));
    for (int64_t index = 0; index < directions; ++index, ++rays) {
      const Ray found = ray(model, *part, parents, row, direction(subject, model, index, n));
      constexpr size_t kLast = kDistances.size() - 1;
      const double before = std::max(found.slope(kLast - 1), found.slope(kLast - 2));
      const double bound = 1.5 * before + 1e-4 * kDistances[kLast] / found.unit + found.slope_rounding(kLast);
      const double slope = found.slope(kLast);
      if (!(slope <= bound)) {
        return failed(
            fmt::format("beside the Gaussian part the energy must grow linearly at most, got slopes of {:.3g} "
                        "and {:.3g} per unit at distances of {:.3g} and {:.3g}, bound {:.3g}",
                        before, slope, found.unit * kDistances[kLast - 1], found.unit * kDistances[kLast], bound),
            "curvature is the second derivative of E far from `mean`, number by number");
      }
      worst = std::max(worst, slope / bound);
    }
  }
  if (rays == 0) return not_applicable("the model knows no Gaussian part in this setup");
  return passed(fmt::format("{} rays at {} rows of parents, worst slope {:.2g} of the bound", rays, kParents, worst));
}

}  // namespace potluck::conformance
