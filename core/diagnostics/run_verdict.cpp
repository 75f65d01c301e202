// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/run_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/diagnostics/verdict_advice.h"
#include "core/diagnostics/verdict_words.h"

namespace potluck {

namespace {

using Weight = Finding::Weight;

std::string capital(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string accuracy_of(const RunFigures& f) {
  std::string text;
  if (f.rhat && f.rhat->value <= f.most_rhat)
    text = fmt::format("R-hat at most {:.3f}{}", f.rhat->value, in_brackets(*f.rhat));
  if (const auto found = effective_draws(f); found && found->value > 0)
    text +=
        fmt::format("{}{:.0f} effective draws at least{}, so that means are known to {:.2g} of a standard deviation",
                    text.empty() ? "" : ", ", found->value, in_brackets(*found), 1 / std::sqrt(found->value));
  return text;
}

}  // namespace

RunVerdict run_verdict(const RunFigures& figures) {
  RunVerdict verdict;
  for (const VerdictRule& rule : verdict_rules()) {
    if (!rule.applies(figures)) continue;
    verdict.findings.push_back({rule.name, rule.weight, rule.text(figures), rule.advice(figures)});
  }
  verdict.accuracy = accuracy_of(figures);
  verdict.steps = advised_steps(figures);
  return verdict;
}

Finding::Weight RunVerdict::weight() const {
  Weight gravest = Weight::kNote;
  for (const Finding& finding : findings) gravest = std::max(gravest, finding.weight);
  return gravest;
}

std::string RunVerdict::usable() const {
  switch (weight()) {
    case Weight::kStop:
      return "no";
    case Weight::kCare:
      return "with care";
    case Weight::kNote:
      break;
  }
  return "yes";
}

std::string RunVerdict::text() const {
  const Weight gravest = weight();
  std::string text = gravest == Weight::kStop   ? "Not usable yet"
                     : gravest == Weight::kCare ? "Usable with care"
                                                : "Usable";
  std::vector<std::string> told;
  if (gravest == Weight::kNote && !accuracy.empty()) told.push_back(accuracy);
  std::vector<std::string> advice;
  for (const Finding& finding : findings) {
    if (std::find(told.begin(), told.end(), finding.text) == told.end()) told.push_back(finding.text);
    if (!finding.advice.empty() && std::find(advice.begin(), advice.end(), finding.advice) == advice.end())
      advice.push_back(finding.advice);
  }
  for (size_t i = 0; i < told.size(); ++i) text += fmt::format("{} {}", i == 0 ? ":" : ";", told[i]);
  text += '.';
  for (const std::string& one : advice) text += fmt::format(" {}.", capital(one));
  return text;
}

}  // namespace potluck
