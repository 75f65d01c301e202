// SPDX-License-Identifier: Apache-2.0
#include "compose/training/training_run.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "compose/engine/earlier_run.h"
#include "compose/engine/errors.h"
#include "compose/engine/typed_command.h"

namespace potluck::engine {
namespace {

/// Beside the folder of the runs: "runs/garment-training".
std::filesystem::path preset_folder(const potluck::Composition& composition) {
  std::filesystem::path folder = composition.output.folder;
  if (folder.empty()) folder = std::filesystem::path("runs") / std::filesystem::path(composition.file).stem();
  return folder.string() + "-training";
}

TrainingRunOptions options_of(const TrainingOptions& from, const Composition& composition) {
  TrainingRunOptions options;
  options.folder =
      from.folder.empty() ? preset_folder(composition.state().composition) : std::filesystem::path(from.folder);
  options.overwrite = from.overwrite;
  options.go_on = from.go_on;
  options.optimisers = from.optimisers;
  options.command = command_of(from.command, "train", composition);
  options.environment = environment_of(from.environment);
  return options;
}

TrainingReport told(const potluck::TrainingReport& from) {
  TrainingReport report;
  report.phase = from.phase;
  report.phases = from.phases;
  report.objective = from.objective;
  report.updates = from.progress.updates;
  report.epoch = from.progress.epoch;
  report.seconds = from.progress.seconds;
  report.used = from.progress.used;
  report.rate = from.progress.rate;
  report.gradient_norm = from.progress.gradient_norm;
  report.updates_a_second = from.updates_a_second;
  report.seconds_left = from.seconds_left;
  report.sample_seconds = from.sample_seconds;
  report.figures = from.progress.figures;
  report.held_out = from.held_out;
  if (from.held_out_auroc) {
    report.held_out.emplace_back("auroc", from.held_out_auroc->value);
    report.held_out.emplace_back("auroc_error", from.held_out_auroc->standard_error);
  }
  return report;
}

}  // namespace

struct TrainingRun::State {
  State(const Composition& read, const TrainingOptions& options, std::optional<ResumedRun> resumed)
      : composition(read), session(read.state().options, read.state().composition) {
    if (!read.state().composition.learn)
      throw SettingError("composition", " must be read by Composition::to_train(), got one that is to be sampled");
    session.prepare(Session::Purpose::kTraining);
    run.emplace(session, options_of(options, read), std::move(resumed));
  }

  Composition composition;
  Session session;
  bool begun = false;
  std::optional<potluck::TrainingRun> run;
};

TrainingRun::TrainingRun(const Composition& composition, const TrainingOptions& options)
    : state_(translated([&] { return std::make_unique<State>(composition, options, std::nullopt); })) {}

TrainingRun::TrainingRun(const Composition& composition, EarlierRun earlier, const TrainingOptions& options)
    : state_(
          translated([&] { return std::make_unique<State>(composition, options, std::move(earlier.state().run)); })) {}
TrainingRun::~TrainingRun() = default;
TrainingRun::TrainingRun(TrainingRun&&) noexcept = default;
TrainingRun& TrainingRun::operator=(TrainingRun&&) noexcept = default;

std::string TrainingRun::folder() const { return state_->run->folder().string(); }

std::vector<std::string> TrainingRun::experts() const {
  std::vector<std::string> names;
  for (const LearnedExpert& one : state_->run->learned()) names.push_back(one.name);
  return names;
}

std::vector<std::string> TrainingRun::warnings() const {
  std::vector<std::string> all = state_->session.warnings();
  if (const std::string missing = state_->run->missing_pictures(); !missing.empty()) all.push_back(missing);
  return all;
}

Trained TrainingRun::run(const std::function<void(const TrainingReport&)>& reported, const std::atomic<bool>* stop) {
  return translated([&] {
    if (std::exchange(state_->begun, true))
      throw SettingError("run", " must be called once of a training, got a second call. Go on with an EarlierRun");
    const std::atomic<bool> never = false;
    const TrainingOutcome outcome = state_->run->run(
        [&](const potluck::TrainingReport& report) {
          if (reported) reported(told(report));
        },
        stop ? *stop : never);
    Trained trained;
    trained.interrupted = outcome.interrupted;
    trained.updates = outcome.updates;
    trained.seconds = outcome.seconds;
    for (const std::filesystem::path& file : outcome.weights) trained.weights.push_back(file.string());
    trained.folder = folder();
    return trained;
  });
}

bool TrainingRun::left_checkpoint() const noexcept { return state_->run->left_checkpoint(); }

}  // namespace potluck::engine
