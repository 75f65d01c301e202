// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/sampling/annealing/annealed_options.h"
#include "core/sampling/annealing/noise_ladder.h"
#include "core/sampling/run/run.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// Two sides of log Z from annealed importance sampling without resampling, along one ladder: the mean log weight is
/// below log Z in expectation from the base up (Jensen), and above it from exact draws of the target down.
struct EvidenceBracket {
  double lower = 0, lower_error = 0;  ///< mean over particles, and its standard error
  double upper = 0, upper_error = 0;
};

/// An estimate of log Z, the log integral of exp(-E/T) over the coordinates that are not held.
struct Evidence {
  bool interrupted = false;  ///< it was ended before there was an estimate: nothing below counts
  double log_z = 0;          ///< log of the mean of the repeats' Zhat, which is unbiased
  /// Of log_z: that of the mean of Zhat relative to it, or that of the mean of log Zhat where it is larger, which it is
  /// where few repeats have all the weight.
  double standard_error = 0;
  std::vector<double> repeats;        ///< log Zhat of each
  std::vector<AnnealedStage> stages;  ///< as tuned by the pilot; ess and acceptance are means over the repeats
  std::vector<double> noise;          ///< level of each stage, down a ladder of noise; else empty
  std::optional<EvidenceBracket> bracket;
  int64_t particles = 0;
  int64_t coordinates = 0;  ///< that are integrated over
  int64_t evaluations = 0;  ///< of energy and gradient a particle, in all runs together
  /// Draws of the target, as EvidenceControl asks for: per variable [draws, n], empty for one that does not move. They
  /// are particles of the repeats, each with as many as its Zhat says.
  std::vector<std::vector<double>> draws;
};

/// Where an estimate stands, behind a stage of one of its runs.
struct EvidenceProgress {
  enum class Run : uint8_t {
    kPilot,
    kRepeat,
    kUp,    ///< of the bracket, from the base
    kDown,  ///< of the bracket, from exact draws
  };
  Run run = Run::kPilot;
  int64_t repeat = 0, repeats = 0;             ///< repeat 1 ... repeats; 0 in the others
  int64_t stage = 0;                           ///< stages of this run that are done
  double beta = 0;                             ///< b that it has come to
  std::optional<double> noise = std::nullopt;  ///< level that it has come to, down a ladder of noise
  int64_t done = 0, total = 0;  ///< stages of all runs behind the pilot; total is 0 as long as it is not known
};

/// Receives where an estimate stands. Called from the thread that called estimate_evidence().
class EvidenceObserver {
 public:
  virtual ~EvidenceObserver() = default;
  virtual void progressed(const EvidenceProgress&) {}
  /// Everything that estimate_evidence() needs to go on from here bit for bit.
  virtual void checkpointed(std::span<const std::byte> /*state*/) {}
};

/// How an estimate is watched, ended and gone on with.
struct EvidenceControl {
  EvidenceObserver* observer = nullptr;     ///< or null
  const std::atomic<bool>* stop = nullptr;  ///< or null; once set, the estimate ends with the stage it is in
  int64_t checkpoint_every = 0;             ///< stages between checkpoints; 0: one where it is ended by `stop`
  std::span<const std::byte> checkpoint;    ///< of an estimate of the same target, options and repeats; empty: anew
  int64_t draws = 0;                        ///< wanted in Evidence; 0 where it goes on from a checkpoint
};

/// One pilot run finds ladder, step sizes and metric, and is then forgotten; `repeats` independent runs with what it
/// found estimate Z without bias, and their spread is the standard error.
/// @param repeats  >= 2
/// @param exact    independent draws of the target, for the bracket; null: none
/// @throws FileError where the checkpoint is not whole, or of another version
Evidence estimate_evidence(const Target& target, const AnnealedOptions& options, int64_t repeats, const Start* exact,
                           const EvidenceControl& control = {});

/// The same down levels of noise (NoiseAnnealed), from the base of the ladder: base and ladder of the options do not
/// count.
/// @param exact  independent draws of the target at the given level
Evidence estimate_evidence_along(const Target& target, const NoiseLadder& ladder, const AnnealedOptions& options,
                                 int64_t repeats, const Start* exact, const EvidenceControl& control = {});

}  // namespace potluck
