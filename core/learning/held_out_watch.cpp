// SPDX-License-Identifier: Apache-2.0
#include "core/learning/held_out_watch.h"

#include <algorithm>
#include <utility>

#include "core/random/philox.h"

namespace potluck {

namespace {

constexpr int64_t kPiece = 128;  // rows that are evaluated together
// No update has this number, so that this noise is no training's.
constexpr uint32_t kStep = 0xffffffffu;

}  // namespace

HeldOutWatch::HeldOutWatch(BatchEnergy& energy, const TrainingData& data, ComparisonNoise noise, std::vector<Held> held)
    : energy_(energy), data_(data), noise_(std::move(noise)), held_(std::move(held)) {}

std::optional<Auroc> HeldOutWatch::look(int64_t most) {
  const int64_t rows = std::min({most, data_.held_out(), data_.training()});
  if (rows == 0) return std::nullopt;
  return auroc(energies_of(SpreadRows::kHeldOut, rows), energies_of(SpreadRows::kTraining, rows));
}

std::vector<double> HeldOutWatch::energies_of(SpreadRows which, int64_t rows) {
  std::vector<double> energies(static_cast<size_t>(rows));
  for (int64_t first = 0; first < rows; first += kPiece) {
    Batch part = spread_rows(energy_, data_, which, {first, std::min(kPiece, rows - first), rows}, held_);
    blur(first, part);
    energy_.evaluate(part, energies.data() + first);
  }
  return energies;
}

void HeldOutWatch::blur(int64_t first, Batch& rows) const {
  for (int64_t row = 0; row < rows.rows(); ++row) {
    if (noise_.noise) rows.set(*noise_.noise, row, noise_.sigma);
    for (const size_t v : noise_.blurred) {
      NoiseAddress at;
      at.seed = noise_.seed;
      at.chain = static_cast<uint32_t>(first + row);
      at.step = kStep;
      at.purpose = Purpose::kDenoising;
      at.variable = variable_key(energy_.variables()[v].name);
      const int64_t n = rows.numbers_a_row(v);
      for (int64_t j = 0; j < n; ++j) {
        const double z = static_cast<double>(standard_normal(at, static_cast<uint32_t>(j)));
        rows.set(v, row * n + j, rows.at(v, row * n + j) + noise_.sigma * z);
      }
    }
  }
}

}  // namespace potluck
