// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugins/model.h"

namespace potluck {

/// Where a composition gets its models from: the registry of plugins, or a table in memory.
class ModelSource {
 public:
  virtual ~ModelSource() = default;

  /// A plugin, or a folder of plugins, that the composition names. `place` says who named it.
  /// @throws Error where it is missing and `must_exist`.
  virtual void add_place(const std::filesystem::path& file_or_folder, const std::string& place, bool must_exist) = 0;

  /// The model of that name; lives as long as the process.
  /// @throws SettingError "no model 'acme.ising2d'. ..." with the nearest name; PluginError where one is rejected.
  virtual const ModelKind& model(const std::string& name) = 0;

  /// Names of all models that can be had, sorted.
  virtual std::vector<std::string> model_names() = 0;
};

}  // namespace potluck
