// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compose/known/known_composition.h"
#include "compose/start/branch_estimate.h"

namespace potluck {

/// An estimate of log Z that a composition uses.
struct UsedEstimate {
  std::string mixture, branch;  ///< names
  LogZEstimate estimate;
  std::string key;   ///< SHA-256 of all that it depends on
  std::string from;  ///< "annealing", "cache", "the run before", "weights garment.safetensors"
};

/// The estimates in a run's record, for one that goes on with it.
std::vector<UsedEstimate> estimates_of(const nlohmann::ordered_json& record);
/// As they stand in a run's record.
nlohmann::ordered_json record_of(const std::vector<UsedEstimate>& estimates);

/// Gives a composition the estimates of log Z that its mixtures ask for: those of an earlier run, which needs no starts
/// any more, else those in a folder, else new ones, which are kept there. With these come draws of the branch.
class BranchEstimates {
 public:
  /// @param folder  empty: nothing is kept
  explicit BranchEstimates(std::filesystem::path folder, std::vector<UsedEstimate> earlier = {})
      : folder_(std::move(folder)), earlier_(std::move(earlier)) {}

  /// Those that are there already; refuses what cannot be estimated. @throws CompositionError
  /// @return whether all are there
  bool find(Composition& composition, const PlanOptions& options);

  /// Those that find() missed too. @param say  hears of each that is made: it may take minutes
  /// @throws CompositionError
  void make(Composition& composition, const PlanOptions& options, int threads,
            const std::function<void(const std::string&)>& say);

  /// Adds those that the weights of branches keep. @param known  of the composition, as it is planned
  void note_kept(const KnownComposition& known);

  const std::vector<UsedEstimate>& used() const { return used_; }

 private:
  std::optional<UsedEstimate> kept(const std::string& key);
  UsedEstimate read_kept(const std::string& key) const;
  void keep(const UsedEstimate& made, const std::function<void(const std::string&)>& say) const;

  std::filesystem::path folder_;
  std::vector<UsedEstimate> earlier_, used_;
  std::vector<BranchToEstimate> asked_;  ///< of the composition that find() was called with
  std::vector<std::string> damaged_;     ///< what is wrong with files that were kept: said before they are made anew
};

}  // namespace potluck
