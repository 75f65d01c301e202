// SPDX-License-Identifier: Apache-2.0
#include "core/learning/divergence_watch.h"

#include <algorithm>
#include <cmath>

namespace potluck {

DivergenceWatch::Verdict DivergenceWatch::judge(double loss, bool growth_alarms) {
  if (!std::isfinite(loss)) return Verdict::kDiverged;
  if (!growth_alarms || loss <= kFactor * best_) {
    best_ = std::min(best_, loss);
    beyond_ = 0;
    return Verdict::kGood;
  }
  ++beyond_;
  return beyond_ >= kReports ? Verdict::kDiverged : Verdict::kDoubtful;
}

}  // namespace potluck
