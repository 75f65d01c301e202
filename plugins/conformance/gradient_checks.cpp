// SPDX-License-Identifier: Apache-2.0
// The gradient against slopes of the energy, and what the host may ask of it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"

namespace potluck::conformance {

namespace {

constexpr int64_t kRows = 5;
constexpr int64_t kMostCoordinates = 64;
constexpr int64_t kScattered = 250;  ///< points of each scale that are looked at along one diagonal
constexpr int kSteps = 10;           // h = 2^-3 .. 2^-12: exact, and x +- h is exact in float32 too
constexpr const char* kNoPoints = "no test point has a finite energy. Give --support input=least:most";

double step(int k) { return std::ldexp(1.0, -3 - k); }

/// Slopes of the energy along one coordinate of one row at shrinking steps.
struct Slopes {
  std::array<double, kSteps> central;  ///< (E(x + h) - E(x - h)) / 2h = E' + E''' h^2/6 + O(h^4)
  double scale = 1;                    ///< largest |E| that was seen
};

/// The slope with h^2 taken away (Richardson), and how far from the truth it can be.
struct Slope {
  double value = 0, bound = INFINITY;
};

Slope extrapolated(const Slopes& slopes, double epsilon) {
  std::array<double, kSteps> better{};
  Slope best;
  for (int k = 1; k < kSteps; ++k) {
    const auto at = static_cast<size_t>(k);
    better[at] = (4 * slopes.central[at] - slopes.central[at - 1]) / 3;
    if (k < 3) continue;
    // What is left falls 16-fold with each halving; two falls are looked at, since one may be small by chance.
    const double truncation =
        std::max(std::abs(better[at] - better[at - 1]), std::abs(better[at - 1] - better[at - 2]) / 16);
    const double bound = 10 * truncation + 64 * epsilon * slopes.scale / step(k);
    if (bound < best.bound) best = {better[at], bound};
  }
  return best;
}

/// The batch with `width` times `sign` added to every number of continuous inputs.
Batch along_diagonal(const Subject& subject, Batch batch, const std::vector<std::vector<double>>& sign, double width) {
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (subject.kind().inputs[i].categorical) continue;
    for (size_t k = 0; k < batch.values[i].size(); ++k) batch.values[i][k] += width * sign[i][k];
  }
  return batch;
}

/// The gradient at many points, wide ones too, each along one diagonal (+-1, +-1, ...), which no coordinate escapes.
///
/// An energy may have kinks. The slope must lie between those to the left and to the right, which are the slopes of
/// its two sides there, and which are second derivative times h apart where it is smooth.
WorstDifference along_diagonals(const Subject& subject, const Model& model) {
  const bool wide = subject.best_precision() == Precision::kFloat64;
  const double h = wide ? 0x1p-12 : 0x1p-7, epsilon = wide ? 0x1p-52 : 0x1p-23;
  WorstDifference worst;
  for (const double spread : {1.0, 3.0}) {
    const Batch batch = subject.finite_points(model, kScattered, 32, spread);
    if (batch.rows == 0) continue;
    std::vector<std::vector<double>> sign = subject.points(model, batch.rows, 33).values;
    for (std::vector<double>& of_input : sign) {
      const std::vector<double> uniform = subject.uniforms(static_cast<int64_t>(of_input.size()), 34);
      for (size_t k = 0; k < of_input.size(); ++k) of_input[k] = uniform[k] < 0.5 ? -1 : 1;
    }
    const auto energy_at = [&](double width) { return energies(model, along_diagonal(subject, batch, sign, width)); };
    const Evaluation found = evaluate(model, batch);
    const auto right = energy_at(h), left = energy_at(-h), far_right = energy_at(2 * h), far_left = energy_at(-2 * h);
    const double gradient_rounding = rounding(model, scale_of(batch, found));
    for (size_t b = 0; b < found.energy.size(); ++b) {
      const double here = found.energy[b];
      const double scale = std::max({1.0, std::abs(here), std::abs(far_right[b]), std::abs(far_left[b])});
      if (!std::isfinite(scale + right[b] + left[b])) continue;  // a wall is within reach
      double gradient = 0, numbers = 0;
      for (size_t i = 0; i < found.gradient.size(); ++i) {
        const size_t size = found.gradient[i].size() / found.energy.size();
        for (size_t j = b * size; j < (b + 1) * size; ++j, ++numbers) gradient += sign[i][j] * found.gradient[i][j];
      }
      const double one = (right[b] - here) / h, other = (here - left[b]) / h;
      const double outside = gradient - std::clamp(gradient, std::min(one, other), std::max(one, other));
      const double central = (right[b] - left[b]) / (2 * h), rough = (far_right[b] - far_left[b]) / (4 * h);
      const double bound =
          10 * std::abs(central - rough) + 64 * epsilon * scale / h + (1 + numbers) * gradient_rounding;
      worst.take(apart(outside, 0), bound,
                 fmt::format("row {}, points of scale {}: dE/dx along the diagonal {:.6g}, slope of the energy {:.6g}",
                             b, spread, gradient, central));
    }
  }
  return worst;
}

}  // namespace

