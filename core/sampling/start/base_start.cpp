// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/start/base_start.h"

#include <fmt/format.h>

#include <cmath>

#include "core/random/philox.h"

namespace potluck {

namespace {

class BaseStart final : public Start {
 public:
  BaseStart(const std::vector<Variable>& variables, const std::vector<Held>& held, const AnnealedBase& base)
      : variables_(variables), held_(held), base_(base) {}

  std::string description() const override {
    return fmt::format("normal with mean {:g} and standard deviation {:g}, uniform in bounded supports", base_.mean,
                       base_.scale);
  }
  bool exact() const override { return false; }  // of the base, not of the target

  void draw(uint32_t seed, int64_t first_chain, int64_t rows, int attempt, double* const* position) const override {
    for (size_t v = 0; v < variables_.size(); ++v) {
      if (variables_[v].categorical() || held_[v].all()) continue;
      for (int64_t row = 0; row < rows; ++row) {
        const NoiseAddress at{seed, variable_key(variables_[v].name), static_cast<uint32_t>(first_chain + row),
                              static_cast<uint32_t>(attempt), Purpose::kBase};
        draw_row(variables_[v], at, position[v] + row * variables_[v].size());
      }
    }
  }

 private:
  void draw_row(const Variable& variable, const NoiseAddress& at, double* x) const {
    const bool below = std::isfinite(variable.least), above = std::isfinite(variable.most);
    const int64_t n = variable.size();
    if (below && above) {
      uniforms(at, n, x);
      for (int64_t j = 0; j < n; ++j) x[j] = variable.least + (variable.most - variable.least) * x[j];
      return;
    }
    for (int64_t j = 0; j < n; ++j) {
      const double z = base_.scale * static_cast<double>(standard_normal(at, j));
      x[j] = below ? variable.least + std::fabs(z) : above ? variable.most - std::fabs(z) : base_.mean + z;
    }
  }

  std::vector<Variable> variables_;
  std::vector<Held> held_;
  AnnealedBase base_;
};

}  // namespace

std::unique_ptr<Start> base_start(const std::vector<Variable>& variables, const std::vector<Held>& held,
                                  const AnnealedBase& base) {
  return std::make_unique<BaseStart>(variables, held, base);
}

}  // namespace potluck
