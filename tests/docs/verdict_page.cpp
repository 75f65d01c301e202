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
`findings` lists each rule that found something, with its name, its `weight` (`stop`, `care` or `note`), its text and its
advice.

| verdict | begins with | means |
| --- | --- | --- |
| `yes` | Usable: | no rule below found anything, or only a note |
| `with care` | Usable with care: | the estimates may be used by someone who takes the findings into account |
| `no` | Not usable yet: | the estimates are wrong, or it is not known whether they are right |

The gravest finding decides. A rule whose figure is not known finds nothing: for example E-BFMI of a method without fresh
momenta, or the temperature of a variable with walls. Where one finding explains another, the verdict gives only the advice
of the first. Numbers that float32 cannot hold come first, then starts that are too far out, then modes that are missed,
then step sizes that are at fault, and then numbers of steps and chains. The rules `disagree`, `nearly_agree`,
`rhat_unknown` and `ess_unknown` do not apply to chains that all began as exact draws and are moved by an exact method: such
draws need no R-hat, and each chain counts as one effective draw at least. The advised number of steps grows with (R-hat^2 - 1)
and with 400 over the effective draws ([theory, 6.5](theory.md#65-the-verdict)). Above an R-hat of )";

constexpr const char* kScores = R"(

## Branches of mixtures

Every run reports the share of the draws for which each branch of each mixture is responsible. It computes the shares from
the energies of the experts, which are stored with the draws:

  r_i(x) = a_i exp(-E_i(x))/Z_i / sum_j a_j exp(-E_j(x))/Z_j.

The expectation of r_i is exactly the weight a_i under these conditions: the mixture is normalised, none of its numbers is
given or cut by a support, no other factor of the target reads what it draws, and T = 1. Then the draws themselves can reveal
a branch that no chain ever met. Elsewhere the shares are reported beside the weights, with the reason why they need not
agree, and they are not judged. The distance of the mean m of the responsibilities from its weight a is the smaller of two
figures:

  |m - a| / sqrt(s^2 + w^2)  and  sqrt(2 N (m log(m/a) + (1 - m) log((1 - m)/(1 - a)))).

Here s is the standard error of m from the draws, and w is the standard error of the weight, which comes from the errors of
log Z that are estimates, and from .001 for a log Z that the file gives. For a branch that chains hardly met, s says nothing.
There the second figure counts. Responsibilities lie between 0 and 1, so that N independent ones of mean a have a mean beyond
m with a probability of at most exp(-N (...)) (Hoeffding 1963). For a branch that was never met this is (1 - a)^N. N is the
smallest number of effective draws of any number, and at least the number of chains that began at points of their own. A
branch that is rarer than one in N gives no finding: no run of this length can be expected to meet it.

## Drift

For every number that has an R-hat, and for the energy, the mean over all chains of the first tenth of the draws is compared
with the mean of the last half. With 16 independent chains or more, the standard error comes from the differences of the
single chains, by Student's t. Before a drift is reported, the standard error that follows from variance and effective sample
size of the last half must confirm it. With fewer chains only this second standard error is used. If the last half has fewer
than 25 effective draws, no drift is reported. The advice counts the tenths, from the first, that still differ from the last
half by three standard errors.

## How often a sound run is accused

The largest of many scores is a surprise only if chance does not explain the largest of that many scores: the tail
probability of a score is multiplied by the number of scores that were checked (Bonferroni). A joint score above )";

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
  fmt::print("{}{:g} no number is given. A run without findings says how well its means are known:\n\n> {}", kHead,
             kMostForecastRhat, run_verdict(sound_figures()).text());
  fmt::print("{}{:g} occurs by chance in one sound run of 16 000, and one above {:g} in one of 500 million.", kScores,
             kDoubtfulScore, kSureScore);
  fmt::print("{}", kTable);
  print_rules(Finding::Weight::kStop, "Not usable");
  print_rules(Finding::Weight::kCare, "Usable with care");
  print_rules(Finding::Weight::kNote, "Notes");
}

}  // namespace
}  // namespace potluck

int main() { potluck::print_page(); }
