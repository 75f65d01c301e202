// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/noise_annealed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/sampling/annealing/weights.h"

namespace potluck {

namespace {

constexpr double kFirstLevel = 0.5;  ///< b of the first level
constexpr int64_t kMostLevels = 4000;
constexpr int64_t kLevelsToChooseFrom = 1 << 30;  ///< where none are given
/// A step of the noise is found to so much of itself: a pilot's ladder need not be more even than that.
constexpr double kStepTolerance = 0.05;

AnnealedOptions with_ladder(AnnealedOptions options, const NoiseLadder& ladder) {
  if (ladder.levels < 0 || ladder.levels > kMostLevels)
    throw SettingError(
        fmt::format("annealing along a noise: levels must be in 0 ... {}, got {}", kMostLevels, ladder.levels));
  options.ladder.clear();
  for (int64_t level = 0; ladder.levels > 0 && level <= ladder.levels; ++level)
    options.ladder.push_back(kFirstLevel +
                             (1 - kFirstLevel) * static_cast<double>(level) / static_cast<double>(ladder.levels));
  return options;
}

/// E after - E before; infinite where there is no density behind the step.
double step_of(double before, double after) { return after < INFINITY ? after - before : INFINITY; }

}  // namespace

NoiseAnnealed::NoiseAnnealed(const Target& target, const AnnealedOptions& options, const NoiseLadder& ladder)
    : AnnealedParticles(target, with_ladder(options, ladder)), ladder_(ladder), temperature_(target.temperature) {
  levels_.spacing = ladder.spacing;
  levels_.levels = ladder.levels > 0 ? ladder.levels : kLevelsToChooseFrom;
  const Held& own = held().at(static_cast<size_t>(ladder.variable));
  const Variable& variable = target.energy->variables()[static_cast<size_t>(ladder.variable)];
  if (variable.categorical() || variable.size() != 1 || !own.all())
    throw SettingError(
        fmt::format("annealing along '{}': the level of noise must be a real number that is given", variable.name));
  to_ = own.value[0];
  if (!(ladder.from > to_ && to_ >= 0) || !std::isfinite(ladder.from))
    throw SettingError(
        fmt::format("annealing along '{}': its first level must be above the given value, which must be >= 0, got {:g} "
                    "and {:g}",
                    variable.name, ladder.from, to_));
  make({target.energy, held(), target.temperature}, *ladder.base, ladder.base->log_z(), 1);
  if (tuning().step_power != 2 || tuning().trajectory)
    throw SettingError(
        fmt::format("annealing along '{}': the method must have a step size that is the square of a length, got '{}'. "
                    "Use mala",
                    variable.name, options.method));
  // Where other experts confine more than the noise blurs, steps of its square are far too long.
  set_step_size(step_size() * std::pow(std::min(1.0, ladder.base->length() / ladder.from), 2));
}

double NoiseAnnealed::noise(double beta) const {
  const double share = std::max(0.0, (beta - kFirstLevel) / (1 - kFirstLevel));
  return levels_.value(std::llround(share * static_cast<double>(levels_.levels)), ladder_.from, to_);
}

std::string NoiseAnnealed::where(double beta) const {
  return fmt::format("{} = {:.3g}", variables()[static_cast<size_t>(ladder_.variable)].name, noise(beta));
}

void NoiseAnnealed::set_beta(double beta) {
  beta_ = beta;
  chains().set_given(ladder_.variable, noise(beta));
}

std::vector<double> NoiseAnnealed::take() {
  energy_ = state().energy;
  for (double& one : energy_) one /= temperature_;
  return energy_;
}

const std::vector<double>& NoiseAnnealed::energies_at(double beta) {
  const bool elsewhere = noise(beta) != noise(beta_);
  set_beta(beta);
  if (elsewhere) evaluate();
  return energy_;
}

std::vector<double> NoiseAnnealed::base_energies() const {
  std::vector<std::vector<double>> position(variables().size());
  std::vector<const double*> pointers;
  for (size_t v = 0; v < position.size(); ++v) {
    if (moves(variables()[v], held()[v])) {
      position[v].resize(static_cast<size_t>(options().particles * variables()[v].size()));
      for (size_t i = 0; i < position[v].size(); ++i) position[v][i] = number_at(state().position[v], precision(), i);
    }
    pointers.push_back(position[v].data());
  }
  std::vector<double> energy(static_cast<size_t>(options().particles));
  ladder_.base->energies(options().particles, pointers.data(), energy.data());
  return energy;
}

void NoiseAnnealed::weigh(double from, double to) {
  const std::vector<double> before = from == 0 ? base_energies() : energy_;
  const std::vector<double> after = to == 0 ? base_energies() : energies_at(to);
  std::vector<double>& weight = log_weight();
  for (size_t i = 0; i < weight.size(); ++i)
    weight[i] = weight[i] > -INFINITY ? weight[i] - step_of(before[i], after[i]) : -INFINITY;
}

double NoiseAnnealed::share_at(double beta, const std::vector<double>& before) {
  const std::vector<double>& after = energies_at(beta);
  std::vector<double> apart(before.size());
  for (size_t i = 0; i < apart.size(); ++i) apart[i] = step_of(before[i], after[i]);
  return conditional_share(log_weight(), apart, 1);
}

double NoiseAnnealed::next_beta() {
  if (beta_ == 0) return kFirstLevel;
  const double beta = beta_, rest = 1 - beta;
  const std::vector<double> before = energy_;
  const auto behind = [&](double step) { return step == rest ? 1 : beta + step; };
  // From the step before by factors of two until one is too long, then by halves.
  const std::vector<AnnealedStage>& stages = under_way().stages;
  double step = stages.size() < 2 ? rest : std::min(rest, beta - stages[stages.size() - 2].beta);
  double low = 0, high = INFINITY;
  while (low < rest && behind(step) > beta) {
    (share_at(behind(step), before) >= options().conditional_ess ? low : high) = step;
    if (high - low <= kStepTolerance * high) break;
    step = high < INFINITY ? (low + high) / 2 : std::min(2 * low, rest);
  }
  set_beta(beta);
  energy_ = before;
  return behind(low > 0 ? low : std::min(high, rest));
}

AnnealedStage NoiseAnnealed::tuned_stage(double beta) const {
  const double level = noise(beta);
  const std::vector<AnnealedStage>& stages = under_way().stages;
  // Nothing moves on the last stage, where there may be no noise.
  const double step = level > 0 || stages.empty() ? step_size() * level * level : stages.back().step_size;
  return {.beta = beta, .step_size = step, .scale = {}};
}

}  // namespace potluck
