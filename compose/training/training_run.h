// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compose/plan/learnable_plan.h"
#include "compose/record/new_run_facts.h"
#include "compose/record/record_folder.h"
#include "compose/record/resumed_run.h"
#include "compose/session/session.h"
#include "compose/training/learned_experts.h"
#include "compose/training/training_log.h"
#include "compose/training/training_samples.h"
#include "compose/training/weights_record.h"
#include "core/learning/optimiser.h"

namespace potluck {

struct TrainingRunOptions {
  std::filesystem::path folder;      ///< of checkpoints, log and weights
  bool overwrite = false;            ///< an older training there is replaced once this one is done
  bool go_on = false;                ///< begin from weights that are there, which are replaced in the end
  std::filesystem::path optimisers;  ///< the library of optimisers
  double checkpoint_seconds = 60;    ///< from one checkpoint to the next
  TypedCommand command;
  EnvironmentVariable environment;
};

/// What a training came to.
struct TrainingOutcome {
  bool interrupted = false;
  int64_t updates = 0;                         ///< of all phases
  double seconds = 0;                          ///< likewise
  std::vector<std::filesystem::path> weights;  ///< that were made; of an interrupted training those in its folder
  std::optional<double> held_out_loss;         ///< of the last report, also of one before a training was gone on with
  std::optional<TrainingReport> last;
};

/// A training of a session's target as the section `learn` of its composition says, in a folder. One thread at a time,
/// and one object in a process.
class TrainingRun {
 public:
  /// Takes the folder, checks that a training that goes on is the one of its checkpoint, and writes the record.
  /// @param session  prepared for training; outlives this
  /// @throws CompositionError where nothing can be learned, or weights are there that are not to be replaced
  TrainingRun(Session& session, TrainingRunOptions options, std::optional<ResumedRun> resumed);
  ~TrainingRun();

  std::filesystem::path folder() const { return folder_->path(); }
  const std::vector<LearnedExpert>& learned() const { return learned_; }
  /// Trains. To be called once. @param reported  hears of each report
  TrainingOutcome run(const std::function<void(const TrainingReport&)>& reported, const std::atomic<bool>& stop);
  /// What a person should know of pictures of draws that could not be made; empty: all were.
  std::string missing_pictures() const;
  /// Whether an error in run() left a checkpoint, from which `--resume` goes on.
  bool left_checkpoint() const { return left_checkpoint_; }

 private:
  class Phases;

  void check_weights() const;
  std::filesystem::path weights_in_folder(const LearnedExpert& expert) const;
  void write_into_folder(const TrainedSoFar& so_far) const;
  void publish_weights(TrainingOutcome& outcome);

  Session& session_;
  TrainingRunOptions options_;
  std::optional<ResumedRun> resumed_;
  std::vector<LearnedExpert> learned_;
  std::unique_ptr<LearnablePlan> learnable_;
  std::optional<WeightsRecord> weights_record_;
  std::optional<TrainingSamples> samples_;  ///< none: no pictures are asked for
  int64_t pictures_missed_ = 0;
  std::string why_missed_;  ///< of the last of them
  nlohmann::json identity_;
  std::optional<RecordFolder> folder_;
  bool left_checkpoint_ = false;
};

}  // namespace potluck
