// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/error.h"
#include "core/sampling/run/run.h"

namespace potluck {

/// What check_run() would refuse of the options alone, whatever is sampled: all of it, each text beginning with the
/// path of what is wrong, such as "sample.steps".
std::vector<SettingError> option_errors(const RunOptions& options, double temperature);

/// What it would refuse of their size beside these variables: more numbers in all chains, or in all draws, than can be
/// counted, or more labels than a draw of one can look at. Of options that option_errors() finds nothing wrong with.
std::vector<SettingError> size_errors(const RunOptions& options, const std::vector<Variable>& variables);

}  // namespace potluck
