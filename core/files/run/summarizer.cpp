// SPDX-License-Identifier: Apache-2.0
// The consumer of a pass over the draws that makes a DrawsSummary. One class has it all, because the draws are read
// once and every figure is added up in that pass.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include "core/diagnostics/drift.h"
#include "core/diagnostics/energy_diagnostics.h"
#include "core/diagnostics/energy_shares.h"
#include "core/diagnostics/moments.h"
#include "core/diagnostics/nested_rhat.h"
#include "core/diagnostics/normal_score.h"
#include "core/error.h"
#include "core/files/formats/array.h"
#include "core/files/run/label_counts.h"
#include "core/files/run/summary.h"
#include "core/files/run/watched_draws.h"

namespace potluck {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kMostNames = 100;
constexpr double kHardlyMet = 0.01;  // of what a branch's weight promises

class Summarizer final : public DrawsConsumer {
 public:
  Summarizer(DrawsSchema schema, const DrawsEnd& end, std::filesystem::path run_folder, const SummaryOptions& options,
             DrawsSummary& into)
      : run_folder_(std::move(run_folder)),
        options_(options),
        into_(into),
        schema_(std::move(schema)),
        energies_(1),
        acceptance_(1),
        expert_energies_(experts()),
        shares_(experts()),
        responsibilities_(options_.mixtures) {
    begin(end);
    choose();
    for (const RecordedVariable& variable : schema_.variables) {
      moments_.emplace_back(variable.size());
      if (variable.categories > 0) label_counts_.emplace(moments_.size() - 1, variable);
    }
    has_diverged_.assign(static_cast<size_t>(schema_.chains), 0);
  }

  void take(const Draw& draw) override {
    std::vector<double> row(static_cast<size_t>(experts()));
    for (size_t k = 0; k < kept_.size(); ++k) {
      const int64_t chain = kept_[k];
      energies_.add(draw.energy + chain);
      acceptance_.add(draw.acceptance + chain);
      for (int64_t e = 0; e < experts(); ++e) {
        row[static_cast<size_t>(e)] = draw.expert_energy[e * schema_.chains + chain];
      }
      expert_energies_.add(row.data());
      shares_.add(draw.energy[chain], row.data());
      const size_t place = k * static_cast<size_t>(summary_.draws) + static_cast<size_t>(taken_);
      if (!energy_.empty()) energy_[place] = draw.energy[chain];
      if (!branch_means_.empty()) add_branches(responsibilities_.of(draw.expert_energy + chain, schema_.chains), place);
      has_diverged_[static_cast<size_t>(chain)] |= draw.diverged[chain];
      summary_.divergences += draw.diverged[chain] != 0 ? 1 : 0;
      for (size_t v = 0; v < schema_.variables.size(); ++v) {
        add_row(v, draw.position[v], chain, draw.diverged[chain] != 0);
        keep_watched(v, draw.position[v], chain, place);
      }
    }
    ++taken_;
  }

  void finish() override {
    conclude_sums();
    conclude();
    into_ = std::move(summary_);
  }

 private:
  int64_t experts() const { return static_cast<int64_t>(schema_.experts.size()); }

  void begin(const DrawsEnd& end) {
    summary_.draws = end.draws;
    summary_.steps = end.steps;
    summary_.lost = end.lost;
    summary_.chains = schema_.chains;
    summary_.superchain = options_.superchain > 0 ? options_.superchain : schema_.superchain;
    for (int64_t chain = 0; chain < schema_.chains; ++chain) {
      const int64_t id = schema_.first_chain + chain;
      if (end.frozen[static_cast<size_t>(chain)] != 0) {
        summary_.frozen.push_back(id);
      } else {
        kept_.push_back(chain);
        superchain_of_.push_back(id / summary_.superchain);
      }
    }
  }

