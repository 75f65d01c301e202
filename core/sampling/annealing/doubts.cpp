// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/doubts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace potluck {
namespace {

constexpr double kLeastAcceptance = 0.05;
constexpr double kMostGapOfAStage = 1;
constexpr double kErrors = 6;

constexpr double kLeastShare = 0.02;  ///< of the particles, behind the weights of a level of noise

const char* advice(const Evidence& evidence) {
  return evidence.noise.empty() ? "Begin nearer to the target: mean and scale of the base"
                                : "Begin at a higher level of noise, or take more levels";
}

/// What stands for a stage: "b = 0.5", "a noise of 3".
std::string place_of(const Evidence& evidence, size_t stage) {
  if (evidence.noise.empty()) return fmt::format("b = {:.3g}", evidence.stages[stage].beta);
  return fmt::format("a noise of {:.3g}", evidence.noise[stage]);
}

void doubt_levels(const Evidence& evidence, std::vector<std::string>& texts) {
  const auto least =
      std::min_element(evidence.stages.begin(), evidence.stages.end(),
                       [](const AnnealedStage& one, const AnnealedStage& other) { return one.ess < other.ess; });
  if (evidence.noise.empty() || least == evidence.stages.end() || least->ess >= kLeastShare) return;
  texts.push_back(fmt::format(
      "the weights of a level of noise must leave an effective share of at least {:g} of the particles, got {:.2g} at "
      "{}: few of them have all the weight, and log Z may be wrong by far more than its standard error. {}",
      kLeastShare, least->ess, place_of(evidence, static_cast<size_t>(least - evidence.stages.begin())),
      advice(evidence)));
}

}  // namespace

std::vector<std::string> doubts(const Evidence& evidence) {
  std::vector<std::string> texts;
  const auto worst = std::min_element(
      evidence.stages.begin(), evidence.stages.end(), [](const AnnealedStage& one, const AnnealedStage& other) {
        return one.acceptance < other.acceptance || (std::isnan(other.acceptance) && !std::isnan(one.acceptance));
      });
  if (worst != evidence.stages.end() && worst->acceptance < kLeastAcceptance)
    texts.push_back(fmt::format(
        "the moves of every stage must be accepted now and then, got {:.2g} of them at {}: the particles "
        "did not follow, and log Z may be wrong by far more than its standard error. {}",
        worst->acceptance, place_of(evidence, static_cast<size_t>(worst - evidence.stages.begin())), advice(evidence)));
  doubt_levels(evidence, texts);
  if (!evidence.bracket) return texts;
  const double gap = evidence.bracket->upper - evidence.log_z;
  const double most = kMostGapOfAStage * static_cast<double>(evidence.stages.size()) +
                      kErrors * std::hypot(evidence.standard_error, evidence.bracket->upper_error);
  if (!(gap <= most))
    texts.push_back(
        fmt::format("log Z from exact draws down must be at most {:.3g} above the estimate, got {:.3g}: the "
                    "particles from the base did not see the law of those draws. {}",
                    most, gap, advice(evidence)));
  return texts;
}

}  // namespace potluck
