// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/verdict_rules.h"

#include <fmt/format.h>

#include <cmath>

#include "core/diagnostics/energy_diagnostics.h"

namespace potluck {

namespace {

using Weight = Finding::Weight;

constexpr double kManyFrozen = 0.05;       // share of the chains
constexpr double kManyNanProposals = 0.1;  // share of the proposals
constexpr double kFarRhat = 1.05;          // beyond it estimates differ visibly from chain to chain
constexpr double kFewDraws = 50;           // effective ones: a standard error of .14 standard deviations
constexpr double kLeastAcceptance = 0.05;  // chains stand still
constexpr double kIdleAcceptance = 0.95;   // steps much smaller than need be
constexpr double kAcceptanceMissed = 0.2;  // from what was wanted
constexpr double kEndlessFactor = 1000;    // times this run

std::string percent(double share) { return fmt::format("{:.2g} %", 100 * share); }

bool disagree(const RunFigures& f) {
  return drew(f) && f.rhat && f.rhat->value > f.most_rhat && !separate_modes(f) && !exact_throughout(f);
}

bool rhat_unknown(const RunFigures& f) { return drew(f) && !f.unmoved && (!f.rhat || std::isnan(f.rhat->value)); }

std::string frozen_text(const RunFigures& f) {
  return fmt::format("{} of {} chains ({}) froze and are left out of every estimate{}", f.frozen, f.chains,
                     percent(frozen_share(f)),
                     f.first_frozen.empty() ? "" : fmt::format(" (first: {})", f.first_frozen));
}

/// "step_size (now 0.5)"
std::string step_size(const RunFigures& f) {
  return f.step_size ? fmt::format("step_size (now {:.3g})", *f.step_size) : "step_size";
}

std::string lower_step_size(const RunFigures& f) { return fmt::format("lower {}", step_size(f)); }

std::string expert_advice(const RunFigures&) {
  return "see with `potluck plugins check` which expert fails, or confine the variable to a support";
}

std::string frozen_advice(const RunFigures& f) {
  return f.exact_method.value_or(false) ? expert_advice(f) : lower_step_size(f);
}

std::string disagree_text(const RunFigures& f) {
  return fmt::format("the chains do not agree yet: R-hat {:.3f}{} is above {:g}", f.rhat->value, in_brackets(*f.rhat),
                     f.most_rhat);
}

std::string few_text(const RunFigures& f) {
  const FigureAt found = *effective_draws(f);
  return fmt::format("few independent draws: {:.0f} effective ones{} where {:.0f} are wanted", found.value,
                     in_brackets(found), f.wanted_ess);
}

std::string steps_advice(const RunFigures& f) {
  const auto needed = steps_needed(f);
  if (!needed) return "draw for longer";
  const double factor = *needed / static_cast<double>(f.steps);
  const std::string steps = *needed < 1e9 ? fmt::format("{:.0f}", *needed) : fmt::format("{:.2g}", *needed);
  if (factor > kEndlessFactor)
    return fmt::format("about {} steps would be needed (this run: {}): change the method or the composition instead",
                       steps, f.steps);
  std::string text = fmt::format("draw about {} steps (this run: {}", steps, f.steps);
  if (f.seconds > 0) text += fmt::format(", {:.2g} s; that many: {:.2g} s", f.seconds, f.seconds * factor);
  return text + ")";
}

std::string more_chains(const RunFigures& f) {
  const double factor = f.wanted_ess / effective_draws(f)->value;
  return fmt::format("run about {:.0f} chains (now {})", std::ceil(factor * static_cast<double>(f.chains)), f.chains);
}

// Of chains in separate modes the number of steps says nothing.
bool mixing(const RunFigures& f) { return exact_throughout(f) || !separate_modes(f); }

bool few(const RunFigures& f) {
  return drew(f) && !f.unmoved && mixing(f) && effective_draws(f) && effective_draws(f)->value < f.wanted_ess;
}
bool very_few(const RunFigures& f) { return few(f) && effective_draws(f)->value < kFewDraws; }

// Independent exact draws grow with the chains, whether or not chains move.
std::string few_advice(const RunFigures& f) { return exact_throughout(f) ? more_chains(f) : steps_advice(f); }

std::string wrong_temperature(const RunFigures& f) {
  const std::string text = f.virial ? virial_verdict(*f.virial, f.temperature) : "";
  return text.empty() || f.virial_of.empty() ? text : fmt::format("{} (virial of {})", text, f.virial_of);
}

bool settled(const RunFigures& f) { return f.rhat && f.rhat->value <= kFarRhat; }

std::string divergence_text(const RunFigures& f) {
  const double share =
      static_cast<double>(*f.divergences) / (static_cast<double>(f.steps) * static_cast<double>(f.chains));
  std::string text = fmt::format("{} steps diverged ({} of all)", *f.divergences, percent(share));
  if (f.divergent_shift)
    text += fmt::format(", mostly where {} is {:.1f} standard deviations {} its mean", f.divergent_shift->where,
                        std::abs(f.divergent_shift->value), f.divergent_shift->value > 0 ? "above" : "below");
  return text;
}

std::string nothing(const RunFigures&) { return ""; }

constexpr VerdictRule kRules[] = {
    {"nothing_drawn", Weight::kStop, [](const RunFigures& f) { return f.draws == 0; },
     [](const RunFigures&) -> std::string { return "nothing was drawn"; },
     [](const RunFigures&) -> std::string { return "let the run go on beyond its warm-up to the first draw"; }},
    {"all_frozen", Weight::kStop, all_frozen, [](const RunFigures&) -> std::string { return "every chain froze"; },
     frozen_advice},
    {"many_frozen", Weight::kStop,
     [](const RunFigures& f) { return f.frozen > 0 && !all_frozen(f) && frozen_share(f) > kManyFrozen; },
     [](const RunFigures& f) { return frozen_text(f) + ", which miss the places where they were"; }, frozen_advice},
    {"wrong_temperature", Weight::kStop,
     [](const RunFigures& f) { return !wrong_temperature(f).empty() && settled(f); }, wrong_temperature,
     [](const RunFigures&) -> std::string {
       return "see with `potluck plugins check` whether each expert's gradient belongs to its energy";
     }},
    {"unmoved", Weight::kStop, [](const RunFigures& f) { return drew(f) && f.unmoved.has_value(); },
     [](const RunFigures& f) {
       return fmt::format("{:.0f} number{} never moved{}", f.unmoved->value, f.unmoved->value == 1 ? "" : "s",
                          in_brackets(*f.unmoved));
     },
     lower_step_size},
    {"separate_modes", Weight::kStop, [](const RunFigures& f) { return drew(f) && !mixing(f); },
     [](const RunFigures& f) {
       return fmt::format(
           "chains sit in separate modes: R-hat {:.3f}{}, though a chain has about {:.0f} effective "
           "draws of where it is",
           f.rhat->value, in_brackets(*f.rhat), *f.ess_within_chain);
     },
     [](const RunFigures&) -> std::string {
       return "more steps will not mend that: use parallel_tempering, or begin from exact draws (start: exact) where "
              "the composition has them";
     }},
    {"remembered_starts", Weight::kStop,
     [](const RunFigures& f) { return drew(f) && f.nested_rhat && f.nested_rhat->value > f.most_nested_rhat; },
     [](const RunFigures& f) {
       return fmt::format("superchains remember their starts: nested R-hat {:.3f}{} is above {:.3f}",
                          f.nested_rhat->value, in_brackets(*f.nested_rhat), f.most_nested_rhat);
     },
     [](const RunFigures&) -> std::string { return "warm up for longer"; }},
    {"disagree", Weight::kStop, [](const RunFigures& f) { return disagree(f) && f.rhat->value > kFarRhat; },
     disagree_text, steps_advice},
    {"rejecting", Weight::kStop,
     [](const RunFigures& f) { return drew(f) && f.acceptance && *f.acceptance < kLeastAcceptance; },
     [](const RunFigures& f) {
       return fmt::format("almost every proposal is rejected: acceptance {:.2g}", *f.acceptance);
     },
     lower_step_size},
    {"very_few_draws", Weight::kStop, very_few, few_text, few_advice},
    {"many_nan_proposals", Weight::kStop,
     [](const RunFigures& f) { return f.nan_proposal_share.value_or(0) > kManyNanProposals; },
     [](const RunFigures& f) {
       return percent(*f.nan_proposal_share) + " of proposals had no number for an energy: chains cannot go there";
     },
     expert_advice},
    {"rhat_unknown", Weight::kStop, [](const RunFigures& f) { return rhat_unknown(f) && !exact_throughout(f); },
     [](const RunFigures& f) {
       return f.draws < 4
                  ? fmt::format("whether the chains agree is not known: R-hat needs 4 draws a chain, got {}", f.draws)
                  : "whether the chains agree is not known: R-hat is not a number";
     },
     [](const RunFigures& f) -> std::string { return f.draws < 4 ? "draw for longer, or thin less" : ""; }},

    {"few_frozen", Weight::kCare,
     [](const RunFigures& f) { return f.frozen > 0 && !all_frozen(f) && frozen_share(f) <= kManyFrozen; }, frozen_text,
     frozen_advice},
    {"draws_lost", Weight::kCare, [](const RunFigures& f) { return !f.lost.empty(); },
     [](const RunFigures& f) { return f.lost; }, nothing},
    {"temperature_or_drift", Weight::kCare,
     [](const RunFigures& f) { return drew(f) && !wrong_temperature(f).empty() && !settled(f); },
     [](const RunFigures& f) { return wrong_temperature(f) + ", or they have not settled yet"; }, nothing},
    {"nearly_agree", Weight::kCare, [](const RunFigures& f) { return disagree(f) && f.rhat->value <= kFarRhat; },
     disagree_text, steps_advice},
    {"few_draws", Weight::kCare, [](const RunFigures& f) { return few(f) && !very_few(f); }, few_text, few_advice},
    {"one_chain", Weight::kCare, [](const RunFigures& f) { return drew(f) && f.chains == 1; },
     [](const RunFigures&) -> std::string { return "a single chain cannot tell of a mode that it has not met"; },
     [](const RunFigures&) -> std::string { return "run at least 4 chains"; }},
    {"nan_proposals", Weight::kCare,
     [](const RunFigures& f) {
       return f.nan_proposal_share.value_or(0) > 0 && *f.nan_proposal_share <= kManyNanProposals;
     },
     [](const RunFigures& f) {
       return percent(*f.nan_proposal_share) + " of proposals had no number for an energy and were rejected";
     },
     expert_advice},
    {"divergences", Weight::kCare, [](const RunFigures& f) { return f.divergences.value_or(0) > 0; }, divergence_text,
     lower_step_size},
    {"slow_energy", Weight::kCare,
     [](const RunFigures& f) { return drew(f) && f.ebfmi && f.ebfmi->value < kLeastEbfmi; },
     [](const RunFigures& f) {
       return fmt::format("the energy moves slowly: E-BFMI {:.2g}{} is below {:g}", f.ebfmi->value,
                          in_brackets(*f.ebfmi), kLeastEbfmi);
     },
     [](const RunFigures&) -> std::string {
       return "look for a heavy tail or a funnel, and reparametrise the variables there: their units do not matter";
     }},
    {"acceptance_low", Weight::kCare,
     [](const RunFigures& f) {
       return drew(f) && f.acceptance && f.wanted_acceptance && *f.acceptance >= kLeastAcceptance &&
              *f.acceptance < *f.wanted_acceptance - kAcceptanceMissed;
     },
     [](const RunFigures& f) {
       return fmt::format("acceptance {:.2f} is far below the {:.2f} that {} is tuned to", *f.acceptance,
                          *f.wanted_acceptance, f.method);
     },
     [](const RunFigures& f) { return fmt::format("warm up for longer, or {}", lower_step_size(f)); }},
    {"biased", Weight::kCare, [](const RunFigures& f) { return drew(f) && !f.exact_method.value_or(true); },
     [](const RunFigures& f) {
       return fmt::format("{} is biased by its step size{}, which none of these figures shows", f.method,
                          f.step_size ? fmt::format(", {:.3g}", *f.step_size) : "");
     },
     [](const RunFigures&) -> std::string {
       return "compare with a run at half the step_size, or with an exact method";
     }},

    // Of a fixed step size: one that is tuned to a robust mean over chains, a few of which reject much, accepts more on
    // the average.
    {"acceptance_high", Weight::kNote,
     [](const RunFigures& f) {
       return drew(f) && f.acceptance && !f.wanted_acceptance && *f.acceptance > kIdleAcceptance;
     },
     [](const RunFigures& f) { return fmt::format("steps could be larger: acceptance {:.2f}", *f.acceptance); },
     [](const RunFigures& f) { return fmt::format("raise {}, or leave it to `step_size: auto`", step_size(f)); }},
    {"exact_draws", Weight::kNote,
     [](const RunFigures& f) { return drew(f) && exact_throughout(f) && !(f.rhat && f.rhat->value <= f.most_rhat); },
     [](const RunFigures& f) {
       return fmt::format(
           "every chain began as an exact draw, which {} keeps: {} independent draws at least, however "
           "slowly they move",
           f.method, f.chains - f.frozen);
     },
     nothing},
};

}  // namespace

std::span<const VerdictRule> verdict_rules() { return kRules; }

std::string in_brackets(const FigureAt& figure) {
  return figure.where.empty() ? "" : fmt::format(" ({})", figure.where);
}

}  // namespace potluck