  /// Lists the free coordinates, and which of them are diagnosed: the energy first, then the branches of mixtures, as
  /// long as half of the room is left, then small variables before large.
  void choose() {
    const int64_t values_of_one = std::max<int64_t>(1, static_cast<int64_t>(kept_.size()) * summary_.draws);
    int64_t room = options_.most_values / values_of_one;
    if (room > 0) {
      energy_.resize(static_cast<size_t>(values_of_one));
      --room;
    }
    check_mixtures();
    branch_means_.assign(static_cast<size_t>(options_.mixtures.branches()), 0);
    if (2 * options_.mixtures.branches() <= room) {
      room -= options_.mixtures.branches();
      branch_values_.assign(branch_means_.size(), std::vector<double>(static_cast<size_t>(values_of_one)));
    }
    watched_.resize(schema_.variables.size());
    for (size_t v = 0; v < schema_.variables.size(); ++v) {
      const RecordedVariable& variable = schema_.variables[v];
      VariableSummary entry{variable.name, summary_shape(variable), variable.categories, 0, {}, {}, {}, {}};
      const int64_t numbers = std::max<int64_t>(variable.categories, 1);  // of an element
      for (int64_t i = 0; i < variable.size(); ++i) {
        if (!variable.held.empty() && !std::isnan(variable.held[static_cast<size_t>(i)]))
          ++entry.held;
        else
          for (int64_t k = 0; k < numbers; ++k) entry.free.push_back(i * numbers + k);
      }
      summary_.variables.push_back(std::move(entry));
    }
    std::vector<size_t> order(schema_.variables.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto free = [&](size_t v) { return static_cast<int64_t>(summary_.variables[v].numbers()); };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return free(a) < free(b); });
    for (const size_t v : order) {
      const int64_t taken = std::min(free(v), room);
      room -= taken;
      for (int64_t k = 0; k < taken; ++k) watched_[v].numbers.push_back(static_cast<size_t>(k * free(v) / taken));
      watched_[v].values.resize(static_cast<size_t>(taken * values_of_one));
    }
  }

  void check_mixtures() const {
    const auto experts = static_cast<int64_t>(schema_.experts.size());
    if (options_.mixtures.mixtures.empty() || options_.mixtures.experts == experts) return;
    throw FileError(fmt::format("{}: the mixtures of run.json must be of the {} experts of its draws, got {}",
                                run_folder_.string(), experts, options_.mixtures.experts));
  }

  void conclude_sums() {
    divergent_chains_ = std::count(has_diverged_.begin(), has_diverged_.end(), uint8_t{1});
    summary_.energy = {"energy", energies_.mean(0), energies_.sd(0), false, {}, 0, {}};
    summary_.acceptance = acceptance_.mean(0);
    for (int64_t e = 0; e < experts(); ++e) {
      summary_.shares.push_back(shares_.share(e));
      summary_.experts.push_back({schema_.experts[static_cast<size_t>(e)],
                                  expert_energies_.mean(e),
                                  expert_energies_.sd(e),
                                  false,
                                  {},
                                  0,
                                  {}});
    }
  }

  /// Made where there is a divergence, as most runs have none.
  Moments& divergent_moments(size_t v) {
    if (divergent_moments_.empty())
      for (const RecordedVariable& variable : schema_.variables) divergent_moments_.emplace_back(variable.size());
    return divergent_moments_[v];
  }

  void add_row(size_t v, const void* position, int64_t chain, bool diverged) {
    const auto counts = label_counts_.find(v);
    if (counts != label_counts_.end())
      return counts->second.add(static_cast<const int64_t*>(position) + chain * schema_.variables[v].size());
    add_numbers(moments_[v], v, position, chain);
    if (diverged) add_numbers(divergent_moments(v), v, position, chain);
  }

  void add_numbers(Moments& moments, size_t v, const void* position, int64_t chain) const {
    const int64_t first = chain * schema_.variables[v].size();
    if (schema_.precision == Precision::kFloat32) {
      moments.add(static_cast<const float*>(position) + first);
    } else {
      moments.add(static_cast<const double*>(position) + first);
    }
  }

