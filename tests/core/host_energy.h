// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/backend/tiles.h"
#include "core/energy/energy.h"

namespace potluck::testing {

/// What most energies of tests have in common: on the CPU, in float64, without walls or scratch, each row by itself. A
/// derived class says evaluate().
class HostEnergy : public Energy {
 public:
  const std::vector<Variable>& variables() const override { return variables_; }
  Precision precision() const override { return Precision::kFloat64; }
  Device device() const override { return {}; }
  int64_t most_rows() const override { return most_rows_of_run({}, 0); }
  size_t workspace_bytes(int64_t) const override { return 0; }
  const std::vector<std::string>& experts() const override { return experts_; }
  bool rows_alone() const override { return true; }
  bool batch_invariant() const override { return true; }
  int64_t preferred_rows() const override { return 0; }
  bool hard_walls() const override { return false; }
  bool capturable() const override { return false; }

 protected:
  HostEnergy(std::vector<Variable> variables, std::vector<std::string> experts)
      : variables_(std::move(variables)), experts_(std::move(experts)) {}

  std::vector<Variable> variables_;
  std::vector<std::string> experts_;
};

}  // namespace potluck::testing
