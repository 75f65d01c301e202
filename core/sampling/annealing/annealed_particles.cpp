// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/annealed_particles.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/methods/label_blocks.h"
#include "core/methods/method_options.h"
#include "core/random/philox.h"
#include "core/sampling/annealing/weights.h"
#include "core/sampling/tuning/diagonal_metric.h"

namespace potluck {

namespace {

constexpr size_t kMostStages = 5000;
constexpr int64_t kMostMoves = int64_t{UINT32_MAX} / (kMostStages + 1);  // so that the noise counts a run of any stages
constexpr int64_t kBatch = 1024;                                         ///< particles that are written at once
/// The log of a step's length moves by so much of the acceptance's distance from its aim: about Newton's step, since
/// the acceptance of the methods here falls by .7 to .9 as the log of the length grows by 1.
constexpr double kGain = 1.25;
/// The longest step, in units of the metric. Steps of ten standard deviations already draw anew everywhere between two
/// walls.
constexpr double kLongestStep = 10;

void check(const AnnealedOptions& options) {
  const auto refuse = [](const std::string& text) { throw SettingError("annealing: " + text); };
  if (options.particles < 2) refuse(fmt::format("particles must be >= 2, got {}", options.particles));
  if (options.moves < 1) refuse(fmt::format("moves must be >= 1, got {}", options.moves));
  if (options.particles > int64_t{UINT32_MAX})
    refuse(fmt::format("particles must be <= {}, got {}", UINT32_MAX, options.particles));
  if (options.moves > kMostMoves) refuse(fmt::format("moves must be <= {}, got {}", kMostMoves, options.moves));
  if (!(options.conditional_ess > 0 && options.conditional_ess < 1))
    refuse(fmt::format("conditional_ess must be in (0, 1), got {:g}", options.conditional_ess));
  if (!(options.resample_below >= 0 && options.resample_below <= 1))
    refuse(fmt::format("resample_below must be in [0, 1], got {:g}", options.resample_below));
  double last = 0;
  for (const double beta : options.ladder) {
    if (!(beta > last && beta <= 1))
      refuse(fmt::format("a ladder must rise from above 0 to 1, got {:g} behind {:g}", beta, last));
    last = beta;
  }
  if (!options.ladder.empty() && last != 1) refuse(fmt::format("a ladder must end at 1, got {:g}", last));
}

/// Positions of the particles that are written at once, [kBatch, n] per variable.
struct Batch {
  explicit Batch(const std::vector<Variable>& variables) : position(variables.size()) {
    for (size_t v = 0; v < variables.size(); ++v) {
      position[v].resize(static_cast<size_t>(kBatch * variables[v].size()));
      pointers.push_back(position[v].data());
    }
  }
  std::vector<std::vector<double>> position;
  std::vector<double*> pointers;
};

std::vector<Held> one_each(std::vector<Held> held, size_t variables) {
  held.resize(variables);
  return held;
}

}  // namespace

AnnealedParticles::AnnealedParticles(const Target& target, const AnnealedOptions& options)
    : held_(one_each(target.held, target.energy->variables().size())), options_(options) {
  check(options);
  if (!(target.temperature > 0) || !std::isfinite(target.temperature))
    throw SettingError(fmt::format("annealing: the temperature must be > 0, got {:g}", target.temperature));
  if (const std::vector<int> labels = moving_labels(target.energy->variables(), held_); !labels.empty())
    throw SettingError(
        fmt::format("annealing: categorical variable '{0}' must be given, got labels that are free: annealing moves "
                    "numbers alone. Give it a label: --given {0}=0",
                    target.energy->variables()[static_cast<size_t>(labels.front())].name));
  if (free_coordinates({target.energy, held_, 1}) == 0)
    throw SettingError("annealing: a coordinate must be free to move, got none. Give fewer of them");
}

double AnnealedParticles::number_at(const std::vector<std::byte>& array, Precision precision, size_t index) {
  return precision == Precision::kFloat32 ? static_cast<double>(reinterpret_cast<const float*>(array.data())[index])
                                          : reinterpret_cast<const double*>(array.data())[index];
}

bool AnnealedParticles::moves(const Variable& variable, const Held& held) {
  return !variable.categorical() && !held.all();
}

void AnnealedParticles::make(const Target& target, const Start& base, double base_log_z, double unit) {
  target_ = target;
  base_ = &base;
  base_log_z_ = base_log_z;
  method_ = make_method(options_.method, options_.values.empty() ? option_values(options_.method) : options_.values);
  if (!method_->description().exact)
    throw SettingError(
        fmt::format("annealing: the method must leave its target invariant, got '{}'. Use mala", options_.method));
  if (method_->coupling() != Coupling::kNone)
    throw SettingError(
        fmt::format("annealing: the method must move every particle alone, got '{}'. Use mala", options_.method));
  method_->check(target_);
  method_->prepare(target_);
  tuning_ = method_->tuning();
  if (tuning_.dense) throw SettingError("annealing: the metric must be auto or identity, got dense. Use auto");
  unit_ = tuning_.metric ? 1 : unit;
  step_size_ = method_->step_size();
  if (tuning_.acceptance) {
    // Weights are made of energies, and rejections hold energies back more than positions: halfway between a method's
    // own aim and 1 the spread of log Z of 64 normal coordinates is a quarter of that at MALA's .574.
    aim_ = (1 + *tuning_.acceptance) / 2;
    // Near what .787 takes for many independent coordinates of unit variance (Roberts & Rosenthal 1998).
    const double length = 1.4 * std::pow(static_cast<double>(free_coordinates(target_)), -1.0 / 6) * unit_;
    step_size_ = tuning_.step_power == 2 ? length * length / 2 : length;
  }
  if (tuning_.trajectory) method_->set_trajectory_length(M_PI / 2 * unit_);  // a quarter turn in a normal law
  method_->freeze();
  ChainsOptions chains;
  chains.chains = options_.particles;
  chains.seed = options_.seed;
  chains.threads = options_.threads;
  chains.needs = method_->needs();
  chains_ = make_chains(target_, chains);
}

AnnealedParticles::~AnnealedParticles() = default;

AnnealedRun AnnealedParticles::forward() { return run(nullptr, options_.resample_below > 0); }

AnnealedRun AnnealedParticles::forward(const std::vector<AnnealedStage>& stages, bool resampling) {
  return run(&stages, resampling);
}

AnnealedRun AnnealedParticles::run(const std::vector<AnnealedStage>* given, bool resampling) {
  if (!under_way_) {
    place(*base_, static_cast<int>(step_ + 1), 0);
    run_.log_z = base_log_z_;
  }
  double beta = run_.stages.empty() ? 0 : run_.stages.back().beta;
  while (beta < 1) {
    const size_t stage_index = run_.stages.size();
    const size_t most = given ? given->size() : options_.ladder.empty() ? kMostStages : options_.ladder.size();
    if (stage_index >= most)
      throw NumericalError(
          fmt::format("annealing must reach its target in {} stages, got to {}. {}", most, where(beta), advice()));
    const double next = given                     ? given->at(stage_index).beta
                        : options_.ladder.empty() ? next_beta()
                                                  : options_.ladder[stage_index];
    weigh(beta, next);
    beta = next;
    AnnealedStage stage = given ? given->at(stage_index) : tuned_stage(beta);
    stage.ess = effective_share(log_weight_);
    stage.resampled = false;
    stage.acceptance = NAN;
    if (stage.ess == 0)
      throw NumericalError(
          fmt::format("annealing at {}: a particle must have density in the target, got none of {}. {}", where(beta),
                      options_.particles, advice()));
    if (beta < 1) {
      stage.resampled = resampling && stage.ess < options_.resample_below;
      if (stage.resampled) {
        run_.log_z += log_mean_exp(log_weight_);
        resample();
      }
      move(stage);
      if (!given) tune(stage.acceptance);
    }
    run_.stages.push_back(std::move(stage));
    if (!goes_on()) return run_;
  }
  return finish(run_.log_z + log_mean_exp(log_weight_), 1);
}

AnnealedRun AnnealedParticles::reverse(const std::vector<AnnealedStage>& stages, const Start& exact) {
  if (!under_way_) place(exact, reversals_++, 1);
  for (size_t k = stages.size() - std::min(run_.stages.size(), stages.size()); k-- > 0;) {
    AnnealedStage stage = stages[k];
    stage.acceptance = NAN;
    if (k + 1 < stages.size()) move(stage);
    weigh(stage.beta, k > 0 ? stages[k - 1].beta : 0);
    stage.ess = effective_share(log_weight_);
    stage.resampled = false;
    run_.stages.push_back(std::move(stage));
    if (!goes_on()) return run_;
  }
  return finish(base_log_z_ - log_mean_exp(log_weight_), -1);
}

AnnealedRun AnnealedParticles::finish(double log_z, double sign) {
  under_way_ = false;
  AnnealedRun found = std::exchange(run_, {});
  found.complete = true;
  found.log_z = log_z;
  const bool resampled =
      std::any_of(found.stages.begin(), found.stages.end(), [](const AnnealedStage& one) { return one.resampled; });
  if (resampled) return found;
  for (const double one : log_weight_) found.log_weight.push_back(base_log_z_ + sign * one);
  return found;
}

std::vector<std::vector<double>> AnnealedParticles::draws(int64_t count) const {
  const double u = uniform({options_.seed, variable_key(""), 0, step_ + 1, Purpose::kResampling});
  const std::vector<int64_t> ancestors = systematic_ancestors(log_weight_, u);
  const std::vector<Variable>& variables = this->variables();
  const auto particles = static_cast<int64_t>(ancestors.size());
  std::vector<std::vector<double>> found(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    if (!moves(variables[v], held_[v])) continue;
    const auto n = static_cast<size_t>(variables[v].size());
    for (int64_t i = 0; i < count; ++i) {
      // Ancestors ascend: every count-th of them, so that all of the particles are represented.
      const auto from = static_cast<size_t>(ancestors[static_cast<size_t>(i * particles / count)]);
      for (size_t j = 0; j < n; ++j) found[v].push_back(number_at(state_.position[v], precision(), from * n + j));
    }
  }
  return found;
}

void AnnealedParticles::persist(StateArchive& archive) {
  double beta = this->beta();
  archive(step_, reversals_, evaluations_, step_size_, beta, under_way_, run_.log_z, run_.stages, scale_, log_weight_);
  std::vector<std::byte> chains;
  if (!archive.reading()) chains = chains_->save();
  archive(chains);
  if (!archive.reading()) return;
  if (log_weight_.size() != static_cast<size_t>(options_.particles))
    throw SettingError(fmt::format("annealing: particles must be the {} that were saved, got {}", log_weight_.size(),
                                   options_.particles));
  const std::vector<Variable>& variables = this->variables();
  bool fit = scales(variables, scale_);
  for (const AnnealedStage& stage : run_.stages) fit = fit && scales(variables, stage.scale);
  archive.demand(fit, "lengths of a metric");
  archive.demand(step_size_ > 0 && std::isfinite(step_size_) && beta >= 0 && beta <= 1, "stages");
  archive.demand(reversals_ >= 0 && reversals_ < INT_MAX && StateArchive::counted(evaluations_), "counts");
  archive.demand(std::all_of(log_weight_.begin(), log_weight_.end(), [](double one) { return one < INFINITY; }),
                 "weights of particles");
  set_beta(beta);
  chains_->restore(chains);
  read();
}

void AnnealedParticles::place(const Start& start, int attempt, double beta) {
  ++step_;
  run_ = {};
  under_way_ = true;
  Batch batch(variables());
  for (int64_t first = 0; first < options_.particles; first += kBatch) {
    const int64_t rows = std::min(kBatch, options_.particles - first);
    start.draw(options_.seed, first, rows, attempt, batch.pointers.data());
    chains_->write(first, rows, batch.pointers.data());
  }
  set_beta(beta);
  chains_->evaluate();
  ++evaluations_;
  log_weight_.assign(static_cast<size_t>(options_.particles), 0.0);
  read();
}

void AnnealedParticles::evaluate() {
  chains_->evaluate();
  ++evaluations_;
  read();
}

void AnnealedParticles::read() {
  chains_->read(state_);
  const std::vector<double> energy = take();
  int64_t failed = 0, first = -1;
  for (size_t i = 0; i < energy.size(); ++i) {
    if (energy[i] > -INFINITY) continue;  // false for NaN too
    if (failed++ == 0) first = static_cast<int64_t>(i);
  }
  if (failed > 0)
    throw NumericalError(
        fmt::format("annealing at {}: energies must be numbers, got {} of {} particles without (first: particle {}). "
                    "`potluck plugins check` may tell which model it is",
                    where(beta()), failed, options_.particles, first));
}

void AnnealedParticles::resample() {
  const double u = uniform({options_.seed, variable_key(""), 0, step_ + 1, Purpose::kResampling});
  const std::vector<int64_t> ancestors = systematic_ancestors(log_weight_, u);
  const std::vector<Variable>& variables = this->variables();
  Batch batch(variables);
  for (int64_t first = 0; first < options_.particles; first += kBatch) {
    const int64_t rows = std::min(kBatch, options_.particles - first);
    for (size_t v = 0; v < variables.size(); ++v) {
      if (!moves(variables[v], held_[v])) continue;
      const auto n = static_cast<size_t>(variables[v].size());
      for (int64_t row = 0; row < rows; ++row)
        for (size_t j = 0; j < n; ++j)
          batch.pointers[v][static_cast<size_t>(row) * n + j] =
              number_at(state_.position[v], precision(), static_cast<size_t>(ancestors[first + row]) * n + j);
    }
    chains_->write(first, rows, batch.pointers.data());
  }
  std::fill(log_weight_.begin(), log_weight_.end(), 0.0);
}

void AnnealedParticles::check_room(int64_t runs, size_t stages) const {
  const double all =
      static_cast<double>(step_) +
      static_cast<double>(runs) * (1 + static_cast<double>(stages) * static_cast<double>(options_.moves));
  if (all <= static_cast<double>(UINT32_MAX)) return;
  throw SettingError(fmt::format(
      "annealing: the {} moves of {} stages in {} runs must be at most {} steps in all, got {:.0f}: the noise "
      "counts that far. Take fewer moves or repeats",
      options_.moves, stages, runs, UINT32_MAX, all));
}

void AnnealedParticles::move(AnnealedStage& stage) {
  const StepRange steps{step_ + 1, options_.moves};
  set_beta(stage.beta);
  method_->set_step_size(stage.step_size);
  chains_->set_metric(stage.scale.empty() ? std::vector<std::vector<double>>(variables().size()) : stage.scale);
  chains_->evaluate();
  chains_->begin(*method_, steps.first);
  chains_->clear_sums();
  chains_->advance(*method_, Chains::Part::kAll, steps);
  step_ += static_cast<uint32_t>(steps.count);
  evaluations_ += 1 + method_->evaluations(steps);
  read();
  double sum = 0;
  for (const double one : state_.acceptance) sum += one;
  stage.acceptance = sum / static_cast<double>(options_.particles * options_.moves);
  if (!stage.scale.empty()) scale_ = stage.scale;
}

void AnnealedParticles::tune(double acceptance) {
  if (!tuning_.acceptance) return;
  const double power = tuning_.step_power;
  const double longest = kLongestStep * unit_;
  step_size_ = std::min(step_size_ * std::exp(power * kGain * (acceptance - aim_)),
                        power == 2 ? longest * longest / 2 : longest);
}

}  // namespace potluck
