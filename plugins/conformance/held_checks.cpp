// SPDX-License-Identifier: Apache-2.0
// What stands still: coordinates that a draw is given, and numbers that a model is told of when it is created.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/conformance/checks.h"

namespace potluck::conformance {

Finding check_held_coordinates(const Subject& subject) {
  const Model model = subject.create();
  if (model.facts().draw_uniforms == 0) return not_applicable("the model has no exact draws");
  constexpr int64_t kRows = 8;
  const auto uniforms = [&](uint32_t salt) { return subject.uniforms(kRows * model.facts().draw_uniforms, salt); };
  const auto given = draw(model, subject.points(model, kRows, 54), uniforms(70));
  if (!given) return not_applicable("the model cannot draw in this setup");
  int patterns = 0, refused = 0;
  for (size_t i = 0; i < given->values.size(); ++i) {
    if (subject.kind().inputs[i].parent) continue;
    const auto size = static_cast<size_t>(subject.slots()[i].size());
    for (const size_t held_count : {size_t{1}, (size + 1) / 2, size}) {
      std::vector<std::vector<uint8_t>> held(given->values.size());
      for (size_t k = 0; k < held.size(); ++k)
        if (!subject.kind().inputs[k].parent) held[k].resize(static_cast<size_t>(subject.slots()[k].size()));
      std::fill_n(held[i].begin(), held_count, uint8_t{1});
      ++patterns;
      const auto drawn = draw(model, *given, uniforms(71), held);
      if (!drawn) {
        ++refused;
        continue;
      }
      for (size_t at = 0; at < drawn->values[i].size(); ++at) {
        if (at % size >= held_count || drawn->values[i][at] == given->values[i][at]) continue;
        return failed(fmt::format("a held coordinate must come out bit for bit as it went in, got {} for {} (input "
                                  "'{}', coordinate {})",
                                  drawn->values[i][at], given->values[i][at], subject.kind().inputs[i].name, at % size),
                      "Copy held coordinates from given->input, or answer POTLUCK_UNSUPPORTED");
      }
    }
  }
  return passed(fmt::format("{} patterns of held coordinates, {} refused as not exact", patterns, refused));
}

namespace {

/// The subject's slots with every `every`-th number of each input held at its value in `row`, from the first on.
std::vector<Slot> slots_that_hold(const Subject& subject, const Batch& row, size_t every) {
  std::vector<Slot> slots = subject.slots();
  for (size_t i = 0; i < slots.size(); ++i) {
    slots[i].value = row.values[i];
    for (size_t j = 0; j < row.values[i].size(); ++j) slots[i].held.push_back(j % every == 0 ? 1 : 0);
  }
  return slots;
}

/// The numbers that are held, at their values in every row.
Batch with_held(Batch batch, const std::vector<Slot>& slots) {
  for (size_t i = 0; i < slots.size(); ++i)
    for (size_t at = 0; at < batch.values[i].size(); ++at) {
      const size_t j = at % slots[i].held.size();
      if (slots[i].held[j]) batch.values[i][at] = slots[i].value[j];
    }
  return batch;
}

}  // namespace

Finding check_numbers_known_beforehand(const Subject& subject) {
  constexpr int64_t kRows = 16;
  const Model plain = subject.create();
  const Batch row = subject.finite_points(plain, 1, 80);
  if (row.rows == 0) return not_applicable("no test point has a finite energy. Give --support input=least:most");
  double worst = 0, bound = 0;
  for (const size_t every : {size_t{2}, size_t{3}, size_t{1}}) {
    const std::vector<Slot> slots = slots_that_hold(subject, row, every);
    const Model told = subject.create(subject.best_precision(), slots, subject.values());
    const Batch batch = with_held(subject.points(plain, kRows, 81), slots);
    const Evaluation expected = evaluate(plain, batch), found = evaluate(told, batch);
    bound = rounding(plain, scale_of(batch, expected));
    const auto compare = [&](double one, double other) {
      if (one != other) worst = std::max(worst, std::isnan(one - other) ? INFINITY : std::abs(one - other));
    };
    for (size_t b = 0; b < kRows; ++b) compare(found.energy[b], expected.energy[b]);
    for (size_t i = 0; i < found.gradient.size(); ++i)
      for (size_t at = 0; at < found.gradient[i].size(); ++at) {
        if (!std::isfinite(expected.energy[at * kRows / found.gradient[i].size()])) continue;
        const double slope = found.gradient[i][at];
        const size_t j = at % slots[i].held.size();
        if (!slots[i].held[j]) {
          compare(slope, expected.gradient[i][at]);
        } else if (!std::isfinite(slope)) {
          return failed(fmt::format("a gradient must be finite where a number is held, got {} (input '{}', number {})",
                                    slope, subject.kind().inputs[i].name, j),
                        "Write 0 there, or what it is");
        }
      }
    if (!(worst <= bound))
      return failed(
          fmt::format("with numbers known beforehand (1 in {}), energies and gradients must be those without, "
                      "got a difference of {:.3g}, bound {:.3g}",
                      every, worst, bound),
          "Use held[j] and value[j] of potluck_slot together, or leave them alone");
  }
  return passed(fmt::format("largest difference {:.3g} with 1 in 2, 1 in 3 and all held, bound {:.3g}", worst, bound));
}

}  // namespace potluck::conformance
