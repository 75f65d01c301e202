// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/energy/energy.h"

namespace potluck {

/// An energy made of another one, of which it has everything that a derived class does not say anew: evaluate() and
/// workspace_bytes() at least.
class ForwardingEnergy : public Energy {
 public:
  const std::vector<Variable>& variables() const override { return energy_.variables(); }
  Precision precision() const override { return energy_.precision(); }
  Device device() const override { return energy_.device(); }
  int64_t most_rows() const override { return energy_.most_rows(); }
  const std::vector<std::string>& experts() const override { return energy_.experts(); }
  bool rows_alone() const override { return energy_.rows_alone(); }
  bool batch_invariant() const override { return energy_.batch_invariant(); }
  int64_t preferred_rows() const override { return energy_.preferred_rows(); }
  bool hard_walls() const override { return energy_.hard_walls(); }
  bool capturable() const override { return energy_.capturable(); }

 protected:
  /// @param energy outlives this
  explicit ForwardingEnergy(const Energy& energy) : energy_(energy) {}

  const Energy& energy_;
};

}  // namespace potluck
