// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/file/scope.h"
#include "compose/file/source_files.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/learn_data.h"
#include "core/files/formats/array.h"
#include "core/learning/data/data_column.h"
#include "core/variables/variable.h"

namespace potluck {

/// Reads `data` and `hold_out` of the `learn` section, a map. No file is looked at: a composition may be checked and
/// sampled where its training data are not. Mistakes are added to `diagnostics`; what could be read is returned.
LearnData read_learn_data(const Yaml& learn, const Scope& scope, SourceFiles& files, Diagnostics& diagnostics);

/// Training data as their files have them.
struct LoadedData {
  std::vector<DataColumn> columns;           ///< in the order of LearnData::variables
  std::map<std::string, std::string> files;  ///< path -> SHA-256; of a folder, of the names and hashes of its images
};

/// Reads the files. Every number is checked: its support or categories, the shape and number of rows, hold_out.
/// Nothing, after diagnostics at the place of the file, where something is wrong.
std::optional<LoadedData> load_learn_data(const LearnData& data, const std::vector<Variable>& variables,
                                          Diagnostics& diagnostics);

/// The array of one of the files, as it stands there: `path`, `array` and `csv` count. Its first axis has a row at
/// least. Nothing, after a diagnostic, where it cannot be read. Errors call it `what`.
std::optional<Array> load_rows(const LearnedVariable& source, Diagnostics& diagnostics);

/// Whether numbers of an array need a scale, as truth values do not; and what is said where there is none.
bool has_integers(const Array& array);
std::string text_of_missing_scale(const std::string& written, const Array& array);

}  // namespace potluck
