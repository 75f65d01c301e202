// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/verdict_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/diagnostics/verdict_thresholds.h"
#include "core/diagnostics/verdict_words.h"

namespace potluck {

namespace {

constexpr double kEndlessFactor = 1000;  // times this run
constexpr double kFewSwaps = 0.1;        // neighbours hardly exchange
constexpr double kLeastChains = 4;       // that can be compared
constexpr double kLeastNormal = std::numeric_limits<float>::min();

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

std::string step_text(const RunFigures& f) {
  return f.step_size ? fmt::format("{} (now {:.3g})", f.step_option, *f.step_size) : f.step_option;
}

/// The step size is at fault: how many steps and chains another one needs is not known.
std::optional<std::string> step_first(const RunFigures& f) {
  if (f.unmoved || rejecting(f)) return advise_smaller_step(f);
  if (concentrated_divergences(f)) return advise_where_divergent(f);
  if (diverging(f)) return advise_smaller_step(f);
  if (step_far_too_small(f)) return advise_larger_step(f);
  return std::nullopt;
}

/// In place of a number of steps or of chains.
std::optional<std::string> before_more(const RunFigures& f) {
  if (auto other = instead(f)) return other;
  return step_first(f);
}

/// A rule that was met at `asked` is to be half as lenient, and at least as strict as the verdict.
double stricter_rhat(const RunFigures& f) {
  const double asked = f.stopped_by->rhat.value_or(std::numeric_limits<double>::infinity());
  return asked > f.most_rhat ? f.most_rhat : 1 + (asked - 1) / 2;
}

double stricter_ess(const RunFigures& f) {
  const double asked = f.stopped_by->ess.value_or(0);
  return asked < f.wanted_ess ? f.wanted_ess : 2 * asked;
}

/// A run that goes on ends at once where its rule holds already, whatever the steps.
std::string advise_rule(const RunFigures& f) {
  if (!f.stopped_by->convergence()) return "go on with `potluck sample --resume`: its time was up (until.time)";
  std::string keys;
  if (f.rhat && !(f.rhat->value <= f.most_rhat)) keys += fmt::format(" --until rhat={:.6g}", stricter_rhat(f));
  if (f.ess && !(f.ess->value >= f.wanted_ess)) keys += fmt::format(" --until ess={:.6g}", stricter_ess(f));
  // Of a symptom that neither shows, such as shares of branches.
  if (keys.empty()) keys = fmt::format(" --until ess={:.6g}", stricter_ess(f));
  return fmt::format("go on with a stricter rule than the one that ended this run: potluck sample --resume{}", keys);
}

}  // namespace

std::string advise_smaller_step(const RunFigures& f) {
  if (const auto other = instead(f)) return *other;
  return f.step_option.empty() ? "" : fmt::format("lower {}", step_text(f));
}

std::string advise_larger_step(const RunFigures& f) {
  if (const auto other = instead(f)) return *other;
  if (f.step_option.empty()) return "";
  return fmt::format("raise {}{}", step_text(f),
                     f.step_tunable ? fmt::format(", or leave it to `{}: auto`", f.step_option) : "");
}

std::string advise_where_divergent(const RunFigures& f) {
  if (const auto other = instead(f)) return *other;
  const std::string step = advise_smaller_step(f);
  return step.empty() ? "reparametrise the variables there" : step + ", or reparametrise the variables there";
}

std::string advise_half_step(const RunFigures& f) {
  return f.step_option.empty()
             ? "compare with an exact method"
             : fmt::format("compare with a run at half the {}, or with an exact method", f.step_option);
}

std::string advise_steps(const RunFigures& f) {
  if (const auto other = before_more(f)) return *other;
  if (f.rhat && f.rhat->value > kMostForecastRhat)
    return "warm up and draw for longer, or change the method or the composition: chains that are this far apart do "
           "not show yet how many steps they need";
  const auto needed = steps_needed(f);
  const bool ruled = f.stopped_by.has_value();
  if (!needed) return ruled ? advise_rule(f) : "draw for longer";
  const double factor = *needed / static_cast<double>(f.steps);
  if (factor > kEndlessFactor)
    return fmt::format("about {} steps would be needed (this run: {}): change the method or the composition instead",
                       steps_text(*needed), f.steps);
  if (!ruled) return fmt::format("draw about {} steps (this run: {})", steps_text(*needed), f.steps);
  // Steps that it has beyond its end already need not be asked for.
  const std::string steps =
      *needed > static_cast<double>(f.steps_asked) ? fmt::format(" --set sample.steps={}", steps_text(*needed)) : "";
  return fmt::format("{}{} (it needs about {} steps, this run: {})", advise_rule(f), steps, steps_text(*needed),
                     f.steps);
}

std::optional<double> advised_steps(const RunFigures& f) {
  if (before_more(f)) return std::nullopt;
  const auto needed = steps_needed(f);
  if (!needed || *needed > kEndlessFactor * static_cast<double>(f.steps)) return std::nullopt;
  return needed;
}

std::string advise_chains(const RunFigures& f) {
  if (const auto other = before_more(f)) return *other;
  const double factor = f.wanted_ess / effective_draws(f)->value;
  const double chains = std::ceil(factor * static_cast<double>(f.chains));
  return fmt::format("run about {:.0f} chains (now {})", std::max(chains, kLeastChains), f.chains);
}

std::string advise_some_chains(const RunFigures& f) {
  if (coarse(f)) return advise_float64(f);
  if (const auto other = step_first(f)) return *other;
  return fmt::format("run at least {:.0f} chains", kLeastChains);
}

std::string advise_warmup(const RunFigures& f) {
  if (const auto other = before_more(f)) return *other;
  if (!f.drift) return fmt::format("warm up for longer (warmup, now {})", f.warmup);
  const bool known = f.drift->tenths < 5;
  const int64_t more = known ? (f.steps * f.drift->tenths + 9) / 10 : f.steps;
  return fmt::format("warm up longer: warmup {}{} (now {})", known ? "about " : "at least ",
                     f.warmup + std::max<int64_t>(more, 1), f.warmup);
}

std::string advise_modes(const RunFigures& f) {
  if (coarse(f)) return advise_float64(f);
  if (far_out(f)) return advise_start(f);
  if (f.labels_begun)
    return "more steps will not help: run with each label given, and weigh these runs by their log Z (potluck "
           "evidence)";
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

std::string advise_float64(const RunFigures& f) {
  // Closer to 0 than float32 is fine there is nothing to shift.
  if (const auto found = coarseness(f); found && found->at->size < kLeastNormal)
    return "use precision: float64, or a variable in smaller units, so that its numbers are larger";
  return "use precision: float64, or shift the variable so that its draws lie near 0";
}

std::string advise_start(const RunFigures& f) {
  if (coarse(f)) return advise_float64(f);
  return f.annealed ? "anneal for longer (anneal: levels, steps), or begin from a file of positions (start)"
                    : "cool the chains before they warm up (anneal: temperature, levels), or begin from a file of "
                      "positions (start)";
}

std::string advise_expert(const RunFigures&) {
  return "find out with `potluck plugins check` which expert fails, or confine the variable to a support";
}

std::string advise_reparametrisation(const RunFigures&) {
  return "look for a heavy tail or a funnel, and reparametrise the variables there: other units do not help";
}

}  // namespace potluck
