// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "core/variables/variable.h"

namespace potluck {

/// The variables and views of a composition, by name.
struct Scope {
  std::vector<Variable> variables;
  std::vector<View> views;
  std::vector<Place> variable_places;  ///< where each is named
  std::set<std::string> broken;        ///< named, but wrong: already reported, so references to them are not
  bool incomplete = false;             ///< a section could not be read at all: unknown names are not reported

  int variable(const std::string& name) const;  ///< index, or -1
  const View* view(const std::string& name) const;
  std::vector<std::string> names() const;           ///< of variables and views
  std::vector<std::string> variable_names() const;  ///< of variables

  /// The variable or view of that name as a view. Nothing, after a diagnostic, where there is none.
  std::optional<View> find(const Yaml& name, const std::string& what, Diagnostics& diagnostics) const;
};

void read_variables(const Yaml& section, Scope& scope, Diagnostics& diagnostics);
void read_views(const Yaml& section, Scope& scope, Diagnostics& diagnostics);

}  // namespace potluck
