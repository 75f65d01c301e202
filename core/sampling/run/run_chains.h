// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/chains/chains.h"
#include "core/chains/rank_chains.h"
#include "core/methods/method.h"
#include "core/sampling/run/run.h"

namespace potluck {

/// Threads of a run: those that were asked for, else as many as the machine has.
int workers_of(const RunOptions& options);

/// The chains of a run in this process: the rows of the cohort, which every rank recomputes to tune as the others do,
/// then those of the rank behind it. A chain has a row for every replica, the first of which is recorded.
class RunChains {
 public:
  /// @param needs of all methods that will move them. @param target outlives this
  RunChains(const Target& target, const RunOptions& options, const Needs& needs, int64_t replicas);

  Chains& all() const { return *chains_; }
  RankChains& own() const { return *own_; }
  int64_t count() const { return own_->count(); }  ///< chains of this process
  int64_t replicas() const { return own_->replicas(); }
  /// Of all rows.
  const std::vector<int64_t>& ids() const { return ids_; }
  /// What still moves behind the warm-up: a rank behind the cohort leaves the cohort where its warm-up ended.
  Chains::Part sampled() const { return sampled_; }

 private:
  std::unique_ptr<Chains> chains_;
  std::unique_ptr<RankChains> own_;
  std::vector<int64_t> ids_;
  Chains::Part sampled_ = Chains::Part::kAll;
};

}  // namespace potluck
