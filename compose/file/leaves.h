// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compose/experts/weights_metadata.h"
#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"
#include "plugins/model_source.h"

namespace potluck {

/// Reads leaves: once what the file says of each (model, settings, weights), and as often as it is used what its inputs
/// are bound to.
class LeafReader {
 public:
  LeafReader(const Scope& scope, ModelSource& models, SourceFiles& files, Diagnostics& diagnostics)
      : scope_(scope), models_(models), files_(files), diagnostics_(diagnostics) {}

  /// A leaf without its inputs; `kind` is null, after diagnostics, where anything is wrong with it.
  const Leaf& definition(const Yaml& leaf, const std::string& what);

  /// The leaf with its inputs bound. `inputs`: what the file binds, or null where it leaves the leaf open, which is
  /// allowed inside `each` for a model with one input: it reads the part. `over`: the view of the `each` that the leaf
  /// stands in, or null. Nothing, after diagnostics, where a binding is wrong.
  std::optional<Leaf> bind(const Leaf& definition, const Yaml* inputs, const View* over, const Place& place,
                           const std::string& what);

  /// Whether `inputs` reads a view of several parts, which only an `each` can give a meaning.
  bool reads_parts(const Yaml* inputs) const;

 private:
  /// What the leaf's weights say of its settings; nothing where they say nothing, or, after diagnostics, what is wrong.
  WeightsSettings settings_of_weights(const Leaf& leaf, const std::string& what);
  void read_settings(const Yaml* settings, const WeightsSettings& trained, const std::string& what, Leaf& leaf);
  /// The value that the file has, or else the weights, or else the preset. @throws SettingError
  SettingValue setting_from(const Yaml* value, const std::vector<std::string>* trained,
                            const SettingDescription& setting, const std::string& what, const Leaf& leaf);
  SettingValue read_setting(const Yaml& value, const SettingDescription& setting, const std::string& what);
  std::optional<Binding> bind_one(const InputDescription& input, const Yaml& value, const View* over,
                                  const std::string& what);
  std::optional<Binding> bind_literal(const InputDescription& input, const Yaml& value, const std::string& what);
  std::optional<Binding> bind_view(const View& view, const View* over, const Yaml& value, const std::string& what);

  const Scope& scope_;
  ModelSource& models_;
  SourceFiles& files_;
  Diagnostics& diagnostics_;
  std::map<const Yaml*, Leaf> definitions_;
};

}  // namespace potluck
