// SPDX-License-Identifier: Apache-2.0
// One test for each rule of the verdict, in the order of its table.
#include "core/diagnostics/run_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace potluck {
namespace {

RunFigures sound() { return sound_figures(); }

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
              "Not usable yet: every chain froze. Find out with `potluck plugins check` which expert fails, or confine "
              "the variable to a support.");
  expect_only(
      frozen(16, "mala"), "many_frozen", "no",
      "Not usable yet: 16 of 64 chains (25 %) froze and are left out of every estimate (first: chain 17 at step "
      "1734, critic = inf), so that the places where they were are missing. Find out with `potluck plugins check` "
      "which expert fails, or confine the variable to a support.");
  expect_only(frozen(2, "mala"), "few_frozen", "with care",
              "Usable with care: 2 of 64 chains (3.1 %) froze and are left out of every estimate (first: chain 17 at "
              "step 1734, critic = inf). Find out with `potluck plugins check` which expert fails, or confine the "
              "variable to a support.");
  RunFigures unadjusted = frozen(2, "langevin");
  unadjusted.exact_method = false;
  EXPECT_EQ(run_verdict(unadjusted).findings.at(0).advice, "lower step_size (now 0.5)");
}

TEST(RunVerdictTest, AWrongTemperatureIsNamed) {
  const RunFigures wrong = changed([](auto& f) {
    f.virial = {1.21, 0.02, 64};
    f.virial_of = "image";
  });
  expect_only(wrong, "wrong_temperature", "no",
              "Not usable yet: the draws behave as at T = 1.21 +- 0.02, but the run is at T = 1 (virial of image). "
              "Find out with "
              "`potluck plugins check` whether each expert's gradient belongs to its energy.");
  // Chains that still drift have such a virial too.
  RunFigures drifting = wrong;
  drifting.rhat = std::nullopt;
  EXPECT_EQ(rules_of(run_verdict(drifting)), (std::vector<std::string>{"rhat_unknown", "temperature_or_drift"}));
  EXPECT_EQ(run_verdict(drifting).findings.at(1).text,
            "the draws behave as at T = 1.21 +- 0.02, but the run is at T = 1 (virial of image), or the chains have "
            "not settled yet");
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

TEST(RunVerdictTest, LabelsThatChainsNeverTried) {
  const auto labels = [](int64_t begun) {
    return changed([&](auto& f) {
      f.lone_label = {10, "label = 3"};
      f.labels_begun = begun;
      f.warmup = begun == 0 ? 0 : 500;
    });
  };
  expect_only(labels(0), "missing_labels", "no",
              "Not usable yet: labels may be missing: label = 3 in all draws, and chains never moved at another label. "
              "Warm up for longer (warmup, now 0): labels are held at first.");
  expect_only(labels(4), "unmet_labels", "with care",
              "Usable with care: labels may be missing: label = 3 in all draws, and chains surely moved at 4 of 10 "
              "labels only. Run at least 10 chains that do not begin at positions of a file (start: auto).");
  // Chains left all the others: label 3 may well have all of the mass. So may one that is drawn beside nothing else.
  EXPECT_TRUE(run_verdict(labels(10)).findings.empty());
  RunFigures alone = labels(0);
  alone.labels_begun = std::nullopt;
  EXPECT_TRUE(run_verdict(alone).findings.empty());
}

TEST(RunVerdictTest, ChainsInSeparateModesAreNotToldToDrawForLonger) {
  const RunFigures modes = changed([](auto& f) {
    f.rhat = {1.7, "z"};
    f.ess = {70, "z"};
    f.ess_within_chain = 80;
  });
  expect_only(modes, "separate_modes", "no",
              "Not usable yet: chains sit in separate modes: R-hat 1.700 (z), although a chain has about 80 effective "
              "draws of its own region. More steps will not help: use parallel_tempering, or begin from exact draws "
              "(start: exact) where the composition has them.");
  // Where labels move there are neither ladders nor exact starts.
  RunFigures labels = modes;
  labels.labels_begun = 64;
  EXPECT_EQ(run_verdict(labels).findings.at(0).advice,
            "more steps will not help: run with each label given, and weigh these runs by their log Z (potluck "
            "evidence)");
  // Every chain has one label in all of its draws, and so no effective ones.
  labels.rhat = {1e9, "kind[0] = 3"};
  labels.ess_within_chain = NAN;
  expect_only(labels, "separate_modes", "no",
              "Not usable yet: chains sit in separate modes: R-hat above 1000 (kind[0] = 3), as labels hardly change. "
              "More steps will not help: run with each label given, and weigh these runs by their log Z (potluck "
              "evidence).");
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
      "run: 2000).");
  // 2.01 times.
  expect_only(
      changed([](auto& f) {
        f.rhat = {1.02, "z"};
      }),
      "nearly_agree", "with care",
      "Usable with care: the chains do not agree yet: R-hat 1.020 (z) is above 1.01. Draw about 4100 steps (this "
      "run: 2000).");
  // 400 / 0.16 = 2500 times the steps are no advice.
  EXPECT_EQ(run_verdict(changed([](auto& f) {
              f.rhat = {1.15, "z"};
              f.ess = {0.16, "z"};
              f.ess_within_chain = 1;
            }))
                .findings.at(0)
                .advice,
            "about 5000000 steps would be needed (this run: 2000): change the method or the composition instead");
  // Chains that are far apart say nothing of how many steps they need.
  EXPECT_EQ(run_verdict(changed([](auto& f) {
              f.rhat = {1.21, "z"};
              f.ess_within_chain = 4;
            }))
                .findings.at(0)
                .advice,
            "warm up and draw for longer, or change the method or the composition: chains that are this far apart do "
            "not show yet how many steps they need");
}