  void add_branches(const std::vector<double>& shares, size_t place) {
    for (size_t b = 0; b < shares.size(); ++b) {
      branch_means_[b] += shares[b];
      if (!branch_values_.empty()) branch_values_[b][place] = shares[b];
    }
  }

  void keep_watched(size_t v, const void* position, int64_t chain, size_t place) {
    const int64_t first = chain * schema_.variables[v].size();
    const std::vector<int64_t>& free = summary_.variables[v].free;
    WatchedDraws& watched = watched_[v];
    for (size_t i = 0; i < watched.numbers.size(); ++i)
      watched.values[i * draws_of_one() + place] = number_at(schema_, v, position, first, free[watched.numbers[i]]);
  }

  /// Of one number by the chains that count.
  size_t draws_of_one() const { return kept_.size() * static_cast<size_t>(summary_.draws); }

  /// `counts`: towards the worst of all.
  VariableSummary::Diagnosis diagnosis(const std::string& name, std::span<const double> values, bool counts = true) {
    const ChainValues draws{values, static_cast<int64_t>(kept_.size()), summary_.draws};
    VariableSummary::Diagnosis found{0, diagnose(draws), nested_rhat(draws, superchain_of_), {}};
    for (const int64_t k : chains_not_finite(draws))
      found.chains_not_finite.push_back(schema_.first_chain + kept_[static_cast<size_t>(k)]);
    if (counts) judge(name, found, draws);
    watch_drift(name, drift_of(draws, superchain_of_));
    return found;
  }

  void watch_drift(const std::string& name, const Drift& found) {
    if (std::isnan(found.score)) return;
    ++drifts_;
    if (summary_.drift && std::abs(summary_.drift->score) >= std::abs(found.score)) return;
    summary_.drift = {name, found.first, found.last, found.standard_error, found.score, found.tenths};
  }

  /// Weights and their errors along the way from the target; shares with their standard errors and scores.
  void conclude_branches() {
    const double count = static_cast<double>(kept_.size()) * static_cast<double>(summary_.draws);
    std::vector<size_t> first;
    for (const WatchedMixture& mixture : options_.mixtures.mixtures) {
      first.push_back(summary_.branches.size());
      const BranchShare* above = mixture.parent < 0
                                     ? nullptr
                                     : &summary_.branches.at(first.at(static_cast<size_t>(mixture.parent)) +
                                                             static_cast<size_t>(mixture.parent_branch));
      const double weight = above ? above->weight : 1, error = above ? above->weight_error / above->weight : 0;
      for (size_t b = 0; b < mixture.branches.size(); ++b) {
        const WatchedBranch& branch = mixture.branches[b];
        BranchShare entry{mixture.name, branch.name, weight * branch.weight, 0, kNan, kNan, kNan, mixture.unjudged};
        entry.weight_error = entry.weight * std::hypot(error, weight_error(mixture.branches, b) / branch.weight);
        if (count > 0) entry.share = branch_means_[summary_.branches.size()] / count;
        summary_.branches.push_back(std::move(entry));
      }
    }
    for (size_t b = 0; b < branch_values_.size() && count > 0; ++b)
      judge_branch(summary_.branches[b], {branch_values_[b], static_cast<int64_t>(kept_.size()), summary_.draws});
    if (branch_values_.empty())
      for (BranchShare& branch : summary_.branches)
        if (branch.unjudged.empty()) branch.unjudged = "there are too many draws and branches to be held in memory";
  }

  /// Of a branch that was hardly met its own effective draws say nothing: there those of all numbers count.
  void judge_branch(BranchShare& branch, const ChainValues& draws) const {
    branch.standard_error = mcse_mean(draws);
    if (!branch.unjudged.empty()) return;
    double effective = least_;
    if (branch.share > kHardlyMet * branch.weight) effective = std::fmin(effective, ess_mean(draws));
    if (!std::isfinite(effective)) effective = 0;
    const std::set<int64_t> starts(superchain_of_.begin(), superchain_of_.end());
    const double most = static_cast<double>(draws.chains) * static_cast<double>(draws.draws);
    const double independent = std::clamp(effective, static_cast<double>(starts.size()), most);
    branch.score = branch_score(branch.share, branch.standard_error, branch.weight, branch.weight_error, independent);
  }

