// SPDX-License-Identifier: Apache-2.0
// What a model claims of its density, against its own energy.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"
#include "plugins/conformance/quadrature.h"

namespace potluck::conformance {

namespace {

constexpr double kRoughest = 1e-2;  // quadrature that is not settled to this says nothing
constexpr const char* kNotNarrow =
    "the model accepts no setup with one or two drawn numbers, which quadrature needs, at these settings, at their "
    "presets "
    "or at small values of one of them. Give settings for which it does: --set";

bool has_parents(const Subject& subject) {
  return std::any_of(subject.kind().inputs.begin(), subject.kind().inputs.end(),
                     [](const InputDescription& input) { return input.parent; });
}

bool has_continuous_parents(const Subject& subject) {
  return std::any_of(subject.kind().inputs.begin(), subject.kind().inputs.end(),
                     [](const InputDescription& input) { return input.parent && !input.categorical; });
}

/// Values of the drawn inputs of a row, one after the other.
std::vector<double> drawn_row(const Model& model, const Batch& batch, int64_t row) {
  std::vector<double> x;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (model.kind().inputs[i].parent) continue;
    const int64_t size = model.setup().slots[i].size();
    x.insert(x.end(), batch.values[i].begin() + row * size, batch.values[i].begin() + (row + 1) * size);
  }
  return x;
}

}  // namespace

Finding check_least_energy(const Subject& subject) {
  const Model model = subject.create();
  const double least = model.facts().least_energy;
  if (least == -INFINITY) return not_applicable("no lower bound is declared");
  double lowest = INFINITY, scale = 1;
  int64_t points = 0;
  for (const double spread : {0.1, 1.0, 10.0, 100.0}) {
    Batch batch = subject.points(model, 500, 50, spread);
    std::vector<double> energy = energies(model, batch);
    // Some steps downhill from each, as far as they lead.
    double length = 0.1;
    for (int k = 0; k < 60; ++k, length *= 0.93) {
      const Evaluation here = evaluate(model, batch);
      Batch moved = batch;
      for (size_t i = 0; i < moved.values.size(); ++i) {
        const size_t size = moved.values[i].size() / 500;
        for (size_t at = 0; at < here.gradient[i].size(); ++at) {
          double squares = 1e-300;
          for (size_t j = 0; j < size; ++j) squares += std::pow(here.gradient[i][at / size * size + j], 2);
          if (std::isfinite(squares))
            moved.values[i][at] -= length * spread * here.gradient[i][at] / std::sqrt(squares);
        }
      }
      const std::vector<double> there = energies(model, moved);
      for (size_t b = 0; b < there.size(); ++b) {
        if (!(there[b] < energy[b])) continue;
        energy[b] = there[b];
        for (size_t i = 0; i < moved.values.size(); ++i) {
          const size_t size = moved.values[i].size() / 500;
          std::copy_n(moved.values[i].begin() + static_cast<int64_t>(b * size), size,
                      batch.values[i].begin() + static_cast<int64_t>(b * size));
        }
      }
    }
    points += 500 * 60;
    for (const double one : energy) {
      if (std::isnan(one))
        return failed(fmt::format("an energy must be a number or +inf, got nan at points of scale {}", spread),
                      "Look for 0/0 or inf - inf far from the origin");
      if (one < lowest) lowest = one;
      if (std::isfinite(one)) scale = std::max(scale, std::min(std::abs(one), 1 + std::abs(least)));
    }
  }
  const double slack = rounding(model, scale);
  if (lowest < least - slack) {
    return failed(fmt::format("least_energy must be a lower bound, {:.9g}, got an energy of {:.9g}", least, lowest),
                  "Declare the least energy for these settings, or -INFINITY: ceilings count from it");
  }
  return passed(fmt::format("lowest of {} energies {:.6g}, declared {:.6g}", points, lowest, least));
}

