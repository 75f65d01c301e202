// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/learning/auroc.h"
#include "core/learning/blur.h"
#include "core/learning/spread_rows.h"

namespace potluck {

/// Tells over-fitting: whether an energy knows the rows that it was trained on from those that were held out. Rows that
/// were learned by heart have lower energies.
class HeldOutWatch {
 public:
  /// All that is given outlives the object.
  /// @param noise  that rows are compared at
  /// @param held   numbers of the variables that data do not have
  HeldOutWatch(BatchEnergy& energy, const TrainingData& data, BlurOptions noise, std::vector<Held> held);

  /// The AUROC of the energies of held-out rows against those of training rows, at most `most` of each, evenly spread;
  /// row i of both has the same noise, in every call: 0.5 where they look alike, more where training rows were learned
  /// by heart. None where there are no held-out rows.
  std::optional<Auroc> look(int64_t most);

 private:
  std::vector<double> energies_of(SpreadRows which, int64_t rows);

  BatchEnergy& energy_;
  const TrainingData& data_;
  const Blur blur_;
  const std::vector<Held> held_;
};

}  // namespace potluck