TEST(RunVerdictTest, SuperchainsThatRememberTheirStarts) {
  expect_only(changed([](auto& f) {
                f.nested_rhat = {1.9, "z"};
                f.most_nested_rhat = 1.036;
              }),
              "remembered_starts", "no",
              "Not usable yet: superchains remember their starts: nested R-hat 1.900 (z) is above 1.036. Warm up for "
              "longer (warmup, now 500).");
  EXPECT_TRUE(run_verdict(changed([](auto& f) {
                f.nested_rhat = {1.03, "z"};
                f.most_nested_rhat = 1.036;
              })).findings.empty());
}

TEST(RunVerdictTest, FewEffectiveDraws) {
  // 400 / 160 = 2.5 times; 400 / 32 = 12.5 times.
  expect_only(changed([](auto& f) {
                f.ess = {160, "z"};
              }),
              "few_draws", "with care",
              "Usable with care: few independent draws: 160 effective ones (z) where 400 are wanted. Draw about 5000 "
              "steps (this run: 2000).");
  expect_only(
      changed([](auto& f) {
        f.ess = {32, "z"};
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
            "effective ones (z) where 400 are wanted. Draw about 21000 steps (this run: 2000).");
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
  expect_only(exact(1000), "exact_draws", "yes",
              "Usable: 1000 effective draws at least, so that means are known to 0.032 of a "
              "standard deviation; every chain began as an exact draw, and mala keeps it exact, however slowly the "
              "chain moves: "
              "R-hat 1.900 (z) shows only that chains are slow.");
  // No more than R-hat tells of: 2 / (1.9^2 - 1 + 2 / 50) = 0.75 draws a chain, and one it was from the start.
  RunFigures still = exact(1000);
  still.ess = {5127, "energy"};
  EXPECT_EQ(effective_draws(still)->value, 1000);
  still.ess = {NAN, "energy"};
  EXPECT_EQ(effective_draws(still)->value, 1000);
  // 2 / (1.1^2 - 1 + 2 / 50) = 8 draws a chain.
  still.rhat = {1.1, "z"};
  still.ess = {20000, "energy"};
  EXPECT_NEAR(effective_draws(still)->value, 8000, 1e-6);
  EXPECT_EQ(effective_draws(still)->where, "z");
  still.ess = {5127, "energy"};
  EXPECT_EQ(effective_draws(still)->value, 5127);
  // More chains, not more steps.
  EXPECT_EQ(
      run_verdict(exact(64)).text(),
      "Usable with care: few independent draws: 64 effective ones where 400 are wanted; every chain began as an "
      "exact draw, and mala keeps it exact, however slowly the chain moves: R-hat 1.900 (z) shows only that chains are "
      "slow. "
      "Run about 400 chains (now 64).");
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
  // R-hat has a value of 4 draws a chain, the effective sample size of 8.
  RunFigures short_chains = unknown(7);
  short_chains.rhat = {1.001, "z"};
  expect_only(short_chains, "ess_unknown", "no",
              "Not usable yet: how many draws are independent is not known: effective sample sizes need 8 draws a "
              "chain, got 7. Draw for longer, or thin less.");
  // Exact draws need no R-hat.
  RunFigures exact = unknown(1);
  exact.exact_start = true;
  exact.chains = 1000;
  EXPECT_EQ(run_verdict(exact).usable(), "yes");
}

TEST(RunVerdictTest, AStepSizeAtFaultComesBeforeStepsAndChains) {
  // Exact starts that stand still, as every proposal is rejected.
  const auto still = [](const std::function<void(RunFigures&)>& change) {
    return changed([&](auto& f) {
      f.exact_start = true;
      f.chains = 8;
      f.rhat = {2688900416005665, "x[1]"};
      f.ess = {8, "energy"};
      f.wanted_acceptance = std::nullopt;
      change(f);
    });
  };
  const RunFigures rejecting = still([](auto& f) {
    f.acceptance = 0;
    f.step_size = 3;
  });
  EXPECT_EQ(run_verdict(rejecting).text(),
            "Not usable yet: almost every proposal is rejected: acceptance 0; few independent draws: 8 effective ones "
            "(energy) where 400 are wanted; the chains hardly move: R-hat above 1000 (x[1]); every chain began as an "
            "exact draw, "
            "and mala keeps it exact, however slowly the chain moves. "
            "Lower step_size (now 3).");
  // Or as the steps are next to nothing.
  RunFigures tiny = still([](auto& f) {
    f.acceptance = 1;
    f.step_size = 1e-30;
  });
  const std::string text = run_verdict(tiny).text();
  EXPECT_THAT(text, ::testing::HasSubstr("the chains hardly move: R-hat above 1000 (x[1])"));
  EXPECT_THAT(text, ::testing::EndsWith(". Raise step_size (now 1e-30), or leave it to `step_size: auto`."));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("chains (now")));
  // The broken twin: chains that move are told how many more of them are needed.
  tiny.rhat = {1.5, "x[1]"};
  EXPECT_THAT(run_verdict(tiny).text(), ::testing::HasSubstr("Run about 400 chains (now 8)"));
  // Chains that do not agree are told the same.
  tiny.exact_start = false;
  tiny.rhat = {2e15, "x[1]"};
  tiny.ess_within_chain = 2;
  EXPECT_THAT(run_verdict(tiny).text(),
              ::testing::StartsWith("Not usable yet: the chains do not agree yet: R-hat is above 1000 (x[1]); "));
  EXPECT_EQ(run_verdict(tiny).findings.at(0).advice, "raise step_size (now 1e-30), or leave it to `step_size: auto`");
}

