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
  std::string (*when)();  ///< what it looks for, with its threshold, for docs/verdict.md
  const char* meaning;    ///< what that says of the draws
  /// Makes figures of a sound run those of one that the rule speaks of.
  void (*example)(RunFigures&);
  bool (*applies)(const RunFigures&);
  std::string (*text)(const RunFigures&);
  std::string (*advice)(const RunFigures&);
};

/// All rules, the gravest first. One does not apply where what it looks at is not known.
std::span<const VerdictRule> verdict_rules();

/// Figures of 64 chains of a tuned exact method that no rule speaks of: what the examples of the rules begin from.
RunFigures sound_figures();

}  // namespace potluck
