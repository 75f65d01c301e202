// SPDX-License-Identifier: Apache-2.0
#include "compose/record/evidence_run.h"

#include <fmt/format.h>

#include <memory>

#include "compose/record/evidence_json.h"
#include "compose/record/process_keeper.h"
#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "compose/start/exact_start.h"
#include "compose/start/level_start.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/run/checkpoint_file.h"

namespace potluck {
namespace {

/// Tells where the estimate stands, and leaves its checkpoints where it has a folder.
class EvidenceRecorder final : public EvidenceObserver {
 public:
  EvidenceRecorder(const std::function<void(const EvidenceProgress&)>& progressed, ProcessKeeper& keeper,
                   const RecordFolder* folder, const nlohmann::json& identity)
      : progressed_(progressed), keeper_(keeper), folder_(folder), identity_(identity) {}

  void progressed(const EvidenceProgress& progress) override {
    keeper_.look_now_and_then();
    keeper_.let([&] { progressed_(progress); });
  }

  void checkpointed(std::span<const std::byte> state) override {
    keeper_.look();
    if (folder_) write_checkpoint(folder_->path(), identity_, 0, state);
  }

 private:
  const std::function<void(const EvidenceProgress&)>& progressed_;
  ProcessKeeper& keeper_;
  const RecordFolder* folder_;
  const nlohmann::json& identity_;
};

void check_along(const EvidenceAsked& asked, const Schedule& anneal) {
  if (asked.along && !anneal.of_noise())
    throw SettingError("along", fmt::format(" must be left out unless sample.anneal has a given number that is a level "
                                            "of noise, got {} that move{}. Give sample.anneal such a number and "
                                            "predictor: true",
                                            anneal.given.size(), anneal.given.size() == 1 ? "s, but no noise" : ""));
}

NoiseLadder noise_ladder(const Composition& composition, const EvidenceAsked& asked, const WeighedStart& base) {
  const Schedule& anneal = composition.sample.anneal;
  const GivenNumber& noise = anneal.given[0];
  return {noise.variable, noise.from, anneal.spacing, asked.find_levels ? 0 : anneal.levels, &base};
}

}  // namespace

EvidenceRun::EvidenceRun(const Session& session, EvidenceRunOptions options, std::optional<ResumedRun> resumed)
    : session_(session),
      options_(std::move(options)),
      resumed_(std::move(resumed)),
      file_(resumed_ ? resumed_->facts().file : session.composition().file) {
  const SampleSettings& sample = session.composition().sample;
  check_along(options_.asked, sample.anneal);
  session.check_memory(sample.chains, /*draws=*/false);
  AnnealedOptions& annealing = options_.asked.options;
  annealing.particles = sample.chains;
  annealing.seed = sample.seed;
  annealing.threads = session.options().threads;

  RunFacts facts = new_evidence_facts(session, options_.asked, options_.command, options_.environment);
  std::unique_ptr<RunFolder> place;
  if (resumed_) {
    place = resumed_->take_folder();
    resumed_->carry_over(facts);
    resumed_->check_identity(facts, "start another one with --output");
    place->clear_leftovers();
  } else if (!options_.folder.empty()) {
    place = std::make_unique<RunFolder>(options_.folder, options_.overwrite);
    note_folder(facts.command, place->path());
  }
  identity_ = run_identity(facts);
  if (place) folder_.emplace(std::move(place), std::move(facts));
}

EvidenceOutcome EvidenceRun::run(const std::function<void(const EvidenceProgress&)>& progressed,
                                 const std::atomic<bool>& stop) {
  EvidenceOutcome outcome;
  try {
    outcome.evidence = estimate(progressed, stop);
  } catch (const CheckpointError&) {
    folder_->leave(resumed_->facts());
    throw;
  } catch (const std::exception& error) {
    left_checkpoint_ = folder_ && folder_->fail(error.what());
    throw;
  }
  keep(outcome);
  return outcome;
}

Evidence EvidenceRun::estimate(const std::function<void(const EvidenceProgress&)>& progressed,
                               const std::atomic<bool>& stop) {
  const Composition& composition = session_.composition();
  const std::unique_ptr<Start> draws = exact_start(composition, {}, session_.plan().known());
  const EvidenceAsked& asked = options_.asked;
  std::unique_ptr<WeighedStart> base;
  if (asked.along) base = level_base(composition, session_.plan().known());
  const Start* exact = draws && draws->exact() ? draws.get() : nullptr;
  ProcessKeeper keeper(session_.models(), folder());
  EvidenceRecorder recorder(progressed, keeper, folder_ ? &*folder_ : nullptr, identity_);
  EvidenceControl control{.observer = &recorder, .stop = &stop, .checkpoint = {}};
  if (folder_) control.checkpoint_every = asked.checkpoint_every;
  if (resumed_) control.checkpoint = resumed_->checkpoint().state;
  const auto estimate = [&] {
    return keeper.watch([&] {
      return base ? estimate_evidence_along(session_.target(), noise_ladder(composition, asked, *base), asked.options,
                                            asked.repeats, exact, control)
                  : estimate_evidence(session_.target(), asked.options, asked.repeats, exact, control);
    });
  };
  return resumed_ ? resumed_->naming_its_checkpoint(estimate) : estimate();
}

void EvidenceRun::keep(EvidenceOutcome& outcome) {
  if (outcome.evidence.interrupted) {
    if (folder_) folder_->interrupt();
    return;
  }
  outcome.json = evidence_json(outcome.evidence, session_.composition(), file_, options_.asked);
  if (!folder_) return;
  try {
    write_whole_file(folder_->path() / "evidence.json", outcome.json);
    folder_->finish();
  } catch (const std::exception& error) {
    left_checkpoint_ = folder_->fail(error.what());
    outcome.not_kept = std::current_exception();
  }
}

}  // namespace potluck
