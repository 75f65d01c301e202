// SPDX-License-Identifier: Apache-2.0
#include "core/methods/underdamped.h"

#include <cmath>

#include "core/methods/mala.h"

namespace potluck {

namespace {

constexpr double kFirstStepSize = 0.1;  // h where tuning begins

}  // namespace

Underdamped::Underdamped(const Options& options, const OptionTable<Options>& table)
    : options_(table.checked(options)), step_size_(options.step_size.value_or(kFirstStepSize)) {}

BoundOption<Underdamped::Options> Underdamped::step_size_bound() {
  return option(
      &Options::step_size,
      step_size_option("h, the time of a step; stable while h times the square root of the largest curvature stays "
                       "below 2",
                       "sqrt(2 eps), where eps is the step size at which mala accepts 0.9, found in warm-up"));
}

BoundOption<Underdamped::Options> Underdamped::friction_bound() {
  return option(&Options::friction, {.name = "friction",
                                     .kind = SettingKind::kReal,
                                     .preset = "1",
                                     .least = kPositive,
                                     .summary = "gamma: velocities are forgotten within a time of 1/gamma"});
}

void Underdamped::begin(Group& group, const Kernels& kernels, uint32_t step) const {
  const Piece fresh{
      .kind = Piece::Kind::kRefresh, .noise = std::sqrt(group.temperature), .purpose = Purpose::kFirstMomentum};
  kernels.split(group, step, State::kCurrent, State::kCurrent, {{fresh}});
}

Tuning Underdamped::tuning() const { return {.acceptance = options_.step_size ? std::nullopt : std::optional(0.9)}; }

std::unique_ptr<Method> Underdamped::tuned_in_place() const {
  const double h = step_size_;
  return std::make_unique<Mala>(
      Mala::Options{.metric = Metric::kIdentity, .first_step_size = h * h / 2, .acceptance = 0.9});
}

void Underdamped::take_tuned(const Method& adjusted) { step_size_ = std::sqrt(2 * adjusted.step_size()); }

void Underdamped::kick_drift_refresh(Group& group, const Kernels& kernels, StepRange steps,
                                     const Piece& refresh) const {
  const double half = step_size_ / 2;
  const Piece kick{.kind = Piece::Kind::kKick, .amount = half}, drift{.kind = Piece::Kind::kDrift, .amount = half};
  // The last kick of a step and the first of the next are made in one pass, in their order.
  const Piece pieces[] = {kick, kick, drift, refresh, drift};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.split(group, step, State::kCurrent, State::kCurrent, std::span(pieces).subspan(i == 0 ? 1 : 0));
    group.evaluate();
    kernels.freeze_failed(group, step);
  }
  kernels.split(group, steps.first, State::kCurrent, State::kCurrent, {{kick}});
}

Piece Underdamped::refreshment(const Group& group, double time, Purpose purpose) const {
  const double kept = std::exp(-options_.friction * time);
  // 1 - kept^2 without cancellation.
  return {.kind = Piece::Kind::kRefresh,
          .amount = kept,
          .noise = std::sqrt(-std::expm1(-2 * options_.friction * time) * group.temperature),
          .purpose = purpose};
}

}  // namespace potluck
