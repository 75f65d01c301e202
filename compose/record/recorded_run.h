// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compose/record/new_run_facts.h"
#include "compose/record/resumed_run.h"
#include "compose/record/run_facts.h"
#include "compose/record/run_folder.h"
#include "compose/record/run_products.h"
#include "compose/session/ranks.h"
#include "compose/session/session.h"
#include "core/files/run/draws.h"
#include "core/sampling/run/until_rule.h"

namespace potluck {

struct RecordedRunOptions {
  std::filesystem::path folder;  ///< empty: the composition's `output.folder`, else runs/NAME of its file
  bool overwrite = false;        ///< an older run there is replaced once this one has ended
  Ranks ranks;                   ///< of several, each has rank_folder() below the folder
  TypedCommand command;
  EnvironmentVariable environment;
  std::chrono::steady_clock::time_point began;  ///< from where the seconds of the run count
};

/// What was asked of convergence and not reached.
struct Unconverged {
  std::string standing;  ///< UntilRule::standing
  std::string scope;     ///< UntilRule::scope
};

/// What a recorded run came to.
struct RecordedOutcome {
  RunSummary summary;
  RunProducts products;
  Rank chains;                   ///< of this process; all of them with their count
  std::filesystem::path folder;  ///< where the run is
  std::filesystem::path wanted;  ///< where it is to be, as it was asked for
  bool older_run_stays = false;  ///< the wanted folder is still that of an older run
  double seconds = 0;            ///< since RecordedRunOptions::began
  std::optional<Unconverged> unconverged;
};

/// The rule of the composition's `sample.until`; null where nothing but steps ends the run. @throws CompositionError
std::unique_ptr<UntilRule> until_rule(const Session& session);

/// A run whose draws, record, checkpoints, summary and pictures go to a folder, from the hold on the folder to its
/// place. One thread at a time, and one object at a time in a process, whose last words are those of the run.
class RecordedRun {
 public:
  /// Takes the folder, checks that a run that goes on is the one of its checkpoint, and begins the record and the
  /// draws.
  /// @param session  prepared for a run; outlives this
  /// @param resumed  the run to go on with; none: a new one
  /// @throws Error; what was begun is then removed, and a run that was to go on is as it was
  RecordedRun(const Session& session, RecordedRunOptions options, std::optional<ResumedRun> resumed);

  /// Where the run's files are now.
  const std::filesystem::path& folder() const { return folder_->path(); }
  /// Those of this process; {0, 0}: all.
  const Rank& chains() const { return rank_; }
  /// The rule of the composition's `sample.until`; null where nothing but steps ends the run.
  UntilRule* until() { return until_.get(); }

  /// Draws, makes the files of the draws, and gives the run its place. To be called once. What an error leaves to go on
  /// from, or to export, is kept: left_draws() and left_checkpoint() say what it is.
  /// @param more  observers beside those of the run
  /// @param rule  ends the run, and is to ask until() too; null: steps end it
  /// @param say   hears which file is being made
  RecordedOutcome run(std::span<Observer* const> more, const std::atomic<bool>& stop, StopRule* rule,
                      const std::function<void(const std::string&)>& say);

  bool left_draws() const { return left_draws_; }
  bool left_checkpoint() const { return left_checkpoint_; }

 private:
  const SampleSettings& settings() const { return session_.composition().sample; }
  void take_folder();
  void open();
  void check_resumed();
  void draw(std::span<Observer* const> more, const std::atomic<bool>& stop, StopRule* rule,
            const std::function<void(const std::string&)>& say);
  void close(const std::function<void(const std::string&)>& say);
  void make_products(const std::function<void(const std::string&)>& say);
  void keep_what_is_there(bool drawn, const std::string& error);
  RecordedOutcome outcome();

  const Session& session_;
  const RecordedRunOptions options_;
  std::optional<ResumedRun> resumed_;
  std::vector<std::string> pictures_;
  Rank rank_;
  std::unique_ptr<UntilRule> until_;
  std::filesystem::path wanted_;  ///< where the run is to be in the end
  std::unique_ptr<RunFolder> folder_;
  RunFacts facts_;
  DrawsSchema schema_;
  std::optional<DrawsWriter> writer_;
  RunSummary summary_;
  RunProducts products_;
  double seconds_ = 0;
  bool converged_ = true;
  bool left_draws_ = false, left_checkpoint_ = false;
};

}  // namespace potluck
