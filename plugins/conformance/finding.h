// SPDX-License-Identifier: Apache-2.0
#pragma once

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

}  // namespace potluck::conformance
