// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/transformed_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/error.h"
#include "core/sampling/run/translating_observer.h"

namespace potluck {

namespace {

/// Free coordinate of a start on a wall: exp(-u) and s(-u) are both about a thousandth.
constexpr double kOnTheWall = 6.93;

/// As the run's precision has them.
bool same(Precision precision, double x, double wall) {
  return precision == Precision::kFloat32 ? static_cast<float>(x) == static_cast<float>(wall) : x == wall;
}

Held held_of(const Target& target, size_t variable) {
  return variable < target.held.size() ? target.held[variable] : Held{};
}

class FreeStart final : public Start {
 public:
  FreeStart(const Start& start, const TransformedEnergy& energy, const std::vector<Held>& held)
      : start_(start), energy_(energy), held_(held) {}

  std::string description() const override {
    const int64_t moved = moved_.load();
    return start_.description() +
           (moved > 0 ? fmt::format("; {} numbers on a wall were put a thousandth inside", moved) : std::string());
  }
  bool exact() const override { return start_.exact(); }
  bool given() const override { return start_.given(); }

  void draw(uint32_t seed, int64_t first_chain, int64_t rows, int attempt, double* const* position) const override {
    const std::vector<Variable>& variables = energy_.variables();
    for (size_t v = 0; v < variables.size(); ++v)
      if (energy_.transforms()[v]) std::fill_n(position[v], rows * variables[v].size(), 0.0);
    start_.draw(seed, first_chain, rows, attempt, position);
    for (size_t v = 0; v < variables.size(); ++v) {
      if (!energy_.transforms()[v]) continue;
      const int64_t n = variables[v].size();
      for (int64_t i = 0; i < rows * n; ++i)
        if (!held_[v].any() || !held_[v].mask[static_cast<size_t>(i % n)])
          position[v][i] = free_start(v, position[v][i], first_chain + i / n);
    }
  }

 private:
  double free_start(size_t variable, double x, int64_t chain) const {
    const Transform& transform = *energy_.transforms()[variable];
    if (x > transform.least && x < transform.most) return free_coordinate(transform, x);
    const bool at_least = same(energy_.precision(), x, transform.least);
    if (std::isfinite(x) && (at_least || same(energy_.precision(), x, transform.most))) {
      ++moved_;
      return at_least || transform.kind == Transform::Kind::kLogBelowMost ? -kOnTheWall : kOnTheWall;
    }
    throw SettingError("sample.start",
                       fmt::format(": '{}' must begin in its support [{:g}, {:g}], got {:g} in chain {}. "
                                   "Give positions that lie there",
                                   energy_.variables()[variable].name, transform.least, transform.most, x, chain));
  }

  const Start& start_;
  const TransformedEnergy& energy_;
  const std::vector<Held>& held_;
  mutable std::atomic<int64_t> moved_{0};
};

class TransformedObserver final : public TranslatingObserver {
 public:
  TransformedObserver(std::span<Observer* const> observers, const TransformedEnergy& energy, const Target& target)
      : TranslatingObserver(observers),
        energy_(energy),
        target_(target),
        arithmetic_(cpu_transform_arithmetic(energy.precision())),
        x_(energy.variables().size()) {}

 private:
  void translate(Draw& draw) override {
    log_slope_.assign(static_cast<size_t>(draw.chains), 0);
    for (size_t v = 0; v < x_.size(); ++v) {
      if (!energy_.transforms()[v]) continue;
      const int64_t n = energy_.variables()[v].size();
      const Held& held = target_.held[v];
      x_[v].resize(static_cast<size_t>(draw.chains * n) * bytes_of(energy_.precision()));
      arithmetic_->user_positions(
          {*energy_.transforms()[v], draw.chains, n, held.any() ? held.mask.data() : nullptr, draw.position[v]},
          x_[v].data(), log_slope_.data(), nullptr);
      draw.position[v] = x_[v].data();
    }
    // E = E_u + T log|dx/du|; a failed chain keeps what it failed with.
    user_energy_.assign(draw.energy, draw.energy + draw.chains);
    for (size_t chain = 0; chain < user_energy_.size(); ++chain)
      if (std::isfinite(user_energy_[chain])) user_energy_[chain] += target_.temperature * log_slope_[chain];
    draw.energy = user_energy_.data();
  }

  const TransformedEnergy& energy_;
  const Target& target_;
  std::unique_ptr<TransformArithmetic> arithmetic_;
  std::vector<std::vector<std::byte>> x_;  ///< [variables]: [chains, n] of the precision, where transformed
  std::vector<double> log_slope_, user_energy_;
};

}  // namespace

bool TransformedRun::needed(const Target& target) {
  const std::vector<Variable>& variables = target.energy->variables();
  for (size_t v = 0; v < variables.size(); ++v)
    if (is_transformed(variables[v], held_of(target, v))) return true;
  return false;
}

void TransformedRun::check(const Target& target) {
  const std::vector<Variable>& variables = target.energy->variables();
  for (size_t v = 0; v < variables.size(); ++v)
    transform_of(variables[v], held_of(target, v), target.energy->precision());
}

TransformedRun::TransformedRun(const Target& target, std::span<Observer* const> observers, int workers)
    : target_(target) {
  target_.held.resize(target.energy->variables().size());
  energy_ = std::make_unique<TransformedEnergy>(*target.energy, target_.held, target.temperature, workers);
  target_.energy = energy_.get();
  observer_ = std::make_unique<TransformedObserver>(observers, *energy_, target_);
  observer_in_list_ = observer_.get();
}

TransformedRun::~TransformedRun() = default;

std::unique_ptr<const Start> TransformedRun::free(const Start& start) const {
  return std::make_unique<FreeStart>(start, *energy_, target_.held);
}

}  // namespace potluck
