// SPDX-License-Identifier: Apache-2.0
#include "compose/start/exact_start.h"

#include <algorithm>

#include "compose/known/quadratic.h"
#include "compose/start/drawer.h"
#include "core/random/element.h"
#include "core/random/philox.h"

namespace potluck {

namespace {

class ExactStart final : public Start {
 public:
  ExactStart(std::shared_ptr<const KnownComposition> known, const std::optional<Strata>& strata, bool by_word)
      : known_(std::move(known)),
        composition_(known_->composition),
        strata_(strata),
        coordinates_(known_->coordinates),
        drawer_(make_drawer(coordinates_, known_->experts, known_->normaliser, by_word, strata.has_value())) {
    if (drawer_ && strata_) choices_ = drawer_->choices();
    held_coordinates(coordinates_, held_);
    confined_ = std::any_of(composition_.variables.begin(), composition_.variables.end(),
                            [](const Variable& variable) { return variable.has_face(); });
  }

  bool possible() const { return drawer_ != nullptr; }

  std::string description() const override {
    return drawer_->description() + (choices_.empty() ? "" : ", as many of each branch as its weight says") +
           (confined_ ? ", folded into the supports" : "");
  }
  bool exact() const override { return !confined_ && drawer_->exact(); }

  void draw(uint32_t seed, int64_t first_chain, int64_t rows, int attempt, double* const* position) const override {
    NoiseAddress at;
    at.seed = seed;
    at.step = static_cast<uint32_t>(attempt);
    at.purpose = Purpose::kStart;
    std::vector<double> uniform(static_cast<size_t>(drawer_->uniforms()));
    for (int64_t row = 0; row < rows; ++row) {
      at.chain = static_cast<uint32_t>(first_chain + row);
      uniforms(at, drawer_->uniforms(), uniform.data());
      for (size_t i = 0; i < choices_.size() && attempt == 0; ++i)
        uniform[static_cast<size_t>(choices_[i])] = stratified_uniform(seed, i, first_chain + row, *strata_);
      std::vector<double> state = held_;
      drawer_->draw(uniform.data(), state);
      for (size_t v = 0; v < composition_.variables.size(); ++v) {
        const Variable& variable = composition_.variables[v];
        const int64_t n = variable.size();
        const double* from = state.data() + coordinates_.first(static_cast<int>(v));
        double sign = 1;
        for (int64_t j = 0; j < n; ++j)
          position[v][row * n + j] =
              variable.has_face() ? element::fold(from[j], variable.least, variable.most, sign) : from[j];
      }
    }
  }

 private:
  const std::shared_ptr<const KnownComposition> known_;
  const Composition& composition_;
  const std::optional<Strata> strata_;
  const Coordinates& coordinates_;
  const std::unique_ptr<Drawer> drawer_;
  std::vector<int64_t> choices_;  ///< the uniforms that are stratified
  std::vector<double> held_;
  bool confined_ = false;
};

/// With models on the CPU.
std::shared_ptr<const KnownComposition> known_on_cpu(const Composition& composition) {
  PlanOptions options;
  options.precision = composition.sample.precision;
  options.most_rows = 1;
  return std::make_shared<KnownComposition>(composition, options);
}

std::unique_ptr<Start> drawn_start(const Composition& composition, const std::optional<Strata>& strata, bool by_word,
                                   const std::shared_ptr<const KnownComposition>& known) {
  try {
    const bool here = known && known->options.device.kind == Device::Kind::kCpu;
    auto start = std::make_unique<ExactStart>(here ? known : known_on_cpu(composition), strata, by_word);
    if (!start->possible()) return nullptr;
    return start;
  } catch (const CompositionError&) {
    // A model that cannot be on the CPU in this precision cannot be asked for draws there; the plan says the rest.
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<Start> exact_start(const Composition& composition, const std::optional<Strata>& strata,
                                   const std::shared_ptr<const KnownComposition>& known) {
  return drawn_start(composition, strata, false, known);
}

std::unique_ptr<Start> branch_start(const Composition& composition, const std::optional<Strata>& strata,
                                    const std::shared_ptr<const KnownComposition>& known) {
  return drawn_start(composition, strata, true, known);
}

}  // namespace potluck
