// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "compose/session/session.h"
#include "core/chains/chains.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// Evaluates the composite of a session at points: they are written to chains, which do not move.
class Evaluator {
 public:
  /// @param session  prepared for a run; outlives this
  explicit Evaluator(const Session& session);

  /// @throws SettingError for points of other shapes, or outside the supports
  Evaluation evaluate(const Points& points);

 private:
  void make_batches(int64_t rows);
  /// @param numbers  [variables], null where a variable is given whole
  /// @param called   what errors call row `first`
  void write(const std::vector<const Numbers*>& numbers, int64_t first, int64_t rows, int64_t called);
  void read(int64_t first, int64_t rows, Evaluation& evaluation);

  const Session& session_;
  Target target_;
  int64_t most_rows_;                          ///< of a batch
  int64_t batch_ = 0;                          ///< rows of each batch of the last points
  std::unique_ptr<Chains> chains_;             ///< as many as a batch has rows
  std::vector<std::vector<double>> position_;  ///< [variables]: [batch, n]
  ChainsState state_;
};

/// Positions for all rows of `points`, [variables]: [rows, n], as Start takes them.
/// @throws SettingError as Evaluator::evaluate
std::vector<std::vector<double>> positions_of(const Points& points, const potluck::Composition& composition);

}  // namespace potluck::engine
