// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "compose/session/branch_estimates.h"
#include "core/backend/row_sums.h"
#include "core/diagnostics/responsibilities.h"
#include "core/diagnostics/until.h"
#include "core/diagnostics/virial.h"

namespace potluck {

/// run.json, or a part of it. Keys stand in the order of reading.
using RunRecord = nlohmann::ordered_json;

/// A command as it was typed, and where. Who begins a run tells it: the library does not look.
struct TypedCommand {
  std::vector<std::string> words;              ///< "potluck", "sample", ...
  std::string folder;                          ///< in which they were typed, absolute
  std::optional<std::string> folder_from_run;  ///< the same as seen from the run: where both are moved, it is found
};

/// How a run stands.
struct Standing {
  std::string state = "running";  ///< "done", "interrupted", "failed", "cut short": it was killed
  std::optional<std::string> why_stopped;
  std::string started;  ///< "2026-11-23T01:17:06Z"
  std::optional<std::string> ended;
};

/// When and how a run was gone on with, and behind how many draws.
struct Resumption {
  std::string at;
  int64_t draws = 0;
  TypedCommand command;
};

/// Which of the processes of a run.
struct RankFacts {
  int64_t rank = 0;
  int64_t world = 1;
};

/// The run was joined of those of several processes.
struct MergeFacts {
  int64_t ranks = 0;
  std::string at;
  std::string into;  ///< the folder of the whole run
};

/// A block of a sweep as it was asked for, and what it was tuned to.
struct BlockFacts {
  std::vector<std::string> variables;
  std::string method;
  RunRecord options;  ///< name -> value or list
  std::optional<double> step_size;
  std::optional<double> trajectory_length;
};

/// A temperature that falls before the warm-up, by one level a step, to that of the run.
struct CoolingFacts {
  double from = 0;
  int64_t steps = 0;
};

/// Numbers that move before the warm-up: Schedule.
struct AnnealFacts {
  std::optional<double> temperature;                  ///< of the first level
  std::vector<std::pair<std::string, double>> given;  ///< variable, its value at the first level
  int64_t levels = 0, steps = 1;
  std::string spacing;
  // Of a level of noise:
  bool predictor = false, step_by_level = false, noisy_given = false;
  std::optional<double> step_size;  ///< none: auto
};

/// What `sample` was asked to do.
struct SamplingAsked {
  std::string method;
  std::optional<bool> exact_method;  ///< MethodDescription::exact
  RunRecord options;                 ///< name -> value or list; null of a sweep, whose blocks have them
  std::vector<BlockFacts> blocks;
  std::optional<double> wanted_acceptance;  ///< that warm-up tunes towards
  int64_t chains = 0;
  int64_t superchain = 1;
  std::optional<CoolingFacts> cooling;  ///< where the temperature moves alone, a level for each step
  std::optional<AnnealFacts> anneal;    ///< none of a run from before it was recorded
  int64_t warmup = 0, steps = 0, thin = 1;
  std::vector<std::string> pictures;  ///< variables
  std::optional<bool> hard_walls;     ///< Plan::hard_walls
  std::optional<Mixtures> mixtures;   ///< none where there are none
};

/// What `evidence` was asked to do.
struct AnnealingAsked {
  int64_t particles = 0, repeats = 0, moves = 0;
  double base_mean = 0, base_scale = 1;
  /// Down levels of noise: where there are 0 levels, the pilot finds them. The base above does not count.
  std::optional<AnnealFacts> along = std::nullopt;
};

/// What `train` was asked to do; the composition has the rest.
struct TrainingAsked {
  std::vector<std::string> objectives;  ///< of the phases
  std::vector<std::string> experts;     ///< that are trained
};

struct VariableFacts {
  std::string name;
  std::vector<int64_t> shape;
  int64_t held = 0;  ///< coordinates
  std::optional<int64_t> categories;
  bool transformed = false;
};

struct PluginFacts {
  std::string id, version, file, sha256;
  std::vector<std::string> models;
};

struct MachineFacts {
  std::string processor, instructions, kernels, compiler;
};

/// On and with what anything is done.
struct Surroundings {
  std::string device;
  int64_t threads = 1;
  std::optional<MachineFacts> machine;
  std::optional<RunRecord> libtorch;  ///< how the models' own arithmetic is dispatched; null: no model uses LibTorch
  std::vector<VariableFacts> variables;
  std::vector<std::string> experts;
  std::vector<PluginFacts> plugins;
  std::map<std::string, std::string> files;  ///< path -> SHA-256
  std::optional<std::string> file_text;      ///< of a composition that came through a pipe, which is had only once
  std::vector<UsedEstimate> log_z;
  std::vector<std::string> explanation;
  std::string composition;  ///< canonical YAML
};

/// Where a run started, from where its chains are; the last two are known where its warm-up is over.
struct BeginningFacts {
  bool exact_start = false;
  double start_energy = 0;
  std::optional<double> step_size;
  std::optional<int64_t> warmup_nan_proposals;
};

/// A mean with the number of things that it is over, so that those of several processes can be joined; of a RowSum with
/// `root` the root of one.
struct MeanFacts {
  double value = 0;
  double count = 0;
};

/// What run.json has of a sum of rows: of what is counted the number, of the others the mean, where there is one.
template <class Number>
using SumFacts = std::conditional_t<std::is_integral_v<Number>, int64_t, std::optional<MeanFacts>>;

/// Energies of the target and of its experts over steps.
struct ExpertEnergyFacts {
  struct Expert {
    std::string name;
    double mean = 0, variance = 0, covariance = 0;
    double share = 0;  ///< EnergyShares::share
  };
  double count = 0, mean = 0, variance = 0;
  std::vector<Expert> experts;
};

/// The energies of the hottest replicas: LadderEnergies with its R-hat.
struct HottestFacts {
  int64_t ladders = 0, draws = 0;
  double mean = 0, between = 0, within = 0, rhat = 0;
};

/// SwapSummary.
struct SwapFacts {
  std::vector<double> temperature;
  std::vector<double> rate;  ///< NaN: none was tried
  std::vector<int64_t> attempts;
  double barrier = 0;
  double round_trips = 0;  ///< a ladder and step
  HottestFacts hottest;
};

/// A chain whose state failed.
struct FrozenFacts {
  struct Energy {
    std::string expert;
    std::optional<double> value;            ///< none: it is not finite
    std::optional<std::string> not_finite;  ///< "nan", "inf" or "-inf"
  };
  int64_t chain = 0, step = 0;
  std::vector<Energy> energies;
};

/// What is counted in the warm-up and after it.
struct Effort {
  int64_t warmup = 0, sampling = 0;
};

struct SecondsFacts {
  double warmup = 0, sampling = 0;
  std::optional<double> in_all;
};

/// What a run that has ended says of itself; what moved it, and sums that can be joined with those of other processes.
struct EndFacts {
  int64_t steps_done = 0, draws = 0;
  double step_size = 0;
  std::optional<double> trajectory_length;
  double acceptance = 0;  ///< NaN: nothing moved
  RowSums<SumFacts> sums;
  RowSums<SumFacts> warmup_sums;  ///< of those that are counted since the run began
  std::optional<ExpertEnergyFacts> expert_energies;
  std::optional<Effort> gradient_evaluations;
  Effort rows_evaluated;
  std::vector<VariableVirial> virial;
  std::optional<SwapFacts> swaps;
  int64_t frozen_count = 0;
  std::vector<FrozenFacts> frozen;  ///< the first of them
  SecondsFacts seconds;
  std::vector<std::string> notes;
};

/// What was asked of convergence.
struct UntilFacts {
  bool reached = false;
  std::string standing, looked_at;
};

/// Files that could not be made where the run ended, and how the drawing had ended.
struct NotMadeFacts {
  std::vector<std::pair<std::string, std::string>> files;  ///< file, why
  std::string state, why_stopped;
};

struct VerdictFacts {
  std::string usable, text;
};

/// Everything that is known of a run, an estimate or a training: what was run, where it started, what moved it, what it
/// counted, and the verdict. run.json is its print (to_json), `potluck merge` joins several (merged), and the verdict
/// is reached from it (figures_of). What is not known is empty.
struct RunFacts {
  std::string potluck;  ///< version
  Standing standing;
  TypedCommand command;
  std::string file;  ///< the composition, as it was named
  std::optional<SamplingAsked> sampling;
  std::optional<AnnealingAsked> annealing;
  std::optional<TrainingAsked> training;
  std::optional<int64_t> seed;
  std::optional<double> temperature;
  std::optional<std::string> precision;  ///< "float32" or "float64"
  std::optional<std::string> start;      ///< where chains begin
  Surroundings surroundings;
  std::vector<std::string> warnings;
  std::optional<RankFacts> rank;  ///< none: all chains are in one process
  std::vector<Resumption> resumed;
  std::optional<BeginningFacts> beginning;
  std::optional<EndFacts> end;
  std::optional<int64_t> exported_draws;  ///< of a run that was killed, and whose draws were exported
  std::optional<Until> stopped_by;        ///< the rule that ended it before its steps were done
  std::optional<UntilFacts> until;
  std::optional<VerdictFacts> verdict;
  std::optional<NotMadeFacts> not_made;
  std::optional<MergeFacts> merged;
  RunRecord others = RunRecord::object();  ///< keys of run.json that another version wrote
};

}  // namespace potluck
