// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compose/tree/tree.h"
#include "plugins/model_source.h"

namespace potluck {

/// What the command line changes in a composition file.
struct Overrides {
  struct Setting {
    std::string path, text;   ///< "sample.steps", "500", from --set sample.steps=500
    std::string option = {};  ///< an option that says the same in other words: "--until rhat"; empty: --set
  };
  std::vector<Setting> set;
  /// The text of the composition file, where it was read before: it came through a pipe, which has it only once.
  std::optional<std::string> text = {};
  /// What errors call that text; empty: a name made of the file's.
  std::string text_name = {};
  std::vector<std::pair<std::string, std::string>> given =
      {};  ///< "label" -> "3", "upper" -> "photo.png", from --given
  /// A variable whose numbers are those of points that the composition is evaluated at.
  struct At {
    std::string name;
    std::string text =
        {};  ///< the file of its rows, from --at: "points.npy", "{file: points.idx, scale: 1/255}"; empty: none
    std::string option = {};  ///< what errors call it; empty: --at NAME
  };
  /// Not empty: nothing of these variables is given, of `sample` precision and temperature count, and the target need
  /// not be integrable.
  std::vector<At> at = {};
  /// "--given upper" -> the folder that relative paths in it are of; not named: the working folder
  std::map<std::string, std::filesystem::path> folders = {};
};

/// What a composition is read for.
enum class ReadFor : uint8_t {
  kSampling,
  /// Its section `learn` is read, with the data. Weights that are named need not be there. What data are of, and the
  /// noise that they are blurred with, is not given, whatever the file gives.
  kTraining,
};

/// Reads and checks a composition file. `-`, /dev/stdin and other pipes are read to their end; relative paths in them
/// are relative to the working folder, and Composition::piped keeps the text. The plugins that it names are added to
/// `models`, after the places that are there already.
/// @throws CompositionError with everything that is wrong, file:line:column each; FileError where it cannot be read.
Composition read_composition(const std::filesystem::path& file, const Overrides& overrides, ModelSource& models,
                             ReadFor purpose = ReadFor::kSampling);

/// JSON Schema (draft 2020-12) of the composition format for editors, from the same tables that validate.
std::string composition_schema(ModelSource& models);

/// JSON Schema of one model's settings.
std::string model_schema(const ModelKind& kind);

}  // namespace potluck
