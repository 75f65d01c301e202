// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/energy/forwarding_energy.h"
#include "core/energy/transform_arithmetic.h"

namespace potluck {

/// An energy in the free coordinates u of its variables with `walls: transform` (core/energy/transform.h):
///
///   E_u(u) = E(x(u)) - T log|dx/du|,    dE_u/du = dE/dx dx/du - T d log|dx/du| / du
///
/// A sampler at temperature T leaves exp(-E_u/T) = exp(-E(x(u))/T) |dx/du| invariant, whose image under x(u) is
/// exp(-E/T) within the walls. The Jacobian is a volume, so the T that divides the energy must not divide it: without
/// the factor T it would be |dx/du|^(1/T). E_u is therefore made for one temperature.
///
/// Transformed variables have no walls here, and their position is u; others pass through, and so do held coordinates
/// of transformed ones: where the mask is 1, "u" is the x that was given. Energies of experts are those at x.
class TransformedEnergy final : public ForwardingEnergy {
 public:
  /// @param energy       outlives this
  /// @param held         one per variable
  /// @param temperature  T of the sampler
  /// @param workers      calls come from workers 0 ... workers - 1
  /// @throws SettingError where the precision has no number between a variable's walls.
  TransformedEnergy(const Energy& energy, const std::vector<Held>& held, double temperature, int workers);

  const std::vector<Variable>& variables() const override { return variables_; }
  size_t workspace_bytes(int64_t rows) const override;
  void evaluate(const EnergyCall& call) const override;
  bool offers_category_energies(int variable) const override { return energy_.offers_category_energies(variable); }
  void category_energies(const CategoryCall& call) const override;

  /// Per variable; none where its position is x.
  const std::vector<std::optional<Transform>>& transforms() const { return transforms_; }

 private:
  FreeRows free_rows(size_t variable, const EnergyCall& call) const;
  double* log_slopes(const EnergyCall& call) const { return static_cast<double*>(call.workspace); }
  /// The call at x: positions and log slopes stand in the workspace.
  EnergyCall at_user_positions(const EnergyCall& call) const;
  size_t position_bytes(size_t variable, int64_t rows) const;

  double temperature_;
  std::vector<Variable> variables_;
  std::vector<std::optional<Transform>> transforms_;
  std::unique_ptr<TransformArithmetic> arithmetic_;
  std::vector<std::shared_ptr<const uint8_t>> masks_;        ///< per variable; null: nothing is held
  mutable std::vector<std::vector<const void*>> positions_;  ///< per worker, per variable: what the energy is given
};

}  // namespace potluck
