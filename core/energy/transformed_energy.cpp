// SPDX-License-Identifier: Apache-2.0
#include "core/energy/transformed_energy.h"

#include <algorithm>
#include <limits>

#include "core/alignment.h"
#include "core/device/devices.h"
#include "core/energy/transform_arithmetic_cuda.h"
#include "core/error.h"

namespace potluck {

TransformedEnergy::TransformedEnergy(const Energy& energy, const std::vector<Held>& held, double temperature,
                                     int workers)
    : ForwardingEnergy(energy),
      temperature_(temperature),
      variables_(energy.variables()),
      arithmetic_(for_device(energy.device(), cpu_transform_arithmetic, POTLUCK_WITH_CUDA(cuda_transform_arithmetic),
                             energy.precision())),
      masks_(variables_.size()),
      positions_(static_cast<size_t>(std::max(workers, 1)), std::vector<const void*>(variables_.size())) {
  for (size_t v = 0; v < variables_.size(); ++v) {
    transforms_.push_back(transform_of(variables_[v], held[v], energy.precision()));
    if (!transforms_[v]) continue;
    variables_[v].least = -std::numeric_limits<double>::infinity();
    variables_[v].most = std::numeric_limits<double>::infinity();
    if (held[v].any()) masks_[v] = arithmetic_->keep(held[v].mask);
  }
}

size_t TransformedEnergy::position_bytes(size_t variable, int64_t rows) const {
  return aligned(static_cast<size_t>(rows * variables_[variable].size()) * bytes_of(precision()));
}

/// log slopes [rows], positions [rows, n] of each transformed variable, and the workspace of the energy.
size_t TransformedEnergy::workspace_bytes(int64_t rows) const {
  size_t bytes = aligned(static_cast<size_t>(rows) * sizeof(double));
  for (size_t v = 0; v < variables_.size(); ++v)
    if (transforms_[v]) bytes += position_bytes(v, rows);
  return bytes + energy_.workspace_bytes(rows);
}

FreeRows TransformedEnergy::free_rows(size_t variable, const EnergyCall& call) const {
  return {*transforms_[variable], call.rows, variables_[variable].size(), masks_[variable].get(),
          call.position[variable]};
}

EnergyCall TransformedEnergy::at_user_positions(const EnergyCall& call) const {
  auto* place = static_cast<char*>(call.workspace);
  double* log_slope = log_slopes(call);
  place += aligned(static_cast<size_t>(call.rows) * sizeof(double));
  std::vector<const void*>& position = positions_[static_cast<size_t>(call.worker)];
  arithmetic_->set_zero(log_slope, call.rows, call.stream);
  for (size_t v = 0; v < variables_.size(); ++v) {
    position[v] = call.position[v];
    if (!transforms_[v]) continue;
    arithmetic_->user_positions(free_rows(v, call), place, log_slope, call.stream);
    position[v] = place;
    place += position_bytes(v, call.rows);
  }

  EnergyCall inner = call;
  inner.position = position.data();
  inner.workspace = place;
  return inner;
}

void TransformedEnergy::evaluate(const EnergyCall& call) const {
  energy_.evaluate(at_user_positions(call));
  arithmetic_->subtract(log_slopes(call), temperature_, call.rows, call.energy, call.stream);
  for (size_t v = 0; call.gradient && v < variables_.size(); ++v)
    if (transforms_[v] && call.gradient[v])
      arithmetic_->free_gradients(free_rows(v, call), temperature_, call.gradient[v], call.stream);
}

void TransformedEnergy::category_energies(const CategoryCall& call) const {
  CategoryCall inner = call;
  inner.state = at_user_positions(call.state);
  energy_.category_energies(inner);
  const int64_t categories = variables_[static_cast<size_t>(call.variable)].categories;
  for (int64_t k = 0; k < categories; ++k)
    arithmetic_->subtract(log_slopes(call.state), temperature_, call.state.rows, call.energy + k * call.state.rows,
                          call.state.stream);
}

}  // namespace potluck
