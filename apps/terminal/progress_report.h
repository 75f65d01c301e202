// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "potluck/engine.h"

namespace potluck {

/// "1.4 s", "3 min 05 s", "2 h 10 min".
std::string duration_text(double seconds);

/// "sampling 400/2000 steps, 812 steps/s, 1.9 s left, acceptance 0.57", and how many chains are frozen. Where a step
/// is more than one gradient, "12.4 leapfrogs a step, 645 thousand gradients/s" too. The time that is left is that of
/// the gradients that are left.
std::string progress_text(const engine::Progress& progress);

/// Shows where a run stands: a bar that is redrawn on a terminal; elsewhere a plain line at the end of each phase and
/// now and then in between; nothing where it is quiet.
class ProgressReport final : public engine::Observer {
 public:
  enum class Style { kBar, kLines, kQuiet };
  /// `out` must outlive this object.
  ProgressReport(std::FILE* out, Style style);
  /// Ends the bar's line.
  ~ProgressReport() override;

  void progressed(const engine::Progress& progress) override;
  /// The same for what is not counted in steps.
  /// @param share  of the phase that is done, for the bar; NaN: not known
  void show(const std::string& text, double share, bool phase_ended);
  /// Says what is being done where there are no steps to count: "writing draws.nc".
  void say(const std::string& text);

  /// A bar where `out` is a terminal, lines elsewhere.
  static Style style_for(std::FILE* out);

 private:
  using Clock = std::chrono::steady_clock;

  void draw_bar(const std::string& text, double share);
  void clear_bar();

  std::FILE* out_;
  Style style_;
  bool bar_shown_ = false;
  Clock::time_point last_;
  Clock::duration pause_;  ///< least time to the next line
};

}  // namespace potluck
