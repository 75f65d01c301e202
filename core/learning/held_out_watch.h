// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/learning/auroc.h"
#include "core/learning/spread_rows.h"

namespace potluck {

/// The noise at which energies of rows are compared, in the units of the data.
struct ComparisonNoise {
  std::vector<size_t> blurred;  ///< variables that noise is added to
  std::optional<size_t> noise;  ///< the variable that says how much; none: models do not read it
  double sigma = 0;             ///< the same for all rows; 0: rows are as they are
  uint32_t seed = 1;
};

/// Tells over-fitting: whether an energy knows the rows that it was trained on from those that were held out. Rows that
/// were learned by heart have lower energies.
class HeldOutWatch {
 public:
  /// All that is given outlives the object. @param held  numbers of the variables that data do not have
  HeldOutWatch(BatchEnergy& energy, const TrainingData& data, ComparisonNoise noise, std::vector<Held> held);

  /// The AUROC of the energies of held-out rows against those of training rows, at most `most` of each, evenly spread;
  /// row i of both has the same noise, in every call: 0.5 where they look alike, more where training rows were learned
  /// by heart. None where there are no held-out rows.
  std::optional<Auroc> look(int64_t most);

 private:
  std::vector<double> energies_of(SpreadRows which, int64_t rows);
  void blur(int64_t first, Batch& rows) const;

  BatchEnergy& energy_;
  const TrainingData& data_;
  const ComparisonNoise noise_;
  const std::vector<Held> held_;
};

}  // namespace potluck