  /// Of numbers in float32; the spread is none where they never moved.
  void watch_spacing(const VariableSummary& variable, size_t k) {
    const double sd = variable.sd[k];
    const auto size = static_cast<float>(std::abs(variable.mean[k]));
    if (!std::isfinite(size)) return;
    const double spacing = std::nextafter(size, std::numeric_limits<float>::infinity()) - size;
    const auto found = [&] { return SpacingFigure{variable.name_of(k), size, spacing, sd}; };
    if (sd > 0) {
      if (!summary_.spacing || spacing * summary_.spacing->sd > summary_.spacing->spacing * sd)
        summary_.spacing = found();
    } else if (sd == 0 && (!summary_.unmoved_spacing || spacing > summary_.unmoved_spacing->spacing)) {
      summary_.unmoved_spacing = found();
    }
  }

  /// Of a categorical variable.
  void watch_label(const VariableSummary& variable, size_t k) {
    const auto categories = static_cast<double>(variable.categories);
    if (summary_.draws < 2 || variable.categories < 2 || variable.mean[k] < 1) return;
    if (!summary_.lone_label || categories > summary_.lone_label->value)
      summary_.lone_label = {categories, variable.name_of(k)};
  }

  /// Towards the worst of all, which stays NaN once it is.
  void judge(const std::string& name, const VariableSummary::Diagnosis& number, const ChainValues& draws) {
    const Convergence& found = number.convergence;
    const auto worse = [this](double value, double than) { return !any_ || std::isnan(value) || value > than; };
    if (!std::isnan(worst_) && worse(found.rhat, worst_)) {
      worst_ = found.rhat;
      summary_.worst_rhat_at = name;
      summary_.ess_within_chain = ess_within_chain(draws);
    }
    if (!std::isnan(worst_nested_) && worse(number.nested_rhat, worst_nested_)) {
      worst_nested_ = number.nested_rhat;
      summary_.worst_nested_at = name;
    }
    const double ess = std::isnan(found.ess_bulk) ? found.ess_bulk : std::min(found.ess_bulk, found.ess_tail);
    if (!std::isnan(least_) && worse(-ess, -least_)) {
      least_ = ess;
      summary_.least_ess_at = name;
    }
    any_ = true;
  }

  void conclude() {
    summary_.typical_energy = summary_.energy.mean;
    if (!energy_.empty() && !kept_.empty()) {
      std::vector<double> sorted = energy_;
      const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
      std::nth_element(sorted.begin(), middle, sorted.end());
      summary_.typical_energy = *middle;
      // The energy of a flat composite, such as a box, is one number: that says nothing of the chains.
      const bool flat = std::adjacent_find(energy_.begin(), energy_.end(), std::not_equal_to<>()) == energy_.end();
      summary_.ebfmi = energy_bfmi({energy_, static_cast<int64_t>(kept_.size()), summary_.draws});
      for (const int64_t chain : kept_) summary_.ebfmi_of.push_back(schema_.first_chain + chain);
      VariableSummary::Diagnosis found = diagnosis(summary_.energy.name, energy_, !flat);
      summary_.energy.diagnosed = true;
      summary_.energy.convergence = found.convergence;
      summary_.energy.nested_rhat = found.nested_rhat;
      summary_.energy.chains_not_finite = std::move(found.chains_not_finite);
      energy_ = {};
    }
    for (size_t v = 0; v < schema_.variables.size(); ++v) conclude_variable(v);
    place_divergences();
    conclude_branches();
    if (summary_.drift) summary_.drift->score = joint_score(summary_.drift->score, drifts_);
    summary_.worst_rhat = any_ ? worst_ : kNan;
    summary_.least_ess = any_ ? least_ : kNan;
    summary_.worst_nested_rhat = any_ ? worst_nested_ : kNan;
  }

