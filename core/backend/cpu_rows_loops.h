// SPDX-License-Identifier: Apache-2.0
#pragma once

// The loops of RowKernels over the formulas of core/backend/rows. Included once by each of cpu_rows_<width>.cpp, which
// are compiled for different vector widths. Everything in the files that are included here has internal linkage and
// calls nothing inline from elsewhere, so that no copy compiled for a wider unit can be linked into the rest of the
// program (tests/structure/check_copies.py).

#include "core/backend/cpu_rows.h"
#include "core/backend/cpu_rows_flow.h"
#include "core/backend/cpu_rows_gradient.h"
#include "core/backend/cpu_rows_moves.h"
#include "core/backend/cpu_rows_noise.h"
#include "core/backend/cpu_rows_splitting.h"
#include "core/backend/cpu_rows_sums.h"

namespace potluck {
namespace {

template <class Real>
constexpr RowKernels::Typed typed() {
  return {move_rows<Real, false>, move_rows<Real, true>, flow_rows<Real>, blur_rows<Real>, ratio<Real>,
          gradient_square<Real>,  split<Real>,           products<Real>,  combine<Real>,   turn<Real>};
}

}  // namespace
}  // namespace potluck
