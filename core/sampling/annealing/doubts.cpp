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

const char* const kAdvice = "Begin nearer to the target: mean and scale of the base";

}  // namespace

std::vector<std::string> doubts(const Evidence& evidence) {
  std::vector<std::string> texts;
  const auto worst = std::min_element(
      evidence.stages.begin(), evidence.stages.end(), [](const AnnealedStage& one, const AnnealedStage& other) {
        return one.acceptance < other.acceptance || (std::isnan(other.acceptance) && !std::isnan(one.acceptance));
      });
  if (worst != evidence.stages.end() && worst->acceptance < kLeastAcceptance)
    texts.push_back(
        fmt::format("the moves of every stage must be accepted now and then, got {:.2g} of them at b = "
                    "{:.3g}: the particles did not follow, and log Z may be wrong by far more than its "
                    "standard error. {}",
                    worst->acceptance, worst->beta, kAdvice));
  if (!evidence.bracket) return texts;
  const double gap = evidence.bracket->upper - evidence.log_z;
  const double most = kMostGapOfAStage * static_cast<double>(evidence.stages.size()) +
                      kErrors * std::hypot(evidence.standard_error, evidence.bracket->upper_error);
  if (!(gap <= most))
    texts.push_back(
        fmt::format("log Z from exact draws down must be at most {:.3g} above the estimate, got {:.3g}: the "
                    "particles from the base did not see the law of those draws. {}",
                    most, gap, kAdvice));
  return texts;
}

}  // namespace potluck
