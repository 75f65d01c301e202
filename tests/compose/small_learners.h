// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/compose/small_models.h"

namespace potluck::testing {

// E = sum_i e^s (x_i - m_i)^2 / 2 + 1 + tanh(w x_i + v) + shift. Parameters: mean m [n], log_precision s [], wave (w,
// v) [2] and the buffer shift [1]. Settings like those of gauss: the mean and e^s at first.
const ModelKind& learner();
const ModelKind& learner_alone();        ///< not thread-safe, and each creation begins with another v
const ModelKind& learner_walled();       ///< E = +infinity, and NaN in every slope, where some |x_i| > 1
const ModelKind& learner_first_order();  ///< cannot differentiate along tangents
const ModelKind& learner_unable();       ///< cannot differentiate by its parameters at all
const ModelKind& learner_of_48();        ///< prefers calls of 48 rows
const ModelKind& learner_broken();       ///< forgets in what the tangent says of w that tanh is curved
/// E = |x|^2 e^(b - a z) / 2 with a parent z of one number: log Z = n/2 (log 2 pi - b + a z). Parameters: a [], b [].
const ModelKind& stretched_learner();
/// The same with an optional parent "maybe" in place of z; without it z = 0.
const ModelKind& flexible_learner();

}  // namespace potluck::testing
