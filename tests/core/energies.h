// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/sampling/run/run.h"
#include "tests/core/host_energy.h"

namespace potluck::testing {

/// An energy over one variable given by a function of one row, double(const double* x, double* gradient), that
/// returns E and writes dE/dx.
template <class Row>
class RowEnergy final : public HostEnergy {
 public:
  RowEnergy(Variable variable, Row row, Precision precision = Precision::kFloat64)
      : HostEnergy({std::move(variable)}, {"row"}), row_(std::move(row)), precision_(precision) {}

  Precision precision() const override { return precision_; }
  bool batch_invariant() const override { return batch_invariant_; }
  int64_t preferred_rows() const override { return preferred_rows_; }
  bool hard_walls() const override { return hard_walls_; }
  void set_hard_walls() { hard_walls_ = true; }
  void set_batch_invariant(bool yes) { batch_invariant_ = yes; }
  void set_preferred_rows(int64_t rows) { preferred_rows_ = rows; }

  void evaluate(const EnergyCall& call) const override {
    ++calls_;
    rows_evaluated_ += call.rows;
    if (precision_ == Precision::kFloat32) {
      rows<float>(call);
    } else {
      rows<double>(call);
    }
  }
  int64_t calls() const { return calls_; }
  int64_t rows_evaluated() const { return rows_evaluated_; }

 private:
  template <class Real>
  void rows(const EnergyCall& call) const {
    const int64_t n = variables_[0].size();
    double x[kMostNumbers] = {}, g[kMostNumbers] = {};
    for (int64_t row = 0; row < call.rows; ++row) {
      const Real* from = static_cast<const Real*>(call.position[0]) + row * n;
      for (int64_t j = 0; j < n; ++j) x[j] = from[j];
      call.energy[row] = row_(x, g);
      if (call.expert_energy) call.expert_energy[row] = call.energy[row];
      if (!call.gradient || !call.gradient[0]) continue;
      Real* to = static_cast<Real*>(call.gradient[0]) + row * n;
      for (int64_t j = 0; j < n; ++j) to[j] = static_cast<Real>(g[j]);
    }
  }

  static constexpr int64_t kMostNumbers = 64;
  Row row_;
  Precision precision_;
  bool hard_walls_ = false;
  bool batch_invariant_ = true;
  int64_t preferred_rows_ = 0;
  mutable std::atomic<int64_t> calls_{0};
  mutable std::atomic<int64_t> rows_evaluated_{0};
};

/// A variable `name` of n numbers on [least, most].
inline Variable line(std::string name, int64_t n = 1, double least = -INFINITY, double most = INFINITY) {
  Variable variable;
  variable.name = std::move(name);
  variable.shape = {n};
  variable.least = least;
  variable.most = most;
  return variable;
}

/// E = precision |x|^2 / 2 in every coordinate.
inline auto normal_energy(Variable variable, double precision, Precision type = Precision::kFloat64) {
  const int64_t n = variable.size();
  return RowEnergy(
      std::move(variable),
      [n, precision](const double* x, double* g) {
        double energy = 0;
        for (int64_t j = 0; j < n; ++j) {
          g[j] = precision * x[j];
          energy += 0.5 * precision * x[j] * x[j];
        }
        return energy;
      },
      type);
}

/// Keeps every draw of variable 0 as doubles [draws][chains * n], and energies.
class Keeper final : public Observer {
 public:
  Keeper(int64_t n, Precision precision) : n_(n), precision_(precision) {}
  void drew(const Draw& draw) override {
    std::vector<double> one(draw.chains * n_);
    for (size_t i = 0; i < one.size(); ++i) {
      one[i] = precision_ == Precision::kFloat32 ? double{static_cast<const float*>(draw.position[0])[i]}
                                                 : static_cast<const double*>(draw.position[0])[i];
    }
    positions.push_back(std::move(one));
    energies.emplace_back(draw.energy, draw.energy + draw.chains);
    acceptances.emplace_back(draw.acceptance, draw.acceptance + draw.chains);
  }
  std::vector<std::vector<double>> positions, energies, acceptances;

 private:
  int64_t n_;
  Precision precision_;
};

}  // namespace potluck::testing
