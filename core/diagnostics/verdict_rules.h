// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "core/diagnostics/run_figures.h"

namespace potluck {

/// One thing that a reader of the estimates must know.
struct Finding {
  enum class Weight {
    kNote,  ///< worth a word
    kCare,  ///< the estimates may be used, knowing this
    kStop,  ///< they may not
  };
  std::string rule;  ///< its name in the table of rules
  Weight weight = Weight::kNote;
  std::string text;    ///< what is the matter
  std::string advice;  ///< what to change; empty: nothing
};

/// What is said when. Texts begin in lower case and have no full stop: they become parts of a paragraph.
struct VerdictRule {
  const char* name;
  Finding::Weight weight;
  bool (*applies)(const RunFigures&);
  std::string (*text)(const RunFigures&);
  std::string (*advice)(const RunFigures&);
};

/// All rules, the gravest first. One does not apply where what it looks at is not known.
std::span<const VerdictRule> verdict_rules();

/// " (image[3, 14])", or nothing where it is not said.
std::string in_brackets(const FigureAt& figure);

}  // namespace potluck
