// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/learning/auroc.h"
#include "core/learning/objective.h"
#include "core/learning/trainer.h"

namespace potluck {

/// What a training says of itself at each report.
struct TrainingReport {
  int64_t phase = 0;
  int64_t phases = 1;
  std::string objective;
  TrainingProgress progress;
  Figures held_out;  ///< of rows that are never trained on, at the average of the weights; empty where there are none
  bool watches_held_out = false;        ///< whether some reports have the next
  std::optional<Auroc> held_out_auroc;  ///< HeldOutWatch::look, at the end of a phase and some times before
  double updates_a_second = 0;
  std::optional<double>
      sample_seconds;                  ///< that pictures of draws took since the last report; none: none are asked for
  std::optional<double> seconds_left;  ///< of the phase
};

/// `training.csv`: a line for each report. It is written line by line, so that a killed training leaves all but the
/// last. One that goes on drops the lines behind its checkpoint.
class TrainingLog {
 public:
  /// @param length  of what is to be kept, in bytes; 0: the file begins anew  @throws FileError
  TrainingLog(const std::filesystem::path& folder, int64_t length);

  /// @throws FileError
  void add(const TrainingReport& report);
  int64_t length() const { return length_; }

 private:
  void write(const std::string& line);
  std::string last_heading() const;

  std::filesystem::path file_;
  int64_t length_;
  std::string columns_;  ///< of the last heading; empty: there is none
};

}  // namespace potluck
