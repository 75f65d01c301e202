// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/energy/forwarding_energy.h"
#include "core/energy/whitening_arithmetic.h"

namespace potluck {

/// An energy in whitened coordinates z of all numbers that move, of all variables together:
///
///   x = m + L z,    E'(z) = E(m + L z),    dE'/dz = L^T dE/dx
///
/// L is lower triangular with a positive diagonal. The volume |det L| is the same everywhere, so that exp(-E'/T) in z
/// is exp(-E/T) in x at any temperature. A sampler with a unit metric in z is one with the metric L L^T in x.
///
/// A variable's position holds z where a number moves, and x where it is held; variables that are held whole, and
/// categorical ones, pass through. Energies of experts are those at x. m = 0 and L = 1 until `set`.
class WhitenedEnergy final : public ForwardingEnergy {
 public:
  /// @param energy   outlives this; none of its variables that move has a reflecting face
  /// @param held     one per variable
  /// @param workers  calls come from workers 0 ... workers - 1
  WhitenedEnergy(const Energy& energy, const std::vector<Held>& held, int workers);

  size_t workspace_bytes(int64_t rows) const override;
  void evaluate(const EnergyCall& call) const override;

  /// d, the numbers that move, and which numbers of each variable these are, in the order of z.
  int64_t dimension() const { return static_cast<int64_t>(mean_.size()); }
  const std::vector<std::vector<int64_t>>& moving() const { return moving_; }

  /// m [d] and L [d, d] by rows. No call may be under way.
  void set(std::vector<double> mean, std::vector<double> factor);
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& factor() const { return factor_; }

  /// x of all variables as the energy is given it. @param z, x [variables]: [rows, n] on the CPU; x null: not wanted
  void user_positions(int64_t rows, const void* const* z, void* const* x) const;

 private:
  /// Where an arithmetic finds its numbers.
  struct Numbers {
    std::shared_ptr<void> mean, by_column, by_row;
    std::vector<std::shared_ptr<void>> which;  ///< per variable
  };
  Numbers numbers_of(const WhiteningArithmetic& arithmetic) const;
  void fill(const WhiteningArithmetic& arithmetic, const Numbers& numbers) const;
  JointShare share(size_t variable, int64_t rows, const Numbers& numbers) const;
  size_t bytes(size_t variable, int64_t rows) const;

  std::vector<std::vector<int64_t>> moving_;  ///< per variable
  std::vector<int64_t> first_;                ///< per variable: of its numbers among the joint ones
  std::vector<double> mean_, factor_;
  std::unique_ptr<WhiteningArithmetic> arithmetic_, host_;
  Numbers numbers_, host_numbers_;
  mutable std::vector<std::vector<const void*>> positions_;  ///< per worker, per variable: what the energy is given
};

}  // namespace potluck
