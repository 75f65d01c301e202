// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugins/model.h"
#include "plugins/model_source.h"
#include "plugins/note.h"

namespace potluck {

/// A file that was found where plugins are looked for.
struct PluginListing {
  std::filesystem::path file;
  std::string place;  ///< why it was looked at: "--plugin", "scene.yaml", "POTLUCK_PLUGIN_PATH", "user", "installation"
  PluginNote note;    ///< empty where none could be read
  bool usable = false;
  std::string reason;  ///< why it is not usable, a whole sentence or two; empty where it is
};

/// Finds, judges and loads plugins, and hands out their models by name. One registry per engine.
///
/// Order of search: files and folders in the order added, an earlier place wins over a later one; within one place two
/// files with one id are both refused. Nothing is opened before a model of it is asked for.
class Registry : public ModelSource {
 public:
  struct Options {
    bool allow_world_writable = false;  ///< accept files and folders that anybody may write to
    /// Folder for the verdicts of first sight, keyed by SHA-256. Empty: judged anew in every process.
    std::filesystem::path verdicts;
    bool trust_verdicts = true;  ///< false: ignore cached verdicts (`plugins check`)
  };
  explicit Registry(Options options);
  ~Registry() override;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// A file is one plugin; a folder is every *.potluck.so in it. A folder that is missing is an error where
  /// `must_exist`.
  void add_place(const std::filesystem::path& file_or_folder, const std::string& place, bool must_exist) override;

  /// Everything found, usable or not, in the order of search. Opens no library.
  std::vector<PluginListing> list();

  /// Loads the plugin that offers `name` (all or nothing) and returns the model.
  /// @throws SettingError "no model 'acme.ising2d'. ..." with the nearest name; PluginError with the reasons of
  /// rejected plugins that
  ///   have it; or why that plugin could not be loaded.
  const ModelKind& model(const std::string& name) override;

  /// Loads one plugin by id or file and returns its models, in its own order.
  std::vector<const ModelKind*> models_of(const std::string& file_or_id);

  /// Names of all models that usable plugins offer (from the notes; opens nothing), sorted.
  std::vector<std::string> model_names() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace potluck
