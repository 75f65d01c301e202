// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/diagnostics/until.h"
#include "core/precision.h"
#include "core/sampling/run/run.h"
#include "core/variables/variable.h"

namespace potluck {

/// Ends a run as `Until` says. Looks at the energy and at free coordinates, and at the indicator of each label, all of
/// them where they are few, else evenly spread ones, through a buffer of bounded size that keeps every second draw,
/// then every fourth, … as it fills. The looks are scheduled in draws, each a quarter later than the one before, so
/// that all of them together cost little and a run that is resumed looks where an uninterrupted one does.
class UntilRule final : public StopRule, public Observer {
 public:
  static constexpr int64_t kFirstLook = 20;                 ///< draws
  static constexpr int64_t kMostValues = int64_t{1} << 22;  ///< numbers in the buffer
  static constexpr int64_t kMostDraws = 1000;               ///< of a coordinate and chain in the buffer
  static constexpr int64_t kMostCoordinates = 64;

  /// @throws SettingError "sample.until.ess must be <= …" where the buffer can never show so many.
  UntilRule(const Until& until, const std::vector<Variable>& variables, const std::vector<Held>& held,
            Precision precision, int64_t chains);

  void drew(const Draw& draw) override;
  std::optional<std::string> reached(int64_t draws, int64_t steps) override;

  /// After drew() was given the draws of a run that goes on: looks that are past are not repeated, but one at the last
  /// of these draws is: it may have ended the run, and the process was killed before that was noted.
  void resume();

  bool asks_for_convergence() const { return until_.convergence(); }
  /// Looks at what there is now. True where everything holds that was asked of convergence.
  bool converged();
  /// "R-hat is 1.034 (x[2]), at most 1.01 was asked for; the effective sample size is 212 (x[0]), at least 400 was
  /// asked for", of the last look.
  std::string standing() const;
  /// How many coordinates are looked at, and of how many.
  std::string scope() const;

 private:
  struct Coordinate {
    size_t variable = 0;
    int64_t element = 0;
    int64_t label = -1;  ///< of a categorical variable: the value is 1 where the element has it, else 0
    std::string name;
    std::vector<double> values;  ///< [draws kept, chains]
  };
  struct Worst {
    double value = 0;
    std::string name;
  };

  std::string texts(const char* verb) const;
  double value_of(const Draw& draw, const Coordinate& coordinate, int64_t chain) const;
  void thin_out();
  void look_at(const std::string& name, const std::vector<double>& values, bool& any);

  Until until_;
  Precision precision_;
  int64_t chains_;
  std::vector<int64_t> sizes_;  ///< of the variables
  std::vector<Coordinate> coordinates_;
  std::vector<double> energy_;  ///< [draws kept, chains]
  int64_t free_ = 0;            ///< coordinates that move
  int64_t capacity_ = 0;        ///< draws in the buffer, even
  int64_t kept_ = 0;
  int64_t every_ = 1;  ///< a draw in so many is kept
  int64_t seen_ = 0;
  int64_t next_look_ = kFirstLook;
  std::vector<uint8_t> frozen_;
  Worst rhat_, ess_, mcse_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace potluck
