// SPDX-License-Identifier: Apache-2.0
#include "core/energy/annealed_energy.h"

#include <fmt/format.h>

#include <cmath>

#include "core/alignment.h"
#include "core/device/devices.h"
#include "core/energy/annealed_arithmetic_cuda.h"
#include "core/error.h"

namespace potluck {

namespace {

int64_t free_coordinates_of(const Variable& variable, const Held& held) {
  int64_t free = variable.size();
  for (const uint8_t one : held.mask) free -= one != 0;
  return free;
}

}  // namespace

AnnealedEnergy::AnnealedEnergy(const Energy& energy, const std::vector<Held>& held, double temperature,
                               const AnnealedBase& base)
    : ForwardingEnergy(energy),
      temperature_(temperature),
      arithmetic_(for_device(energy.device(), cpu_annealed_arithmetic, POTLUCK_WITH_CUDA(cuda_annealed_arithmetic),
                             energy.precision())) {
  if (!(base.scale > 0) || !std::isfinite(base.scale))
    throw SettingError(fmt::format("the scale of annealing's base must be > 0, got {:g}", base.scale));
  if (!std::isfinite(base.mean))
    throw SettingError(fmt::format("the mean of annealing's base must be a number, got {:g}", base.mean));
  const std::vector<Variable>& all = energy.variables();
  shares_.resize(all.size());
  for (size_t v = 0; v < all.size(); ++v) {
    const Variable& variable = all[v];
    const Held own = v < held.size() ? held[v] : Held{};
    if (variable.categorical() || own.all()) continue;
    Share& share = shares_[v];
    share.moves = true;
    if (own.any()) share.held = arithmetic_->keep(own.mask);
    const bool below = std::isfinite(variable.least), above = std::isfinite(variable.most);
    double log_z = 0;  // of one coordinate
    if (below && above) {
      log_z = std::log(variable.most - variable.least);
    } else {
      share.centre = below ? variable.least : above ? variable.most : base.mean;
      share.precision = 1 / (base.scale * base.scale);
      log_z = std::log(base.scale) + std::log(2 * M_PI) / 2 - (below || above ? std::log(2.0) : 0);
    }
    base_log_z_ += static_cast<double>(free_coordinates_of(variable, own)) * log_z;
  }
}

/// E_0 [rows], and the workspace of the energy.
size_t AnnealedEnergy::workspace_bytes(int64_t rows) const {
  return aligned(static_cast<size_t>(rows) * sizeof(double)) + energy_.workspace_bytes(rows);
}

BaseRows AnnealedEnergy::base_rows(size_t variable, const EnergyCall& call) const {
  const Share& share = shares_[variable];
  return {share.centre,     share.precision,        call.rows, energy_.variables()[variable].size(),
          share.held.get(), call.position[variable]};
}

void AnnealedEnergy::evaluate(const EnergyCall& call) const {
  auto* base = static_cast<double*>(call.workspace);
  EnergyCall inner = call;
  inner.expert_energy = nullptr;
  inner.workspace = static_cast<char*>(call.workspace) + aligned(static_cast<size_t>(call.rows) * sizeof(double));
  energy_.evaluate(inner);

  arithmetic_->set_zero(base, call.rows, call.stream);
  for (size_t v = 0; v < shares_.size(); ++v)
    if (shares_[v].moves && shares_[v].precision > 0) arithmetic_->add_base(base_rows(v, call), base, call.stream);
  arithmetic_->blend({call.rows, beta_, temperature_, base, call.energy, call.expert_energy}, call.stream);
  for (size_t v = 0; call.gradient && v < shares_.size(); ++v)
    if (shares_[v].moves && call.gradient[v])
      arithmetic_->blend_gradient(base_rows(v, call), beta_, temperature_, call.gradient[v], call.stream);
}

}  // namespace potluck
