// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <vector>

#include "tests/core/energies.h"
#include "tests/core/host_energy.h"

namespace potluck::testing {

/// A mixture of normals as noise blurs it: x ~ sum_k w_k N(m_k, s^2 + noise^2), E = -log density, of a number x and the
/// number `noise` that is to be given. It keeps what noise it was asked about, each value once in a row: of one thread.
class BlurredEnergy final : public HostEnergy {
 public:
  struct Options {
    std::vector<double> mean = {0}, weight = {1};
    double deviation = 1;
    bool walls = false;  ///< both numbers are above 0, by walls that are transformed
  };

  explicit BlurredEnergy(const Options& options)
      : HostEnergy({number("x", options.walls), number("noise", options.walls)}, {"blurred"}), options_(options) {}

  void evaluate(const EnergyCall& call) const override {
    for (int64_t row = 0; row < call.rows; ++row) {
      const double x = static_cast<const double*>(call.position[0])[row];
      const double noise = static_cast<const double*>(call.position[1])[row];
      if (watched_ && (seen_.empty() || seen_.back() != noise)) seen_.push_back(noise);
      const double variance = options_.deviation * options_.deviation + noise * noise;
      double density = 0, slope = 0;
      for (size_t k = 0; k < options_.mean.size(); ++k) {
        const double apart = x - options_.mean[k];
        const double own = options_.weight[k] * std::exp(-apart * apart / (2 * variance));
        density += own;
        slope += own * apart / variance;
      }
      call.energy[row] = 0.5 * std::log(variance) - std::log(density);
      if (call.expert_energy) call.expert_energy[row] = call.energy[row];
      if (call.gradient && call.gradient[0]) static_cast<double*>(call.gradient[0])[row] = slope / density;
    }
  }

  void watch() { watched_ = true; }
  const std::vector<double>& seen() const { return seen_; }

 private:
  static Variable number(const char* name, bool walls) {
    Variable variable;
    variable.name = name;
    if (walls) variable.least = 0;
    if (walls) variable.walls = Walls::kTransform;
    return variable;
  }

  Options options_;
  bool watched_ = false;
  mutable std::vector<double> seen_;
};

/// x moves, and noise is given.
inline std::vector<Held> given_noise(double noise) { return {{}, {{1}, {noise}}}; }

}  // namespace potluck::testing
