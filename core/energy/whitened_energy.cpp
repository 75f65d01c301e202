// SPDX-License-Identifier: Apache-2.0
#include "core/energy/whitened_energy.h"

#include <algorithm>
#include <cstring>

#include "core/alignment.h"
#include "core/device/devices.h"
#include "core/energy/whitening_arithmetic_cuda.h"
#include "core/error.h"

namespace potluck {

WhitenedEnergy::WhitenedEnergy(const Energy& energy, const std::vector<Held>& held, int workers)
    : ForwardingEnergy(energy),
      moving_(energy.variables().size()),
      arithmetic_(for_device(energy.device(), cpu_whitening_arithmetic, POTLUCK_WITH_CUDA(cuda_whitening_arithmetic),
                             energy.precision())),
      host_(cpu_whitening_arithmetic(energy.precision())),
      positions_(static_cast<size_t>(std::max(workers, 1)), std::vector<const void*>(energy.variables().size())) {
  int64_t d = 0;
  for (size_t v = 0; v < moving_.size(); ++v) {
    first_.push_back(d);
    if (variables()[v].categorical()) continue;
    const bool any = v < held.size() && held[v].any();
    for (int64_t i = 0; i < variables()[v].size(); ++i)
      if (!any || !held[v].mask[static_cast<size_t>(i)]) moving_[v].push_back(i);
    d += static_cast<int64_t>(moving_[v].size());
  }
  mean_.assign(static_cast<size_t>(d), 0.0);
  numbers_ = numbers_of(*arithmetic_);
  host_numbers_ = numbers_of(*host_);
  std::vector<double> unit(static_cast<size_t>(d * d), 0.0);
  for (int64_t j = 0; j < d; ++j) unit[static_cast<size_t>(j * d + j)] = 1;
  set(mean_, std::move(unit));
}

WhitenedEnergy::Numbers WhitenedEnergy::numbers_of(const WhiteningArithmetic& arithmetic) const {
  const size_t d = mean_.size();
  Numbers numbers{arithmetic.allocate(d * sizeof(double)),
                  arithmetic.allocate(d * d * sizeof(double)),
                  arithmetic.allocate(d * d * sizeof(double)),
                  {}};
  for (const std::vector<int64_t>& one : moving_) {
    numbers.which.push_back(one.empty() ? nullptr : arithmetic.allocate(one.size() * sizeof(int64_t)));
    if (!one.empty()) arithmetic.upload(numbers.which.back().get(), one.data(), one.size() * sizeof(int64_t));
  }
  return numbers;
}

void WhitenedEnergy::set(std::vector<double> mean, std::vector<double> factor) {
  mean_ = std::move(mean);
  factor_ = std::move(factor);
  fill(*arithmetic_, numbers_);
  fill(*host_, host_numbers_);
}

void WhitenedEnergy::fill(const WhiteningArithmetic& arithmetic, const Numbers& numbers) const {
  const size_t d = mean_.size();
  std::vector<double> by_column(d * d);
  for (size_t j = 0; j < d; ++j)
    for (size_t k = 0; k < d; ++k) by_column[k * d + j] = factor_[j * d + k];
  arithmetic.upload(numbers.mean.get(), mean_.data(), d * sizeof(double));
  arithmetic.upload(numbers.by_column.get(), by_column.data(), d * d * sizeof(double));
  arithmetic.upload(numbers.by_row.get(), factor_.data(), d * d * sizeof(double));
}

JointShare WhitenedEnergy::share(size_t variable, int64_t rows, const Numbers& numbers) const {
  return {rows,
          variables()[variable].size(),
          static_cast<int64_t>(moving_[variable].size()),
          static_cast<const int64_t*>(numbers.which[variable].get()),
          first_[variable],
          dimension()};
}

size_t WhitenedEnergy::bytes(size_t variable, int64_t rows) const {
  return static_cast<size_t>(rows * variables()[variable].size()) * bytes_of(precision());
}

/// Joint numbers before and after the factor [2, rows, d], positions [rows, n] of each variable that moves, and the
/// workspace of the energy.
size_t WhitenedEnergy::workspace_bytes(int64_t rows) const {
  size_t all = 2 * aligned(static_cast<size_t>(rows * dimension()) * sizeof(double));
  for (size_t v = 0; v < moving_.size(); ++v)
    if (!moving_[v].empty()) all += aligned(bytes(v, rows));
  return all + energy_.workspace_bytes(rows);
}

void WhitenedEnergy::evaluate(const EnergyCall& call) const {
  const size_t joint = aligned(static_cast<size_t>(call.rows * dimension()) * sizeof(double));
  auto* place = static_cast<char*>(call.workspace);
  auto* before = reinterpret_cast<double*>(place);
  auto* after = reinterpret_cast<double*>(place + joint);
  place += 2 * joint;
  std::vector<const void*>& position = positions_[static_cast<size_t>(call.worker)];
  for (size_t v = 0; v < moving_.size(); ++v)
    if (!moving_[v].empty()) arithmetic_->gather(share(v, call.rows, numbers_), call.position[v], before, call.stream);
  arithmetic_->positions(call.rows, dimension(), static_cast<const double*>(numbers_.mean.get()),
                         static_cast<const double*>(numbers_.by_column.get()), before, after, call.stream);
  for (size_t v = 0; v < moving_.size(); ++v) {
    position[v] = call.position[v];
    if (moving_[v].empty()) continue;
    arithmetic_->copy(place, call.position[v], bytes(v, call.rows), call.stream);
    arithmetic_->scatter(share(v, call.rows, numbers_), after, place, call.stream);
    position[v] = place;
    place += aligned(bytes(v, call.rows));
  }

  EnergyCall inner = call;
  inner.position = position.data();
  inner.workspace = place;
  energy_.evaluate(inner);

  if (!call.gradient) return;
  for (size_t v = 0; v < moving_.size(); ++v)
    if (!moving_[v].empty()) arithmetic_->gather(share(v, call.rows, numbers_), call.gradient[v], before, call.stream);
  arithmetic_->gradients(call.rows, dimension(), static_cast<const double*>(numbers_.by_row.get()), before, after,
                         call.stream);
  for (size_t v = 0; v < moving_.size(); ++v)
    if (!moving_[v].empty()) arithmetic_->scatter(share(v, call.rows, numbers_), after, call.gradient[v], call.stream);
}

void WhitenedEnergy::user_positions(int64_t rows, const void* const* z, void* const* x) const {
  std::vector<double> before(static_cast<size_t>(rows * dimension())), after(before.size());
  for (size_t v = 0; v < moving_.size(); ++v)
    if (!moving_[v].empty()) host_->gather(share(v, rows, host_numbers_), z[v], before.data(), nullptr);
  host_->positions(rows, dimension(), static_cast<const double*>(host_numbers_.mean.get()),
                   static_cast<const double*>(host_numbers_.by_column.get()), before.data(), after.data(), nullptr);
  for (size_t v = 0; v < moving_.size(); ++v) {
    if (moving_[v].empty() || !x[v]) continue;
    std::memcpy(x[v], z[v], bytes(v, rows));
    host_->scatter(share(v, rows, host_numbers_), after.data(), x[v], nullptr);
  }
}

}  // namespace potluck
