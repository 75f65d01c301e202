// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "compose/record/new_run_facts.h"
#include "compose/record/record_folder.h"
#include "compose/record/resumed_run.h"
#include "compose/session/session.h"
#include "core/sampling/annealing/evidence.h"

namespace potluck {

struct EvidenceRunOptions {
  EvidenceAsked asked;           ///< particles, seed and threads are the session's
  bool keep = false;             ///< in the weights of the target too
  std::filesystem::path folder;  ///< empty: nothing is kept
  bool overwrite = false;        ///< an older estimate there is replaced once this one is done
  TypedCommand command;
  EnvironmentVariable environment;
};

/// What an estimate came to.
struct EvidenceOutcome {
  Evidence evidence;
  std::string json;               ///< of evidence.json; empty where it was interrupted
  std::filesystem::path kept_in;  ///< the weights file that has it now; empty: none
  /// Why the estimate, which is known, could not be left in its folder or in the weights; null: it was.
  std::exception_ptr not_kept;
};

/// An estimate of log Z of a session's target, in a folder or not. One thread at a time, and one object in a process
/// that has a folder.
class EvidenceRun {
 public:
  /// Takes the folder, checks that an estimate that goes on is the one of its checkpoint, and writes the record.
  /// @param session  prepared for a run of as many chains as there are to be particles; outlives this
  /// @param resumed  the estimate to go on with; none: a new one
  EvidenceRun(const Session& session, EvidenceRunOptions options, std::optional<ResumedRun> resumed);

  /// Where the files are now; empty: nowhere.
  std::filesystem::path folder() const { return folder_ ? folder_->path() : std::filesystem::path(); }
  /// Estimates. To be called once.
  /// @param progressed  hears where the estimate stands
  EvidenceOutcome run(const std::function<void(const EvidenceProgress&)>& progressed, const std::atomic<bool>& stop);
  /// What an error left in the folder, or the folder's own trouble: whether it can be gone on with.
  bool left_checkpoint() const { return left_checkpoint_; }

 private:
  Evidence estimate(const std::function<void(const EvidenceProgress&)>& progressed, const std::atomic<bool>& stop);
  void keep(EvidenceOutcome& outcome);
  void leave_files(EvidenceOutcome& outcome);
  void keep_in_weights(EvidenceOutcome& outcome) const;

  const Session& session_;
  EvidenceRunOptions options_;
  std::optional<ResumedRun> resumed_;
  std::string file_;  ///< the composition, as it was named where the estimate was begun
  nlohmann::json identity_;
  std::optional<RecordFolder> folder_;
  bool left_checkpoint_ = false;
};

}  // namespace potluck
