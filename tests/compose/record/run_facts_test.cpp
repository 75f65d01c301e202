// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compose/record/merged_facts.h"
#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "core/error.h"
#include "tests/compose/record/golden.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Every key in its place, every number with its bits: what one command writes and the next writes again is the same.
TEST(RunFactsTest, ARecordIsThePrintOfItsFacts) {
  for (const std::string& name : kGoldenRecords) {
    const std::string text = golden_text(name);
    ASSERT_FALSE(text.empty()) << name;
    const RunFacts facts = golden_facts(name);
    EXPECT_EQ(to_json(facts).dump(2) + "\n", text) << name;
    EXPECT_TRUE(facts.others.empty()) << name << ": " << facts.others.dump();
  }
}

RunRecord printed_without_verdict(RunFacts facts) {
  facts.verdict.reset();
  facts.warnings.clear();
  facts.merged->at.clear();
  facts.merged->into.clear();
  return to_json(facts);
}

// Sums, means, virials, ladders and notes of two processes, in the order that a joined record has them.
TEST(RunFactsTest, RanksAreMergedToTheRecordOfTheWholeRun) {
  for (const auto& [name, chains] : {std::pair<std::string, double>{"", 300}, {"ladder-", 200}}) {
    const RunFacts first = golden_facts(name + "rank-0000"), second = golden_facts(name + "rank-0001");
    const RunFacts merged = merged_facts({{&first, "rank-0000", chains}, {&second, "rank-0001", chains}}, "run");
    EXPECT_EQ(printed_without_verdict(merged).dump(2), printed_without_verdict(golden_facts(name + "merged")).dump(2));
    EXPECT_EQ(merged.merged->into, "run");
    // Means are weighted by what they are over, counts are added: the first rank's alone would not do.
    EXPECT_NE(printed_without_verdict(merged_facts({{&first, "rank-0000", chains}, {&first, "rank-0001", chains}}, "")),
              printed_without_verdict(golden_facts(name + "merged")));
  }
}

TEST(RunFactsTest, WhatCannotBeMergedNamesItsFile) {
  const RunFacts whole = golden_facts("ladder-rank-0000"), killed = golden_facts("killed");
  EXPECT_THAT(
      [&] {
        merged_facts({{&whole, "run/rank-0000", 8}, {&killed, "run/rank-0001", 8}}, "run");
      },
      ThrowsMessage<FileError>("run/rank-0001/run.json: a rank to be joined must have ended, got one whose state "
                               "is 'running'"));
  RunFacts longer = whole;
  longer.end->swaps->rate.push_back(0.5);
  EXPECT_THAT(
      [&] {
        merged_facts({{&whole, "run/rank-0000", 8}, {&longer, "run/rank-0001", 8}}, "run");
      },
      ThrowsMessage<FileError>("run/rank-0001/run.json: swaps.rate must have 7 entries, as in run/rank-0000, got 8"));
}

// A figure that one process lacks is left out of the whole run.
TEST(RunFactsTest, AMeanThatARankLacksIsLeftOut) {
  RunFacts first = golden_facts("rank-0000"), second = golden_facts("rank-0001");
  ASSERT_TRUE(first.end->sums.energy_error);
  second.end->sums.energy_error.reset();
  second.end->expert_energies.reset();
  second.end->virial.clear();
  const RunFacts merged = merged_facts({{&first, "a", 300}, {&second, "b", 300}}, "run");
  EXPECT_FALSE(merged.end->sums.energy_error);
  EXPECT_TRUE(merged.end->sums.gradient_square);
  EXPECT_FALSE(merged.end->expert_energies);
  EXPECT_TRUE(merged.end->virial.empty());
}

// Root mean squares 3 and 1 over 2 and 6 things: sqrt((2 * 9 + 6 * 1) / 8) = sqrt(3).
TEST(RunFactsTest, RootMeanSquaresAreJoinedAsSquares) {
  RunFacts first = golden_facts("rank-0000"), second = first;
  first.end->sums.gradient_square = MeanFacts{3, 2};
  second.end->sums.gradient_square = MeanFacts{1, 6};
  first.end->sums.reflected = MeanFacts{3, 2};
  second.end->sums.reflected = MeanFacts{1, 6};
  first.end->sums.divergences = 5;
  second.end->sums.divergences = 7;
  first.end->warmup_sums.nan_proposals = 1;
  second.end->warmup_sums.nan_proposals = 2;
  const EndFacts end = *merged_facts({{&first, "a", 4}, {&second, "b", 4}}, "run").end;
  EXPECT_DOUBLE_EQ(end.sums.gradient_square->value, std::sqrt(3.0));
  EXPECT_EQ(end.sums.gradient_square->count, 8);
  EXPECT_DOUBLE_EQ(end.sums.reflected->value, 1.5);  // (2 * 3 + 6 * 1) / 8
  EXPECT_EQ(end.sums.divergences, 12);
  EXPECT_EQ(end.warmup_sums.nan_proposals, 3);
}

