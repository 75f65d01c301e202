// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/run_figures.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {

double excess(double rhat) { return rhat * rhat - 1; }

}  // namespace

double frozen_share(const RunFigures& f) { return static_cast<double>(f.frozen) / static_cast<double>(f.chains); }

bool all_frozen(const RunFigures& f) { return f.frozen > 0 && f.frozen >= f.chains; }

bool drew(const RunFigures& f) { return f.draws > 0 && !all_frozen(f); }

bool exact_throughout(const RunFigures& f) { return f.exact_start.value_or(false) && f.exact_method.value_or(false); }

std::optional<FigureAt> effective_draws(const RunFigures& f) {
  const auto independent = static_cast<double>(f.chains - f.frozen);
  if (exact_throughout(f) && !(f.ess && f.ess->value >= independent)) return FigureAt{independent, ""};
  return f.ess;
}

bool separate_modes(const RunFigures& f) {
  return f.rhat && f.ess_within_chain && f.rhat->value > 1.1 && *f.ess_within_chain >= 10 &&
         excess(f.rhat->value) > 5 * 2 / *f.ess_within_chain;
}

std::optional<double> steps_needed(const RunFigures& f) {
  double factor = 1;
  if (f.rhat && f.rhat->value > f.most_rhat) factor = excess(f.rhat->value) / excess(f.most_rhat);
  if (f.ess && f.ess->value < f.wanted_ess) factor = std::max(factor, f.wanted_ess / f.ess->value);
  if (!(factor > 1) || !std::isfinite(factor) || f.steps < 1) return std::nullopt;
  const double needed = factor * static_cast<double>(f.steps);
  const double unit = std::pow(10, std::floor(std::log10(needed)) - 1);
  return std::ceil(needed / unit) * unit;
}

}  // namespace potluck
