// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "compose/training/phase.h"
#include "compose/training/training_log.h"
#include "core/learning/divergence_watch.h"
#include "core/state_archive.h"

namespace potluck {

/// What a phase says of itself from report to report, and whether it goes well.
class PhaseReports {
 public:
  /// Both outlive the object. @param number  of the phase among those of the composition
  PhaseReports(const Composition& composition, Phase& phase, int64_t number);

  /// Looks at the held-out rows before the first update: a loss that only grows from there on diverges too.
  void begin();

  /// Of the updates since the last one.
  TrainingReport next();
  /// @throws NumericalError where the reports so far say that the training diverges
  void judge(const TrainingReport& report);

  /// The last report's loss was beyond bounds: what is learned now is no good to keep.
  bool doubtful() const { return doubtful_; }
  int64_t updates() const { return updates_; }  ///< of the phase, at the last report

  void persist(StateArchive& archive) { archive(seconds_, updates_, looks_, watch_, doubtful_); }

 private:
  bool look_is_due(double used);

  const LearnSettings& learn_;
  Phase& phase_;
  const int64_t number_;
  double seconds_ = 0;  ///< at the last report
  int64_t updates_ = 0;
  int64_t looks_ = 0;  ///< at the energies of held-out rows
  DivergenceWatch watch_;
  bool doubtful_ = false;
};

/// What TensorBoard shows of a report.
Figures scalars_of(const TrainingReport& report);

}  // namespace potluck
