// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "compose/tree/tree.h"
#include "core/sampling/run/observer.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// A draw of the inside as the face shows it: views of the same arrays.
Draw view_of(const potluck::Draw& draw, const potluck::Composition& composition, size_t experts);
/// The same for the next draw of a run, in the view of an earlier one, or an empty one: it allocates once.
void view(const potluck::Draw& draw, const potluck::Composition& composition, size_t experts, Draw& view);

/// A copy of a draw, and a view of it.
class DrawCopy {
 public:
  void take(const potluck::Draw& draw, const potluck::Composition& composition, size_t experts);
  const Draw& view() const { return view_; }

 private:
  std::vector<std::vector<std::byte>> position_;
  std::vector<double> energy_, expert_energy_, acceptance_;
  std::vector<uint8_t> frozen_;
  Draw view_;
};

}  // namespace potluck::engine
