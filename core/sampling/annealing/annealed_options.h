// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/energy/annealed_energy.h"
#include "core/settings.h"
#include "core/state_archive.h"

namespace potluck {

/// Independent runs that an estimate of log Z is made of where nobody says how many.
inline constexpr int64_t kPresetRepeats = 8;

struct AnnealedOptions {
  int64_t particles = 4096;
  int64_t moves = 4;                 ///< of the kernel in every stage
  std::string method = "mala";       ///< an exact one; its step size is tuned from stage to stage where it is `auto`
  std::vector<SettingValue> values;  ///< one per option of the method, in its declared order; empty: its presets
  std::vector<double> ladder;        ///< b_1 < ... < b_K = 1; empty: each next b is found as the particles go
  /// Where the ladder is found: the next b leaves this share of the conditional effective sample size, in (0, 1).
  /// Lower: fewer stages, each with more noise.
  double conditional_ess = 0.95;
  double resample_below = 0.5;  ///< particles are resampled where their effective share is below it; 0: never (AIS)
  AnnealedBase base;
  uint32_t seed = 1;
  int threads = 1;
};

/// One rung of the ladder and the kernel that leaves it invariant.
struct AnnealedStage {
  double beta = 1;
  double step_size = 0;
  std::vector<std::vector<double>> scale;  ///< of the diagonal metric, [n] per variable; empty: 1
  double acceptance = 0;                   ///< mean over its moves; NaN on the last stage, which has none
  double ess = 1;                          ///< effective share of the particles after its weights, before a resampling
  bool resampled = false;

  /// @throws FileError where what is read is no stage.
  void persist(StateArchive& archive) {
    archive(beta, step_size, scale, acceptance, ess, resampled);
    archive.demand(beta > 0 && beta <= 1 && step_size > 0 && std::isfinite(step_size), "stages");
  }
};

}  // namespace potluck
