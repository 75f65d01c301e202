// SPDX-License-Identifier: Apache-2.0
#include "compose/record/evidence_run.h"

#include <fmt/format.h>

#include <memory>

#include "compose/experts/kept_log_z.h"
#include "compose/record/evidence_json.h"
#include "compose/record/process_keeper.h"
#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "compose/start/exact_start.h"
#include "compose/start/level_start.h"
#include "compose/tree/coordinates.h"
#include "compose/tree/visit.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/safetensors.h"
#include "core/files/formats/sha256.h"
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

const char* kind_of(const Node& node) {
  return visit_kind(
      node, [](const Leaf&) { return "one without weights"; }, [](const Product&) { return "a product"; },
      [](const Mixture&) { return "a mixture"; }, [](const Not&) { return "a negation"; },
      [](const Temper&) { return "a tempered one"; }, [](const Hierarchy&) { return "a hierarchy"; },
      [](const Each&) { return "an expert on each part"; });
}

/// What is kept with weights is log Z of the whole expert: what composites divide it by.
void check_keep(const Session& session) {
  const Composition& composition = session.composition();
  const auto refuse = [](const std::string& rest) { throw SettingError("keep", rest); };
  const Node& target = *composition.target;
  const auto* leaf = std::get_if<Leaf>(&target.kind);
  if (!leaf || !leaf->weights)
    refuse(
        fmt::format(" must be of a target that is one expert with weights, got {}. Name such an expert: --set "
                    "target=NAME",
                    kind_of(target)));
  if (!sha256_for_log_z(*leaf))
    refuse(
        fmt::format(" must be of a model whose settings name no files, got '{}'. Write the number as log_z in the "
                    "branch of the mixture",
                    leaf->kind->name));
  if (const LogNormaliser log_z = session.plan().log_normaliser(); log_z.known)
    refuse(fmt::format(" must be of a model that does not say log Z itself, got '{}' ({}). Mixtures use that",
                       leaf->kind->name, log_z.how));
  if (composition.sample.temperature != 1)
    refuse(fmt::format(" must be at T = 1, got {}. Estimate with --set sample.temperature=1",
                       composition.sample.temperature));
  std::string which;
  if (!given_parents(composition, *leaf, &which))
    refuse(fmt::format(" must be where all is given that the expert is conditional on, got '{}' that is not. Give it",
                       which));
  const Coordinates coordinates(composition);
  const CoordinateSet drawn = coordinates.drawn(target);
  for (size_t v = 0; v < composition.variables.size(); ++v)
    for (int64_t i = 0; i < composition.variables[v].size(); ++i) {
      const Variable& variable = composition.variables[v];
      if (drawn[static_cast<size_t>(coordinates.first(static_cast<int>(v)) + i)] == 0) continue;
      if (composition.held[v].any() && composition.held[v].mask[static_cast<size_t>(i)] != 0)
        refuse(
            fmt::format(" must be where nothing is given that the expert draws, got numbers of '{}'. Leave them "
                        "out of given",
                        variable.name));
      if (variable.has_face())
        refuse(fmt::format(" must be where no support cuts the expert off, got one of '{}'. Estimate without it",
                           variable.name));
    }
  log_z_metadata(*leaf, {});  // refuses metadata that cannot be added to, before time is spent
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
  if (options_.keep) check_keep(session);
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
  try {
    leave_files(outcome);
  } catch (const std::exception& error) {
    left_checkpoint_ = folder_ && folder_->fail(error.what());
    outcome.not_kept = std::current_exception();
  }
}

/// The weights before the folder is done: where they cannot be written the estimate may be gone on with.
void EvidenceRun::leave_files(EvidenceOutcome& outcome) {
  if (folder_) write_whole_file(folder_->path() / "evidence.json", outcome.json);
  if (options_.keep) keep_in_weights(outcome);
  if (folder_) folder_->finish();
}

void EvidenceRun::keep_in_weights(EvidenceOutcome& outcome) const {
  const Composition& composition = session_.composition();
  const auto& leaf = std::get<Leaf>(composition.target->kind);
  const AnnealedOptions& annealing = options_.asked.options;
  KeptLogZ kept;
  kept.given = *given_parents(composition, leaf);
  kept.value = outcome.evidence.log_z;
  kept.standard_error = outcome.evidence.standard_error;
  if (options_.asked.along) {
    const GivenNumber& noise = composition.sample.anneal.given[0];
    for (size_t i = 0; i < leaf.inputs.size(); ++i)
      if (leaf.inputs[i].variable == noise.variable) kept.along[leaf.kind->inputs[i].name] = noise.from;
  }
  kept.particles = annealing.particles;
  kept.repeats = options_.asked.repeats;
  kept.moves = annealing.moves;
  kept.seed = annealing.seed;
  kept.sha256 = *sha256_for_log_z(leaf);
  const std::filesystem::path file = leaf.weights->path;
  if (sha256_of_file(file) != leaf.weights->sha256)
    throw FileError(
        fmt::format("{}: must be as it was where the estimate began to keep log Z, got another file. "
                    "Estimate it again",
                    file.string()));
  set_safetensors_metadata(file, kLogZMetadata, log_z_metadata(leaf, kept));
  outcome.kept_in = file;
}

}  // namespace potluck
