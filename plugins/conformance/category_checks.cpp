// SPDX-License-Identifier: Apache-2.0
// What discrete moves ask of a model.
#include <fmt/format.h>

#include <cmath>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"

namespace potluck::conformance {

namespace {

constexpr int64_t kRows = 5;

}  // namespace

Finding check_category_energies(const Subject& subject) {
  if (subject.kind().table->category_energies == nullptr) return not_applicable("category_energies is not provided");
  const Model model = subject.create();
  const Batch batch = subject.points(model, kRows, 110);
  WorstDifference worst;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const int64_t categories = subject.slots()[i].categories, size = subject.slots()[i].size();
    if (categories == 0) continue;
    const auto found = category_energies(model, batch, i);
    if (!found) continue;
    for (int64_t j = 0; j < size; ++j) {
      for (int64_t k = 0; k < categories; ++k) {
        Batch moved = batch;
        for (int64_t b = 0; b < kRows; ++b) moved.values[i][static_cast<size_t>(b * size + j)] = static_cast<double>(k);
        const Evaluation exact = evaluate(model, moved);
        const double bound = rounding(model, scale_of(moved, exact));
        for (int64_t b = 0; b < kRows; ++b) {
          const double claimed = (*found)[static_cast<size_t>((b * size + j) * categories + k)];
          const double energy = exact.energy[static_cast<size_t>(b)];
          worst.take(apart(claimed, energy), bound,
                     fmt::format("input '{}', row {}, number {}, label {}: {:.6g}, by evaluate {:.6g}",
                                 subject.kind().inputs[i].name, b, j, k, claimed, energy));
        }
      }
    }
  }
  if (worst.seen() == 0) return not_applicable("no categorical input has category energies");
  if (!worst.within()) {
    return failed(fmt::format("category energies differ from evaluate by {:.3g}, bound {:.3g} ({})", worst.difference(),
                              worst.bound(), worst.where()),
                  "energy[row, j, k] is E with label k at place j and all else as it stands");
  }
  return passed(fmt::format("{} energies, largest difference {:.3g}, bound {:.3g}", worst.seen(), worst.difference(),
                            worst.bound()));
}

}  // namespace potluck::conformance
