// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tests/core/host_energy.h"

namespace potluck::testing {

/// E = x' P x / 2 over all coordinates of several variables, in their order.
class QuadraticEnergy final : public HostEnergy {
 public:
  QuadraticEnergy(std::vector<Variable> variables, std::vector<std::vector<double>> precision)
      : HostEnergy(std::move(variables), {"quadratic"}), precision_(std::move(precision)) {}

  void evaluate(const EnergyCall& call) const override {
    for (int64_t row = 0; row < call.rows; ++row) {
      std::array<double, 8> x{}, g{};
      size_t first = 0;
      for (size_t v = 0; v < variables_.size(); ++v) {
        const auto n = static_cast<size_t>(variables_[v].size());
        const double* from = static_cast<const double*>(call.position[v]) + static_cast<size_t>(row) * n;
        for (size_t j = 0; j < n; ++j) x[first + j] = from[j];
        first += n;
      }
      call.energy[row] = 0;
      for (size_t i = 0; i < precision_.size(); ++i) {
        for (size_t j = 0; j < precision_.size(); ++j) g[i] += precision_[i][j] * x[j];
        call.energy[row] += x[i] * g[i] / 2;
      }
      if (call.expert_energy) call.expert_energy[row] = call.energy[row];
      first = 0;
      for (size_t v = 0; v < variables_.size(); ++v) {
        const auto n = static_cast<size_t>(variables_[v].size());
        if (call.gradient && call.gradient[v]) {
          double* to = static_cast<double*>(call.gradient[v]) + static_cast<size_t>(row) * n;
          for (size_t j = 0; j < n; ++j) to[j] = g[first + j];
        }
        first += n;
      }
    }
  }

 private:
  std::vector<std::vector<double>> precision_;
};

}  // namespace potluck::testing
