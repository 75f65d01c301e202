// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compose/file/file.h"
#include "compose/plan/plan.h"
#include "compose/session/branch_estimates.h"
#include "compose/session/device.h"
#include "core/sampling/run/run.h"
#include "plugins/model_source.h"

namespace potluck {

/// A composition, what is changed in it, and the machine it is run on.
struct SessionOptions {
  std::filesystem::path file;
  Overrides overrides;
  DeviceChoice device;
  int threads = 1;
  std::vector<UsedEstimate> estimates;  ///< of the run that is gone on with
  ReadFor read_for = ReadFor::kSampling;
  std::filesystem::path estimate_folder;  ///< where estimates of log Z are kept from run to run; empty: nowhere
};

/// Reads a composition and opens the plugins of its models. Where it is to run on CUDA, that is initialised before.
/// @throws CompositionError with everything that is wrong
Composition read_for(const SessionOptions& options, ModelSource& models);

/// A composition on its way to draws: read, planned, with its start.
class Session {
 public:
  /// Reads and checks the file. @throws CompositionError with everything that is wrong.
  Session(const SessionOptions& options, ModelSource& models);
  /// Takes a composition that was read, in place of the file and overrides of `options`.
  Session(const SessionOptions& options, Composition composition);

  const Composition& composition() const { return composition_; }
  const SessionOptions& options() const { return options_; }

  /// What the models are created for.
  enum class Purpose {
    kLook,  ///< to check or explain: one row at a time is enough
    kRun,
    kTraining,  ///< of a composition that was read to train: there is no start
  };
  /// Creates the models. Where the device was left to choose and a model cannot use the GPU, the CPU is taken and
  /// warnings() says why. For a run, log Z that the composition asks to have estimated are.
  /// @param say  hears of what takes long
  /// @throws CompositionError for what only models can tell
  void prepare(
      Purpose purpose, const std::function<void(const std::string&)>& say = [](const std::string&) {});

  /// The composition's, and what prepare() has to say.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Only after prepare().
  const Device& device() const { return device_; }
  const Plan& plan() const { return *plan_; }
  Plan& plan() { return *plan_; }
  const Start& start() const { return *start_; }
  const std::vector<UsedEstimate>& estimates() const { return estimates_.used(); }

  /// The chains of each of `world` processes (split_run). Only after prepare().
  std::vector<Rank> split(int64_t world) const;

  /// What is sampled, and how. Valid as long as the session. Only after prepare().
  Target target() const;
  RunOptions options_of_run() const;

  /// How this process takes part in a run.
  struct Part {
    Rank rank;
    StopRule* until = nullptr;
    std::span<const std::byte> checkpoint;  ///< to go on from; empty: a new run
  };
  /// Runs the composition as its `sample` says. Only after prepare().
  RunSummary run(std::span<Observer* const> observers, const std::atomic<bool>& stop, const Part& part) const;
  /// Takes up the checkpoint of `part` and goes no further. @throws StateError where a run cannot go on from it
  void check_checkpoint(const Part& part) const;

  /// Calls `part`. What it refuses of the composition is thrown with its place, in the file or on the command line.
  template <class Part>
  auto placed(const Part& part) const {
    try {
      return part();
    } catch (const SettingError& error) {
      throw CompositionError({composition_.places.at_place(error)});
    }
  }

  /// The kinds of model that the target is made of, each once, by name.
  std::vector<const ModelKind*> models() const;

  /// @param chains  of this process
  /// @param draws   whether their draws go to the disk
  /// @throws CompositionError where a run of so many takes more memory than this process may have
  void check_memory(int64_t chains, bool draws) const;

 private:
  std::unique_ptr<Plan> plan_for(Purpose purpose) const;
  /// As many threads as this machine starts: fewer than were asked for is a warning.
  void settle_threads(Purpose purpose);
  /// Makes the start and looks for what a run would refuse.
  void check();
  PlanOptions plan_options() const;

  SessionOptions options_;
  Composition composition_;
  std::vector<std::string> warnings_;
  Device device_;
  BranchEstimates estimates_;
  std::unique_ptr<Plan> plan_;
  std::unique_ptr<Start> start_;
};

}  // namespace potluck
