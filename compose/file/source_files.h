// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"

namespace potluck {

/// What a composition or a file that it includes says, called `name` in errors.
/// @throws FileError where it has more than anybody writes: it is then something else, such as /dev/zero
std::string bounded_text(const std::filesystem::path& path, const std::string& name);

/// The files that a composition names: resolves their paths, records their SHA-256 and reads each weights file once.
class SourceFiles {
 public:
  /// @param folders       as in Overrides
  /// @param makes_weights  weights that are named need not be there: they are made by a training
  explicit SourceFiles(Diagnostics& diagnostics, std::map<std::string, std::filesystem::path> folders = {},
                       bool makes_weights = false)
      : diagnostics_(diagnostics), folders_(std::move(folders)), makes_weights_(makes_weights) {}

  /// The composition says how weights are learned: errors of weights that are not there say how they are made.
  void let_weights_be_learned() { weights_are_learned_ = true; }

  /// Absolute path of what `value` names: relative to the file that says it, or to the working folder where the command
  /// line says it, or to what `folders` has for that option.
  std::filesystem::path absolute_path(const Yaml& value) const;

  /// absolute_path(value), which then stands in `resolved`. `value` must stay where it is.
  std::filesystem::path resolve(const Yaml& value);

  /// The same, for a file that must be there; records it. Nothing, after a diagnostic, where it cannot be read.
  std::optional<std::filesystem::path> require(const Yaml& value, const std::string& what);

  /// The whole text of a file that `path` leads to; records it. @throws FileError
  std::string text(const std::filesystem::path& path);

  /// The arrays of a safetensors file. Null, after a diagnostic, where it cannot be read; without one where it is not
  /// there and need not be.
  std::shared_ptr<const WeightsFile> weights(const Yaml& value, const std::string& what);

  const std::map<std::string, std::string>& hashes() const { return hashes_; }
  const std::map<const Yaml*, std::string>& resolved() const { return resolved_; }

 private:
  Diagnostics& diagnostics_;
  std::map<std::string, std::filesystem::path> folders_;
  bool makes_weights_, weights_are_learned_ = false;
  std::map<std::string, std::string> hashes_;    ///< absolute path -> SHA-256
  std::map<const Yaml*, std::string> resolved_;  ///< scalar -> absolute path
  std::map<std::string, std::shared_ptr<const WeightsFile>> weights_;
};

}  // namespace potluck
