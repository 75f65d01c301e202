// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/methods/ladder.h"
#include "core/methods/method_options.h"

namespace potluck {

/// Parallel tempering: every chain is a ladder of replicas at temperatures T = T_0 < ... < T_N, each moved by an exact
/// inner method aimed at exp(-E/T_r). Every `swap_every` steps neighbours propose to exchange their states, the pairs
/// (0, 1), (2, 3), ... and (1, 2), (3, 4), ... by turns, which carries replicas along instead of letting them diffuse:
///
///   log a = (1/T_r - 1/T_{r+1}) (E_r - E_{r+1})
///
/// Swendsen & Wang 1986; Geyer 1991; even and odd pairs by turns: Okabe et al. 2001; why, and the ladder of equal swap
/// rates that warm-up finds: Syed, Bouchard-Cote, Deligiannidis & Doucet 2022. Leaves the product of the replicas' laws
/// invariant; draws are the coldest replica's. exp(-E/T_N) must be integrable too: heavy tails grow heavier with T.
/// Coupling: group, a ladder is never split.
class ParallelTempering final : public Method {
 public:
  enum class Spacing {
    kAuto,      ///< spaced in warm-up so that all neighbours swap at one rate
    kGeometric  ///< equal ratios
  };
  enum class Inner { kMala, kHmc };

  struct Options {
    /// > 0, of the coldest replica's inner method; none: tuned in warm-up for every replica. Give one where runs must
    /// have the same.
    std::optional<double> step_size = std::nullopt;
    int64_t replicas = 8;  ///< of every chain, 2 ... 64: more where the report says that neighbours hardly swap
    /// T_N > T; none: 10 T, raised in warm-up where that is too cold and the ladder is auto too. Give one where
    /// barriers are known.
    std::optional<double> hottest = std::nullopt;
    int64_t swap_every = 1;  ///< steps between two proposals to swap, 1 ... 2^32 - 1: more where swaps cost most
    Spacing ladder = Spacing::kAuto;  ///< how temperatures are spaced: kGeometric to compare runs
    Inner inner = Inner::kMala;       ///< what moves the replicas: kHmc where their energies have long narrow valleys
    Metric metric = Metric::kAuto;    ///< the inner method's, never kDense: kIdentity to compare runs
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit ParallelTempering(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  Coupling coupling() const override { return Coupling::kGroup; }
  Needs needs() const override { return inner_->needs(); }
  void check(const Target& target) const override;
  void prepare(const Target& target) override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override { return options_.replicas * inner_->evaluations(steps); }
  bool replayable() const override { return false; }
  Tuning tuning() const override;
  void freeze() override { inner_->freeze(); }
  double step_size() const override { return inner_->step_size(); }
  void set_step_size(double step_size) override { inner_->set_step_size(step_size); }
  double trajectory_length() const override { return inner_->trajectory_length(); }
  void set_trajectory_length(double length) override { inner_->set_trajectory_length(length); }
  int64_t replicas() const override { return options_.replicas; }
  Ladder ladder() const override { return ladder_; }
  void set_ladder(const Ladder& ladder) override { ladder_ = ladder; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  std::string note_of_hottest(const MethodCounts& counts) const;

  Options options_;
  std::unique_ptr<Method> inner_;  ///< exact, and its velocities do not live on
  Ladder ladder_;
};

}  // namespace potluck
