// SPDX-License-Identifier: Apache-2.0
// What every evaluate() owes the host, whatever the energy means.
#include <fmt/format.h>
#include <xmmintrin.h>

#include <algorithm>
#include <cfenv>
#include <cmath>

#include "plugins/conformance/checks.h"
#include "plugins/conformance/difference.h"

namespace potluck::conformance {

namespace {

std::vector<Precision> precisions(const Subject& subject) {
  std::vector<Precision> all = {Precision::kFloat32};
  if (subject.can(POTLUCK_CAN_FLOAT64)) all.push_back(Precision::kFloat64);
  return all;
}

const char* name_of_type(Precision precision) { return precision == Precision::kFloat32 ? "float32" : "float64"; }

/// Mode bits of MXCSR: all but the six that say what has happened.
unsigned int mode() { return _mm_getcsr() & ~0x3fu; }

}  // namespace

Finding check_energies_are_numbers(const Subject& subject) {
  constexpr int64_t kRows = 500;
  int64_t walls = 0;
  for (const Precision precision : precisions(subject)) {
    const Model model = subject.create(precision);
    for (const double spread : {1.0, 10.0}) {
      const Batch batch = subject.points(model, kRows, 1, spread);
      const Evaluation found = evaluate(model, batch);
      const char* const type = name_of_type(precision);
      for (size_t b = 0; b < kRows; ++b) {
        const double energy = found.energy[b];
        if (std::isnan(energy) || energy == -INFINITY) {
          return failed(fmt::format("an energy must be a number or +inf, got {} (row {} of {}, {}, points of scale {})",
                                    energy, b, kRows, type, spread),
                        "Look for 0/0, log of a negative number, or a row that is not written");
        }
        if (energy == INFINITY) {
          ++walls;
          if (model.can(POTLUCK_BOUNDED_ON_BOXES) || !model.can(POTLUCK_HARD_WALLS)) {
            return failed(fmt::format("an energy must be finite where no hard walls are claimed, got inf (row {} of "
                                      "{}, {}, points of scale {})",
                                      b, kRows, type, spread),
                          "Claim POTLUCK_HARD_WALLS and not POTLUCK_BOUNDED_ON_BOXES, or sum in double");
          }
          continue;
        }
        for (size_t i = 0; i < found.gradient.size(); ++i) {
          const size_t size = found.gradient[i].size() / kRows;
          for (size_t j = 0; j < size; ++j) {
            if (std::isfinite(found.gradient[i][b * size + j])) continue;
            return failed(fmt::format("a gradient must be finite where the energy is, got {} (input '{}', row {}, "
                                      "coordinate {}, {})",
                                      found.gradient[i][b * size + j], subject.kind().inputs[i].name, b, j, type),
                          "Write every number of a gradient that is asked for");
          }
        }
      }
    }
  }
  return passed(fmt::format("{} points in each type{}", 2 * kRows,
                            walls > 0 ? fmt::format(", {} at +inf behind hard walls", walls) : ""));
}

Finding check_inputs_are_untouched(const Subject& subject) {
  for (const Precision precision : precisions(subject)) {
    const Model model = subject.create(precision);
    Asked asked;
    if (model.can(POTLUCK_CAN_ACCUMULATE)) asked.row_weight.assign(37, 0.75);
    const Evaluation found = evaluate(model, subject.points(model, 37, 2), asked);
    if (!found.written_input.empty()) {
      return failed(fmt::format("the inputs must be as before the call, got a changed {} ({})", found.written_input,
                                name_of_type(precision)),
                    "Inputs belong to the host: take scratch from the workspace");
    }
  }
  return passed("every byte of 37 rows is as before");
}

Finding check_memory_is_respected(const Subject& subject) {
  size_t bytes = 0;
  for (const Precision precision : precisions(subject)) {
    const Model model = subject.create(precision);
    for (const int64_t rows : {int64_t{1}, int64_t{37}, int64_t{256}}) {
      const Evaluation found = evaluate(model, subject.points(model, rows, 3));
      bytes = model.workspace_bytes(rows);
      if (!found.overrun.empty()) {
        return failed(fmt::format("what lies beside {} must be left alone, got written bytes ({} rows, {}; workspace "
                                  "of {} bytes)",
                                  found.overrun, rows, name_of_type(precision), bytes),
                      "Count what is asked for in facts(): workspace_bytes + rows * workspace_bytes_a_row");
      }
    }
  }
  return passed(fmt::format("256 guard bytes on both sides of every array; workspace of {} bytes at 256 rows", bytes));
}

Finding check_calls_repeat(const Subject& subject) {
  for (const Precision precision : precisions(subject)) {
    const Model model = subject.create(precision);
    const Batch batch = subject.points(model, 37, 4);
    const Evaluation first = evaluate(model, batch);
    const Evaluation second = evaluate(model, batch, {.leftovers = 0x11});
    bool same = same_bits(first.energy, second.energy);
    for (size_t i = 0; i < first.gradient.size(); ++i) same = same && same_bits(first.gradient[i], second.gradient[i]);
    if (!same) {
      return failed(fmt::format("the same call must give the same bits, got others ({})", name_of_type(precision)),
                    "Read nothing from the workspace that this call has not written, and draw no random numbers");
    }
  }
  return passed("the same bits twice, with other leftovers in the workspace");
}

Finding check_energy_alone_agrees(const Subject& subject) {
  double worst = 0, bound = 0;
  for (const Precision precision : precisions(subject)) {
    const Model model = subject.create(precision);
    const Batch batch = subject.points(model, 37, 5);
    const Evaluation both = evaluate(model, batch);
    const std::vector<double> alone = energies(model, batch);
    const Evaluation slopes = evaluate(model, batch, {.energy = false});
    bound = rounding(model, scale_of(batch, both));
    worst = 0;
    for (size_t b = 0; b < alone.size(); ++b) worst = std::max(worst, apart(alone[b], both.energy[b]));
    for (size_t i = 0; i < both.gradient.size(); ++i)
      for (size_t k = 0; k < both.gradient[i].size(); ++k)
        if (std::isfinite(both.energy[k * 37 / both.gradient[i].size()]))
          worst = std::max(worst, apart(slopes.gradient[i][k], both.gradient[i][k]));
    if (!(worst <= bound)) {
      return failed(fmt::format("energy and gradient asked for apart differ by {:.3g} from those asked for together, "
                                "bound {:.3g} ({})",
                                worst, bound, name_of_type(precision)),
                    "Both must be those of one function: honour call->energy == NULL and call->gradient == NULL");
    }
  }
  return passed(fmt::format("largest difference {:.3g}, bound {:.3g}", worst, bound));
}

Finding check_floating_point_mode(const Subject& subject) {
  const Model model = subject.create();
  const Batch batch = subject.points(model, 8, 6);
  Arrays input(model, batch), gradient(model, filled(model, 8, 0));
  for (size_t i = 0; i < batch.values.size(); ++i)
    if (subject.kind().inputs[i].categorical) gradient.pointers()[i] = nullptr;
  GuardedBytes workspace(model.workspace_bytes(8));
  std::vector<double> energy(8);
  char text[256] = "";
  potluck_error error = {sizeof error, text, sizeof text, 0, 0};
  const potluck_call call = {sizeof call, 8, input.pointers(), energy.data(), gradient.pointers(), nullptr,
                             0,           1, workspace.data(), nullptr};
  // Past Model, which would put the mode right again.
  const unsigned int before = mode();
  const int rounding_before = std::fegetround();
  model.kind().table->evaluate(model.plugin_model(), &call, &error);
  const unsigned int after = mode();
  if (after != before || std::fegetround() != rounding_before) {
    return failed(
        fmt::format("evaluate must leave the floating-point mode as it was, MXCSR {:#x}, got {:#x}", before, after),
        "Do not link with -ffast-math or -Ofast, and restore what is changed inside a call");
  }
  return passed(fmt::format("MXCSR {:#x} before and after evaluate", before));
}

Finding check_single_precision(const Subject& subject) {
  if (!subject.can(POTLUCK_CAN_FLOAT64)) return not_applicable("the model has float32 only");
  const Model single = subject.create(Precision::kFloat32), wide = subject.create(Precision::kFloat64);
  const Batch batch = subject.finite_points(wide, 33, 7);
  if (batch.rows == 0) return not_applicable("no test point has a finite energy. Give --support input=least:most");
  const Evaluation rough = evaluate(single, batch), fine = evaluate(wide, batch);
  double worst = 0;
  for (size_t b = 0; b < fine.energy.size(); ++b) worst = std::max(worst, apart(rough.energy[b], fine.energy[b]));
  for (size_t i = 0; i < fine.gradient.size(); ++i)
    for (size_t k = 0; k < fine.gradient[i].size(); ++k)
      worst = std::max(worst, apart(rough.gradient[i][k], fine.gradient[i][k]));
  const double bound = rounding(single, scale_of(batch, fine));
  if (!(worst <= bound)) {
    return failed(fmt::format("float32 and float64 differ by {:.3g}, bound {:.3g}: (64 + 4 n) 2^-24 of the largest "
                              "energy or gradient",
                              worst, bound),
                  "Sum energies in double, and look for differences of large numbers");
  }
  return passed(fmt::format("largest difference {:.3g}, bound {:.3g}", worst, bound));
}

}  // namespace potluck::conformance
