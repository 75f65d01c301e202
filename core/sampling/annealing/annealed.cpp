// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/annealed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/sampling/annealing/weights.h"
#include "core/sampling/start/base_start.h"

namespace potluck {

namespace {

bool bounded(const Variable& variable) { return std::isfinite(variable.least) && std::isfinite(variable.most); }

}  // namespace

Annealed::Annealed(const Target& target, const AnnealedOptions& options)
    : AnnealedParticles(target, options),
      energy_(*target.energy, held(), target.temperature, options.base),
      base_(base_start(target.energy->variables(), held(), options.base)) {
  make({&energy_, held(), 1}, *base_, energy_.base_log_z(), length_of_base(target.energy->variables()));
}

double Annealed::length_of_base(const std::vector<Variable>& variables) const {
  double sum = 0, count = 0;
  for (size_t v = 0; v < variables.size(); ++v) {
    if (!moves(variables[v], held()[v])) continue;
    const auto n = static_cast<double>(variables[v].size());
    const double width = variables[v].most - variables[v].least, scale = options().base.scale;
    sum += n * (bounded(variables[v]) ? width * width / 12 : scale * scale);
    count += n;
  }
  return count > 0 ? std::sqrt(sum / count) : 1;
}

std::string Annealed::where(double beta) const { return fmt::format("b = {:.3g}", beta); }

std::vector<double> Annealed::take() {
  const auto particles = static_cast<size_t>(options().particles);
  const auto target = state().expert_energy.begin() + static_cast<std::ptrdiff_t>(particles);
  apart_.resize(particles);
  for (size_t i = 0; i < particles; ++i) apart_[i] = target[static_cast<std::ptrdiff_t>(i)] - state().expert_energy[i];
  return {target, target + static_cast<std::ptrdiff_t>(particles)};
}

void Annealed::weigh(double from, double to) {
  std::vector<double>& weight = log_weight();
  for (size_t i = 0; i < apart_.size(); ++i)
    weight[i] = apart_[i] < INFINITY ? weight[i] + (from - to) * apart_[i] : -INFINITY;
}

double Annealed::next_beta() {
  const double beta = energy_.beta(), rest = 1 - beta;
  // A particle without density in the target has lost its weight at any b > 0.
  const double wanted = options().conditional_ess * conditional_share(log_weight(), apart_, 0);
  if (conditional_share(log_weight(), apart_, rest) >= wanted) return 1;
  double low = 0, high = rest;
  for (int i = 0; i < 200 && high - low > 1e-6 * high; ++i) {
    const double middle = (low + high) / 2;
    (conditional_share(log_weight(), apart_, middle) >= wanted ? low : high) = middle;
  }
  return beta + (low > 0 ? low : high);
}

AnnealedStage Annealed::tuned_stage(double beta) const {
  AnnealedStage stage{.beta = beta, .step_size = step_size(), .scale = {}};
  if (!tuning().metric) return stage;
  const std::vector<Variable>& variables = this->variables();
  std::vector<double> weight(log_weight().size());
  const double most = *std::max_element(log_weight().begin(), log_weight().end());
  double sum = 0;
  for (size_t i = 0; i < weight.size(); ++i) sum += weight[i] = std::exp(log_weight()[i] - most);
  stage.scale.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    if (!moves(variables[v], held()[v])) continue;
    const auto n = static_cast<size_t>(variables[v].size());
    std::vector<double> mean(n), squares(n);
    const auto at = [&](size_t i, size_t j) { return number_at(state().position[v], precision(), i * n + j); };
    for (size_t i = 0; i < weight.size(); ++i)
      for (size_t j = 0; j < n; ++j) mean[j] += weight[i] / sum * at(i, j);
    for (size_t i = 0; i < weight.size(); ++i)
      for (size_t j = 0; j < n; ++j) squares[j] += weight[i] / sum * (at(i, j) - mean[j]) * (at(i, j) - mean[j]);
    for (size_t j = 0; j < n; ++j) {
      const double former = scale().empty() ? 1 : scale()[v][j];
      // One particle that has all the weight tells no width.
      stage.scale[v].push_back(squares[j] > 0 && std::isfinite(squares[j]) ? std::sqrt(squares[j]) : former);
    }
  }
  return stage;
}

}  // namespace potluck
