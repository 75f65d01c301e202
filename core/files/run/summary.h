// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/diagnostics/convergence.h"
#include "core/diagnostics/run_verdict.h"
#include "core/files/run/draws_pass.h"

namespace potluck {

struct SummaryOptions {
  /// Numbers held in memory for R-hat, ESS and MCSE (8 bytes each): scalars * chains * draws. What does not fit is
  /// diagnosed on evenly spread scalars; mean and sd are of all in any case.
  int64_t most_values = int64_t{1} << 23;
  /// Neighbouring chains that began at one point, for nested R-hat: chains id / n. 1: starts are independent; 0: as the
  /// draws say.
  int64_t superchain = 0;
  Mixtures mixtures = {};  ///< of the composite, whose experts are those of the draws
};

/// One number.
struct ScalarSummary {
  std::string name;  ///< "image[3, 14]", "z"
  double mean = 0;
  double sd = 0;
  bool diagnosed = false;
  Convergence convergence;                 ///< where diagnosed
  double nested_rhat = 0;                  ///< where diagnosed
  std::vector<int64_t> chains_not_finite;  ///< ids
};

/// The numbers of a variable, of which there may be millions: their names are made when they are asked for, and only
/// those that are diagnosed have room for what that finds. Of a categorical variable they are indicators, one for each
/// label of each element: their means are the frequencies of the labels.
struct VariableSummary {
  struct Diagnosis {
    size_t number = 0;  ///< in `free`
    Convergence convergence;
    double nested_rhat = 0;
    std::vector<int64_t> chains_not_finite;  ///< ids
  };

  std::string name;
  std::vector<int64_t> shape;        ///< of the numbers: of a categorical variable its own, then K
  int64_t categories = 0;            ///< K > 0: indicators of labels
  int64_t held = 0;                  ///< coordinates that are given: they have no entry
  std::vector<int64_t> free;         ///< the places in `shape` of those that are not, in C order
  std::vector<double> mean, sd;      ///< [free]
  std::vector<Diagnosis> diagnosed;  ///< in the order of `free`

  size_t numbers() const { return free.size(); }
  /// "image[3, 14]"; one number has the variable's name. Of labels "label = 3", "label[1] = 3".
  std::string name_of(size_t number) const;
  /// All that is known of a number.
  ScalarSummary scalar(size_t number) const;
  /// The same without its name, for loops over all numbers.
  ScalarSummary nameless(size_t number) const;
};

/// VariableSummary::shape of a variable of draws.
std::vector<int64_t> summary_shape(const RecordedVariable& variable);

/// What the draws of a run say, chains that froze left out.
struct DrawsSummary {
  int64_t chains = 0;
  int64_t draws = 0;
  int64_t steps = 0;            ///< that the last draw was taken at
  std::vector<int64_t> frozen;  ///< ids of the chains that are frozen in the last draw
  std::string lost;             ///< what could not be read of the parts
  ScalarSummary energy;
  /// Median over draws and chains, which a few chains that were left behind do not move; the mean where the energies
  /// were too many to be held.
  double typical_energy = 0;
  std::vector<ScalarSummary> experts;  ///< energy of each expert: mean and sd only
  std::vector<double> shares;          ///< [experts] of EnergyShares, over all draws; a run knows those over its steps
  double acceptance = 0;
  int64_t divergences = 0;                  ///< draws of a chain at which a step had diverged since the draw before
  std::optional<FigureAt> divergent_shift;  ///< the largest DivergenceShift, where divergences are concentrated
  std::vector<VariableSummary> variables;

  // Over everything diagnosed; NaN where nothing was or one is NaN.
  double worst_rhat = 0;
  double least_ess = 0;  ///< bulk or tail
  double worst_nested_rhat = 0;
  std::string worst_rhat_at;         ///< name of the scalar
  std::string least_ess_at;          ///< the same
  std::string worst_nested_at;       ///< the same
  double ess_within_chain = 0;       ///< of the scalar whose R-hat is worst
  int64_t superchain = 1;            ///< chains of one start, as asked for
  std::vector<double> ebfmi;         ///< [chains that are not frozen]; empty where the energy was not diagnosed
  std::vector<int64_t> ebfmi_of;     ///< their ids
  std::vector<std::string> unmoved;  ///< the first 100 scalars that are the same in all draws, if there are two draws
  int64_t unmoved_count = 0;
  std::optional<FigureAt> lone_label;    ///< RunFigures::lone_label
  std::vector<BranchShare> branches;     ///< of all mixtures, one mixture after the other
  std::optional<DriftFigure> drift;      ///< the worst of all that were diagnosed
  std::optional<SpacingFigure> spacing;  ///< of float32: the coarsest for its spread, and of those that never moved
  std::optional<SpacingFigure> unmoved_spacing;

  double frozen_share() const;  ///< of the chains: those that no estimate here has seen
};

/// Sums up the draws that it is shown.
/// @param run_folder  for errors
/// @param summary     gets what they say at the end, and must be there until then
/// @throws FileError where the mixtures are of other experts
std::unique_ptr<DrawsConsumer> draws_summary(const DrawsSchema& schema, const DrawsEnd& end,
                                             const std::filesystem::path& run_folder, const SummaryOptions& options,
                                             DrawsSummary& summary);

/// The same of all draws that can be read. @throws FileError
DrawsSummary summarize_draws(const std::filesystem::path& run_folder, const SummaryOptions& options = {});

/// What the draws have to say to a verdict. The E-BFMI that counts is that of the total energy, where `run`
/// says how many momenta there are.
/// @param run  what else is known of the run
RunFigures with_figures_of(const DrawsSummary& summary, RunFigures run);

/// For every variable a digest of its numbers' figures; a row for every number only of the smallest variables that have
/// `most_rows` together (`scalars` is null of the others: write_summary_netcdf has them all).
/// Numbers that are not finite become null, as JSON has none.
nlohmann::json to_json(const DrawsSummary& summary, int64_t most_rows = 1000);

/// {"usable": "yes", "with care" or "no", "text": a paragraph, "findings": [{"rule", "weight", "text", "advice"}]}
nlohmann::json to_json(const RunVerdict& verdict);

}  // namespace potluck