TEST(RunVerdictTest, ChainsAreAdvisedOnce) {
  const std::string text = run_verdict(changed([](auto& f) {
                             f.exact_start = true;
                             f.chains = 1;
                             f.ess = {57, "energy"};
                           })).text();
  EXPECT_THAT(text, ::testing::EndsWith(". Run about 8 chains (now 1)."));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("at least 4 chains")));
  // Fewer than four are none to compare.
  RunFigures nearly = changed([](auto& f) {
    f.exact_start = true;
    f.chains = 1;
    f.ess = {350, "energy"};
  });
  EXPECT_THAT(run_verdict(nearly).text(), ::testing::EndsWith(". Run about 4 chains (now 1)."));
}

// The rule holds already where such a run goes on, whatever its steps.
TEST(RunVerdictTest, ARunThatARuleEndedIsToldAStricterRule) {
  RunFigures ended = changed([](auto& f) {
    f.rhat = {1.0495, "y[0]"};
    f.ess = {160, "y[0]"};
    f.ess_within_chain = 5;
    f.steps_asked = 2000;
    f.stopped_by = Until{.rhat = 1.05, .ess = {}, .mcse = {}, .seconds = {}};
  });
  // (1.0495^2 - 1) / (1.01^2 - 1) = 5.05 times 2000 steps.
  EXPECT_EQ(run_verdict(ended).findings.at(0).advice,
            "go on with a stricter rule than the one that ended this run: potluck sample --resume --until rhat=1.01 "
            "--until ess=400 --set sample.steps=11000 (it needs about 11000 steps, this run: 2000)");
  ended.steps_asked = 30000;
  EXPECT_EQ(run_verdict(ended).findings.at(0).advice,
            "go on with a stricter rule than the one that ended this run: potluck sample --resume --until rhat=1.01 "
            "--until ess=400 (it needs about 11000 steps, this run: 2000)");
  // A rule as strict as the verdict that looked at fewer draws: half as lenient, and twice as many.
  ended.stopped_by = Until{.rhat = 1.01, .ess = 500, .mcse = {}, .seconds = {}};
  ended.rhat = {1.0104, "y[0]"};
  EXPECT_THAT(run_verdict(ended).findings.at(0).advice, ::testing::HasSubstr(" --until rhat=1.005 --until ess=1000 "));
  ended.stopped_by = Until{.rhat = {}, .ess = {}, .mcse = {}, .seconds = 60};
  EXPECT_THAT(run_verdict(ended).findings.at(0).advice,
              ::testing::StartsWith("go on with `potluck sample --resume`: its time was up (until.time)"));
}

