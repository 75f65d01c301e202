// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "core/state_archive.h"

namespace potluck {

/// Tells from the losses of a training, report by report, whether it diverges: a loss that is not a number, or one
/// above 100 times the best in three reports in a row.
class DivergenceWatch {
 public:
  static constexpr double kFactor = 100;
  static constexpr int64_t kReports = 3;

  enum class Verdict : uint8_t {
    kGood,
    kDoubtful,  ///< beyond bounds, but not for long yet: what is learned now is no good to keep
    kDiverged
  };

  /// @param growth_alarms  Objective::growth_alarms
  Verdict judge(double loss, bool growth_alarms);

  /// The least loss so far; infinity before the first.
  double best() const { return best_; }

  void persist(StateArchive& archive) { archive(best_, beyond_); }

 private:
  double best_ = std::numeric_limits<double>::infinity();
  int64_t beyond_ = 0;  ///< reports in a row
};

}  // namespace potluck
