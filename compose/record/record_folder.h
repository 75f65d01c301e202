// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "compose/record/last_words.h"
#include "compose/record/run_facts.h"
#include "compose/record/run_folder.h"

namespace potluck {

/// The folder of an estimate or of a training: run.json, which says how it stands, and what its owner puts there.
class RecordFolder {
 public:
  /// Writes the record.
  RecordFolder(std::unique_ptr<RunFolder> folder, RunFacts facts);

  const std::filesystem::path& path() const { return folder_->path(); }

  /// All that is to be there is there: takes the place of an older run. The checkpoint goes.
  void finish();
  /// Stays to be gone on with.
  void interrupt();
  /// Nothing was done: the record is again that of `before`, as it was found.
  void leave(const RunFacts& before);
  /// The same where there is a checkpoint. Returns whether there is.
  bool fail(const std::string& error);

 private:
  void close(const char* state);

  std::unique_ptr<RunFolder> folder_;
  RunFacts facts_;
  LastWords last_words_;
};

}  // namespace potluck