TEST(RunVerdictTest, ARunThatHasNotEndedSaysWhatIsNotKnown) {
  const RunFigures cut = changed([](auto& f) {
    f.ended = false;
    f.nan_proposal_share = std::nullopt;
  });
  expect_only(
      cut, "cut_short", "with care",
      "Usable with care: the run has not ended, and what only its end tells is not known: proposals that had no "
      "number for an energy, the temperature of the virial and swaps of replicas. End it with `potluck sample "
      "--resume`.");
  RunFigures diverged = cut;
  diverged.divergences = 64;
  EXPECT_EQ(run_verdict(diverged).findings.at(1).text, "at least 64 steps diverged (0.05 % of all)");
}

TEST(RunVerdictTest, AdviceNamesTheOptionOfTheMethod) {
  RunFigures practice = changed([](auto& f) {
    f.method = "ebm_practice";
    f.exact_method = false;
    f.acceptance = f.wanted_acceptance = std::nullopt;
    f.step_option = "step";
    f.step_tunable = false;
    f.step_size = 10;
  });
  EXPECT_EQ(run_verdict(practice).findings.at(0).advice,
            "compare with a run at half the step, or with an exact method");
  practice.unmoved = {1, "x"};
  EXPECT_EQ(run_verdict(practice).findings.at(0).advice, "lower step (now 10)");
}

TEST(RunVerdictTest, ASingleChain) {
  expect_only(changed([](auto& f) { f.chains = 1; }), "one_chain", "with care",
              "Usable with care: a single chain cannot reveal a mode that it has not met. Run at least 4 chains.");
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
              "Usable with care: 0.3 % of proposals had an energy that is not a number and were rejected. Find out "
              "with `potluck plugins check` which expert fails, or confine the variable to a support.");
  expect_only(changed([](auto& f) { f.nan_proposal_share = 0.4; }), "many_nan_proposals", "no",
              "Not usable yet: 40 % of proposals had an energy that is not a number: chains cannot go there. Find out "
              "with `potluck plugins check` which expert fails, or confine the variable to a support.");
}

TEST(RunVerdictTest, Divergences) {
  const auto diverged = [](int64_t count) { return changed([&](auto& f) { f.divergences = count; }); };
  // 64 of 64 * 2000.
  expect_only(diverged(64), "divergences", "with care",
              "Usable with care: 64 steps diverged (0.05 % of all). Lower step_size (now 0.5).");
  // One in 128 000 is below one in 100 000.
  EXPECT_TRUE(run_verdict(diverged(1)).findings.empty());
  EXPECT_TRUE(run_verdict(diverged(0)).findings.empty());
  RunFigures short_run = diverged(1);
  short_run.steps = 100;
  EXPECT_EQ(run_verdict(short_run).findings.at(0).text, "1 step diverged (0.016 % of all)");
  RunFigures all = diverged(64 * 100);
  all.steps = 100;
  EXPECT_EQ(run_verdict(all).findings.at(0).text, "all 6400 steps diverged");
  all.divergences = 64 * 100 - 1;
  EXPECT_EQ(run_verdict(all).findings.at(0).text, "6399 steps diverged (99.98 % of all)");
}

