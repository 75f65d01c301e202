// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the loops of cpu_rows_loops.h cut rows into patches that stay in the first-level cache. See there for what a file
// that is compiled for several vector widths may contain.

#include <cstdint>

#include "core/backend/cpu_rows.h"

namespace potluck {
namespace {

constexpr int kPatch = 1024;  // elements moved together: their noise stays in the first-level cache

// Rows row0 .. row0 + rows - 1 and columns column0 .. column0 + columns - 1; either one row or whole rows.
struct Patch {
  int64_t row0, rows, column0, columns, stride;
};

constexpr int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

// Calls visit(patch) for patches that cover all rows.
template <class Visit>
__attribute__((always_inline)) inline void for_patches(int64_t rows, int64_t n, Visit visit) {
  const int64_t stride = n <= 2 ? 2 : (n + 3) / 4 * 4;
  if (stride <= kPatch) {
    const int64_t most_rows = kPatch / stride;
    for (int64_t row = 0; row < rows; row += most_rows)
      visit(Patch{row, least_of(most_rows, rows - row), 0, n, stride});
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < n; column += kPatch) {
      const int64_t columns = least_of(kPatch, n - column);
      visit(Patch{row, 1, column, columns, (columns + 3) / 4 * 4});
    }
  }
}

// No row of the patch is frozen.
bool all_move(const RowArguments& a, const Patch& p) {
  if (!a.frozen) return true;
  int frozen = 0;
  for (int64_t row = 0; row < p.rows; ++row) frozen |= a.frozen[p.row0 + row];
  return !frozen;
}

// Calls visit(first, rows) for the rows of a patch that are not frozen: for all that follow each other at once, where
// they may be joined, else for each.
template <class Visit>
__attribute__((always_inline)) inline void for_moving(const RowArguments& a, const Patch& p, bool all, bool joined,
                                                      Visit visit) {
  const auto moves = [&](int64_t row) { return all || !a.frozen[p.row0 + row]; };
  for (int64_t row = 0, run = 1; row < p.rows; row += run) {
    run = joined && all ? p.rows : 1;
    if (!moves(row)) continue;
    while (joined && row + run < p.rows && moves(row + run)) ++run;
    visit(row, run);
  }
}

// Whole rows of a patch that follow each other without a gap and are all treated alike are one long row. What differs
// from coordinate to coordinate is then repeated beside it, where rows are so narrow that this pays.
constexpr int64_t kMostRepeated = 256;
template <class Real>
struct JoinedRows {
  alignas(64) Real scale_of[kPatch];
  alignas(64) uint8_t held_of[kPatch];
  const Real* scale = nullptr;
  const uint8_t* held = nullptr;
  bool possible = false;

  JoinedRows(const RowArguments& a, bool wanted) {
    possible =
        wanted && a.n <= kPatch && !a.row_step && !a.row_noise && ((!a.scale && !a.held) || a.n <= kMostRepeated);
    if (!possible) return;
    const int64_t count = least_of(a.rows, kPatch / a.n) * a.n;
    if (a.scale) scale = repeated(static_cast<const Real*>(a.scale), a.n, count, scale_of);
    if (a.held) held = repeated(a.held, a.n, count, held_of);
  }

  // What goes with the elements of a patch, joined or of each row; null where nothing does.
  const Real* scale_for(const RowArguments& a, const Patch& p) const {
    return possible ? scale : a.scale ? static_cast<const Real*>(a.scale) + p.column0 : nullptr;
  }
  const uint8_t* held_for(const RowArguments& a, const Patch& p) const {
    return possible ? held : a.held ? a.held + p.column0 : nullptr;
  }

 private:
  template <class Value>
  static const Value* repeated(const Value* from, int64_t n, int64_t count, Value* to) {
    for (int64_t j = 0; j < n; ++j) to[j] = from[j];
    // What is there doubles each time, in whole rows.
    for (int64_t there = n; there < count; there *= 2) {
      const int64_t more = least_of(there, count - there);
      Value* next = to + there;
      for (int64_t j = 0; j < more; ++j) next[j] = to[j];
    }
    return to;
  }
};

}  // namespace
}  // namespace potluck
