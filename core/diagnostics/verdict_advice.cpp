// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/verdict_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/diagnostics/verdict_thresholds.h"
#include "core/diagnostics/verdict_words.h"

namespace potluck {

namespace {

constexpr double kEndlessFactor = 1000;  // times this run
constexpr double kFewSwaps = 0.1;        // neighbours hardly exchange

bool coarse(const RunFigures& f) {
  const auto found = coarseness(f);
  return found && found->share > kCoarse;
}

bool unsettled(const RunFigures& f) { return !f.rhat || !(f.rhat->value <= kFarRhat); }

bool far_out(const RunFigures& f) { return began_far_out(f) && unsettled(f); }

bool misses_modes(const RunFigures& f) { return missing_branch(f) || separate_modes(f); }

/// What is to be said in place of the advice of a symptom; none: that advice.
std::optional<std::string> instead(const RunFigures& f) {
  if (coarse(f)) return advise_float64(f);
  if (far_out(f)) return advise_start(f);
  if (misses_modes(f) && !exact_throughout(f)) return advise_modes(f);
  return std::nullopt;
}

}  // namespace

std::string step_size_text(const RunFigures& f) {
  return f.step_size ? fmt::format("step_size (now {:.3g})", *f.step_size) : "step_size";
}

std::string advise_smaller_step(const RunFigures& f) {
  return instead(f).value_or(fmt::format("lower {}", step_size_text(f)));
}

std::string advise_larger_step(const RunFigures& f) {
  return instead(f).value_or(fmt::format("raise {}, or leave it to `step_size: auto`", step_size_text(f)));
}

std::string advise_steps(const RunFigures& f) {
  if (const auto other = instead(f)) return *other;
  if (f.rhat && f.rhat->value > kMostForecastRhat)
    return "warm up and draw for longer, or change the method or the composition: chains that are this far apart do "
           "not show yet how many steps they need";
  const auto needed = steps_needed(f);
  if (!needed) return "draw for longer";
  const double factor = *needed / static_cast<double>(f.steps);
  if (factor > kEndlessFactor)
    return fmt::format("about {} steps would be needed (this run: {}): change the method or the composition instead",
                       steps_text(*needed), f.steps);
  std::string text = fmt::format("draw about {} steps (this run: {}", steps_text(*needed), f.steps);
  if (f.seconds > 0) text += fmt::format(", {:.2g} s; that many: {:.2g} s", f.seconds, f.seconds * factor);
  return text + ")";
}

std::string advise_chains(const RunFigures& f) {
  if (const auto other = instead(f)) return *other;
  const double factor = f.wanted_ess / effective_draws(f)->value;
  return fmt::format("run about {:.0f} chains (now {})", std::ceil(factor * static_cast<double>(f.chains)), f.chains);
}

std::string advise_warmup(const RunFigures& f) {
  if (const auto other = instead(f)) return *other;
  if (!f.drift) return fmt::format("warm up for longer (warmup, now {})", f.warmup);
  const bool known = f.drift->tenths < 5;
  const int64_t more = known ? (f.steps * f.drift->tenths + 9) / 10 : f.steps;
  return fmt::format("warm up longer: warmup {}{} (now {})", known ? "about " : "at least ",
                     f.warmup + std::max<int64_t>(more, 1), f.warmup);
}

std::string advise_modes(const RunFigures& f) {
  if (coarse(f)) return advise_float64(f);
  if (far_out(f)) return advise_start(f);
  if (!f.ladder)
    return "more steps will not help: use parallel_tempering, or begin from exact draws (start: exact) where the "
           "composition has them";
  if (f.ladder->hottest_rhat && *f.ladder->hottest_rhat <= kFarRhat && f.ladder->least_swap_rate < kFewSwaps)
    return fmt::format(
        "more steps will not help: raise replicas (now {}), because neighbours swap with a probability of only {:.2g}",
        f.ladder->replicas, f.ladder->least_swap_rate);
  return advise_hotter(f);
}

std::string advise_hotter(const RunFigures& f) {
  return fmt::format(
      "raise hottest (now {:.3g}) until the hottest replicas cross between modes, with more replicas (now {}) so that "
      "neighbours still swap, or give the replicas another inner method",
      f.ladder->hottest, f.ladder->replicas);
}

std::string advise_float64(const RunFigures&) {
  return "use precision: float64, or shift the variable so that its draws lie near 0";
}

std::string advise_start(const RunFigures& f) {
  if (coarse(f)) return advise_float64(f);
  return f.cooled
             ? "cool for longer (cooling: steps), or begin from a file of positions (start)"
             : "cool the chains before they warm up (cooling: from, steps), or begin from a file of positions (start)";
}

std::string advise_expert(const RunFigures&) {
  return "find out with `potluck plugins check` which expert fails, or confine the variable to a support";
}

std::string advise_reparametrisation(const RunFigures&) {
  return "look for a heavy tail or a funnel, and reparametrise the variables there: other units do not help";
}

}  // namespace potluck
