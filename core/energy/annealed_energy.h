// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/energy/annealed_arithmetic.h"
#include "core/energy/forwarding_energy.h"

namespace potluck {

/// The law that annealing begins with, a product over the coordinates that move: N(mean, scale^2) on the real line,
/// uniform on a bounded support, and on a half-line the half-normal of that scale that falls off from its finite end.
struct AnnealedBase {
  double mean = 0;
  double scale = 1;  ///< > 0
};

/// The geometric path from a base to a target at temperature T (Neal 2001):
///
///   E_b = (1 - b) E_0 + b E/T,   0 <= b <= 1
///
/// A sampler runs it at temperature 1. b is set between blocks of steps, never during one. At b = 0 the target is
/// evaluated and reported, but counts for nothing, also where it has no density. Its experts are E_0 and E/T, which is
/// what weights are made of. Positions are the target's; walls reflect, whatever the variable says: log Z does not
/// depend on how a wall is met.
class AnnealedEnergy final : public ForwardingEnergy {
 public:
  /// @param energy  outlives this; @param held one per variable, or empty; @param temperature T of the target
  /// @throws SettingError where the base's scale is not a positive number, or its mean not a number.
  AnnealedEnergy(const Energy& energy, const std::vector<Held>& held, double temperature, const AnnealedBase& base);

  double beta() const { return beta_; }
  void set_beta(double beta) { beta_ = beta; }

  /// log of the integral of exp(-E_0) over the coordinates that move.
  double base_log_z() const { return base_log_z_; }

  /// Where the base's energy is centred, and 1/s^2; 0 where it is uniform or nothing moves.
  double centre(int variable) const { return shares_[static_cast<size_t>(variable)].centre; }
  double base_precision(int variable) const { return shares_[static_cast<size_t>(variable)].precision; }

  size_t workspace_bytes(int64_t rows) const override;
  const std::vector<std::string>& experts() const override { return experts_; }
  bool capturable() const override { return false; }  ///< b is an argument of its kernels
  void evaluate(const EnergyCall& call) const override;

 private:
  struct Share {
    bool moves = false;
    double centre = 0, precision = 0;
    std::shared_ptr<const uint8_t> held;  ///< or null
  };
  BaseRows base_rows(size_t variable, const EnergyCall& call) const;

  double temperature_;
  double beta_ = 0;
  double base_log_z_ = 0;
  std::vector<std::string> experts_ = {"base", "target"};
  std::unique_ptr<AnnealedArithmetic> arithmetic_;
  std::vector<Share> shares_;  ///< per variable
};

}  // namespace potluck