TEST(RunVerdictTest, DivergencesInOnePlaceMeanThatItIsMissing) {
  const RunFigures neck = changed([](auto& f) {
    f.divergences = 64;
    f.divergent_shift = {-1.8, "v"};
  });
  expect_only(neck, "concentrated_divergences", "no",
              "Not usable yet: 64 steps diverged (0.05 % of all), mostly where v is 1.8 standard deviations below its "
              "mean. Lower step_size (now 0.5), or reparametrise the variables there.");
  // Seven steps are not enough to say where most of them are.
  RunFigures few = neck;
  few.divergences = 7;
  few.divergent_shift = {8.5, "x[1]"};
  expect_only(few, "divergences", "with care",
              "Usable with care: 7 steps diverged (0.0055 % of all). Lower step_size (now 0.5).");
  // Trajectories that meet a wall are rejected as they should be.
  RunFigures walls = neck;
  walls.hard_walls = true;
  EXPECT_EQ(rules_of(run_verdict(walls)), std::vector<std::string>{"divergences"});
}

TEST(RunVerdictTest, SlowEnergies) {
  expect_only(changed([](auto& f) {
                f.ebfmi = {0.12, ""};
              }),
              "slow_energy", "with care",
              "Usable with care: the energy moves slowly: E-BFMI 0.12 is below 0.3. Look for a heavy tail or a funnel, "
              "and reparametrise the variables there: other units do not help.");
  expect_only(changed([](auto& f) {
                f.ebfmi = {0.0991, ""};
              }),
              "very_slow_energy", "no",
              "Not usable yet: the energy moves slowly: E-BFMI 0.099 is below 0.1. Look for a heavy tail or a funnel, "
              "and reparametrise the variables there: other units do not help.");
  EXPECT_TRUE(run_verdict(changed([](auto& f) { f.ebfmi = {0.31, "chain 3"}; })).findings.empty());
}

BranchShare far_branch(double share, double score) { return {"target", "far", 0.9, 0, share, 0.01, score, ""}; }

TEST(RunVerdictTest, ABranchThatTheDrawsLack) {
  const RunFigures missing = changed([](auto& f) {
    f.branches = {{"target", "near", 0.1, 0, 1, 0, 17, ""}, far_branch(0, -17)};
  });
  expect_only(missing, "missing_branch", "no",
              "Not usable yet: a branch is missing: branch far: 0.000 of the draws, weight 0.9. More steps will not "
              "help: use parallel_tempering, or begin from exact draws (start: exact) where the composition has them.");
  // No exact method is needed to see that.
  RunFigures biased = missing;
  biased.exact_method = false;
  EXPECT_EQ(rules_of(run_verdict(biased)).at(0), "missing_branch");
  // Where the identity does not hold nothing is judged.
  RunFigures given = missing;
  for (BranchShare& branch : given.branches) branch.score = NAN;
  EXPECT_TRUE(run_verdict(given).findings.empty());
}

TEST(RunVerdictTest, BranchesInOtherSharesThanTheirWeights) {
  const auto shares = [](double share, double score) {
    return changed([&](auto& f) { f.branches = {far_branch(share, score)}; });
  };
  EXPECT_EQ(rules_of(run_verdict(shares(0.8, -8))), std::vector<std::string>{"branch_share"});
  expect_only(
      shares(0.85, -5), "doubtful_branch_share", "with care",
      "Usable with care: branch far: 0.850 of the draws, weight 0.9, 5.0 standard errors apart. Draw for longer.");
  EXPECT_TRUE(run_verdict(shares(0.88, -3)).findings.empty());
  // A step that is too large shifts shares a little.
  RunFigures biased = shares(0.85, -9);
  biased.exact_method = false;
  EXPECT_EQ(rules_of(run_verdict(biased)), (std::vector<std::string>{"doubtful_branch_share", "biased"}));
  // One of 1000 branches is 5 standard errors off by chance more often than one alone is 4: 1000 * 5.7e-7.
  RunFigures many = shares(0.85, -5);
  many.branches.resize(1000, far_branch(0.9, 0));
  EXPECT_TRUE(run_verdict(many).findings.empty());
}

