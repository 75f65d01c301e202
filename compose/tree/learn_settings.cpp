// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/learn_settings.h"

#include <algorithm>

namespace potluck {

bool LearnSettings::has_data(int variable) const {
  return std::any_of(files.variables.begin(), files.variables.end(),
                     [&](const LearnedVariable& one) { return one.column.variable == variable; });
}

std::vector<int> LearnSettings::data_variables() const {
  std::vector<int> variables;
  for (const LearnedVariable& one : files.variables) variables.push_back(one.column.variable);
  std::sort(variables.begin(), variables.end());
  return variables;
}

}  // namespace potluck
