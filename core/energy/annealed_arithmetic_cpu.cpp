// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/energy/annealed_arithmetic.h"
#include "core/energy/annealed_element.h"

namespace potluck {

namespace {

constexpr int64_t kLanes = 4;

template <class Real>
class CpuAnnealedArithmetic final : public AnnealedArithmetic {
 public:
  std::shared_ptr<const uint8_t> keep(const std::vector<uint8_t>& mask) const override {
    const auto kept = std::make_shared<std::vector<uint8_t>>(mask);
    return {kept, kept->data()};
  }

  void set_zero(double* base, int64_t rows, void*) const override { std::fill_n(base, rows, 0.0); }

  void add_base(const BaseRows& variable, double* base, void*) const override {
    const Real* position = static_cast<const Real*>(variable.position);
    for (int64_t row = 0; row < variable.rows; ++row)
      base[row] += variable.precision / 2 * squares(variable, position + row * variable.n);
  }

  void blend(const BlendedEnergies& energies, void*) const override {
    for (int64_t row = 0; row < energies.rows; ++row) {
      const double base = energies.base[row], target = energies.energy[row] / energies.temperature;
      energies.energy[row] = element::annealed_energy(base, target, energies.beta);
      if (!energies.both) continue;
      energies.both[row] = base;
      energies.both[energies.rows + row] = target;
    }
  }

  void blend_gradient(const BaseRows& variable, double beta, double temperature, void* gradient, void*) const override {
    const auto centre = static_cast<Real>(variable.centre);
    const auto of_base = static_cast<Real>((1 - beta) * variable.precision);
    const auto of_target = static_cast<Real>(beta / temperature);
    const Real* x = static_cast<const Real*>(variable.position);
    Real* g = static_cast<Real*>(gradient);
    const int64_t count = variable.rows * variable.n;
    for (int64_t i = 0; i < count; ++i) g[i] = element::annealed_gradient(x[i], g[i], centre, of_base, of_target);
  }

 private:
  /// Sum over a row of (x - centre)^2, in one order whatever the vector width.
  static double squares(const BaseRows& variable, const Real* x) {
    const auto square = [&](int64_t j) {
      if (variable.held && variable.held[j]) return 0.0;
      const double apart = static_cast<double>(x[j]) - variable.centre;
      return apart * apart;
    };
    double lanes[kLanes] = {};
    const int64_t whole = variable.n - variable.n % kLanes;
    for (int64_t j = 0; j < whole; j += kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += square(j + lane);
    for (int64_t j = whole; j < variable.n; ++j) lanes[j - whole] += square(j);
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  }
};

}  // namespace

std::unique_ptr<AnnealedArithmetic> cpu_annealed_arithmetic(Precision precision) {
  if (precision == Precision::kFloat32) return std::make_unique<CpuAnnealedArithmetic<float>>();
  return std::make_unique<CpuAnnealedArithmetic<double>>();
}

}  // namespace potluck