Finding check_log_normaliser(const Subject& subject) {
  std::string text;
  for (const NarrowSetup& setup : subject.narrow_setups()) {
    const Model model = subject.create(setup);
    const Batch parents = subject.points(model, 3, 51);
    const auto log_z = log_normaliser(model, parents);
    if (log_z && !model.can(POTLUCK_INTEGRABLE)) {
      return failed("log_normaliser knows log Z, and POTLUCK_INTEGRABLE is not claimed",
                    "Claim it where exp(-E) has a finite integral");
    }
    if (!log_z && !model.can(POTLUCK_INTEGRABLE)) continue;
    const int64_t rows = has_parents(subject) ? 3 : 1;
    for (int64_t row = 0; row < rows; ++row) {
      const Quadrature exact = integrate(model, repeated(model, parents, row, 1), false);
      if (!log_z && !(exact.error < 1)) {
        return failed(
            fmt::format("POTLUCK_INTEGRABLE is claimed, and the integral of exp(-E) over {} drawn numbers does "
                        "not settle{} (log Z {:.4g} with an error of {:.2g})",
                        drawn_numbers(model), setup.said, exact.log_z, exact.error),
            "Do not claim it, or check a wider density: --set, --shape");
      }
      if (!log_z || !(exact.error < kRoughest)) continue;
      const double claimed = (*log_z)[static_cast<size_t>(row)];
      const double precision = subject.can(POTLUCK_CAN_FLOAT64) ? 1e-8 : 1e-5;
      const double bound = precision * (1 + std::abs(exact.log_z)) + exact.error;
      const double away = apart(claimed, exact.log_z);
      if (!(away <= bound)) {
        return failed(fmt::format("log Z must be {:.9g} by quadrature over {} drawn numbers{}, got {:.9g}: {:.3g} "
                                  "away, bound {:.3g}",
                                  exact.log_z, drawn_numbers(model), setup.said, claimed, away, bound),
                      "log Z is log of the integral of exp(-E) of the very E that is returned, constants and all");
      }
      text = fmt::format("{}{}{} drawn{}: {:.6g}, {:.2g} away, bound {:.2g}", text, text.empty() ? "" : "; ",
                         drawn_numbers(model), setup.said, claimed, away, bound);
      break;
    }
  }
  if (text.empty()) {
    if (!subject.can(POTLUCK_INTEGRABLE)) return not_applicable("neither log Z nor integrability is claimed");
    return not_applicable(subject.narrow_setups().empty() ? kNotNarrow
                                                          : "log Z is not known, or quadrature does not settle to 1%");
  }
  return passed(text);
}

Finding check_log_normaliser_gradient(const Subject& subject) {
  if (!has_continuous_parents(subject)) return not_applicable("the model has no continuous parents");
  const Model model = subject.create();
  const Batch batch = subject.points(model, 3, 52);
  std::vector<std::vector<double>> gradient;
  const auto log_z = log_normaliser(model, batch, &gradient);
  if (!log_z) return not_applicable("log Z is not known");
  const bool wide = subject.best_precision() == Precision::kFloat64;
  const double h = wide ? 0x1p-12 : 0x1p-6;
  WorstDifference worst;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const auto size = static_cast<size_t>(model.setup().slots[i].size());
    for (size_t j = 0; j < size && !gradient[i].empty(); ++j) {
      const auto slope_at = [&](double width) {
        Batch right = batch, left = batch;
        for (size_t b = 0; b < 3; ++b) right.values[i][b * size + j] += width, left.values[i][b * size + j] -= width;
        auto slopes = *log_normaliser(model, right);
        const auto down = *log_normaliser(model, left);
        for (size_t b = 0; b < 3; ++b) slopes[b] = (slopes[b] - down[b]) / (2 * width);
        return slopes;
      };
      const auto fine = slope_at(h), rough = slope_at(2 * h);
      for (size_t b = 0; b < 3; ++b) {
        // The error of `fine` is a third of its distance from `rough` (h^2 law).
        const double scale = 1 + std::abs((*log_z)[b]) + std::abs(gradient[i][b * size + j]);
        const double bound = std::abs(fine[b] - rough[b]) + 64 * (wide ? 0x1p-52 : 0x1p-23) * scale / h;
        const double claimed = gradient[i][b * size + j];
        worst.take(apart(claimed, fine[b]), bound,
                   fmt::format("input '{}', number {}: {:.6g}, slope of log Z {:.6g}", subject.kind().inputs[i].name, j,
                               claimed, fine[b]));
      }
    }
  }
  if (!worst.within()) {
    return failed(fmt::format("the gradient of log Z by parents is {:.3g} away from central differences, bound {:.3g} "
                              "({})",
                              worst.difference(), worst.bound(), worst.where()),
                  "given->gradient of log_normaliser is d log Z / d parent");
  }
  return passed(fmt::format("worst error {:.3g}, bound {:.3g}", worst.difference(), worst.bound()));
}

