// SPDX-License-Identifier: Apache-2.0
#include "compose/record/evidence_run.h"

#include <fmt/format.h>

#include <cmath>

#include "compose/engine/earlier_run.h"
#include "compose/engine/errors.h"
#include "compose/engine/paths.h"
#include "compose/engine/typed_command.h"
#include "core/sampling/annealing/doubts.h"

namespace potluck::engine {
namespace {

EvidenceRunOptions options_of(const EvidenceOptions& from, const Composite& composite) {
  const auto refuse = [](const std::string& path, const std::string& rest) { throw SettingError(path, rest); };
  if (from.repeats < 2) refuse("repeats", fmt::format(" must be >= 2, got {}", from.repeats));
  if (from.moves < 1) refuse("moves", fmt::format(" must be >= 1, got {}", from.moves));
  if (from.checkpoint_every < 0)
    refuse("checkpoint_every", fmt::format(" must be >= 0, got {}", from.checkpoint_every));
  if (from.find_levels && !from.along) refuse("find_levels", " must be given with along, got it alone");
  if (!std::isfinite(from.base_mean)) refuse("base_mean", fmt::format(" must be finite, got {:g}", from.base_mean));
  if (!(from.base_scale > 0)) refuse("base_scale", fmt::format(" must be > 0, got {:g}", from.base_scale));
  if (!std::isfinite(from.base_scale)) refuse("base_scale", fmt::format(" must be finite, got {:g}", from.base_scale));
  check_path(from.folder, "folder");
  EvidenceRunOptions options;
  options.asked.options.moves = from.moves;
  options.asked.options.base.mean = from.base_mean;
  options.asked.options.base.scale = from.base_scale;
  options.asked.repeats = from.repeats;
  options.asked.along = from.along;
  options.asked.find_levels = from.find_levels;
  options.asked.checkpoint_every = from.checkpoint_every;
  options.keep = from.keep;
  options.folder = from.folder;
  options.overwrite = from.overwrite;
  options.command = command_of(from.command, "evidence", composite.composition());
  options.environment = environment_of(from.environment);
  return options;
}

EvidenceProgress::Run told(potluck::EvidenceProgress::Run run) {
  switch (run) {
    case potluck::EvidenceProgress::Run::kPilot:
      return EvidenceProgress::Run::kPilot;
    case potluck::EvidenceProgress::Run::kRepeat:
      return EvidenceProgress::Run::kRepeat;
    case potluck::EvidenceProgress::Run::kUp:
      return EvidenceProgress::Run::kUp;
    case potluck::EvidenceProgress::Run::kDown:
      break;
  }
  return EvidenceProgress::Run::kDown;
}

Evidence told(const EvidenceOutcome& outcome, const EvidenceOptions& options, double temperature) {
  const potluck::Evidence& from = outcome.evidence;
  Evidence evidence;
  evidence.interrupted = from.interrupted;
  evidence.log_z = from.log_z;
  evidence.standard_error = from.standard_error;
  evidence.repeats = from.repeats;
  for (const AnnealedStage& stage : from.stages)
    evidence.stages.push_back({stage.beta, stage.ess, stage.step_size, stage.acceptance});
  for (size_t k = 0; k < from.noise.size(); ++k) evidence.stages[k].noise = from.noise[k];
  if (from.bracket)
    evidence.bracket = {from.bracket->lower, from.bracket->lower_error, from.bracket->upper, from.bracket->upper_error};
  evidence.particles = from.particles;
  evidence.moves = options.moves;
  evidence.coordinates = from.coordinates;
  evidence.evaluations = from.evaluations;
  evidence.temperature = temperature;
  if (!from.interrupted) evidence.warnings = doubts(from);
  evidence.json = outcome.json;
  evidence.kept_in = outcome.kept_in.string();
  if (outcome.not_kept) evidence.not_kept = face_error(outcome.not_kept);
  return evidence;
}

}  // namespace

struct EvidenceRun::State {
  State(Composite& composite, const EvidenceOptions& asked, std::optional<ResumedRun> resumed)
      : session(composite.state().session),
        options(asked),
        run(session, options_of(asked, composite), std::move(resumed)) {}

  const Session& session;
  EvidenceOptions options;
  bool begun = false;
  potluck::EvidenceRun run;
};

EvidenceRun::EvidenceRun(Composite& composite, const EvidenceOptions& options)
    : state_(translated([&] {
        check_draws(composite.state(), "estimate log Z");
        return std::make_unique<State>(composite, options, std::nullopt);
      })) {}

EvidenceRun::EvidenceRun(Composite& composite, EarlierRun earlier, const EvidenceOptions& options)
    : state_(translated([&] {
        check_draws(composite.state(), "estimate log Z");
        return std::make_unique<State>(composite, options, std::move(earlier.state().run));
      })) {}
EvidenceRun::~EvidenceRun() = default;
EvidenceRun::EvidenceRun(EvidenceRun&&) noexcept = default;
EvidenceRun& EvidenceRun::operator=(EvidenceRun&&) noexcept = default;

std::string EvidenceRun::folder() const { return state_->run.folder().string(); }

Evidence EvidenceRun::run(const std::function<void(const EvidenceProgress&)>& progressed,
                          const std::atomic<bool>* stop) {
  return translated([&] {
    if (std::exchange(state_->begun, true))
      throw SettingError("run", " must be called once of an estimate, got a second call. Go on with an EarlierRun");
    const std::atomic<bool> never = false;
    const EvidenceOutcome outcome = state_->run.run(
        [&](const potluck::EvidenceProgress& at) {
          if (progressed)
            progressed({told(at.run), at.repeat, at.repeats, at.stage, at.beta, at.done, at.total, at.noise});
        },
        stop ? *stop : never);
    return told(outcome, state_->options, state_->session.composition().sample.temperature);
  });
}

bool EvidenceRun::left_checkpoint() const noexcept { return state_->run.left_checkpoint(); }

}  // namespace potluck::engine
