// SPDX-License-Identifier: Apache-2.0
#include "core/learning/held_out_watch.h"

#include <algorithm>
#include <utility>

namespace potluck {

namespace {

constexpr int64_t kPiece = 128;  // rows that are evaluated together
// No update has this number, so that this noise is no training's.
constexpr uint32_t kStep = 0xffffffffu;

}  // namespace

HeldOutWatch::HeldOutWatch(BatchEnergy& energy, const TrainingData& data, BlurOptions noise, std::vector<Held> held)
    : energy_(energy), data_(data), blur_(std::move(noise)), held_(std::move(held)) {}

std::optional<Auroc> HeldOutWatch::look(int64_t most) {
  const int64_t rows = std::min({most, data_.held_out(), data_.training()});
  if (rows == 0) return std::nullopt;
  return auroc(energies_of(SpreadRows::kHeldOut, rows), energies_of(SpreadRows::kTraining, rows));
}

std::vector<double> HeldOutWatch::energies_of(SpreadRows which, int64_t rows) {
  std::vector<double> energies(static_cast<size_t>(rows)), levels;
  for (int64_t first = 0; first < rows; first += kPiece) {
    Batch part = spread_rows(energy_, data_, which, {first, std::min(kPiece, rows - first), rows}, held_);
    blur_(kStep, first, false, energy_.variables(), part, levels);
    energy_.evaluate(part, energies.data() + first);
  }
  return energies;
}

}  // namespace potluck