Finding check_gradient(const Subject& subject) {
  const Model model = subject.create();
  const Batch batch = subject.finite_points(model, kRows, 30);
  if (batch.rows == 0) return not_applicable(kNoPoints);
  const auto rows = static_cast<size_t>(batch.rows);
  const Evaluation found = evaluate(model, batch);
  // Energies are double, but a float32 model may compute its terms in float.
  const double epsilon = subject.best_precision() == Precision::kFloat64 ? 0x1p-52 : 0x1p-23;
  const double gradient_rounding = rounding(model, scale_of(batch, found));
  WorstDifference worst;
  int64_t seen = 0, skipped = 0;
  std::array<double, kSteps> error_sum{}, noise_sum{};
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (subject.kind().inputs[i].categorical) continue;
    const auto size = static_cast<size_t>(subject.slots()[i].size());
    const size_t stride = std::max<size_t>(1, size / kMostCoordinates);
    for (size_t j = 0; j < size; j += stride) {
      std::vector<Slopes> slopes(rows);
      for (int k = 0; k < kSteps; ++k) {
        Batch right = batch, left = batch;
        for (size_t b = 0; b < rows; ++b)
          right.values[i][b * size + j] += step(k), left.values[i][b * size + j] -= step(k);
        const auto above = energies(model, right), below = energies(model, left);
        for (size_t b = 0; b < rows; ++b) {
          slopes[b].central[static_cast<size_t>(k)] = (above[b] - below[b]) / (2 * step(k));
          slopes[b].scale = std::max({slopes[b].scale, std::abs(above[b]), std::abs(below[b])});
        }
      }
      for (size_t b = 0; b < rows; ++b) {
        const double gradient = found.gradient[i][b * size + j];
        const Slope slope = extrapolated(slopes[b], epsilon);
        if (!std::isfinite(slope.bound)) {  // a wall is within reach
          ++skipped;
          continue;
        }
        ++seen;
        worst.take(apart(gradient, slope.value), slope.bound + gradient_rounding,
                   fmt::format("input '{}', coordinate {}: dE/dx {:.6g}, slope of the energy {:.6g}",
                               subject.kind().inputs[i].name, j, gradient, slope.value));
        for (size_t k = 0; k < kSteps; ++k) {
          error_sum[k] += std::abs(slopes[b].central[k] - gradient);
          noise_sum[k] += 64 * epsilon * slopes[b].scale / step(static_cast<int>(k)) + gradient_rounding;
        }
      }
    }
  }
  if (seen == 0) return not_applicable("every test point is too near a hard wall. Give --support input=least:most");
  const std::string advice = "Differentiate the energy that is returned, term by term, and write dE/dx, not -dE/dx";
  if (!worst.within()) {
    return failed(fmt::format("the gradient is {:.3g} away from central differences, bound {:.3g} ({})",
                              worst.difference(), worst.bound(), worst.where()),
                  advice);
  }
  const WorstDifference scattered = along_diagonals(subject, model);
  if (!scattered.within()) {
    return failed(fmt::format("the gradient is {:.3g} away from slopes of the energy along diagonals, bound {:.3g} "
                              "({})",
                              scattered.difference(), scattered.bound(), scattered.where()),
                  advice);
  }
  // The h^2 law, where the error stands clear of rounding: it is what only the right derivative shows.
  std::string law = ", exact at every h (no third derivative)";
  for (size_t k = kSteps - 1; k > 0; --k) {
    if (error_sum[k] < 30 * noise_sum[k]) continue;
    const double order = std::log2(error_sum[k - 1] / error_sum[k]);
    law = fmt::format(", error falls as h^{:.2f}", order);
    if (order < 1.5 && skipped == 0) {
      return failed(fmt::format("the error of central differences must fall as h^2, got h^{:.2f}", order), advice);
    }
    break;
  }
  return passed(fmt::format("{} slopes in {}: worst error {:.3g}, bound {:.3g}{}; {} along diagonals", seen,
                            subject.best_precision() == Precision::kFloat64 ? "float64" : "float32", worst.difference(),
                            worst.bound(), law, scattered.seen()));
}

