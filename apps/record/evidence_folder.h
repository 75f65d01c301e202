// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "apps/process/last_words.h"
#include "apps/record/run_folder.h"
#include "apps/record/run_record.h"
#include "apps/terminal/command.h"
#include "core/sampling/annealing/annealed_options.h"

namespace potluck {

/// What the command line asks of an estimate.
struct EvidenceAsked {
  AnnealedOptions options;
  int64_t repeats = kPresetRepeats;
  int64_t checkpoint_every = 10;  ///< stages
};

/// The record of an estimate that begins.
RunRecord open_evidence_record(const Session& session, const EvidenceAsked& asked, const Words& words);

/// The folder of an estimate: run.json, which says how it stands, and at the end evidence.json.
class EvidenceFolder {
 public:
  /// Writes the record.
  EvidenceFolder(std::unique_ptr<RunFolder> folder, RunRecord record);

  const std::filesystem::path& path() const { return folder_->path(); }

  /// Leaves evidence.json and takes the place of an older run.
  void finish(const std::string& json);
  /// Stays to be gone on with.
  void interrupt();
  /// Nothing was done: the record is again `before`, that of the estimate as it was found.
  void leave(const RunRecord& before);
  /// The same where there is a checkpoint. Returns whether there is.
  bool fail(const std::string& error);

  /// "To go on: potluck evidence --resume runs/bell"
  std::string how_to_go_on() const;

 private:
  void close(const char* state);

  std::unique_ptr<RunFolder> folder_;
  RunRecord record_;
  LastWords last_words_;
};

}  // namespace potluck
