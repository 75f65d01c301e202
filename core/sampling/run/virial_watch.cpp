// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/virial_watch.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {

/// Row `chain` of [chains, n] numbers of the run's precision.
template <class Real>
const Real* row(const std::vector<std::byte>& numbers, int64_t chain, size_t n) {
  return reinterpret_cast<const Real*>(numbers.data()) + static_cast<size_t>(chain) * n;
}

}  // namespace

VirialWatch::VirialWatch(const Target& target, const MethodDescription& method, int64_t first, int64_t count)
    : unadjusted_(!method.exact),
      float32_(target.energy->precision() == Precision::kFloat32),
      first_(first),
      count_(count) {
  if (!method.exact && method.name != "langevin") return;
  const std::vector<Variable>& variables = target.energy->variables();
  for (size_t v = 0; v < variables.size(); ++v) {
    const Variable& variable = variables[v];
    const Held held = v < target.held.size() ? target.held[v] : Held{};
    if (variable.categorical() || variable.has_face() || held.all()) continue;
    std::vector<uint8_t> counts(static_cast<size_t>(variable.size()), 1);
    for (size_t j = 0; j < held.mask.size(); ++j) counts[j] = held.mask[j] == 0;
    watched_.push_back({v, variable.name, std::move(counts)});
  }
}

void VirialWatch::begin(const ChainsState& state) {
  for (Watched& one : watched_) {
    const size_t n = one.counts.size();
    std::vector<double> centre(n);
    double chains = 0;
    for (int64_t chain = first_; chain < first_ + count_; ++chain) {
      if (state.frozen[static_cast<size_t>(chain)]) continue;
      ++chains;
      for (size_t j = 0; j < n; ++j) {
        const double x = float32_ ? double{row<float>(state.position[one.variable], chain, n)[j]}
                                  : row<double>(state.position[one.variable], chain, n)[j];
        centre[j] += (x - centre[j]) / chains;
      }
    }
    one.virial = Virial(count_, std::move(centre), one.counts);
  }
  begun_ = true;
}

void VirialWatch::add(const ChainsState& state) {
  if (!begun_) return;
  for (Watched& one : watched_) {
    const size_t n = one.counts.size();
    const uint8_t* frozen = state.frozen.data() + first_;
    const std::vector<std::byte>&x = state.position[one.variable], &g = state.gradient[one.variable];
    if (float32_) {
      one.virial.add_all(frozen, row<float>(x, first_, n), row<float>(g, first_, n));
    } else {
      one.virial.add_all(frozen, row<double>(x, first_, n), row<double>(g, first_, n));
    }
  }
}

std::vector<VariableVirial> VirialWatch::estimates(double step_size) const {
  std::vector<VariableVirial> found;
  if (!begun_) return found;
  for (const Watched& one : watched_) {
    found.push_back({one.name, one.virial.estimate(unadjusted_ ? step_size : 0)});
  }
  return found;
}

void VirialWatch::persist(StateArchive& archive) {
  archive(begun_);
  for (Watched& one : watched_) {
    // Of the lengths that the saved one must have.
    if (archive.reading())
      one.virial = begun_ ? Virial(count_, std::vector<double>(one.counts.size()), one.counts) : Virial(0, {}, {});
    archive(one.virial);
    archive.demand(begun_ || one.virial.chains() == 0, "numbers of chains");
  }
}

}  // namespace potluck
