// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/diagnostics/run_figures.h"
#include "core/diagnostics/verdict_rules.h"

namespace potluck {

/// Whether the draws of a run may be used, why, and what to change.
struct RunVerdict {
  std::vector<Finding> findings;  ///< the gravest first

  /// kNote: usable; kCare: usable with care; kStop: not usable.
  Finding::Weight weight() const;
  /// "yes", "with care", "no"
  std::string usable() const;
  /// A paragraph: "Not usable yet: ... . Draw about 14000 steps (this run: 2000)."
  std::string text() const;

  std::optional<double> steps;  ///< after the warm-up that the advice names; none where it names none
  std::string accuracy;         ///< "R-hat at most 1.003 (z), ..." for a run without fault
};

/// Applies every rule of the table.
RunVerdict run_verdict(const RunFigures& figures);

}  // namespace potluck
