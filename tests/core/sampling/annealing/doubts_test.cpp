// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/doubts.h"

#include <gmock/gmock.h>

#include <cmath>

namespace potluck {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Two stages that move, and the last, which moves nothing.
Evidence estimate(double acceptance, double upper) {
  Evidence evidence;
  evidence.log_z = 2;
  evidence.standard_error = 0.1;
  evidence.stages.resize(3);
  evidence.stages[0].beta = 0.01;
  evidence.stages[0].acceptance = 0.6;
  evidence.stages[1].beta = 0.25;
  evidence.stages[1].acceptance = acceptance;
  evidence.stages[2].acceptance = std::nan("");
  evidence.bracket = EvidenceBracket{1, 0.1, upper, 0};
  return evidence;
}

TEST(DoubtsTest, ThereAreNoneWhereParticlesMoveAndTheBracketAgrees) {
  EXPECT_THAT(doubts(estimate(0.05, 2.1)), IsEmpty());
  EXPECT_THAT(doubts(Evidence()), IsEmpty());
}

TEST(DoubtsTest, MovesThatAreHardlyAccepted) {
  EXPECT_THAT(doubts(estimate(0.014, 2.1)),
              ElementsAre("the moves of every stage must be accepted now and then, got 0.014 of them at b = 0.25: the "
                          "particles did not follow, and log Z may be wrong by far more than its standard error. Begin "
                          "nearer to the target: mean and scale of the base"));
}

// 3 stages and 6 standard errors of 0.1: 3.6 above the estimate.
TEST(DoubtsTest, ABracketFarAboveTheEstimate) {
  EXPECT_THAT(doubts(estimate(0.6, 5.59)), IsEmpty());
  EXPECT_THAT(
      doubts(estimate(0.6, 5.7)),
      ElementsAre("log Z from exact draws down must be at most 3.6 above the estimate, got 3.7: the particles "
                  "from the base did not see the law of those draws. Begin nearer to the target: mean and scale "
                  "of the base"));
  EXPECT_EQ(doubts(estimate(0.6, std::nan(""))).size(), 1u);
}

TEST(DoubtsTest, LevelsOfNoiseThatAreTooFarApart) {
  Evidence evidence = estimate(0.014, 2.1);
  evidence.noise = {20, 3, 0.5};
  evidence.stages[1].ess = 0.019;
  EXPECT_THAT(doubts(evidence),
              ElementsAre("the moves of every stage must be accepted now and then, got 0.014 of them at a noise of 3: "
                          "the particles did not follow, and log Z may be wrong by far more than its standard error. "
                          "Begin at a higher level of noise, or take more levels",
                          "the weights of a level of noise must leave an effective share of at least 0.02 of the "
                          "particles, got 0.019 at a noise of 3: few of them have all the weight, and log Z may be "
                          "wrong by far more than its standard error. Begin at a higher level of noise, or take more "
                          "levels"));
  evidence.stages[1].ess = 0.02;
  EXPECT_EQ(doubts(evidence).size(), 1u);
  evidence.noise = {};
  evidence.stages[1].ess = 0.001;  // of a ladder of the energy the pilot sees to that
  EXPECT_EQ(doubts(evidence).size(), 1u);
}

}  // namespace
}  // namespace potluck