TEST(RunVerdictTest, DriftThatAllChainsShare) {
  const auto drifted = [](double score, int tenths) {
    return changed([&](auto& f) { f.drift = {"energy", 41.2, 36.9, 0.43, score, tenths}; });
  };
  // Two tenths of 2000 steps.
  expect_only(
      drifted(9.8, 2), "drift", "no",
      "Not usable yet: all chains still drifted together: the mean of energy over the first tenth of the draws is "
      "41.2, over the last half 36.9, 10.0 standard errors apart. Warm up longer: warmup about 900 (now 500).");
  EXPECT_EQ(run_verdict(drifted(-4.5, 1)).findings.at(0).advice, "warm up longer: warmup about 700 (now 500)");
  EXPECT_EQ(run_verdict(drifted(-4.5, 1)).usable(), "with care");
  EXPECT_EQ(run_verdict(drifted(9.8, 5)).findings.at(0).advice, "warm up longer: warmup at least 2500 (now 500)");
  EXPECT_TRUE(run_verdict(drifted(3.9, 1)).findings.empty());
}

TEST(RunVerdictTest, NumbersThatFloat32CannotHold) {
  expect_only(changed([](auto& f) {
                f.spacing = {"t", 1.7e7, 2, 1};
              }),
              "coarse_numbers", "no",
              "Not usable yet: float32 is too coarse for t: at 1.7e+07 its numbers are 2 apart, and the draws have a "
              "standard deviation of 1. Use precision: float64, or shift the variable so that its draws lie near 0.");
  EXPECT_EQ(run_verdict(changed([](auto& f) { f.spacing = {"t", 1e6, 0.0625, 1}; })).usable(), "with care");
  EXPECT_TRUE(run_verdict(changed([](auto& f) { f.spacing = {"t", 1e3, 6e-5, 1}; })).findings.empty());
  // A number that never moved, as no step is as large as its spacing: lowering the step would not help.
  const RunVerdict stuck = run_verdict(changed([](auto& f) {
    f.unmoved = {1, "t"};
    f.unmoved_spacing = {"t", 1.7e9, 128, 0};
  }));
  EXPECT_EQ(stuck.text(),
            "Not usable yet: float32 is too coarse for t: at 1.7e+09 its numbers are 1.3e+02 apart, so that it never "
            "moved. Use precision: float64, or shift the variable so that its draws lie near 0.");
}

TEST(RunVerdictTest, NumbersThatAreBelowWhatFloat32CanHold) {
  EXPECT_EQ(run_verdict(changed([](auto& f) {
              f.unmoved = {3, "x[0]"};
              f.unmoved_spacing = {"x[0]", 0, 1.4e-45, 0};
              f.acceptance = 1;
            })).text(),
            "Not usable yet: float32 is too coarse for x[0]: at 0 its numbers are 1.4e-45 apart, and 3 numbers never "
            "moved. Use precision: float64, or a variable in smaller units, so that its numbers are larger.");
}

// As of mala at 1.7e9, whose step size was tuned where what was accepted was rounded away: it is far above the spacing.
TEST(RunVerdictTest, AcceptedStepsThatMovedNothingWereRoundedAway) {
  const auto stuck = [](double acceptance) {
    return changed([&](auto& f) {
      f.unmoved = {1, "t"};
      f.unmoved_spacing = {"t", 1.7e9, 128, 0};
      f.step_size = 5000;
      f.acceptance = acceptance;
    });
  };
  EXPECT_EQ(run_verdict(stuck(0.57)).text(),
            "Not usable yet: float32 is too coarse for t: at 1.7e+09 its numbers are 1.3e+02 apart, so that it never "
            "moved. Use precision: float64, or shift the variable so that its draws lie near 0.");
  // Nothing else is advised, and no draw is called exact, which a fixed step and exact starts would be a reason for.
  RunFigures fixed = stuck(1);
  fixed.wanted_acceptance = std::nullopt;
  fixed.exact_start = true;
  fixed.rhat = {NAN, "t"};
  const std::string text = run_verdict(fixed).text();
  EXPECT_THAT(text,
              ::testing::EndsWith(". Use precision: float64, or shift the variable so that its draws lie near 0."));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("exact draw")));
  EXPECT_EQ(rules_of(run_verdict(stuck(0.01))), (std::vector<std::string>{"unmoved", "rejecting"}));
  RunFigures few = stuck(0.57);
  few.chains = 1;
  few.draws = 10;
  EXPECT_THAT(rules_of(run_verdict(few)), ::testing::Not(::testing::Contains("coarse_numbers")))
      << "nine moves may have been rejected by chance";
  RunFigures sweep = stuck(0.57);
  sweep.blocks = true;
  EXPECT_EQ(rules_of(run_verdict(sweep)), (std::vector<std::string>{"unmoved"})) << "its block may reject everything";
  RunFigures unadjusted = stuck(0.57);
  unadjusted.method = "langevin";
  unadjusted.exact_method = false;
  unadjusted.acceptance = unadjusted.wanted_acceptance = std::nullopt;
  EXPECT_EQ(rules_of(run_verdict(unadjusted)).front(), "coarse_numbers");
}

