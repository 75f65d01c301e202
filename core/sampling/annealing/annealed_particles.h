// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/chains/chains.h"
#include "core/methods/method.h"
#include "core/sampling/annealing/annealed_options.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// What one run of the particles found.
struct AnnealedRun {
  std::vector<AnnealedStage> stages;
  double log_z = 0;                ///< log of an estimate of Z that is unbiased where ladder and kernels were given
  std::vector<double> log_weight;  ///< [particles] of one particle each, where none was resampled: estimates of log Z
  bool complete = false;           ///< false where a watch ended it: only its stages are known
};

/// Sequential Monte Carlo along laws exp(-E_b), from a base at b = 0 to the target at b = 1: Del Moral, Doucet & Jasra
/// 2006; without resampling annealed importance sampling, Neal 2001. Which laws these are a class of its own says.
/// Stage
/// k
///
///   weighs    w <- w exp(E_{b_{k-1}} - E_{b_k}) at the particles as the last stage left them,
///   resamples systematically where (sum w)^2 / sum w^2 < share of N, and
///   moves     by the kernel that leaves exp(-E_{b_k}) invariant; after the last weights nothing moves.
///
/// Zhat/Z_0 is the product of the mean weights between resamplings.
///
/// Its coupling is Coupling::kPopulation: the same bits for any number of threads and any tiles, not for another number
/// of particles. All sums are made in the order of the particles.
class AnnealedParticles {
 public:
  static constexpr Coupling kCoupling = Coupling::kPopulation;

  virtual ~AnnealedParticles();

  /// A run from the base to the target that tunes as it goes: step size, metric, and the ladder where none is given.
  /// Tuned on the particles that it weighs, so Zhat has a bias that falls with their number.
  /// @throws NumericalError where no particle has density, one has an energy that is not a number, or the ladder does
  ///   not get to the end.
  AnnealedRun forward();

  /// A run along given stages, of `forward()`: E[Zhat] = Z.
  AnnealedRun forward(const std::vector<AnnealedStage>& stages, bool resample);

  /// AIS from exact draws of the target down the same stages to the base: E[1/Zhat] = 1/Z, and the mean of log_weight
  /// is above log Z by as much as the forward one is below it in the limit of many stages (Grosse, Ancha & Roy 2016).
  AnnealedRun reverse(const std::vector<AnnealedStage>& stages, const Start& exact);

  /// Called behind every stage of a run. Where it returns false the run ends there, and the next call of the same
  /// function with the same arguments goes on with it.
  using Watch = std::function<bool(const AnnealedRun& run)>;
  void set_watch(Watch watch) { watch_ = std::move(watch); }

  /// All that changes, behind a stage of a run or between two runs. An object made alike that reads it goes on from
  /// there bit for bit, with the next call of the function whose run was under way.
  /// @throws SettingError where the saved particles are not as many.
  void persist(StateArchive& archive);

  /// @throws SettingError where the steps of so many more runs of so many stages are more than the noise counts.
  void check_room(int64_t runs, size_t stages) const;

  /// Particles of the last run, which is complete, resampled systematically by their weights: draws of the target in
  /// the limit of many particles.
  /// @return per variable [count, n], in no order; empty for one that does not move
  std::vector<std::vector<double>> draws(int64_t count) const;

  /// Evaluations of energy and gradient by each particle so far.
  int64_t evaluations() const { return evaluations_; }

 protected:
  /// @throws SettingError naming the option, its value and the bound it breaks.
  AnnealedParticles(const Target& target, const AnnealedOptions& options);

  /// Makes method and chains.
  /// @param target  what they evaluate; its energy outlives this
  /// @param base    exact draws of the base, whose `attempt` is a step; outlives this
  /// @param unit    a length of the base, which steps are measured by where the method tunes no metric
  void make(const Target& target, const Start& base, double base_log_z, double unit);

  /// From here on chains evaluate E_b.
  virtual void set_beta(double beta) = 0;
  virtual double beta() const = 0;
  /// What stands for b in errors: "b = 0.5".
  virtual std::string where(double beta) const = 0;
  /// What helps where particles do not follow, a sentence.
  virtual std::string advice() const = 0;
  /// Takes of state() what weights are made of.
  /// @return one energy for each particle, of which NaN and -infinity are failures
  virtual std::vector<double> take() = 0;
  /// Weighs for the move from one b to another.
  virtual void weigh(double from, double to) = 0;
  virtual double next_beta() = 0;
  virtual AnnealedStage tuned_stage(double beta) const = 0;

  const AnnealedOptions& options() const { return options_; }
  const std::vector<Held>& held() const { return held_; }
  const std::vector<Variable>& variables() const { return target_.energy->variables(); }
  Precision precision() const { return target_.energy->precision(); }
  const Tuning& tuning() const { return tuning_; }
  Chains& chains() { return *chains_; }
  const ChainsState& state() const { return state_; }
  const AnnealedRun& under_way() const { return run_; }
  std::vector<double>& log_weight() { return log_weight_; }
  const std::vector<double>& log_weight() const { return log_weight_; }
  /// Of the last stage that was tuned with one; empty: none was.
  const std::vector<std::vector<double>>& scale() const { return scale_; }
  double step_size() const { return step_size_; }
  /// Before the first run.
  void set_step_size(double step_size) { step_size_ = step_size; }
  /// Evaluates E_b at the particles.
  void evaluate();

  /// Number `index` of an array of positions.
  static double number_at(const std::vector<std::byte>& array, Precision precision, size_t index);
  static bool moves(const Variable& variable, const Held& held);

 private:
  AnnealedRun run(const std::vector<AnnealedStage>* given, bool resampling);
  bool goes_on() const { return !watch_ || watch_(run_); }
  /// Ends the run under way; `sign` of the log weights in estimates of log Z.
  AnnealedRun finish(double log_z, double sign);
  /// All particles at draws of their own, with weight 1.
  void place(const Start& start, int attempt, double beta);
  void resample();
  void move(AnnealedStage& stage);
  void tune(double acceptance);
  void read();

  std::vector<Held> held_;
  AnnealedOptions options_;
  Target target_;
  const Start* base_ = nullptr;
  double base_log_z_ = 0;
  std::unique_ptr<Method> method_;
  Tuning tuning_;
  double aim_ = 1;   ///< mean acceptance that the step size is tuned to
  double unit_ = 1;  ///< a length of the base, where the metric does not bring one
  std::unique_ptr<Chains> chains_;
  Watch watch_;
  ChainsState state_;
  // What persist() names, beside the particles and b:
  bool under_way_ = false;
  AnnealedRun run_;  ///< under way: stages, and in log_z what was gathered where particles were resampled
  std::vector<double> log_weight_;          ///< [particles] since the last resampling
  std::vector<std::vector<double>> scale_;  ///< of the last tuned stage
  double step_size_ = 0;
  uint32_t step_ = 0;
  int reversals_ = 0;
  int64_t evaluations_ = 0;
};

}  // namespace potluck