Finding check_draws_by_quadrature(const Subject& subject) {
  constexpr int64_t kDraws = kMostRows, kTimes = 8;
  if (subject.create().facts().draw_uniforms == 0) return not_applicable("the model has no exact draws");
  double worst = 0;
  int compared = 0;
  std::string said;
  for (const NarrowSetup& setup : subject.narrow_setups()) {
    const Model model = subject.create(setup);
    if (model.facts().draw_uniforms == 0) continue;
    const Batch parents = subject.points(model, 1, 53);
    const Quadrature exact = integrate(model, parents, true);
    if (!(exact.error < 1e-3)) continue;
    // Bounded functions have moments whatever the tails: tanh((x - c) / s) with c and s near median and spread.
    const auto dimension = static_cast<size_t>(drawn_numbers(model));
    std::vector<std::function<double(const double*)>> functions;
    for (size_t k = 0; k < dimension; ++k) {
      const double centre = std::sinh(exact.mean([k](const double* x) { return std::asinh(x[k]); }));
      double spread = 4;  // halved until half of the mass is outside
      while (spread > 1e-9 && exact.mean([&](const double* x) { return std::abs(x[k] - centre) > spread; }) < 0.5)
        spread /= 2;
      const auto squashed = [k, centre, spread](const double* x) { return std::tanh((x[k] - centre) / spread); };
      functions.push_back(squashed);
      functions.push_back([squashed](const double* x) { return squashed(x) * squashed(x); });
    }
    if (dimension == 2) {
      const auto first = functions[0], second = functions[2];
      functions.push_back([first, second](const double* x) { return first(x) * second(x); });
    }
    std::vector<double> sum(functions.size()), squares(functions.size());
    for (uint32_t time = 0; time < kTimes; ++time) {
      const Batch given = repeated(model, parents, 0, kDraws);
      const auto drawn = draw(model, given, subject.uniforms(kDraws * model.facts().draw_uniforms, 60 + time));
      if (!drawn) return not_applicable("the model cannot draw in this setup");
      for (int64_t b = 0; b < kDraws; ++b) {
        const std::vector<double> x = drawn_row(model, *drawn, b);
        for (size_t f = 0; f < functions.size(); ++f) {
          const double value = functions[f](x.data());
          sum[f] += value;
          squares[f] += value * value;
        }
      }
    }
    for (size_t f = 0; f < functions.size(); ++f) {
      const double count = kDraws * kTimes, mean = sum[f] / count;
      const double standard_error = std::sqrt(std::max(0.0, squares[f] / count - mean * mean) / count);
      const double distance = std::abs(mean - exact.mean(functions[f])) / (standard_error + exact.error + 1e-9);
      worst = std::isnan(distance) ? static_cast<double>(INFINITY) : std::max(worst, distance);
      ++compared;
    }
    if (said.empty()) said = setup.said;
  }
  if (compared == 0) {
    return not_applicable(subject.narrow_setups().empty() ? kNotNarrow : "quadrature does not settle to 0.1%");
  }
  if (!(worst < 6)) {
    return failed(fmt::format("moments of {} draws{} are {:.3g} standard errors away from quadrature, bound 6",
                              kDraws * kTimes, said, worst),
                  "Draws must follow exp(-E)/Z of the very E that is returned, one uniform used once");
  }
  return passed(fmt::format("{} moments of {} draws{}, worst {:.2f} standard errors, bound 6", compared,
                            kDraws * kTimes, said, worst));
}

}  // namespace potluck::conformance
