// SPDX-License-Identifier: Apache-2.0
#include "core/backend/kernels.h"

#include <fmt/format.h>

#include "core/error.h"

namespace potluck {

void check_pieces(std::span<const Piece> pieces) {
  if (pieces.size() <= kMostPieces) return;
  throw SettingError(
      fmt::format("Kernels::split: a splitting must have at most {} pieces between two evaluations, got "
                  "{}. Split it into two calls",
                  kMostPieces, pieces.size()));
}

}  // namespace potluck
