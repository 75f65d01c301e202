// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "plugins/conformance.h"

namespace potluck::conformance {

/// The result of one check, before it has a name.
struct Finding {
  CheckOutcome outcome = CheckOutcome::kPassed;
  std::string text, advice;
};

inline Finding passed(std::string text) { return {CheckOutcome::kPassed, std::move(text), ""}; }
inline Finding failed(std::string text, std::string advice) {
  return {CheckOutcome::kFailed, std::move(text), std::move(advice)};
}
inline Finding not_applicable(std::string why) { return {CheckOutcome::kNotApplicable, std::move(why), ""}; }

/// A check that failed deep inside of what it does.
class FailedCheck : public std::exception {
 public:
  explicit FailedCheck(Finding finding) : finding_(std::move(finding)) {}
  const Finding& finding() const { return finding_; }
  const char* what() const noexcept override { return finding_.text.c_str(); }

 private:
  Finding finding_;
};

}  // namespace potluck::conformance
