// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/error.h"
#include "core/methods/method_options.h"
#include "core/sampling/annealing/annealed.h"
#include "core/sampling/annealing/noise_annealed.h"
#include "core/sampling/annealing/weights.h"
#include "core/sampling/tuning/diagonal_metric.h"

namespace potluck {

namespace {

constexpr uint32_t kCheckpointVersion = 1;

struct Mean {
  double value = 0, error = 0;
};

Mean mean_of(const std::vector<double>& values) {
  const double count = static_cast<double>(values.size());
  Mean mean;
  for (const double one : values) mean.value += one / count;
  double squares = 0;
  for (const double one : values) squares += (one - mean.value) * (one - mean.value);
  mean.error = std::sqrt(squares / (count - 1) / count);
  return mean;
}

/// Of the log of the mean of exp(values).
double error_of_log_mean(const std::vector<double>& values) {
  const double most = *std::max_element(values.begin(), values.end());
  std::vector<double> relative;
  for (const double one : values) relative.push_back(std::exp(one - most));
  const Mean mean = mean_of(relative);
  return std::max(mean.error / mean.value, mean_of(values).error);
}

/// One estimate: its runs, one after the other, and what they found so far. All that changes is named in persist().
class Estimator {
 public:
  Estimator(const Target& target, const NoiseLadder* ladder, const AnnealedOptions& options, int64_t repeats,
            const Start* exact, const EvidenceControl& control)
      : variables_(target.energy->variables()),
        repeats_(repeats),
        resamples_(options.resample_below > 0),
        exact_(exact),
        control_(control) {
    if (ladder) {
      auto along = std::make_unique<NoiseAnnealed>(target, options, *ladder);
      along_ = along.get();
      annealed_ = std::move(along);
    } else {
      annealed_ = std::make_unique<Annealed>(target, options);
    }
    evidence_.particles = options.particles;
    evidence_.coordinates = free_coordinates(target);
    annealed_->set_watch([this](const AnnealedRun& run) { return watch(run); });
  }

  Evidence estimate() {
    if (!control_.checkpoint.empty()) {
      if (control_.draws > 0)
        throw SettingError(fmt::format("annealing: draws must be 0 where an estimate goes on from a checkpoint, got {}",
                                       control_.draws));
      StateArchive archive(control_.checkpoint);
      persist(archive);
    }
    while (!done_) {
      AnnealedRun found = next_run();
      if (!found.complete) {
        evidence_.interrupted = true;
        return std::move(evidence_);
      }
      take(std::move(found));
    }
    evidence_.log_z = log_mean_exp(evidence_.repeats);
    evidence_.standard_error = error_of_log_mean(evidence_.repeats);
    if (exact_) evidence_.bracket = {up_.value, up_.error, down_.value, down_.error};
    evidence_.stages = std::move(means_);
    for (const AnnealedStage& stage : evidence_.stages)
      if (along_) evidence_.noise.push_back(along_->noise(stage.beta));
    evidence_.evaluations = annealed_->evaluations();
    if (control_.draws > 0) choose_draws();
    return std::move(evidence_);
  }

 private:
  using Run = EvidenceProgress::Run;

  AnnealedRun next_run() {
    if (run_ == Run::kPilot) return annealed_->forward();
    if (run_ == Run::kDown) return annealed_->reverse(evidence_.stages, *exact_);
    return annealed_->forward(evidence_.stages, run_ == Run::kRepeat && resamples_);
  }

  void take(AnnealedRun found) {
    if (run_ != Run::kPilot && found.stages.size() != means_.size())
      throw StateError(
          fmt::format("a saved state must fit its run, got a run of {} stages where {} are. Start the run "
                      "anew",
                      found.stages.size(), means_.size()));
    if (run_ == Run::kPilot) {
      evidence_.stages = means_ = std::move(found.stages);
      annealed_->check_room(repeats_ + (exact_ ? 2 : 0), means_.size());
      for (AnnealedStage& stage : means_) stage.ess = stage.acceptance = 0;
      run_ = Run::kRepeat;
    } else if (run_ == Run::kRepeat) {
      evidence_.repeats.push_back(found.log_z);
      if (control_.draws > 0) draws_.push_back(annealed_->draws(control_.draws));
      for (size_t k = 0; k < means_.size(); ++k) {
        means_[k].ess += found.stages[k].ess / static_cast<double>(repeats_);
        means_[k].acceptance += found.stages[k].acceptance / static_cast<double>(repeats_);
      }
      if (repeats_done() < repeats_) return;
      run_ = Run::kUp;
      done_ = exact_ == nullptr;
    } else if (run_ == Run::kUp) {
      up_ = mean_of(found.log_weight);
      run_ = Run::kDown;
    } else {
      down_ = mean_of(found.log_weight);
      done_ = true;
    }
  }

