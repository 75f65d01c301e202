// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "plugins/model.h"

namespace potluck::test {

/// A model as a composition would set it up, and what is known of it. A table of these is handed to ModelSuite.
struct ModelCase {
  std::string name = {};   ///< of the case: "OneNumber"
  std::string model = {};  ///< "quartic"
  std::vector<Slot> slots = {};
  std::map<std::string, std::vector<std::string>> settings =
      {};  ///< words as the user writes them; others at their presets
  std::vector<Weight> weights = {};

  /// Test points are uniform here, but for numbers that a slot holds; labels are uniform over the categories.
  double points_least = -2, points_most = 2;
  uint64_t abilities = 0;     ///< that the model must claim ...
  uint64_t no_abilities = 0;  ///< ... and must not
  std::optional<double> least_energy = {};
  std::optional<double> log_z = {};  ///< from a closed form, at every row of parents
  /// log Z and moments are compared with a midpoint rule over the drawn coordinates (at most three) where
  /// grid_points > 0: that many points each between these ends.
  int grid_points = 0;
  double grid_least = -10, grid_most = 10;
  /// A quadratic form is expected where all drawn inputs are open, also_with_parents_open: continuous parents too.
  bool quadratic = false, also_with_parents_open = false;
  /// Exact draws are expected, and their moments are compared with those of the grid or of the quadratic form.
  bool draws = false;
};

inline void PrintTo(const ModelCase& each, std::ostream* out) { *out << each.model << " " << each.name; }

Slot reals(std::vector<int64_t> shape);
Slot labels(std::vector<int64_t> shape, int64_t categories);
Weight weight_of(const std::string& name, std::vector<int64_t> shape, const std::vector<double>& values);

/// The model `name` of our own plugin that has it; loaded once.
const ModelKind& shipped_model(const std::string& name);

Model create(const ModelCase& each, Precision precision, int64_t most_rows = 4096);
/// The text with which the model refuses the case; empty where it does not.
std::string refusal(const ModelCase& each);

/// Values of all inputs for some rows: values[i] is [rows, size of input i], labels as numbers.
struct Batch {
  int64_t rows = 0;
  std::vector<std::vector<double>> values;
};
Batch random_points(const ModelCase& each, const Model& model, int64_t rows, uint64_t seed);
/// The same parents in every row, taken from row `row` of `batch`.
Batch repeat_row(const Model& model, const Batch& batch, int64_t row, int64_t rows);

/// What an evaluation is asked for.
struct Asked {
  bool energy = true, gradient = true;
  std::vector<double> row_weight = {};  ///< empty: none
  bool accumulate = false;
  double start = 0;  ///< what the gradient holds before
};
struct Evaluation {
  std::vector<double> energy;                 ///< [rows]; empty where not asked
  std::vector<std::vector<double>> gradient;  ///< like Batch::values; empty for labels and where not asked
  bool inputs_untouched = true;
  bool workspace_respected = true;
};
Evaluation evaluate(const Model& model, const Batch& batch, const Asked& asked = {});

/// log Z at every row of parents, or nothing; with its gradient by parents where `gradient` is not null.
std::optional<std::vector<double>> log_normaliser(const Model& model, const Batch& batch,
                                                  std::vector<std::vector<double>>* gradient = nullptr);

/// Exact draws, given the parents of `given` and the coordinates of drawn inputs with held[i][j] = 1.
std::optional<Batch> draw(const Model& model, const Batch& given, uint64_t seed,
                          const std::vector<std::vector<uint8_t>>& held = {});

/// Integrals over the drawn coordinates with the parents of row 0 of `parents`.
struct GridIntegral {
  double log_z = 0;
  std::vector<double> mean, variance;  ///< of each drawn coordinate
  double mean_energy = 0;
};
GridIntegral integrate(const ModelCase& each, const Model& model, const Batch& parents);

}  // namespace potluck::test
