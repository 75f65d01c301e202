// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace potluck {

/// The folder that a run is written to. A new folder is written in place, so that a killed run can be exported from
/// where it was meant to be; one that takes the place of an older run is built beside it and swapped in at the end.
class RunFolder {
 public:
  // Both hold the folder until they are gone: @throws FileError where another process writes to it.

  /// @throws FileError where the folder exists and `overwrite` is false, or it holds something that is not a run
  RunFolder(const std::filesystem::path& folder, bool overwrite);
  /// The folder of a run that goes on, which stays whatever happens; one that was being built beside an older run is
  /// swapped in at the end as before.
  explicit RunFolder(const std::filesystem::path& earlier);
  /// Removes what was built unless it was kept.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Where the run's files are now.
  const std::filesystem::path& path() const { return path_; }
  /// Whether an older run stands under the wanted name.
  bool replaces() const { return path_ != folder_; }
  /// What was built stays where it is, in place or beside.
  void keep() { kept_ = true; }
  /// What was built stands under the wanted name, and the older run is gone.
  void publish();

 private:
  void hold();

  std::filesystem::path folder_;  ///< as wanted
  std::filesystem::path path_;
  bool kept_ = false;
  int descriptor_ = -1;  ///< of path_, locked
};

}  // namespace potluck
