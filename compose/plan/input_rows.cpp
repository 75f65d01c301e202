// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/input_rows.h"

namespace potluck {

int64_t bytes_a_chain(const PlannedEvaluation& evaluation, const PlannedInput& input, Precision precision) {
  const int64_t width = input.categorical ? 8 : static_cast<int64_t>(bytes_of(precision));
  return (evaluation.parts * input.size * width + 7) / 8 * 8;
}

void InputRows::bind(const PlannedEvaluation& evaluation, const GatheredBatch& batch, const void** rows) const {
  char* gathered = batch.gathered;
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    const PlannedInput& input = evaluation.inputs[i];
    rows[i] = nullptr;
    if (!input.asked) continue;
    rows[i] = input.variable < 0 ? input.literal.get() : batch.position[input.variable];
    if (input.variable < 0 || input.whole) continue;
    arithmetic_.gather(input.elements, input.categorical, rows[i],
                       variables_[static_cast<size_t>(input.variable)].size(), batch.chains, gathered, batch.stream);
    rows[i] = gathered;
    gathered += bytes_a_chain(evaluation, input, precision_) * batch.stride;
  }
}

}  // namespace potluck
