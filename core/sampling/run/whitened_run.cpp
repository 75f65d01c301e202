// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/whitened_run.h"

#include <fmt/format.h>

#include <cstddef>
#include <vector>

#include "core/energy/transform.h"
#include "core/error.h"
#include "core/methods/method_options.h"
#include "core/sampling/run/translating_observer.h"

namespace potluck {

namespace {

class WhitenedObserver final : public TranslatingObserver {
 public:
  WhitenedObserver(std::span<Observer* const> observers, const WhitenedEnergy& energy)
      : TranslatingObserver(observers), energy_(energy), x_(energy.variables().size()) {}

 private:
  void translate(Draw& draw) override {
    const std::vector<const void*> z = draw.position;
    std::vector<void*> to(x_.size(), nullptr);
    for (size_t v = 0; v < x_.size(); ++v) {
      if (energy_.moving()[v].empty()) continue;
      x_[v].resize(static_cast<size_t>(draw.chains * energy_.variables()[v].size()) * bytes_of(energy_.precision()));
      draw.position[v] = to[v] = x_[v].data();
    }
    energy_.user_positions(draw.chains, z.data(), to.data());
  }

  const WhitenedEnergy& energy_;
  std::vector<std::vector<std::byte>> x_;  ///< [variables]: [chains, n] of the precision, where numbers move
};

}  // namespace

void WhitenedRun::check(const Target& target) {
  const std::vector<Variable>& variables = target.energy->variables();
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    const Held held = v < target.held.size() ? target.held[v] : Held{};
    if (variable.categorical() || held.all() || !variable.has_face() || is_transformed(variable, held)) continue;
    throw SettingError(
        "sample.metric",
        fmt::format(" must be auto or identity where a variable has reflecting walls ('{}' in [{:g}, {:g}]), got "
                    "dense: walls would lie across its axes. Give the variable walls: transform, or use auto",
                    variable.name, variable.least, variable.most));
  }
  if (const int64_t numbers = free_coordinates(target); numbers > kMostNumbers)
    throw SettingError(
        "sample.metric",
        fmt::format(" must be auto or identity where more than {} numbers move ({}), got dense: its matrix "
                    "would have their square. Use auto",
                    kMostNumbers, numbers));
}

WhitenedRun::WhitenedRun(const Target& target, std::span<Observer* const> observers, int workers) : target_(target) {
  target_.held.resize(target.energy->variables().size());
  energy_ = std::make_unique<WhitenedEnergy>(*target.energy, target_.held, workers);
  target_.energy = energy_.get();
  observer_ = std::make_unique<WhitenedObserver>(observers, *energy_);
  observer_in_list_ = observer_.get();
}

WhitenedRun::~WhitenedRun() = default;

}  // namespace potluck
