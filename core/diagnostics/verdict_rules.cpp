// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/verdict_rules.h"

#include <fmt/format.h>

#include <cmath>

#include "core/diagnostics/convergence.h"
#include "core/diagnostics/energy_diagnostics.h"
#include "core/diagnostics/normal_score.h"
#include "core/diagnostics/verdict_advice.h"
#include "core/diagnostics/verdict_thresholds.h"
#include "core/diagnostics/verdict_words.h"

namespace potluck {

namespace {

using Weight = Finding::Weight;

std::string nothing(const RunFigures&) { return ""; }

/// "is above 1.01": all that the table says of a run without figures.
const RunFigures& presets() {
  static const RunFigures figures;
  return figures;
}

// Frozen chains

std::string frozen_text(const RunFigures& f) {
  return fmt::format("{} of {} ({}) froze and are left out of every estimate{}", f.frozen, counted(f.chains, "chain"),
                     percent(frozen_share(f)),
                     f.first_frozen.empty() ? "" : fmt::format(" (first: {})", f.first_frozen));
}

std::string frozen_advice(const RunFigures& f) {
  return f.exact_method.value_or(false) && !began_far_out(f) ? advise_expert(f) : advise_smaller_step(f);
}

// R-hat and effective draws

// Of chains in separate modes the number of steps says nothing.
bool mixing(const RunFigures& f) { return exact_throughout(f) || !separate_modes(f); }

bool disagree(const RunFigures& f) {
  return drew(f) && f.rhat && f.rhat->value > f.most_rhat && !separate_modes(f) && !exact_throughout(f);
}

std::string disagree_text(const RunFigures& f) {
  return "the chains do not agree yet: " + rhat_above(*f.rhat, f.most_rhat);
}

bool rhat_unknown(const RunFigures& f) {
  return drew(f) && !f.unmoved && (!f.rhat || std::isnan(f.rhat->value)) && !exact_throughout(f);
}

/// R-hat needs 4 draws a chain, effective sample sizes more.
bool ess_unknown(const RunFigures& f) {
  return drew(f) && !f.unmoved && !rhat_unknown(f) && f.ess && std::isnan(f.ess->value) && !exact_throughout(f);
}

bool few(const RunFigures& f) {
  return drew(f) && !f.unmoved && mixing(f) && effective_draws(f) && effective_draws(f)->value < f.wanted_ess;
}
bool very_few(const RunFigures& f) { return few(f) && effective_draws(f)->value < kFewDraws; }

std::string few_text(const RunFigures& f) {
  const FigureAt found = *effective_draws(f);
  return fmt::format("few independent draws: {} effective {}{} where {:.0f} are wanted",
                     beside(found.value, f.wanted_ess, 0), std::round(found.value) == 1 ? "one" : "ones",
                     in_brackets(found), f.wanted_ess);
}

std::string few_advice(const RunFigures& f) { return exact_throughout(f) ? advise_chains(f) : advise_steps(f); }

bool settled(const RunFigures& f) { return f.rhat && f.rhat->value <= kFarRhat; }

// Temperature

std::string wrong_temperature(const RunFigures& f) {
  const std::string text = f.virial ? virial_verdict(*f.virial, f.temperature) : "";
  return text.empty() || f.virial_of.empty() ? text : fmt::format("{} (virial of {})", text, f.virial_of);
}

// Branches of mixtures

/// How sure it is that a share is not its weight; 0 where no branch is judged.
double share_score(const RunFigures& f) {
  const auto worst = worst_branch(f);
  return drew(f) && worst ? std::abs(worst->score) : 0;
}

std::string share_text(const RunFigures& f) {
  const BranchShare& branch = *worst_branch(f)->branch;
  return fmt::format("{}, {:.1f} standard errors apart", branch_text(branch), std::abs(branch.score));
}

// Labels

std::string lone_label_text(const RunFigures& f) {
  const std::string all = fmt::format("labels may be missing: {} in all draws", f.lone_label->where);
  if (*f.labels_begun == 0) return all + ", and chains never moved at another label";
  return fmt::format("{}, and chains surely moved at {} of {} labels only", all, *f.labels_begun, f.lone_label->value);
}

// Drift

double drift_score(const RunFigures& f) { return drew(f) && f.drift ? std::abs(f.drift->score) : 0; }

std::string drift_text(const RunFigures& f) {
  const DriftFigure& drift = *f.drift;
  return fmt::format(
      "all chains still drifted together: the mean of {} over the first tenth of the draws is {:.4g}, over "
      "the last half {:.4g}, {:.1f} standard errors apart",
      drift.where, drift.first, drift.last, std::abs(drift.first - drift.last) / drift.standard_error);
}

void drift_example(RunFigures& f, double score) { f.drift = {"energy", 41.2, 36.9, 4.3 / score, score, 2}; }

// float32

double spacing_share(const RunFigures& f) {
  const auto found = coarseness(f);
  return drew(f) && found ? found->share : 0;
}

std::string spacing_text(const RunFigures& f) {
  const SpacingFigure& at = *coarseness(f)->at;
  const std::string where = fmt::format("float32 is too coarse for {}: at {:.3g} its numbers are {:.2g} apart",
                                        at.where, at.size, at.spacing);
  if (at.sd > 0) return fmt::format("{}, and the draws have a standard deviation of {:.2g}", where, at.sd);
  const auto unmoved = static_cast<int64_t>(f.unmoved ? f.unmoved->value : 1);
  return unmoved == 1 ? where + ", so that it never moved"
                      : fmt::format("{}, and {} never moved", where, counted(unmoved, "number"));
}

// Divergences

std::string divergence_text(const RunFigures& f) {
  const std::string steps = counted(*f.divergences, "step");
  std::string text = divergent_share(f) >= 1 ? fmt::format("all {} diverged", steps)
                                             : fmt::format("{}{} diverged ({} of all)", f.ended ? "" : "at least ",
                                                           steps, percent(divergent_share(f)));
  if (f.divergent_shift && *f.divergences >= kLeastDivergences)
    text += fmt::format(", mostly where {} is {:.1f} standard deviations {} its mean", f.divergent_shift->where,
                        std::abs(f.divergent_shift->value), f.divergent_shift->value > 0 ? "above" : "below");
  return text;
}

// Energies

std::string slow_energy_text(const RunFigures& f) {
  const double bound = f.ebfmi->value < kVeryLowEbfmi ? kVeryLowEbfmi : kLeastEbfmi;
  return fmt::format("the energy moves slowly: E-BFMI {}{} is below {:g}", beside(f.ebfmi->value, bound, 2),
                     in_brackets(*f.ebfmi), bound);
}

// Tempering

bool hottest_stands(const RunFigures& f) {
  return drew(f) && f.ladder && f.ladder->hottest_rhat && *f.ladder->hottest_rhat > kHottestRhat;
}

constexpr VerdictRule kRules[] = {
    {.name = "nothing_drawn",
     .weight = Weight::kStop,
     .when = []() -> std::string { return "no draw was recorded"; },
     .meaning = "The run ended in its warm-up, or before the first draw.",
     .example =
         [](RunFigures& f) {
           f.draws = f.steps = 0;
           f.rhat = f.ess = std::nullopt;
         },
     .applies = [](const RunFigures& f) { return f.draws == 0; },
     .text = [](const RunFigures&) -> std::string { return "nothing was drawn"; },
     .advice = [](const RunFigures&) -> std::string {
       return "let the run go on beyond its warm-up to the first draw";
     }},
    {.name = "all_frozen",
     .weight = Weight::kStop,
     .when = []() -> std::string { return "every chain froze"; },
     .meaning = "The state of every chain had an energy or a gradient that is not a number.",
     .example = [](RunFigures& f) { f.frozen = f.chains; },
     .applies = all_frozen,
     .text = [](const RunFigures&) -> std::string { return "every chain froze"; },
     .advice = frozen_advice},
    {.name = "many_frozen",
     .weight = Weight::kStop,
     .when = [] { return fmt::format("more than {} of the chains froze", percent(kManyFrozen)); },
     .meaning = "Chains that froze are left out, and with them the places where they were. The other chains are no "
                "fair sample.",
     .example =
         [](RunFigures& f) {
           f.frozen = 16;
           f.first_frozen = "chain 17 at step 1734, critic = inf";
         },
     .applies = [](const RunFigures& f) { return f.frozen > 0 && !all_frozen(f) && frozen_share(f) > kManyFrozen; },
     .text = [](const RunFigures& f) { return frozen_text(f) + ", so that the places where they were are missing"; },
     .advice = frozen_advice},
    {.name = "coarse_numbers",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "neighbouring numbers of float32 are more than {:g} of a standard deviation apart where the draws are; "
               "or a number never moved although steps were accepted, or because steps are smaller than that spacing",
               kTooCoarse);
         },
     .meaning =
         "Steps and draws are rounded to a grid that is not far finer than the law itself. No other figure shows "
         "it: chains on one grid agree.",
     .example =
         [](RunFigures& f) {
           f.spacing = {"t", 1.7e7, 2, 1};
         },
     .applies = [](const RunFigures& f) { return spacing_share(f) > kTooCoarse; },
     .text = spacing_text,
     .advice = advise_float64},
    {.name = "wrong_temperature",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "the virial's temperature is more than {:g} standard errors from that of the run, and R-hat is "
               "at most {:g}",
               kVirialBound, kFarRhat);
         },
     .meaning = "Chains agree on a law of another temperature: the gradient of an expert is not that of its energy "
                "([theory, 6.3](theory.md#63-the-virial-which-temperature-the-draws-have)).",
     .example =
         [](RunFigures& f) {
           f.virial = {1.21, 0.02, 64};
           f.virial_of = "image";
         },
     .applies = [](const RunFigures& f) { return !wrong_temperature(f).empty() && settled(f); },
     .text = wrong_temperature,
     .advice = [](const RunFigures&) -> std::string {
       return "find out with `potluck plugins check` whether each expert's gradient belongs to its energy";
     }},
    {.name = "unmoved",
     .weight = Weight::kStop,
     .when = []() -> std::string {
       return "a number that is drawn is the same in all draws of all chains; not where coarse_numbers says so";
     },
     .meaning = "Every proposal was rejected, or rounded away.",
     .example =
         [](RunFigures& f) {
           f.unmoved = {2, "x[3]"};
           f.rhat = {NAN, "x[3]"};
           f.ess = {0, "x[3]"};
         },
     .applies = [](const RunFigures& f) { return drew(f) && f.unmoved && !std::isinf(spacing_share(f)); },
     .text =
         [](const RunFigures& f) {
           return fmt::format("{} never moved{}", counted(static_cast<int64_t>(f.unmoved->value), "number"),
                              in_brackets(*f.unmoved));
         },
     .advice = advise_smaller_step},
    {.name = "missing_branch",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "the share of a branch in the draws is below half of its weight, and more than {:g} standard errors "
               "from the weight",
               kSureScore);
         },
     .meaning = "Most of the mass of that branch was never seen, although all chains may agree on the rest.",
     .example =
         [](RunFigures& f) {
           f.branches = {{"target", "far", 0.9, 0, 0, 0, -17.2, ""}};
         },
     .applies = [](const RunFigures& f) { return drew(f) && missing_branch(f).has_value(); },
     .text = [](const RunFigures& f) { return "a branch is missing: " + branch_text(*missing_branch(f)->branch); },
     .advice = advise_modes},
    {.name = "missing_labels",
     .weight = Weight::kStop,
     .when = []() -> std::string {
       return "an element has one label in all draws of all chains, and labels were not held while numbers moved, as "
              "the first quarter of a warm-up does";
     },
     .meaning = "Numbers never went to where another label has its density. That label may be as likely, and no other "
                "figure shows it.",
     .example =
         [](RunFigures& f) {
           f.lone_label = {10, "label = 3"};
           f.labels_begun = 0;
           f.warmup = 0;
         },
     .applies = [](const RunFigures& f) { return drew(f) && missing_labels(f) && *f.labels_begun == 0; },
     .text = lone_label_text,
     .advice = [](const RunFigures& f) -> std::string {
       return fmt::format("warm up for longer (warmup, now {}): labels are held at first", f.warmup);
     }},
    {.name = "branch_share",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "the share of a branch is more than {:g} standard errors from its weight, in draws of an exact "
               "method",
               kSureScore);
         },
     .meaning = "Chains visited the branches in shares that differ from those of the composition: they cross between "
                "branches too rarely, or a log Z that was given is wrong.",
     .example =
         [](RunFigures& f) {
           f.branches = {{"target", "far", 0.7, 0, 0.62, 0.01, -8, ""}};
         },
     .applies =
         [](const RunFigures& f) {
           return share_score(f) > kSureScore && !missing_branch(f) && f.exact_method.value_or(true);
         },
     .text = share_text,
     .advice = advise_modes},
    {.name = "separate_modes",
     .weight = Weight::kStop,
     .when = []() -> std::string {
       return "R-hat is above 1.1, and higher than chance explains for chains with that number of effective draws "
              "about their own means "
              "([theory, 6.5](theory.md#65-the-verdict)); or R-hat of a label is above 10";
     },
     .meaning = "Each chain explores its own region well, but the chains are in different regions.",
     .example =
         [](RunFigures& f) {
           f.rhat = {1.7, "z"};
           f.ess = {70, "z"};
           f.ess_within_chain = 80;
         },
     .applies = [](const RunFigures& f) { return drew(f) && !mixing(f); },
     .text =
         [](const RunFigures& f) {
           if (!(f.ess_within_chain.value_or(0) >= 1))
             return fmt::format("chains sit in separate modes: {}, as labels hardly change", rhat_text(*f.rhat));
           return fmt::format(
               "chains sit in separate modes: {}, although a chain has about {:.0f} effective draws of its own region",
               rhat_text(*f.rhat), *f.ess_within_chain);
         },
     .advice = advise_modes},
    {.name = "drift",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "the mean of a number or of the energy over all chains differs between the first tenth of the "
               "draws and the last half by more than {:g} standard errors",
               kSureScore);
         },
     .meaning = "Recording began before the chains had settled. R-hat does not see what all chains have in common.",
     .example = [](RunFigures& f) { drift_example(f, 9.8); },
     .applies = [](const RunFigures& f) { return drift_score(f) > kSureScore; },
     .text = drift_text,
     .advice = advise_warmup},
    {.name = "remembered_starts",
     .weight = Weight::kStop,
     .when = []() -> std::string {
       return "nested R-hat is above what superchains of that size may have "
              "([theory, 6.2](theory.md#62-nested-r-hat))";
     },
     .meaning = "Chains that began at one point still lie closer to each other than to others.",
     .example =
         [](RunFigures& f) {
           f.nested_rhat = {1.9, "z"};
           f.most_nested_rhat = 1.036;
         },
     .applies =
         [](const RunFigures& f) { return drew(f) && f.nested_rhat && f.nested_rhat->value > f.most_nested_rhat; },
     .text =
         [](const RunFigures& f) {
           return fmt::format("superchains remember their starts: nested {}",
                              rhat_above(*f.nested_rhat, std::round(1000 * f.most_nested_rhat) / 1000));
         },
     .advice = advise_warmup},
    {.name = "disagree",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "R-hat is above {:g}; not where every chain began as an exact draw that an exact method keeps",
               kFarRhat);
         },
     .meaning = "Estimates differ visibly from chain to chain.",
     .example =
         [](RunFigures& f) {
           f.rhat = {1.1, "z"};
         },
     .applies = [](const RunFigures& f) { return disagree(f) && f.rhat->value > kFarRhat; },
     .text = disagree_text,
     .advice = advise_steps},
    {.name = "rejecting",
     .weight = Weight::kStop,
     .when = [] { return fmt::format("fewer than {} of the proposals are accepted", percent(kLeastAcceptance)); },
     .meaning = "Chains stand still.",
     .example = [](RunFigures& f) { f.acceptance = 0.012; },
     .applies = rejecting,
     .text =
         [](const RunFigures& f) {
           return fmt::format("almost every proposal is rejected: acceptance {:.2g}", *f.acceptance);
         },
     .advice = advise_smaller_step},
    {.name = "very_few_draws",
     .weight = Weight::kStop,
     .when = [] { return fmt::format("fewer than {:g} effective draws of some number", kFewDraws); },
     .meaning = "Its mean is not known to a seventh of its standard deviation.",
     .example =
         [](RunFigures& f) {
           f.ess = {32, "z"};
         },
     .applies = very_few,
     .text = few_text,
     .advice = few_advice},
    {.name = "concentrated_divergences",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "more than {} of the steps diverged, {} at least, and at the divergent steps a number lies away from "
               "its "
               "mean by more than {:g} times what chance allows; the rule does not apply where an expert has walls",
               percent(kRareDivergences), kLeastDivergences, kSureShift);
         },
     .meaning = "Steps of this size do not enter some place, and the draws lack what lies there.",
     .example =
         [](RunFigures& f) {
           f.divergences = 640;
           f.divergent_shift = {-1.8, "v"};
         },
     .applies = concentrated_divergences,
     .text = divergence_text,
     .advice = advise_where_divergent},
    {.name = "very_slow_energy",
     .weight = Weight::kStop,
     .when = [] { return fmt::format("E-BFMI of `hmc` is below {:g}", kVeryLowEbfmi); },
     .meaning = "Fresh momenta change the energy so little that tails and necks are hardly reached, although the "
                "chains agree on the rest.",
     .example =
         [](RunFigures& f) {
           f.ebfmi = {0.04, ""};
         },
     .applies = [](const RunFigures& f) { return drew(f) && f.ebfmi && f.ebfmi->value < kVeryLowEbfmi; },
     .text = slow_energy_text,
     .advice = advise_reparametrisation},
    {.name = "hottest_stands",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format("R-hat of the energies of the hottest replicas, compared between ladders, is above {:g}",
                              kHottestRhat);
         },
     .meaning =
         "The hottest replicas stay where they are as well, so that tempering carries nothing from mode to mode.",
     .example =
         [](RunFigures& f) {
           f.ladder = {8, 10, 1.9, 0.6};
         },
     .applies = hottest_stands,
     .text =
         [](const RunFigures& f) {
           return fmt::format("the hottest replicas, at T = {:.3g}, do not mix either: {} of their energies",
                              f.ladder->hottest, rhat_text({*f.ladder->hottest_rhat, ""}));
         },
     .advice = advise_hotter},
    {.name = "many_nan_proposals",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format("more than {} of the proposals had an energy that is not a number",
                              percent(kManyNanProposals));
         },
     .meaning = "An expert fails where chains want to go, so that they never get there.",
     .example = [](RunFigures& f) { f.nan_proposal_share = 0.4; },
     .applies = [](const RunFigures& f) { return f.nan_proposal_share.value_or(0) > kManyNanProposals; },
     .text =
         [](const RunFigures& f) {
           return percent(*f.nan_proposal_share) +
                  " of proposals had an energy that is not a number: chains cannot go there";
         },
     .advice = advise_expert},
    {.name = "rhat_unknown",
     .weight = Weight::kStop,
     .when = []() -> std::string {
       return "R-hat is not a number, for example because there are fewer than 4 draws a chain; the rule does not "
              "apply "
              "where every chain began as an exact draw";
     },
     .meaning = "It is not known whether the chains agree.",
     .example =
         [](RunFigures& f) {
           f.draws = 3;
           f.rhat = f.ess = {NAN, ""};
         },
     .applies = rhat_unknown,
     .text =
         [](const RunFigures& f) {
           return f.draws < 4
                      ? fmt::format("whether the chains agree is not known: R-hat needs 4 draws a chain, got {}",
                                    f.draws)
                      : "whether the chains agree is not known: R-hat is not a number";
         },
     .advice = [](const RunFigures& f) -> std::string { return f.draws < 4 ? "draw for longer, or thin less" : ""; }},
    {.name = "ess_unknown",
     .weight = Weight::kStop,
     .when =
         [] {
           return fmt::format(
               "the effective sample size is no number, as of fewer than {} draws a chain; not where every chain began "
               "as an exact draw",
               kLeastDrawsForEss);
         },
     .meaning = "How well means are known is not known: so few draws a chain do not tell how slowly it moves.",
     .example =
         [](RunFigures& f) {
           f.draws = 5;
           f.ess = {NAN, ""};
         },
     .applies = ess_unknown,
     .text =
         [](const RunFigures& f) {
           return f.draws < kLeastDrawsForEss
                      ? fmt::format(
                            "how many draws are independent is not known: effective sample sizes need {} draws a "
                            "chain, got {}",
                            kLeastDrawsForEss, f.draws)
                      : "how many draws are independent is not known: an effective sample size is not a number";
         },
     .advice = [](const RunFigures& f) -> std::string {
       return f.draws < kLeastDrawsForEss ? "draw for longer, or thin less" : "";
     }},

    {.name = "unmet_labels",
     .weight = Weight::kCare,
     .when = []() -> std::string {
       return "an element has one label in all draws of all chains, and has more labels than chains began at, or "
              "chains "
              "began at positions of a file";
     },
     .meaning = "What the other labels would have shown is not known.",
     .example =
         [](RunFigures& f) {
           f.lone_label = {10, "label = 3"};
           f.labels_begun = 4;
         },
     .applies = [](const RunFigures& f) { return drew(f) && missing_labels(f) && *f.labels_begun > 0; },
     .text = lone_label_text,
     .advice = [](const RunFigures& f) -> std::string {
       return fmt::format("run at least {:.0f} chains that do not begin at positions of a file (start: auto)",
                          f.lone_label->value);
     }},
    {.name = "few_frozen",
     .weight = Weight::kCare,
     .when = [] { return fmt::format("chains froze, at most {} of them", percent(kManyFrozen)); },
     .meaning = "They are left out of every estimate.",
     .example = [](RunFigures& f) { f.frozen = 2; },
     .applies = [](const RunFigures& f) { return f.frozen > 0 && !all_frozen(f) && frozen_share(f) <= kManyFrozen; },
     .text = frozen_text,
     .advice = frozen_advice},
    {.name = "draws_lost",
     .weight = Weight::kCare,
     .when = []() -> std::string { return "draws on the disk could not be read"; },
     .meaning = "The estimates use only the draws that could be read.",
     .example = [](RunFigures& f) { f.lost = "0003.part: 120 bytes at its end are torn"; },
     .applies = [](const RunFigures& f) { return !f.lost.empty(); },
     .text = [](const RunFigures& f) { return f.lost; },
     .advice = nothing},
    {.name = "cut_short",
     .weight = Weight::kCare,
     .when = []() -> std::string { return "the draws are of a run that has not ended: it was cut short, or goes on"; },
     .meaning = "What only an end tells is not known, and the rules that look at it are silent.",
     .example = [](RunFigures& f) { f.ended = false; },
     .applies = [](const RunFigures& f) { return drew(f) && !f.ended; },
     .text = [](const RunFigures&) -> std::string {
       return "the run has not ended, and what only its end tells is not known: proposals that had no number for an "
              "energy, the temperature of the virial and swaps of replicas";
     },
     .advice = [](const RunFigures&) -> std::string { return "end it with `potluck sample --resume`"; }},
    {.name = "rather_coarse_numbers",
     .weight = Weight::kCare,
     .when =
         [] {
           return fmt::format(
               "neighbouring numbers of float32 are more than {:g} of a standard deviation apart where the draws are",
               kCoarse);
         },
     .meaning = "Small steps are rounded visibly.",
     .example =
         [](RunFigures& f) {
           f.spacing = {"t", 1e6, 0.0625, 1};
         },
     .applies = [](const RunFigures& f) { return spacing_share(f) > kCoarse && spacing_share(f) <= kTooCoarse; },
     .text = spacing_text,
     .advice = advise_float64},
    {.name = "temperature_or_drift",
     .weight = Weight::kCare,
     .when = [] { return fmt::format("as wrong_temperature, but R-hat is above {:g} or not known", kFarRhat); },
     .meaning = "Chains that have not settled have such a virial too.",
     .example =
         [](RunFigures& f) {
           f.virial = {1.21, 0.02, 64};
           f.virial_of = "image";
           f.rhat = {1.1, "z"};
         },
     .applies = [](const RunFigures& f) { return drew(f) && !wrong_temperature(f).empty() && !settled(f); },
     .text = [](const RunFigures& f) { return wrong_temperature(f) + ", or the chains have not settled yet"; },
     .advice = nothing},
    {.name = "nearly_agree",
     .weight = Weight::kCare,
     .when =
         [] {
           return fmt::format("R-hat is above {:g}, and at most {:g}; not of exact draws", presets().most_rhat,
                              kFarRhat);
         },
     .meaning = "Chains differ a little more than draws of one law would.",
     .example =
         [](RunFigures& f) {
           f.rhat = {1.02, "z"};
         },
     .applies = [](const RunFigures& f) { return disagree(f) && f.rhat->value <= kFarRhat; },
     .text = disagree_text,
     .advice = advise_steps},
    {.name = "doubtful_branch_share",
     .weight = Weight::kCare,
     .when =
         [] {
           return fmt::format(
               "the share of a branch is more than {:g} standard errors from its weight, or, in draws of a "
               "method that is not exact, more than {:g}",
               kDoubtfulScore, kSureScore);
         },
     .meaning = "Chains visited the branches in shares that differ somewhat from those of the composition.",
     .example =
         [](RunFigures& f) {
           f.branches = {{"target", "far", 0.7, 0, 0.65, 0.01, -5, ""}};
         },
     .applies =
         [](const RunFigures& f) {
           const bool sure = share_score(f) > kSureScore;
           return share_score(f) > kDoubtfulScore && !missing_branch(f) && !(sure && f.exact_method.value_or(true));
         },
     .text = share_text,
     .advice = advise_steps},
    {.name = "slight_drift",
     .weight = Weight::kCare,
     .when = [] { return fmt::format("as drift, by {:g} to {:g} standard errors", kDoubtfulScore, kSureScore); },
     .meaning = "The means over all draws may be off by about one of their standard errors.",
     .example = [](RunFigures& f) { drift_example(f, 4.6); },
     .applies = [](const RunFigures& f) { return drift_score(f) > kDoubtfulScore && drift_score(f) <= kSureScore; },
     .text = drift_text,
     .advice = advise_warmup},
    {.name = "few_draws",
     .weight = Weight::kCare,
     .when = [] { return fmt::format("fewer than {:g} effective draws of some number", presets().wanted_ess); },
     .meaning = "R-hat and the standard errors themselves are only roughly known.",
     .example =
         [](RunFigures& f) {
           f.ess = {160, "z"};
         },
     .applies = [](const RunFigures& f) { return few(f) && !very_few(f); },
     .text = few_text,
     .advice = few_advice},
    {.name = "one_chain",
     .weight = Weight::kCare,
     .when = []() -> std::string { return "the run has one chain"; },
     .meaning = "There is nothing to compare it with.",
     .example = [](RunFigures& f) { f.chains = 1; },
     .applies = [](const RunFigures& f) { return drew(f) && f.chains == 1; },
     .text = [](const RunFigures&) -> std::string { return "a single chain cannot reveal a mode that it has not met"; },
     .advice =
         [](const RunFigures& f) { return exact_throughout(f) && few(f) ? advise_chains(f) : advise_some_chains(f); }},
    {.name = "nan_proposals",
     .weight = Weight::kCare,
     .when =
         [] {
           return fmt::format("proposals had an energy that is not a number, at most {} of them",
                              percent(kManyNanProposals));
         },
     .meaning = "They were rejected. What lies there counts as density zero.",
     .example = [](RunFigures& f) { f.nan_proposal_share = 0.003; },
     .applies =
         [](const RunFigures& f) {
           return f.nan_proposal_share.value_or(0) > 0 && *f.nan_proposal_share <= kManyNanProposals;
         },
     .text =
         [](const RunFigures& f) {
           return percent(*f.nan_proposal_share) + " of proposals had an energy that is not a number and were rejected";
         },
     .advice = advise_expert},
    {.name = "divergences",
     .weight = Weight::kCare,
     .when =
         [] {
           return fmt::format(
               "more than {} of the steps after the warm-up diverged: their energy error was above 1000 "
               "temperatures",
               percent(kRareDivergences));
         },
     .meaning = "Steps of this size are too large somewhere; it is not known where.",
     .example = [](RunFigures& f) { f.divergences = 64; },
     .applies =
         [](const RunFigures& f) { return divergent_share(f) > kRareDivergences && !concentrated_divergences(f); },
     .text = divergence_text,
     .advice = advise_smaller_step},
    {.name = "slow_energy",
     .weight = Weight::kCare,
     .when = [] { return fmt::format("E-BFMI of `hmc` is from {:g} to {:g}", kVeryLowEbfmi, kLeastEbfmi); },
     .meaning = "Fresh momenta change the energy little, so that tails are reached slowly.",
     .example =
         [](RunFigures& f) {
           f.ebfmi = {0.12, ""};
         },
     .applies =
         [](const RunFigures& f) {
           return drew(f) && f.ebfmi && f.ebfmi->value < kLeastEbfmi && f.ebfmi->value >= kVeryLowEbfmi;
         },
     .text = slow_energy_text,
     .advice = advise_reparametrisation},
    {.name = "acceptance_low",
     .weight = Weight::kCare,
     .when =
         [] { return fmt::format("acceptance is more than {:g} below what warm-up tunes towards", kAcceptanceMissed); },
     .meaning = "The warm-up was too short, or the draws are in another place than the warm-up was.",
     .example = [](RunFigures& f) { f.acceptance = 0.21; },
     .applies =
         [](const RunFigures& f) {
           return drew(f) && f.acceptance && f.wanted_acceptance && *f.acceptance >= kLeastAcceptance &&
                  *f.acceptance < *f.wanted_acceptance - kAcceptanceMissed;
         },
     .text =
         [](const RunFigures& f) {
           return fmt::format("acceptance {:.2f} is far below the {:.2f} that {} is tuned to", *f.acceptance,
                              *f.wanted_acceptance, f.method);
         },
     .advice = [](const RunFigures& f) { return fmt::format("warm up for longer, or {}", advise_smaller_step(f)); }},
    {.name = "biased",
     .weight = Weight::kCare,
     .when = []() -> std::string { return "the method is not exact"; },
     .meaning = "Its step size shifts the law of the draws, and every other figure is about that law.",
     .example =
         [](RunFigures& f) {
           f.method = "langevin";
           f.exact_method = false;
           f.acceptance = f.wanted_acceptance = std::nullopt;
         },
     .applies = [](const RunFigures& f) { return drew(f) && !f.exact_method.value_or(true); },
     .text =
         [](const RunFigures& f) {
           return fmt::format("{} is biased by its step size{}, which none of these figures shows", f.method,
                              f.step_size ? fmt::format(", {:.3g}", *f.step_size) : "");
         },
     .advice = advise_half_step},

    // Of a fixed step size: one that is tuned to a robust mean over chains, a few of which reject much, accepts more on
    // the average.
    {.name = "acceptance_high",
     .weight = Weight::kNote,
     .when = [] { return fmt::format("acceptance is above {:g} at a step size that was given", kIdleAcceptance); },
     .meaning = "Chains move less far in a step than they could.",
     .example =
         [](RunFigures& f) {
           f.acceptance = 0.991;
           f.wanted_acceptance = std::nullopt;
         },
     .applies =
         [](const RunFigures& f) {
           return drew(f) && f.acceptance && !f.wanted_acceptance && *f.acceptance > kIdleAcceptance;
         },
     .text = [](const RunFigures& f) { return fmt::format("steps could be larger: acceptance {:.2f}", *f.acceptance); },
     .advice = advise_larger_step},
    {.name = "hardly_moving",
     .weight = Weight::kNote,
     .when = [] { return fmt::format("R-hat is above {:g}", kStandingRhat); },
     .meaning = "What a chain moves in all of the run is a tenth at most of what the chains are apart.",
     .example =
         [](RunFigures& f) {
           f.exact_start = true;
           f.rhat = {1e9, "z"};
           f.acceptance = 1;
           f.wanted_acceptance = std::nullopt;
           f.step_size = 1e-12;
         },
     .applies = hardly_moving,
     .text = [](const RunFigures& f) { return fmt::format("the chains hardly move: {}", rhat_text(*f.rhat)); },
     .advice = [](const RunFigures& f) { return step_far_too_small(f) ? advise_larger_step(f) : ""; }},
    {.name = "exact_draws",
     .weight = Weight::kNote,
     .when =
         [] {
           return fmt::format(
               "starts were exact draws, an exact method moved them, float32 was fine enough for them, and R-hat is "
               "above {:g}",
               presets().most_rhat);
         },
     .meaning = "At every step each chain is a draw of the target, however slowly it moves.",
     .example =
         [](RunFigures& f) {
           f.exact_start = true;
           f.chains = 1000;
           f.rhat = {1.9, "z"};
           f.ess = {20, "z"};
         },
     .applies =
         [](const RunFigures& f) {
           const bool rounded = spacing_share(f) > kCoarse;
           return drew(f) && exact_throughout(f) && !rounded && !(f.rhat && f.rhat->value <= f.most_rhat);
         },
     .text =
         [](const RunFigures& f) {
           const bool high = f.rhat && f.rhat->value > f.most_rhat && !hardly_moving(f);
           return fmt::format(
               "every chain began as an exact draw, and {} keeps it exact, however slowly the chain moves{}", f.method,
               high ? fmt::format(": {} shows only that chains are slow", rhat_text(*f.rhat)) : "");
         },
     .advice = nothing},
};

}  // namespace

std::span<const VerdictRule> verdict_rules() { return kRules; }

RunFigures sound_figures() {
  RunFigures figures;
  figures.method = "mala";
  figures.exact_method = true;
  figures.exact_start = false;
  figures.chains = 64;
  figures.draws = 100;
  figures.steps = 2000;
  figures.warmup = 500;
  figures.steps_asked = 2000;
  figures.step_size = 0.5;
  figures.acceptance = 0.57;
  figures.wanted_acceptance = 0.574;
  figures.rhat = {1.004, "z"};
  figures.ess_within_chain = 60;
  figures.ess = {1600, "image[1, 2]"};
  figures.nan_proposal_share = 0;
  return figures;
}

}  // namespace potluck
