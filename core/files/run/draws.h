// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/files/run/parts.h"
#include "core/precision.h"
#include "core/sampling/run/run.h"

namespace potluck {

/// A variable that is recorded with every draw.
struct RecordedVariable {
  std::string name;
  std::vector<int64_t> shape;
  int64_t categories = 0;  ///< K > 0: labels 0 ... K-1 as int64_t
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  int source = 0;  ///< index into Draw::position when a draw is written
  /// [n] values of the held coordinates, NaN where free; empty: nothing is held.
  std::vector<double> held;

  int64_t size() const;
};

/// A variable that is given whole, hence not recorded with the draws.
struct GivenVariable {
  std::string name;
  std::vector<int64_t> shape;
  bool categorical = false;
  std::vector<double> value;  ///< [n]
};

/// What the draws of a run are: stands as JSON in the header of every part.
struct DrawsSchema {
  std::vector<RecordedVariable> variables;
  std::vector<GivenVariable> given;
  std::vector<std::string> experts;
  int64_t chains = 0;
  int64_t first_chain = 0;
  int64_t superchain = 1;  ///< neighbouring chains that began at one point
  Precision precision = Precision::kFloat32;
  double temperature = 1;
  std::string method;
  uint32_t seed = 0;
  int64_t warmup = 0;
  int64_t thin = 1;
  std::string created_at;  ///< ISO 8601, as the caller's clock has it
  std::string version;     ///< of Potluck
};

/// Splits a run's variables into recorded and given ones. The other fields are left to the caller.
DrawsSchema draws_schema(const std::vector<Variable>& variables, const std::vector<Held>& held);

/// What only the end of the draws tells, and what is made of them needs from the first draw on.
struct DrawsEnd {
  int64_t draws = 0;
  int64_t steps = 0;            ///< that the last draw was taken at
  std::vector<uint8_t> frozen;  ///< [chains] 1: the chain is frozen in the last draw
  std::string lost;             ///< what could not be read behind it; empty: everything was
};

/// The folder of the parts in a run's folder.
std::filesystem::path draws_folder(const std::filesystem::path& run_folder);

/// How many of the draws that are there a run goes on behind.
struct KeptDraws {
  int64_t count = 0;
};

/// Appends the draws of a run to `<run folder>/draws`, record by record.
class DrawsWriter {
 public:
  /// @throws FileError where the folder has draws already or cannot be written.
  DrawsWriter(const std::filesystem::path& run_folder, DrawsSchema schema, uint64_t part_bytes = uint64_t{64} << 20);

  /// Goes on with the draws of a run behind the first `kept`; those that follow are cut off.
  /// @throws FileError, also where the draws that are there are not of this schema
  DrawsWriter(const std::filesystem::path& run_folder, DrawsSchema schema, KeptDraws kept,
              uint64_t part_bytes = uint64_t{64} << 20);

  const DrawsSchema& schema() const { return schema_; }
  /// The draw has schema().chains chains, and the positions of all variables of the run. @throws FileError
  void append(const Draw& draw);
  /// What a reader finds at the end; none where nothing was appended here.
  const std::optional<DrawsEnd>& end() const { return end_; }
  /// Asks the disk to keep what was appended. @throws FileError
  void sync() { parts_.sync(); }
  /// Syncs to disk and closes. @throws FileError
  void finish() { parts_.finish(); }

 private:
  DrawsSchema schema_;
  PartWriter parts_;
  int64_t kept_ = 0;  ///< draws of before
  std::optional<DrawsEnd> end_;
};

/// Reads the draws of a run in order, one in memory at a time.
class DrawsReader {
 public:
  /// @throws FileError where there are no draws or they are not of this format.
  explicit DrawsReader(const std::filesystem::path& run_folder);

  const DrawsSchema& schema() const { return schema_; }
  /// The next draw, or null at the end. Its positions are those of schema().variables, in that order; all arrays are
  /// valid until the next call. @throws FileError for a record that is whole but has the wrong size.
  const Draw* next();
  /// After the end: what was lost to a torn record; empty when everything was read.
  const std::string& lost() const { return parts_.lost(); }

 private:
  PartReader parts_;
  DrawsSchema schema_;
  std::string where_;
  Draw draw_;
};

/// Reads all draws of a run for their end. @throws FileError
DrawsEnd find_end(const std::filesystem::path& run_folder);

}  // namespace potluck
