// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/sampling/run/run.h"
#include "plugins/model.h"
#include "plugins/process_state.h"

namespace potluck {

/// Keeps what belongs to the whole process while models run in it: looks now and then, between blocks of steps, whether
/// it is as it was, and puts it back (ProcessState). What cannot be put back, descriptors that were closed and a
/// process that a model forked, is an error.
///
/// What the program changes that runs the models is its own: its code is called through let(), which takes what it left
/// as how the process is to be.
class ProcessKeeper final : public Observer {
 public:
  /// @param models  those of the run, named where one of them is to blame
  /// @param folder  of the run, whose lock must stay; empty: there is none
  ProcessKeeper(const std::vector<const ModelKind*>& models, const std::filesystem::path& folder);

  void progressed(const Progress&) override { look_now_and_then(); }
  /// Files are about to be made, with the rights that the process gives them.
  void record(const Draw&) override { state_->restore_mode_of_files(); }
  void checkpointed(std::span<const std::byte>, int64_t) override { look(); }
  /// Looks where the last look is long enough ago. @throws PluginError
  void look_now_and_then();
  /// @throws PluginError
  void look() const;
  /// Puts back what can be, where an error is already under way.
  void put_back() const { state_->restore(); }
  /// Calls `work` of the program.
  template <class Work>
  auto let(const Work& work) {
    state_->restore();  // what models did before is not the program's
    struct TakeUp {
      ~TakeUp() { keeper.take_up(streams_were_there); }
      ProcessKeeper& keeper;
      bool streams_were_there;
    } const behind{*this, streams_.lost().empty()};
    return work();
  }
  /// Runs `work` and looks behind it. An error that comes of closed descriptors is told as that.
  template <class Work>
  auto watch(const Work& work) const {
    try {
      auto result = work();
      look();
      return result;
    } catch (const FileError&) {
      look();
      throw;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// How things are now is how they are to be, but for what the folder is held by.
  /// @param streams_were_there  before: only then the program closed them
  void take_up(bool streams_were_there);

  std::string models_;
  std::optional<ProcessState> state_;
  OpenDescriptors streams_, held_;
  Clock::time_point looked_;
};

}  // namespace potluck