TEST(RunVerdictTest, TemperedChainsAreToldHowToTemperBetter) {
  const auto tempered = [](std::optional<double> hottest_rhat, double least_swap_rate) {
    return changed([&](auto& f) {
      f.method = "parallel_tempering";
      f.rhat = {1.7, "z"};
      f.ess_within_chain = 80;
      f.ess = {70, "z"};
      f.ladder = {2, 1.5, hottest_rhat, least_swap_rate};
    });
  };
  const RunVerdict cold = run_verdict(tempered(1.6, 0.7));
  EXPECT_EQ(rules_of(cold), (std::vector<std::string>{"separate_modes", "hottest_stands"}));
  EXPECT_EQ(
      cold.text(),
      "Not usable yet: chains sit in separate modes: R-hat 1.700 (z), although a chain has about 80 effective draws "
      "of its own region; the hottest replicas, at T = 1.5, do not mix either: R-hat 1.600 of their energies. Raise "
      "hottest (now 1.5) until the hottest replicas cross between modes, with more replicas (now 2) so that "
      "neighbours still swap, or give the replicas another inner method.");
  EXPECT_EQ(
      run_verdict(tempered(1.01, 0.02)).findings.at(0).advice,
      "more steps will not help: raise replicas (now 2), because neighbours swap with a probability of only 0.02");
}

TEST(RunVerdictTest, StartsOfAnAstronomicalEnergyAreToBeCooled) {
  RunFigures far_out = changed([](auto& f) {
    f.rhat = {3.2, "z"};
    f.ess_within_chain = 2;
    f.start_energy = 4e12;
    f.energy = {-40, ""};
  });
  EXPECT_EQ(
      run_verdict(far_out).findings.at(0).advice,
      "cool the chains before they warm up (anneal: temperature, levels), or begin from a file of positions (start)");
  far_out.annealed = true;
  EXPECT_EQ(run_verdict(far_out).findings.at(0).advice,
            "anneal for longer (anneal: levels, steps), or begin from a file of positions (start)");
  // What such chains came to agree on is no worse for it.
  far_out.rhat = {1.004, "z"};
  EXPECT_TRUE(run_verdict(far_out).findings.empty());
}

TEST(RunVerdictTest, AFigureIsPrintedToTheDigitsThatMakeItsSentenceTrue) {
  EXPECT_EQ(run_verdict(changed([](auto& f) {
              f.rhat = {1.0104, "z"};
            }))
                .findings.at(0)
                .text,
            "the chains do not agree yet: R-hat 1.0104 (z) is above 1.01");
  EXPECT_EQ(run_verdict(changed([](auto& f) {
              f.rhat = {1.0132, "z"};
            }))
                .findings.at(0)
                .text,
            "the chains do not agree yet: R-hat 1.013 (z) is above 1.01");
  EXPECT_EQ(run_verdict(changed([](auto& f) {
              f.ess = {399.8, "z"};
            }))
                .findings.at(0)
                .text,
            "few independent draws: 399.8 effective ones (z) where 400 are wanted");
}

TEST(RunVerdictTest, EveryRuleSpeaksOfItsExample) {
  for (const VerdictRule& rule : verdict_rules()) {
    RunFigures figures = sound();
    EXPECT_FALSE(rule.applies(figures)) << rule.name;
    rule.example(figures);
    EXPECT_TRUE(rule.applies(figures)) << rule.name;
    EXPECT_NE(rule.text(figures), "") << rule.name;
    EXPECT_NE(rule.when(), "") << rule.name;
  }
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
  figures.rhat->value = 1.21;
  EXPECT_EQ(steps_needed(figures), std::nullopt);
  figures.rhat->value = std::numeric_limits<double>::infinity();
  EXPECT_EQ(steps_needed(figures), std::nullopt);
  EXPECT_EQ(run_verdict(figures).findings.at(0).rule, "separate_modes");
}

}  // namespace
}  // namespace potluck
