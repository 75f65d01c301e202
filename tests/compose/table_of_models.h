// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "compose/file/file.h"
#include "core/error.h"
#include "plugins/model_source.h"

namespace potluck {

/// Models that can be described but not created: enough for reading compositions.
class TableOfModels : public ModelSource {
 public:
  TableOfModels() {
    SettingDescription scale;
    scale.name = "scale";
    scale.preset = "1";
    scale.least = 0;
    scale.summary = "standard deviation";
    SettingDescription shape;
    shape.name = "covariance";
    shape.kind = SettingKind::kChoice;
    shape.preset = "full";
    shape.choices = {"full", "diagonal"};
    SettingDescription mean;
    mean.name = "mean";
    mean.list = true;
    mean.preset = "";
    add("gaussian", {{"x", false, false, ""}}, {scale, shape, mean});
    add("linear_gaussian", {{"x", false, false, ""}, {"z", false, true, ""}}, {scale});
    add("class_gaussian", {{"image", false, false, ""}, {"label", true, true, ""}}, {});
    SettingDescription strength;
    strength.name = "strength";
    strength.preset = "1";
    strength.least = 0;
    add("acme.smoothness", {{"image", false, false, ""}}, {strength});
    SettingDescription network;
    network.name = "network";
    network.kind = SettingKind::kFile;
    network.summary = "an exported network";
    add("network", {{"x", false, false, ""}}, {network});
    add("noisy", {{"x", false, false, "numbers"}, {"noise", false, true, "their spread", true}}, {});
  }

  void add_place(const std::filesystem::path& path, const std::string& place, bool) override {
    if (path.filename() == "missing.so") throw PluginError("plugins must name what is there, got 'missing.so'");
    places.push_back(path.filename().string() + " of " + std::filesystem::path(place).filename().string());
  }

  const ModelKind& model(const std::string& name) override {
    const auto found = models_.find(name);
    if (found == models_.end()) throw PluginError("no model '" + name + "'. Known: " + model_names().front() + ", ...");
    return found->second;
  }

  std::vector<std::string> model_names() override {
    std::vector<std::string> names;
    for (const auto& [name, kind] : models_) names.push_back(name);
    return names;
  }

  std::vector<std::string> places;

 private:
  void add(const std::string& name, std::vector<InputDescription> inputs, std::vector<SettingDescription> settings) {
    ModelKind& kind = models_[name];
    kind.name = name;
    kind.inputs = std::move(inputs);
    kind.settings = std::move(settings);
  }

  std::map<std::string, ModelKind> models_;
};

/// A folder that lives as long as one test.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "potluck-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  /// `text` without this folder's path.
  std::string shorten(std::string text) const {
    const std::string prefix = path_.string() + "/";
    for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    return text;
  }

 private:
  std::filesystem::path path_;
};

/// What reading `text` as scene.yaml complains about; "" where it is good.
inline std::string complaint(const ScratchFolder& folder, const std::string& text, const Overrides& overrides = {}) {
  TableOfModels models;
  try {
    read_composition(folder.write("scene.yaml", text), overrides, models);
    return "";
  } catch (const CompositionError& error) {
    return folder.shorten(error.what());
  }
}

}  // namespace potluck
