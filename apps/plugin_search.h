// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "plugins/registry.h"

namespace potluck {

/// The registry with its places in the order of search: --plugin, the composition's `plugins:`, POTLUCK_PLUGIN_PATH,
/// the user's folder, the installation. The standing places join when the first model is asked for, which is after a
/// composition has named its own.
class PluginSearch final : public ModelSource {
 public:
  /// Takes --plugin and --allow-world-writable from the command line.
  /// @param trust_verdicts  false: judge every plugin anew, whatever the cache says
  explicit PluginSearch(const CommandLine& line, bool trust_verdicts = true);

  void add_place(const std::filesystem::path& file_or_folder, const std::string& place, bool must_exist) override;
  const ModelKind& model(const std::string& name) override;
  std::vector<std::string> model_names() override;

  /// With all places in it.
  Registry& registry();

 private:
  Registry registry_;
  bool complete_ = false;
};

/// Where the verdicts of first sight are kept: user_cache_folder()/verdicts, or empty.
std::filesystem::path verdict_folder();

}  // namespace potluck
