// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/run_verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace potluck {
namespace {

/// 64 chains of a tuned exact method that nothing is wrong with.
RunFigures sound() {
  RunFigures figures;
  figures.method = "mala";
  figures.exact_method = true;
  figures.exact_start = false;
  figures.chains = 64;
  figures.draws = 100;
  figures.steps = 2000;
  figures.seconds = 3;
  figures.step_size = 0.5;
  figures.acceptance = 0.57;
  figures.wanted_acceptance = 0.574;
  figures.rhat = {1.004, "z"};
  figures.ess_within_chain = 60;
  figures.ess = {1600, "image[1, 2]"};
  figures.nan_proposal_share = 0;
  return figures;
}

RunFigures changed(const std::function<void(RunFigures&)>& change) {
  RunFigures figures = sound();
  change(figures);
  return figures;
}

std::vector<std::string> rules_of(const RunVerdict& verdict) {
  std::vector<std::string> names;
  for (const Finding& finding : verdict.findings) names.push_back(finding.rule);
  return names;
}

/// Exactly one rule speaks, with these words.
void expect_only(const RunFigures& figures, const std::string& rule, const std::string& usable,
                 const std::string& text) {
  const RunVerdict verdict = run_verdict(figures);
  EXPECT_EQ(rules_of(verdict), std::vector<std::string>{rule});
  EXPECT_EQ(verdict.usable(), usable) << rule;
  EXPECT_EQ(verdict.text(), text);
}

TEST(RunVerdictTest, ASoundRunIsUsableAndSaysHowExactItIs) {
  const RunVerdict verdict = run_verdict(sound());
  EXPECT_TRUE(verdict.findings.empty());
  EXPECT_EQ(verdict.usable(), "yes");
  EXPECT_EQ(verdict.text(),
            "Usable: R-hat at most 1.004 (z), 1600 effective draws at least (image[1, 2]), so that means are known to "
            "0.025 of a standard deviation.");
}

TEST(RunVerdictTest, NothingDrawn) {
  expect_only(changed([](auto& f) {
                f.draws = f.steps = 0;
                f.rhat = f.ess = std::nullopt;
              }),
              "nothing_drawn", "no",
              "Not usable yet: nothing was drawn. Let the run go on beyond its warm-up to the first draw.");
}

TEST(RunVerdictTest, FrozenChains) {
  const auto frozen = [](int64_t count, const std::string& method) {
    return changed([&](auto& f) {
      f.frozen = count;
      f.first_frozen = "chain 17 at step 1734, critic = inf";
      f.method = method;
    });
  };
  expect_only(frozen(64, "mala"), "all_frozen", "no",
              "Not usable yet: every chain froze. See with `potluck plugins check` which expert fails, or confine the "
              "variable to a support.");
  expect_only(
      frozen(16, "mala"), "many_frozen", "no",
      "Not usable yet: 16 of 64 chains (25 %) froze and are left out of every estimate (first: chain 17 at step "
      "1734, critic = inf), which miss the places where they were. See with `potluck plugins check` which expert "
      "fails, or confine the variable to a support.");
  expect_only(
      frozen(2, "mala"), "few_frozen", "with care",
      "Usable with care: 2 of 64 chains (3.1 %) froze and are left out of every estimate (first: chain 17 at "
      "step 1734, critic = inf). See with `potluck plugins check` which expert fails, or confine the variable to "
      "a support.");
  RunFigures unadjusted = frozen(2, "langevin");
  unadjusted.exact_method = false;
  EXPECT_EQ(run_verdict(unadjusted).findings.at(0).advice, "lower step_size (now 0.5)");
}

TEST(RunVerdictTest, AWrongTemperatureIsNamed) {
  const RunFigures wrong = changed([](auto& f) {
    f.virial = {1.21, 0.02, 64};
    f.virial_of = "image";
  });
  expect_only(
      wrong, "wrong_temperature", "no",
      "Not usable yet: the draws behave as T = 1.21 +- 0.02, the run says 1 (virial of image). See with `potluck "
      "plugins check` whether each expert's gradient belongs to its energy.");
  // Chains that still drift have such a virial too.
  RunFigures drifting = wrong;
  drifting.rhat = std::nullopt;
  EXPECT_EQ(rules_of(run_verdict(drifting)), (std::vector<std::string>{"rhat_unknown", "temperature_or_drift"}));
  EXPECT_EQ(run_verdict(drifting).findings.at(1).text,
            "the draws behave as T = 1.21 +- 0.02, the run says 1 (virial of image), or they have not settled yet");
  RunFigures right = wrong;
  right.temperature = 1.2;
  EXPECT_TRUE(run_verdict(right).findings.empty());
}

TEST(RunVerdictTest, NumbersThatNeverMoved) {
  expect_only(changed([](auto& f) {
                f.unmoved = {2, "x[3]"};
                f.rhat = {NAN, "x[3]"};
                f.ess = {0, "x[3]"};
              }),
              "unmoved", "no", "Not usable yet: 2 numbers never moved (x[3]). Lower step_size (now 0.5).");
}

TEST(RunVerdictTest, ChainsInSeparateModesAreNotToldToDrawForLonger) {
  const RunFigures modes = changed([](auto& f) {
    f.rhat = {1.7, "z"};
    f.ess = {70, "z"};
    f.ess_within_chain = 80;
  });
  expect_only(
      modes, "separate_modes", "no",
      "Not usable yet: chains sit in separate modes: R-hat 1.700 (z), though a chain has about 80 effective draws "
      "of where it is. More steps will not mend that: use parallel_tempering, or begin from exact draws (start: "
      "exact) where the composition has them.");
  // The same R-hat of chains that are merely slow.
  RunFigures slow = modes;
  slow.ess_within_chain = 4;
  EXPECT_EQ(rules_of(run_verdict(slow)), (std::vector<std::string>{"disagree", "few_draws"}));
}

TEST(RunVerdictTest, ChainsThatDoNotAgreeAreToldHowManyStepsToDraw) {
  // (1.1^2 - 1) / (1.01^2 - 1) = 10.4 times 2000 steps, up to two digits.
  expect_only(
      changed([](auto& f) {
        f.rhat = {1.1, "z"};
      }),
      "disagree", "no",
      "Not usable yet: the chains do not agree yet: R-hat 1.100 (z) is above 1.01. Draw about 21000 steps (this "
      "run: 2000, 3 s; that many: 32 s).");
  // 2.01 times.
  expect_only(
      changed([](auto& f) {
        f.rhat = {1.02, "z"};
        f.seconds = 0;
      }),
      "nearly_agree", "with care",
      "Usable with care: the chains do not agree yet: R-hat 1.020 (z) is above 1.01. Draw about 4100 steps (this "
      "run: 2000).");
  // 2458 times the steps are no advice.
  EXPECT_EQ(run_verdict(changed([](auto& f) {
              f.rhat = {7.1, "z"};
              f.ess_within_chain = 1;
            }))
                .findings.at(0)
                .advice,
            "about 5000000 steps would be needed (this run: 2000): change the method or the composition instead");
}

TEST(RunVerdictTest, SuperchainsThatRememberTheirStarts) {
  expect_only(changed([](auto& f) {
                f.nested_rhat = {1.9, "z"};
                f.most_nested_rhat = 1.036;
              }),
              "remembered_starts", "no",
              "Not usable yet: superchains remember their starts: nested R-hat 1.900 (z) is above 1.036. Warm up for "
              "longer.");
  EXPECT_TRUE(run_verdict(changed([](auto& f) {
                f.nested_rhat = {1.03, "z"};
                f.most_nested_rhat = 1.036;
              })).findings.empty());
}

TEST(RunVerdictTest, FewEffectiveDraws) {
  // 400 / 160 = 2.5 times; 400 / 32 = 12.5 times.
  expect_only(changed([](auto& f) {
                f.ess = {160, "z"};
                f.seconds = 0;
              }),
              "few_draws", "with care",
              "Usable with care: few independent draws: 160 effective ones (z) where 400 are wanted. Draw about 5000 "
              "steps (this run: 2000).");
  expect_only(
      changed([](auto& f) {
        f.ess = {32, "z"};
        f.seconds = 0;
      }),
      "very_few_draws", "no",
      "Not usable yet: few independent draws: 32 effective ones (z) where 400 are wanted. Draw about 25000 steps "
      "(this run: 2000).");
}

TEST(RunVerdictTest, OneAdviceIsGivenOnce) {
  const RunVerdict verdict = run_verdict(changed([](auto& f) {
    f.rhat = {1.1, "z"};
    f.ess = {160, "z"};
  }));
  EXPECT_EQ(verdict.text(),
            "Not usable yet: the chains do not agree yet: R-hat 1.100 (z) is above 1.01; few independent draws: 160 "
            "effective ones (z) where 400 are wanted. Draw about 21000 steps (this run: 2000, 3 s; that many: 32 s).");
}

TEST(RunVerdictTest, ExactStartsStandInForMixing) {
  const auto exact = [](int64_t chains) {
    return changed([&](auto& f) {
      f.exact_start = true;
      f.chains = chains;
      f.rhat = {1.9, "z"};
      f.ess = {20, "z"};
      f.draws = 50;
    });
  };
  expect_only(
      exact(1000), "exact_draws", "yes",
      "Usable: R-hat at most 1.900 (z), 1000 effective draws at least, so that means are known to 0.032 of a "
      "standard deviation; every chain began as an exact draw, which mala keeps: 1000 independent draws at least, "
      "however slowly they move.");
  // More chains, not more steps.
  EXPECT_EQ(
      run_verdict(exact(64)).text(),
      "Usable with care: few independent draws: 64 effective ones where 400 are wanted; every chain began as an "
      "exact draw, which mala keeps: 64 independent draws at least, however slowly they move. Run about 400 chains "
      "(now 64).");
  // A biased method keeps nothing.
  RunFigures biased = exact(1000);
  biased.exact_method = false;
  EXPECT_EQ(run_verdict(biased).usable(), "no");
}

TEST(RunVerdictTest, AnUnknownRhat) {
  const auto unknown = [](int64_t draws) {
    return changed([&](auto& f) {
      f.draws = draws;
      f.rhat = {NAN, ""};
      f.ess = {NAN, ""};
    });
  };
  expect_only(unknown(3), "rhat_unknown", "no",
              "Not usable yet: whether the chains agree is not known: R-hat needs 4 draws a chain, got 3. Draw for "
              "longer, or thin less.");
  expect_only(unknown(10), "rhat_unknown", "no",
              "Not usable yet: whether the chains agree is not known: R-hat is not a number.");
  // Exact draws need no R-hat.
  RunFigures exact = unknown(1);
  exact.exact_start = true;
  exact.chains = 1000;
  EXPECT_EQ(run_verdict(exact).usable(), "yes");
}

TEST(RunVerdictTest, ASingleChain) {
  expect_only(changed([](auto& f) { f.chains = 1; }), "one_chain", "with care",
              "Usable with care: a single chain cannot tell of a mode that it has not met. Run at least 4 chains.");
}

TEST(RunVerdictTest, Acceptance) {
  expect_only(changed([](auto& f) { f.acceptance = 0.012; }), "rejecting", "no",
              "Not usable yet: almost every proposal is rejected: acceptance 0.012. Lower step_size (now 0.5).");
  expect_only(
      changed([](auto& f) { f.acceptance = 0.21; }), "acceptance_low", "with care",
      "Usable with care: acceptance 0.21 is far below the 0.57 that mala is tuned to. Warm up for longer, or lower "
      "step_size (now 0.5).");
  const RunFigures idle = changed([](auto& f) {
    f.acceptance = 0.991;
    f.wanted_acceptance = std::nullopt;
  });
  expect_only(
      idle, "acceptance_high", "yes",
      "Usable: R-hat at most 1.004 (z), 1600 effective draws at least (image[1, 2]), so that means are known to "
      "0.025 of a standard deviation; steps could be larger: acceptance 0.99. Raise step_size (now 0.5), or leave "
      "it to `step_size: auto`.");
  EXPECT_TRUE(run_verdict(changed([](auto& f) { f.acceptance = 0.991; })).findings.empty());
  // A step size that the user fixed has no wanted acceptance.
  EXPECT_TRUE(run_verdict(changed([](auto& f) {
                f.acceptance = 0.21;
                f.wanted_acceptance = std::nullopt;
              })).findings.empty());
}

TEST(RunVerdictTest, ProposalsWithoutANumber) {
  expect_only(changed([](auto& f) { f.nan_proposal_share = 0.003; }), "nan_proposals", "with care",
              "Usable with care: 0.3 % of proposals had no number for an energy and were rejected. See with `potluck "
              "plugins check` which expert fails, or confine the variable to a support.");
  expect_only(
      changed([](auto& f) { f.nan_proposal_share = 0.4; }), "many_nan_proposals", "no",
      "Not usable yet: 40 % of proposals had no number for an energy: chains cannot go there. See with `potluck "
      "plugins check` which expert fails, or confine the variable to a support.");
}

TEST(RunVerdictTest, Divergences) {
  expect_only(
      changed([](auto& f) {
        f.divergences = 64;
        f.divergent_shift = {-1.8, "v"};
      }),
      "divergences", "with care",
      "Usable with care: 64 steps diverged (0.05 % of all), mostly where v is 1.8 standard deviations below its "
      "mean. Lower step_size (now 0.5).");
  EXPECT_TRUE(run_verdict(changed([](auto& f) { f.divergences = 0; })).findings.empty());
}

TEST(RunVerdictTest, SlowEnergies) {
  expect_only(changed([](auto& f) {
                f.ebfmi = {0.12, "chain 3"};
              }),
              "slow_energy", "with care",
              "Usable with care: the energy moves slowly: E-BFMI 0.12 (chain 3) is below 0.3. Look for a heavy tail or "
              "a funnel, and reparametrise the variables there: their units do not matter.");
  EXPECT_TRUE(run_verdict(changed([](auto& f) { f.ebfmi = {0.31, "chain 3"}; })).findings.empty());
}

TEST(RunVerdictTest, ABiasedMethod) {
  expect_only(
      changed([](auto& f) {
        f.method = "langevin";
        f.exact_method = false;
        f.acceptance = f.wanted_acceptance = std::nullopt;
      }),
      "biased", "with care",
      "Usable with care: langevin is biased by its step size, 0.5, which none of these figures shows. Compare with "
      "a run at half the step_size, or with an exact method.");
}

TEST(RunVerdictTest, LostDraws) {
  expect_only(changed([](auto& f) { f.lost = "0003.part: 120 bytes at its end are torn"; }), "draws_lost", "with care",
              "Usable with care: 0003.part: 120 bytes at its end are torn.");
}

TEST(RunVerdictTest, WhatIsNotKnownIsNotJudged) {
  RunFigures little;
  little.chains = 64;
  little.draws = 100;
  little.rhat = {1.001, ""};
  EXPECT_EQ(run_verdict(little).text(), "Usable: R-hat at most 1.001.");
}

TEST(RunVerdictTest, EstimatesTheStepsThatAreNeeded) {
  RunFigures figures = sound();
  EXPECT_EQ(steps_needed(figures), std::nullopt);
  figures.ess->value = 100;  // 4 times
  EXPECT_EQ(steps_needed(figures), 8000);
  figures.rhat->value = 1.2;  // .44 / .0201 = 21.9 times
  EXPECT_EQ(steps_needed(figures), 44000);
  figures.rhat->value = std::numeric_limits<double>::infinity();
  EXPECT_EQ(steps_needed(figures), std::nullopt);
  EXPECT_EQ(run_verdict(figures).findings.at(0).rule, "separate_modes");
}

}  // namespace
}  // namespace potluck
