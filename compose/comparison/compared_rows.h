// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "compose/record/run_facts.h"
#include "core/comparison/rows.h"

namespace potluck {

/// Of either side of a comparison at least.
inline constexpr int64_t kLeastComparedRows = 20;

/// Which rows are taken, of either side.
struct RowsChoice {
  std::string variable;  ///< of a run; empty: its only one
  int64_t most = 0;      ///< rows
  uint32_t seed = 1;
};

/// One side of a comparison.
struct ComparedRows {
  std::string written;              ///< as it was named
  std::filesystem::path path;       ///< of the file, or the folder of the run
  std::string array;                ///< of a safetensors file, where it is named
  std::vector<int64_t> shape;       ///< of a row
  Rows rows;                        ///< those that are compared
  int64_t there = 0;                ///< rows of the file, or draws of the chains that count
  int64_t usable = 0;               ///< that count as independent
  int64_t chains = 0;               ///< of a run, that count
  std::optional<double> effective;  ///< of a run, of all chains; none: there are too few draws a chain to tell
  std::string variable;             ///< of a run
  std::optional<RunFacts> run;      ///< none of a file
  std::vector<std::string> warnings;
  /// Why the target of the run cannot be held against rows, where its draws alone show it; empty: nothing speaks
  /// against it.
  std::string no_target;
};

/// Reads a side. The folder of a run has run.json in it. Draws of a chain depend on each other: of each chain as many
/// are taken, evenly spaced and the last among them, as independent_draws() says of the effective sample size, which is
/// the least of the energy and of up to 64 numbers of the variable. A chain that froze counts for nothing.
///
/// Where more than `choice.most` are there, the first `choice.most` of an order by purpose kShuffle, name
/// `comparison.rows`, step `side`, are taken.
/// @param what  what errors call it: "RUN"  @param side  0 or 1
/// @throws SettingError, CompositionError, FileError
ComparedRows read_compared(const std::string& written, const std::string& what, const RowsChoice& choice,
                           uint32_t side);

/// @throws SettingError where the rows have other shapes, or both are the same rows
void check_comparable(const ComparedRows& first, const ComparedRows& second);

}  // namespace potluck
