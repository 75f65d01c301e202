// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "compose/experts/experts.h"
#include "compose/plan/evaluation_order.h"

namespace potluck {

/// Which evaluations read the elements of a categorical variable.
struct LabelReaders {
  struct Reader {
    size_t evaluation = 0;  ///< of the order
    int32_t input = 0;
  };
  /// All of them say the energies of all labels of an element: each reads one label a chain, as an input of one number,
  /// and its model has category_energies (potluck/plugin.h), which a normaliser that depends on labels has not.
  bool offered = false;
  std::vector<std::vector<Reader>> of_element;  ///< where that is offered
};

/// Of every variable of the composition; those whose labels move are asked for, on the CPU, where the door has these
/// energies. Asks the models for the energies of one row.
/// @throws PluginError where a model answers with a failure
std::vector<LabelReaders> label_readers(const Composition& composition, const EvaluationOrder& order,
                                        const Experts& experts, const PlanOptions& options);

}  // namespace potluck
