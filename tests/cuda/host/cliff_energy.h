// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/energy/energy.h"
#include "tests/cuda/host/host_runtime.h"

namespace potluck::testing {

/// x^4 in every x[0 ... n), experts 'quartic', and y^2/2 in every y, 'normal', of elements that round alike on every
/// device. With cliffs the energy is not a number where x[0] > 1.2, +infinity where x[0] < -1.3, and has no gradient
/// where y[0] > 2. y may be held whole.
class CliffEnergy final : public Energy {
 public:
  struct Options {
    Device device;
    Precision precision = Precision::kFloat64;
    int64_t n = 4;
    bool faces = false;  ///< x is bounded to [-1.5, 1.5]
    bool cliffs = false;
    int64_t numbers_of_y = 3;
    int64_t most_rows = 512;
  };

  explicit CliffEnergy(const Options& options) : options_(options) {
    Variable x;
    x.name = "x";
    x.shape = {options.n};
    if (options.faces) {
      x.least = -1.5;
      x.most = 1.5;
    }
    Variable y;
    y.name = "y";
    y.shape = {options.numbers_of_y};
    variables_ = {x, y};
  }

  const std::vector<Variable>& variables() const override { return variables_; }
  Precision precision() const override { return options_.precision; }
  Device device() const override { return options_.device; }
  int64_t most_rows() const override { return options_.most_rows; }
  size_t workspace_bytes(int64_t) const override { return 0; }
  const std::vector<std::string>& experts() const override { return experts_; }
  bool rows_alone() const override { return true; }
  bool batch_invariant() const override { return true; }
  int64_t preferred_rows() const override { return 0; }
  bool hard_walls() const override { return false; }
  bool capturable() const override { return true; }

  void evaluate(const EnergyCall& call) const override {
    const std::pair<const void*, const void*> position{call.position[0], call.position[1]};
    const std::pair<void*, void*> gradient{call.gradient[0], call.gradient[1]};
    enqueue([=, this] {
      if (options_.precision == Precision::kFloat32) {
        rows<float>(call.rows, position, gradient, call.energy, call.expert_energy);
      } else {
        rows<double>(call.rows, position, gradient, call.energy, call.expert_energy);
      }
    });
  }

 private:
  template <class Real>
  void rows(int64_t rows, std::pair<const void*, const void*> position, std::pair<void*, void*> gradient,
            double* energy, double* expert_energy) const {
    for (int64_t row = 0; row < rows; ++row) {
      const Real* x = static_cast<const Real*>(position.first) + row * options_.n;
      const int64_t m = options_.numbers_of_y;
      const Real* y = static_cast<const Real*>(position.second) + row * m;
      Real* gx = static_cast<Real*>(gradient.first) + row * options_.n;
      Real* gy = gradient.second ? static_cast<Real*>(gradient.second) + row * m : nullptr;
      double quartic = 0, normal = 0;
      for (int64_t j = 0; j < options_.n; ++j) {
        const Real slope = x[j] * x[j] * x[j];
        quartic += static_cast<double>(slope * x[j]);
        gx[j] = 4 * slope;
      }
      for (int64_t j = 0; j < m; ++j) {
        normal += static_cast<double>(y[j]) * static_cast<double>(y[j]) / 2;
        if (gy) gy[j] = y[j];
      }
      if (options_.cliffs) {
        if (x[0] > Real(1.2)) quartic = std::numeric_limits<double>::quiet_NaN();
        if (x[0] < Real(-1.3)) quartic = std::numeric_limits<double>::infinity();
        if (y[0] > 2 && gy) gy[1] = std::numeric_limits<Real>::quiet_NaN();
      }
      energy[row] = quartic + normal;
      expert_energy[row] = quartic;
      expert_energy[rows + row] = normal;
    }
  }

  Options options_;
  std::vector<Variable> variables_;
  std::vector<std::string> experts_ = {"quartic", "normal"};
};

}  // namespace potluck::testing
