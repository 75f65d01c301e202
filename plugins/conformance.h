// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/files/formats/array.h"
#include "plugins/model.h"

namespace potluck {

enum class CheckOutcome { kPassed, kFailed, kNotApplicable };

/// "passed", "failed", "not applicable".
const char* name_of(CheckOutcome outcome);

/// What one check found: the measured figure and the bound it was held against, and what the author can do.
struct ConformanceCheck {
  std::string name;
  CheckOutcome outcome = CheckOutcome::kPassed;
  std::string text;
  std::string advice;  ///< empty where the check did not fail
};

struct ConformanceReport {
  std::string model;
  std::string setup;  ///< "position [3]"; empty where the model accepted none
  std::vector<ConformanceCheck> checks;

  bool passed() const;  ///< no check failed
};

/// How a model is set up for its checks. Everything has a default that fits most models.
struct ConformanceOptions {
  /// Words of a setting as the user writes them. Others stand at their presets; one without a preset must be here.
  std::map<std::string, std::vector<std::string>> settings = {};
  /// Shape of an input's row. Others are tried from small ones ([3], [4, 4], one number, ...) until the model accepts.
  std::map<std::string, std::vector<int64_t>> shapes = {};
  std::map<std::string, int64_t> categories = {};  ///< of a categorical input; others are tried from 3, 2, 10
  /// Ends of an input's support. The test points are uniform there; without, they are standard normal.
  std::map<std::string, std::pair<double, double>> supports = {};
  /// Points at which the model is meant to be held, of an input: the test points are near them. [rows, shape of the
  /// input], whose shape is the input's unless `shapes` says another, which it must then be.
  std::map<std::string, Array> starts = {};
  std::set<std::string> left_out = {};  ///< optional inputs that are left out; all others are bound
  std::vector<Weight> weights = {};
  uint32_t seed = 1;                  ///< of all test points: a report is reproducible
  std::chrono::seconds patience{60};  ///< for one check; a model that hangs fails it
};

/// Runs every check on one model, each in a child process of its own: a model that crashes, hangs or ends the process
/// fails the check it did it in, by name. Where the model accepts no setup the report holds that one failed check.
///
/// The caller must not have created models with LibTorch or CUDA in this process, since those do not survive a fork.
/// All checks together may take eight times as long as one; those that are left then fail as not run.
/// @param progressed  called with the report so far, once the setup is known and as each check ends
/// @throws SettingError where `options` names an input or a setting that the model does not have, and where points do
/// not fit their input: their shape, a number that is none, one outside the support.
ConformanceReport check_model(const ModelKind& kind, const ConformanceOptions& options,
                              const std::function<void(const ConformanceReport&)>& progressed = {});

}  // namespace potluck
