// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "core/backend/group.h"
#include "tests/core/host_energy.h"

namespace potluck::testing {

/// Labels l [n] of K categories with neighbours that like to agree, and a number x_j of each, whose mean its label is:
///
///   E = -coupling sum_j [l_j = l_(j+1)] - sum_j field[l_j] + sum_j (x_j - mean[l_j])^2 / 2
class LabelledLine : public HostEnergy {
 public:
  struct Options {
    int64_t n = 3;
    double coupling = 0.8;
    std::vector<double> field = {0.3, -0.2, 0.1};
    std::vector<double> mean = {-1, 0.5, 2};
    bool offers = true;      ///< category_energies()
    int64_t forbidden = -1;  ///< a label of element 0 whose energy is +infinity
    int64_t broken = -1;     ///< a label of element 0 whose energy is not a number
    bool walled = false;     ///< x in [-5, 5] has walls that are transformed
  };

  explicit LabelledLine(const Options& options) : HostEnergy(variables_of(options), {"line"}), options_(options) {}

  double energy(const int64_t* label, const double* x) const {
    double sum = 0;
    for (int64_t j = 0; j < options_.n; ++j) {
      const auto k = static_cast<size_t>(label[j]);
      sum -= options_.field[k];
      if (j > 0 && label[j] == label[j - 1]) sum -= options_.coupling;
      sum += (x[j] - options_.mean[k]) * (x[j] - options_.mean[k]) / 2;
    }
    if (label[0] == options_.forbidden) return std::numeric_limits<double>::infinity();
    if (label[0] == options_.broken) return std::nan("");
    return sum;
  }

  void evaluate(const EnergyCall& call) const override {
    for (int64_t row = 0; row < call.rows; ++row) {
      const int64_t* label = static_cast<const int64_t*>(call.position[0]) + row * options_.n;
      const double* x = static_cast<const double*>(call.position[1]) + row * options_.n;
      call.energy[row] = energy(label, x);
      if (call.expert_energy) call.expert_energy[row] = call.energy[row];
      if (!call.gradient || !call.gradient[1]) continue;
      double* gradient = static_cast<double*>(call.gradient[1]) + row * options_.n;
      for (int64_t j = 0; j < options_.n; ++j) gradient[j] = x[j] - options_.mean[static_cast<size_t>(label[j])];
    }
  }

  bool offers_category_energies(int variable) const override { return options_.offers && variable == 0; }
  void category_energies(const CategoryCall& call) const override {
    std::vector<int64_t> label(static_cast<size_t>(options_.n));
    for (int64_t row = 0; row < call.state.rows; ++row) {
      const int64_t* from = static_cast<const int64_t*>(call.state.position[0]) + row * options_.n;
      const double* x = static_cast<const double*>(call.state.position[1]) + row * options_.n;
      label.assign(from, from + options_.n);
      for (int64_t k = 0; k < variables_[0].categories; ++k) {
        label[static_cast<size_t>(call.element)] = k;
        call.energy[k * call.state.rows + row] = energy(label.data(), x);
      }
    }
  }

 private:
  static std::vector<Variable> variables_of(const Options& options) {
    Variable label{.name = "label", .shape = {options.n}, .categories = static_cast<int64_t>(options.field.size())};
    Variable x{.name = "x", .shape = {options.n}};
    if (options.walled) {
      x.least = -5;
      x.most = 5;
      x.walls = Walls::kTransform;
    }
    return {label, x};
  }

  Options options_;
};

}  // namespace potluck::testing
