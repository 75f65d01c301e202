// SPDX-License-Identifier: Apache-2.0
// What stands still: coordinates that a draw is given, and numbers that a model is told of when it is created.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"

namespace potluck::conformance {

namespace {

/// Exact draws of all drawn inputs, at one row of parents, and the same with some of their numbers drawn again given
/// the others. The law of both is the same, so that the mean of every function is.
class Redrawn {
 public:
  Redrawn(const Subject& subject, const Model& model, const std::vector<std::vector<uint8_t>>& held)
      : subject_(subject), model_(model), held_(held) {}

  /// Functions of a row: tanh and its square of every number (its first 16), about the median of the first draws;
  /// products of neighbours; the energy, squashed.
  static constexpr size_t kMostNumbers = 16;

  /// @return whether this pattern can be drawn
  bool take(int times);
  /// Of the means, in standard errors.
  double worst() const;
  int64_t rows() const { return count_; }

 private:
  std::vector<std::vector<double>> functions(const Batch& drawn);
  std::vector<double> uniforms(uint32_t salt) const {
    return subject_.uniforms(kMostRows * model_.facts().draw_uniforms, salt);
  }
  Batch with_other_free_numbers(Batch drawn) const;

  const Subject& subject_;
  const Model& model_;
  const std::vector<std::vector<uint8_t>>& held_;
  std::vector<double> centre_, spread_;  ///< of what is squashed
  std::vector<double> sum_, squares_;
  int64_t count_ = 0;
};

/// A number that is squashed to within -1 and 1 about the middle half of a column.
void find_scale(std::vector<double> column, double& centre, double& spread) {
  std::sort(column.begin(), column.end());
  const size_t quarter = column.size() / 4;
  centre = column[2 * quarter];
  spread = std::max({column[3 * quarter] - column[quarter], 1e-6 * std::abs(centre), 1e-300});
}

std::vector<std::vector<double>> Redrawn::functions(const Batch& drawn) {
  std::vector<std::vector<double>> columns = {energies(model_, drawn)};
  for (size_t i = 0; i < drawn.values.size(); ++i) {
    if (model_.kind().inputs[i].parent) continue;
    const size_t size = drawn.values[i].size() / static_cast<size_t>(drawn.rows);
    for (size_t j = 0; j < size && columns.size() <= kMostNumbers; ++j) {
      std::vector<double>& column = columns.emplace_back();
      for (size_t at = j; at < drawn.values[i].size(); at += size) column.push_back(drawn.values[i][at]);
    }
  }
  const bool first = centre_.empty();
  if (first) centre_.resize(columns.size()), spread_.resize(columns.size());
  std::vector<std::vector<double>> all;
  for (size_t k = 0; k < columns.size(); ++k) {
    if (first) find_scale(columns[k], centre_[k], spread_[k]);
    for (double& value : columns[k]) value = std::tanh((value - centre_[k]) / spread_[k]);
  }
  for (size_t k = 0; k < columns.size(); ++k) {
    all.push_back(columns[k]);
    for (const size_t with : {k, k + 1}) {
      if (with >= columns.size()) continue;
      std::vector<double>& product = all.emplace_back(columns[k]);
      for (size_t b = 0; b < product.size(); ++b) product[b] *= columns[with][b];
    }
  }
  return all;
}

/// What is not held is not said: it stands at what no draw would have.
Batch Redrawn::with_other_free_numbers(Batch drawn) const {
  for (size_t i = 0; i < drawn.values.size(); ++i) {
    if (model_.kind().inputs[i].parent || model_.kind().inputs[i].categorical) continue;
    for (size_t at = 0; at < drawn.values[i].size(); ++at)
      if (!held_[i][at % held_[i].size()]) drawn.values[i][at] += 17.25;
  }
  return drawn;
}

bool Redrawn::take(int times) {
  const Batch parents = repeated(model_, subject_.points(model_, 1, 57), 0, kMostRows);
  for (int time = 0; time < times; ++time) {
    const auto first = draw(model_, parents, uniforms(static_cast<uint32_t>(130 + 2 * time)));
    if (!first) return false;
    const auto second =
        draw(model_, with_other_free_numbers(*first), uniforms(static_cast<uint32_t>(131 + 2 * time)), held_);
    if (!second) return false;
    const auto one = functions(*first), other = functions(*second);
    sum_.resize(one.size());
    squares_.resize(one.size());
    for (size_t f = 0; f < one.size(); ++f) {
      for (size_t b = 0; b < one[f].size(); ++b) {
        const double change = other[f][b] - one[f][b];
        sum_[f] += change;
        squares_[f] += change * change;
      }
    }
    count_ += kMostRows;
  }
  return true;
}

double Redrawn::worst() const {
  double worst = 0;
  const auto count = static_cast<double>(count_);
  for (size_t f = 0; f < sum_.size(); ++f) {
    const double mean = sum_[f] / count;
    const double standard_error = std::sqrt(std::max(0.0, squares_[f] / count - mean * mean) / count);
    worst = std::max(worst, apart(mean / (standard_error + 1e-9), 0));
  }
  return worst;
}

}  // namespace

Finding check_held_coordinates(const Subject& subject) {
  const Model model = subject.create();
  if (model.facts().draw_uniforms == 0) return not_applicable("the model has no exact draws");
  constexpr int64_t kRows = 8;
  const auto uniforms = [&](uint32_t salt) { return subject.uniforms(kRows * model.facts().draw_uniforms, salt); };
  const auto given = draw(model, subject.points(model, kRows, 54), uniforms(70));
  if (!given) return not_applicable("the model cannot draw in this setup");
  int patterns = 0, refused = 0;
  double worst = 0;
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
      Redrawn redrawn(subject, model, held);
      if (!redrawn.take(8)) continue;
      worst = std::max(worst, redrawn.worst());
      if (!(worst < 6)) {
        return failed(fmt::format("draws given {} of {} numbers of input '{}' must follow exp(-E), got moments of {} "
                                  "draws that are {:.3g} standard errors away, bound 6",
                                  held_count, size, subject.kind().inputs[i].name, redrawn.rows(), worst),
                      "Draw from the law given the held numbers, whatever stands in place of the others, or answer "
                      "POTLUCK_UNSUPPORTED");
      }
    }
  }
  return passed(
      fmt::format("{} patterns of held coordinates, {} refused as not exact; moments within {:.2f} standard "
                  "errors, bound 6",
                  patterns, refused, worst));
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
    const auto compare = [&](double one, double other) { worst = std::max(worst, apart(one, other)); };
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