  void conclude_variable(size_t v) {
    VariableSummary& variable = summary_.variables[v];
    const bool spaced = schema_.precision == Precision::kFloat32;
    for (size_t k = 0; k < variable.numbers(); ++k) {
      if (const auto counts = label_counts_.find(v); counts != label_counts_.end()) {
        variable.mean.push_back(counts->second.frequency(variable.free[k]));
        variable.sd.push_back(counts->second.sd(variable.free[k]));
        watch_label(variable, k);
        continue;
      }
      variable.mean.push_back(moments_[v].mean(variable.free[k]));
      variable.sd.push_back(moments_[v].sd(variable.free[k]));
      if (summary_.draws < 2) continue;
      if (variable.sd[k] == 0 && ++summary_.unmoved_count <= kMostNames)
        summary_.unmoved.push_back(variable.name_of(k));
      if (spaced) watch_spacing(variable, k);
    }
    const std::span<const double> values = watched_[v].values;
    for (size_t i = 0; i < watched_[v].numbers.size(); ++i) {
      const size_t k = watched_[v].numbers[i];
      const std::span<const double> own = values.subspan(i * draws_of_one(), draws_of_one());
      // A label that no chain had, or all had always, says nothing of the chains: it may be as likely as that.
      const bool says_nothing = variable.categories > 0 && (variable.mean[k] == 0 || variable.mean[k] == 1);
      variable.diagnosed.push_back(diagnosis(variable.name_of(k), own, !says_nothing));
      variable.diagnosed.back().number = k;
    }
    watched_[v] = {};
  }

  void place_divergences() {
    if (divergent_moments_.empty()) return;
    for (size_t v = 0; v < schema_.variables.size(); ++v) {
      if (label_counts_.contains(v)) continue;
      const auto found = divergence_shift(moments_[v], divergent_moments_[v]);
      if (!found || !is_concentrated(*found, divergent_chains_, summary_.divergences)) continue;
      if (summary_.divergent_shift && std::abs(summary_.divergent_shift->value) >= std::abs(found->shift)) continue;
      summary_.divergent_shift = {found->shift,
                                  element_name(schema_.variables[v].name, schema_.variables[v].shape, found->scalar)};
    }
  }

  std::filesystem::path run_folder_;
  SummaryOptions options_;
  DrawsSummary& into_;
  DrawsSchema schema_;
  DrawsSummary summary_;
  int64_t taken_ = 0;                   ///< draws so far
  std::vector<int64_t> kept_;           ///< chains that are not frozen at the end
  std::vector<int64_t> superchain_of_;  ///< the superchain of each of them
  std::vector<WatchedDraws> watched_;   ///< of each variable
  Moments energies_, acceptance_, expert_energies_;
  EnergyShares shares_;
  Responsibilities responsibilities_;
  std::vector<Moments> moments_, divergent_moments_;  ///< of each variable
  std::vector<uint8_t> has_diverged_;                 ///< [chains]
  std::map<size_t, LabelCounts> label_counts_;        ///< of categorical variables, in place of moments
  int64_t divergent_chains_ = 0;
  int64_t drifts_ = 0;                              ///< numbers whose drift is known
  std::vector<double> branch_means_;                ///< [branches] sums over draws
  std::vector<std::vector<double>> branch_values_;  ///< [branches][chains, draws], where there is room
  std::vector<double> energy_;                      ///< [chains, draws], where there is room
  bool any_ = false;
  double worst_ = 0;
  double worst_nested_ = 0;
  double least_ = 0;
};

}  // namespace

std::unique_ptr<DrawsConsumer> draws_summary(const DrawsSchema& schema, const DrawsEnd& end,
                                             const std::filesystem::path& run_folder, const SummaryOptions& options,
                                             DrawsSummary& summary) {
  return std::make_unique<Summarizer>(schema, end, run_folder, options, summary);
}

}  // namespace potluck
