// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/responsibilities.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace potluck {

namespace {

constexpr double kWeightErrors = 6;  // by which a weight may be off before it counts

/// x log(x / y), 0 at x = 0
double relative(double x, double y) { return x > 0 ? x * std::log(x / y) : 0; }

}  // namespace

int64_t Mixtures::branches() const {
  size_t count = 0;
  for (const WatchedMixture& mixture : mixtures) count += mixture.branches.size();
  return static_cast<int64_t>(count);
}

Responsibilities::Responsibilities(const Mixtures& mixtures)
    : mixtures_(mixtures),
      values_(static_cast<size_t>(mixtures.experts) + mixtures.operators.size()),
      shares_(static_cast<size_t>(mixtures.branches())) {
  size_t first = 0;
  for (const WatchedMixture& mixture : mixtures.mixtures) {
    first_.push_back(first);
    first += mixture.branches.size();
  }
}

double Responsibilities::value_of(const EnergyOperator& op) const {
  const auto operand = [&](size_t i) { return values_[static_cast<size_t>(op.operands[i])]; };
  if (op.kind == EnergyOperator::Kind::kCeiling) {
    const double x = operand(0);
    if (x == INFINITY) return -op.strength * op.ceiling;
    return -op.strength *
           (std::min(x, op.ceiling) - op.softness * std::log1p(std::exp(-std::abs(x - op.ceiling) / op.softness)));
  }
  if (op.kind == EnergyOperator::Kind::kSum) {
    double sum = op.constant;
    for (size_t i = 0; i < op.operands.size(); ++i) sum += op.numbers[i] * operand(i);
    return sum;
  }
  double most = -INFINITY, sum = 0;
  for (size_t i = 0; i < op.operands.size(); ++i) most = std::max(most, op.numbers[i] - operand(i));
  if (most == -INFINITY) return INFINITY;
  for (size_t i = 0; i < op.operands.size(); ++i) sum += std::exp(op.numbers[i] - operand(i) - most);
  return -(most + std::log(sum));
}

void Responsibilities::add_mixture(const WatchedMixture& mixture) {
  const auto result = static_cast<size_t>(mixture.result);
  const EnergyOperator& op = mixtures_.operators[result];
  const size_t first = first_[static_cast<size_t>(&mixture - mixtures_.mixtures.data())];
  const double energy = values_[static_cast<size_t>(mixtures_.experts) + result];
  const double above =
      mixture.parent < 0
          ? 1
          : shares_[first_[static_cast<size_t>(mixture.parent)] + static_cast<size_t>(mixture.parent_branch)];
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const double log_share = op.numbers[i] - values_[static_cast<size_t>(op.operands[i])] + energy;
    shares_[first + i] = energy < INFINITY ? above * std::exp(log_share) : 0;
  }
}

const std::vector<double>& Responsibilities::of(const double* expert_energy, int64_t stride) {
  for (int64_t e = 0; e < mixtures_.experts; ++e) values_[static_cast<size_t>(e)] = expert_energy[e * stride];
  for (size_t o = 0; o < mixtures_.operators.size(); ++o)
    values_[static_cast<size_t>(mixtures_.experts) + o] = value_of(mixtures_.operators[o]);
  for (const WatchedMixture& mixture : mixtures_.mixtures) add_mixture(mixture);
  return shares_;
}

double weight_error(const std::vector<WatchedBranch>& branches, size_t branch) {
  double variance = 0;
  for (size_t j = 0; j < branches.size(); ++j) {
    const double rate = (j == branch ? 1 : 0) - branches[j].weight;
    variance += rate * rate * branches[j].log_z_error * branches[j].log_z_error;
  }
  return branches[branch].weight * std::sqrt(variance);
}

double branch_score(double share, double standard_error, double weight, double weight_error, double independent) {
  const double apart = share - weight;
  if (!std::isfinite(apart)) return std::numeric_limits<double>::quiet_NaN();
  if (apart == 0) return 0;
  const double error = std::isfinite(standard_error) ? standard_error : 0;
  const double errors = std::abs(apart) / std::hypot(error, weight_error);
  const double moved = kWeightErrors * weight_error;
  if (std::abs(apart) <= moved) return std::copysign(std::min(errors, kWeightErrors), apart);
  const double nearest = weight + std::copysign(moved, apart);
  const double m = std::clamp(share, 0.0, 1.0);
  const double divergence = relative(m, nearest) + relative(1 - m, 1 - nearest);
  return std::copysign(std::min(errors, std::sqrt(2 * independent * std::max(divergence, 0.0))), apart);
}

std::string branch_text(const BranchShare& branch) {
  return fmt::format("branch {}: {:.3f} of the draws, weight {:.3g}", branch.branch, branch.share, branch.weight);
}

}  // namespace potluck
