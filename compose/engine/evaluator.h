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
  /// [variables]: [rows of a batch, n]
  void write(const Points& points, int64_t first, int64_t rows);
  void read(int64_t first, int64_t rows, Evaluation& evaluation);

  const Session& session_;
  Target target_;
  int64_t batch_;
  std::unique_ptr<Chains> chains_;
  std::vector<std::vector<double>> position_;
  ChainsState state_;
};

/// Positions for all rows of `points`, [variables]: [rows, n], as Start takes them.
/// @throws SettingError as Evaluator::evaluate
std::vector<std::vector<double>> positions_of(const Points& points, const potluck::Composition& composition);

}  // namespace potluck::engine