// Of another version, earlier or later: what this one does not know stays, and what it does not find is not made up.
TEST(RunFactsTest, WhatAnotherVersionWroteStays) {
  RunRecord record = RunRecord::parse(golden_text("seed"));
  record["future"] = {{"a", {1, 2.5, nullptr}}};
  record["machine"] = "a word";
  for (const char* key : {"hard_walls", "exact_method", "libtorch", "gradient_evaluations"}) record.erase(key);
  const RunRecord again = to_json(facts_of(parse_record(record.dump(), "run.json")));
  EXPECT_EQ(again.at("future"), record.at("future"));
  EXPECT_EQ(again.at("machine"), "a word");
  for (const char* key : {"hard_walls", "exact_method", "libtorch", "gradient_evaluations"})
    EXPECT_FALSE(again.contains(key)) << key;
  for (const auto& [key, value] : record.items()) EXPECT_EQ(again.at(key), value) << key;
}

// A run that was killed says less than one that ended: nothing is taken for known that was not.
TEST(RunFactsTest, FiguresOfAKilledRunAreThoseOfItsBeginning) {
  const RunFigures killed = figures_of(golden_facts("killed")), ended = figures_of(golden_facts("reflected"));
  EXPECT_FALSE(killed.ended);
  EXPECT_EQ(killed.chains, 64);
  EXPECT_TRUE(killed.exact_start.value());
  EXPECT_GT(killed.step_size.value(), 0);
  EXPECT_FALSE(killed.divergences);
  EXPECT_FALSE(killed.acceptance);
  EXPECT_TRUE(ended.ended);
  EXPECT_EQ(ended.steps, 50);
  EXPECT_EQ(ended.steps_asked, 50);
  EXPECT_EQ(ended.divergences.value(), 0);
  EXPECT_GT(ended.acceptance.value(), 0.3);
  EXPECT_EQ(figures_of(golden_facts("until")).stopped_by->rhat, 1.05);
  EXPECT_EQ(figures_of(golden_facts("ladder")).ladder->replicas, 8);
  EXPECT_EQ(figures_of(golden_facts("mixture")).mixtures.branches(), 2);
  EXPECT_TRUE(figures_of(golden_facts("sweep")).blocks);
}

TEST(RunFactsTest, FiguresKnowAtHowManyLabelsChainsWereHeld) {
  RunFacts facts = golden_facts("seed");
  EXPECT_FALSE(figures_of(facts).labels_begun);
  VariableFacts label;
  label.name = "label";
  label.categories = 3;
  facts.surroundings.variables.push_back(label);
  facts.sampling->chains = 64;
  facts.sampling->superchain = 4;
  facts.sampling->warmup = 100;
  EXPECT_EQ(figures_of(facts).labels_begun, 16);
  facts.sampling->warmup = 3;
  EXPECT_EQ(figures_of(facts).labels_begun, 0);
  facts.start = "64 positions of /old/start.npy";
  EXPECT_EQ(figures_of(facts).labels_begun, 1);
  for (VariableFacts& variable : facts.surroundings.variables)
    if (!variable.categories) variable.held = 1 << 20;
  EXPECT_FALSE(figures_of(facts).labels_begun);
}

TEST(RunFactsTest, TheIdentityIsThatOfTheRunAndNotOfItsLength) {
  const RunFacts facts = golden_facts("resumed");
  RunFacts other = facts;
  other.sampling->steps *= 2;
  other.surroundings.threads += 1;
  EXPECT_EQ(differences(run_identity(facts), run_identity(other)), std::vector<std::string>{});
  other.seed = 7;
  other.surroundings.plugins[0].sha256 = std::string(64, 'a');
  EXPECT_EQ(differences(run_identity(facts), run_identity(other)).size(), 2u);
  EXPECT_THAT(differences(run_identity(facts), run_identity(other))[1], "sample.seed: 1 in the checkpoint, 7 now");
}

}  // namespace
}  // namespace potluck::testing
