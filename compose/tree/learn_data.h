// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files/formats/csv.h"
#include "core/learning/data/data_column.h"

namespace potluck {

/// What `learn.data` says of one variable. Its file has not been looked at yet.
struct LearnedVariable {
  std::string what;                  ///< "learn.data.image", for messages
  std::string written;               ///< the file as the composition names it
  std::string path;                  ///< absolute, of the file or folder
  Place file_place;                  ///< where the file is named
  std::optional<std::string> array;  ///< name of the array in a safetensors file
  Place array_place;
  CsvChoice csv;
  bool has_scale = false;  ///< the composition says column.scale
  DataColumn column;       ///< all but its array
};

/// `learn.data` and `learn.hold_out`.
struct LearnData {
  std::vector<LearnedVariable> variables;  ///< as written
  int64_t hold_out = 0;
  Place hold_out_place;
};

}  // namespace potluck