  /// The i-th from the repeat where the cumulated Zhat passes (i + 1/2) / draws.
  void choose_draws() {
    const double most = *std::max_element(evidence_.repeats.begin(), evidence_.repeats.end());
    double sum = 0;
    for (const double one : evidence_.repeats) sum += std::exp(one - most);
    evidence_.draws.resize(draws_.front().size());
    size_t repeat = 0;
    double up_to = std::exp(evidence_.repeats[0] - most);
    for (int64_t i = 0; i < control_.draws; ++i) {
      const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(control_.draws) * sum;
      while (repeat + 1 < draws_.size() && at > up_to) up_to += std::exp(evidence_.repeats[++repeat] - most);
      for (size_t v = 0; v < evidence_.draws.size(); ++v) {
        const std::vector<double>& from = draws_[repeat][v];
        const auto n = static_cast<std::ptrdiff_t>(from.size()) / control_.draws;
        evidence_.draws[v].insert(evidence_.draws[v].end(), from.begin() + i * n, from.begin() + (i + 1) * n);
      }
    }
  }

  /// Behind every stage.
  bool watch(const AnnealedRun& run) {
    if (control_.observer) control_.observer->progressed(progress_of(run));
    const bool stops = control_.stop && control_.stop->load();
    ++since_checkpoint_;
    if (stops || (control_.checkpoint_every > 0 && since_checkpoint_ >= control_.checkpoint_every))
      hand_out_checkpoint();
    return !stops;
  }

  EvidenceProgress progress_of(const AnnealedRun& run) const {
    EvidenceProgress progress;
    progress.run = run_;
    progress.stage = static_cast<int64_t>(run.stages.size());
    progress.beta = run.stages.back().beta;
    if (along_) progress.noise = along_->noise(progress.beta);
    if (run_ == Run::kRepeat) progress.repeat = repeats_done() + 1;
    progress.repeats = repeats_;
    if (run_ == Run::kPilot) return progress;
    const auto stages = static_cast<int64_t>(evidence_.stages.size());
    progress.done = (repeats_done() + (run_ == Run::kDown ? 1 : 0)) * stages + progress.stage;
    progress.total = (repeats_ + (exact_ ? 2 : 0)) * stages;
    return progress;
  }

  /// Of a pilot: they lead up to the target, which the last is and no other, with a metric of its variables.
  bool lead_to_the_target(const std::vector<AnnealedStage>& stages) const {
    for (size_t k = 0; k < stages.size(); ++k) {
      if ((stages[k].beta < 1) != (k + 1 < stages.size()) || !scales(variables_, stages[k].scale)) return false;
      if (k > 0 && stages[k].beta < stages[k - 1].beta) return false;
    }
    return true;
  }

  /// Repeats that are done while the run under way is what it is.
  bool repeats_fit() const {
    if (run_ == Run::kPilot) return repeats_done() == 0;
    return run_ == Run::kRepeat ? repeats_done() < repeats_ : repeats_done() == repeats_;
  }

  int64_t repeats_done() const { return static_cast<int64_t>(evidence_.repeats.size()); }

  void hand_out_checkpoint() {
    since_checkpoint_ = 0;
    if (!control_.observer) return;
    StateArchive archive;
    persist(archive);
    control_.observer->checkpointed(archive.take());
  }

  void persist(StateArchive& archive) {
    archive.version(kCheckpointVersion);
    archive(*annealed_);
    archive(run_, evidence_.repeats, up_.value, up_.error, evidence_.stages, means_);
    archive.demand(run_ == Run::kPilot || run_ == Run::kRepeat || (exact_ && (run_ == Run::kUp || run_ == Run::kDown)),
                   "runs");
    archive.demand(repeats_fit(), "numbers of repeats");
    archive.demand(evidence_.stages.size() == means_.size() && evidence_.stages.empty() == (run_ == Run::kPilot) &&
                       lead_to_the_target(evidence_.stages),
                   "stages");
  }

  const std::vector<Variable>& variables_;
  std::unique_ptr<AnnealedParticles> annealed_;
  const NoiseAnnealed* along_ = nullptr;  ///< the same, down a ladder of noise; else null
  int64_t repeats_;
  bool resamples_;
  const Start* exact_;
  const EvidenceControl& control_;
  Run run_ = Run::kPilot;  ///< under way
  bool done_ = false;
  Evidence evidence_;  ///< its stages are the pilot's until the end
  std::vector<AnnealedStage> means_;
  Mean up_, down_;
  int64_t since_checkpoint_ = 0;
  std::vector<std::vector<std::vector<double>>> draws_;  ///< of every repeat, where they are wanted
};

void check_repeats(int64_t repeats) {
  if (repeats < 2) throw SettingError(fmt::format("annealing: repeats must be >= 2, got {}", repeats));
}

}  // namespace

Evidence estimate_evidence(const Target& target, const AnnealedOptions& options, int64_t repeats, const Start* exact,
                           const EvidenceControl& control) {
  check_repeats(repeats);
  return Estimator(target, nullptr, options, repeats, exact, control).estimate();
}

Evidence estimate_evidence_along(const Target& target, const NoiseLadder& ladder, const AnnealedOptions& options,
                                 int64_t repeats, const Start* exact, const EvidenceControl& control) {
  check_repeats(repeats);
  return Estimator(target, &ladder, options, repeats, exact, control).estimate();
}

}  // namespace potluck
