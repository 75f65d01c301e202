// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/energy/energy.h"
#include "core/sampling/run.h"

namespace potluck::testing {

/// E = x' P x / 2 over all coordinates of several variables, in their order.
class QuadraticEnergy final : public Energy {
 public:
  QuadraticEnergy(std::vector<Variable> variables, std::vector<std::vector<double>> precision)
      : variables_(std::move(variables)), precision_(std::move(precision)) {}

  const std::vector<Variable>& variables() const override { return variables_; }
  Precision precision() const override { return Precision::kFloat64; }
  Device device() const override { return {}; }
  int64_t most_rows() const override { return rows_of_a_call({}, 0); }
  size_t workspace_bytes(int64_t) const override { return 0; }
  const std::vector<std::string>& experts() const override { return experts_; }
  bool rows_alone() const override { return true; }
  bool batch_invariant() const override { return true; }
  int64_t preferred_rows() const override { return 0; }
  bool hard_walls() const override { return false; }
  bool capturable() const override { return false; }

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
  std::vector<Variable> variables_;
  std::vector<std::vector<double>> precision_;
  std::vector<std::string> experts_ = {"quadratic"};
};

}  // namespace potluck::testing
