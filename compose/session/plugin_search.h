// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugins/registry.h"

namespace potluck {

/// A file or folder where plugins are looked for.
struct SearchPath {
  std::filesystem::path path;
  std::string name;  ///< "--plugin", "POTLUCK_PLUGIN_PATH", "user", "installation"
};

/// The registry with its search paths in their order: those that come first, the composition's `plugins:`, the standing
/// ones. The standing ones join when the first model is asked for, which is after a composition has named its own.
class PluginSearch final : public ModelSource {
 public:
  struct Options {
    std::vector<SearchPath> first;     ///< must be there
    std::vector<SearchPath> standing;  ///< are looked at where they are there
    bool allow_world_writable = false;
    std::filesystem::path verdicts;  ///< where those of first sight are kept; empty: nowhere
    bool trust_verdicts = true;      ///< false: judge every plugin anew
  };

  explicit PluginSearch(Options options);

  void add_place(const std::filesystem::path& file_or_folder, const std::string& place, bool must_exist) override;
  const ModelKind& model(const std::string& name) override;
  std::vector<std::string> model_names() override;

  /// With all search paths in it.
  Registry& registry();

 private:
  Registry registry_;
  std::vector<SearchPath> standing_;
  bool complete_ = false;
};

}  // namespace potluck