Finding check_weights_and_accumulation(const Subject& subject) {
  if (!subject.can(POTLUCK_CAN_ACCUMULATE)) return not_applicable("POTLUCK_CAN_ACCUMULATE is not claimed");
  std::string text;
  std::vector<Precision> precisions = {Precision::kFloat32};
  if (subject.can(POTLUCK_CAN_FLOAT64)) precisions.push_back(Precision::kFloat64);
  for (const Precision precision : precisions) {
    const Model model = subject.create(precision);
    const Batch batch = subject.finite_points(model, kRows, 31);
    if (batch.rows == 0) return not_applicable(kNoPoints);
    const std::vector<double> all_weights = {1, 0, -0.375, 2.5, 1e-3};
    const std::vector<double> weights(all_weights.begin(), all_weights.begin() + batch.rows);
    constexpr double kStart = 0.5;
    const Evaluation plain = evaluate(model, batch);
    const double bound = 4 * rounding(model, scale_of(batch, plain));
    double worst = 0;
    const auto compare = [&](const Asked& asked, double start) {
      const Evaluation other = evaluate(model, batch, asked);
      for (size_t b = 0; b < plain.energy.size(); ++b)
        worst = std::max(worst, apart(other.energy[b], plain.energy[b]));  // weights do not touch energies
      for (size_t i = 0; i < plain.gradient.size(); ++i) {
        const size_t size = plain.gradient[i].size() / plain.energy.size();
        for (size_t k = 0; k < plain.gradient[i].size(); ++k) {
          const double weight = asked.row_weight.empty() ? 1 : asked.row_weight[k / size];
          worst = std::max(worst, apart(other.gradient[i][k], start + weight * plain.gradient[i][k]));
        }
      }
      return worst <= bound;
    };
    const char* wrong = nullptr;
    if (!compare({.row_weight = weights}, 0)) wrong = "row_weight";
    if (!wrong && !compare({.accumulate = true, .start = kStart}, kStart)) wrong = "accumulate";
    if (!wrong && !compare({.row_weight = weights, .accumulate = true, .start = kStart}, kStart))
      wrong = "row_weight with accumulate";
    if (wrong != nullptr) {
      return failed(fmt::format("{}: the gradient must be start + row_weight dE/dx, got {:.3g} away, bound {:.3g}",
                                wrong, worst, bound),
                    "Honour call->row_weight (gradients only) and call->accumulate, or do not claim "
                    "POTLUCK_CAN_ACCUMULATE");
    }
    text = fmt::format("largest difference {:.3g}, bound {:.3g}", worst, bound);
  }
  return passed(text);
}

}  // namespace potluck::conformance
