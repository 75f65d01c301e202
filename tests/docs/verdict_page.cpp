// SPDX-License-Identifier: Apache-2.0
// Prints docs/verdict.md, from the table that the verdict of a run is made of.
#include <fmt/format.h>

#include "core/diagnostics/normal_score.h"
#include "core/diagnostics/run_verdict.h"

namespace potluck {
namespace {

constexpr const char* kHead =
    R"(<!-- Made by tests/docs/verdict_page.cpp: change the table in core/diagnostics/verdict_rules.cpp, then
     `build/bin/verdict_page > docs/verdict.md`. -->

# The verdict of a run

The last paragraph of `potluck sample`, `potluck export` and `potluck merge` says whether the draws may be used, why, and
what to change. `summary.json` has it as `verdict`: `usable` is `yes`, `with care` or `no`, `text` is the paragraph, and
`findings` lists each rule that spoke, with its name, its `weight` (`stop`, `care` or `note`), its text and its advice.

| verdict | begins with | means |
| --- | --- | --- |
| `yes` | Usable: | no rule below found anything, or only a note |
| `with care` | Usable with care: | the estimates may be used by someone who knows what is said |
| `no` | Not usable yet: | the estimates are wrong, or nobody knows whether they are right |

The gravest finding decides. A rule whose figure is not known says nothing: E-BFMI of a method without fresh momenta, the
temperature of a variable with walls. Where one finding explains another, the advice of the first is given alone: numbers
that float32 cannot hold before starts that are too far out, those before modes that are missed, and all of them before step
sizes, and these, where they are at fault, before numbers of steps and chains. The rules `disagree`, `nearly_agree`,
`rhat_unknown` and `ess_unknown` say nothing of chains that all began as exact draws and are moved by an exact method: such
draws need no R-hat, and each chain counts as one effective draw at least. The number of steps that is advised grows with (R-hat^2 - 1) and with 400 over the effective draws
([theory, 6.5](theory.md#65-the-verdict)); above an R-hat of )";

constexpr const char* kScores = R"(

## Branches of mixtures

Every run reports what share of the draws each branch of each mixture is responsible for, from the energies of the experts
that are stored with the draws:

  r_i(x) = a_i exp(-E_i(x))/Z_i / sum_j a_j exp(-E_j(x))/Z_j.

Where the mixture is normalised, no number of it is given or cut by a support, no other factor of the target reads what it
draws and T = 1, the expectation of r_i is the weight a_i, exactly. Then the draws themselves can tell of a branch that no
chain ever met. Elsewhere the shares are reported beside the weights, with the reason why they need not agree, and not
judged. The mean m of the responsibilities is as far from its weight a as the lesser of two figures says:

  |m - a| / sqrt(s^2 + w^2)  and  sqrt(2 N (m log(m/a) + (1 - m) log((1 - m)/(1 - a)))).

s is the standard error of m from the draws, w that of the weight: of log Z that are estimates, and .001 in a log Z that the
file gives. Of a branch that was hardly met, s says nothing. There the second figure counts: responsibilities lie between 0
and 1, so that N independent ones of mean a have a mean beyond m with a probability of at most exp(-N (...)) (Hoeffding
1963), which for a branch that was never met is (1 - a)^N. N is the least number of effective draws of any number, and at
least the number of chains that began at points of their own. A branch that is rarer than one in N is no matter: nobody can
expect to meet it.

## Drift

Of every number that has an R-hat, and of the energy, the mean over all chains of the first tenth of the draws is compared
with that of the last half. Of 16 independent chains or more, the differences of each chain tell their standard error, by
Student's t; before a drift is believed, and of fewer chains in any case, the standard error that follows from variance and
effective sample size of the last half must agree; where that half has fewer than 25 effective draws nothing is said. The
advice counts the tenths, from the first, that still differ from the last half by three standard errors.

## How often a sound run is accused

The largest of many scores is a surprise only if it is more than the largest of as many by chance: the tail of a score is
multiplied by the number of scores that were looked at (Bonferroni). A joint score above )";

constexpr const char* kTable = R"(

## The rules
)";

std::string capital(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

void print_rules(Finding::Weight weight, const char* title) {
  fmt::print("\n### {}\n", title);
  for (const VerdictRule& rule : verdict_rules()) {
    if (rule.weight != weight) continue;
    RunFigures figures = sound_figures();
    rule.example(figures);
    const std::string advice = rule.advice(figures);
    fmt::print("\n**`{}`**: {}. {}\n\n> {}.{}\n", rule.name, capital(rule.when()), rule.meaning,
               capital(rule.text(figures)), advice.empty() ? "" : fmt::format(" {}.", capital(advice)));
  }
}

void print_page() {
  fmt::print("{}{:g} no number is said. A run without fault says how exact it is:\n\n> {}", kHead, kMostForecastRhat,
             run_verdict(sound_figures()).text());
  fmt::print("{}{:g} is passed by chance in one sound run of 16 000, one above {:g} in one of 500 million.", kScores,
             kDoubtfulScore, kSureScore);
  fmt::print("{}", kTable);
  print_rules(Finding::Weight::kStop, "Not usable");
  print_rules(Finding::Weight::kCare, "Usable with care");
  print_rules(Finding::Weight::kNote, "Notes");
}

}  // namespace
}  // namespace potluck

int main() { potluck::print_page(); }
