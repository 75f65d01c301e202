// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/model.h"

namespace potluck::conformance {

/// Values of all inputs for some rows: values[i] is [rows, size of input i], labels as numbers.
struct Batch {
  int64_t rows = 0;
  std::vector<std::vector<double>> values;
};

/// Memory of a given size, aligned to 64 bytes, with guard bytes on both sides.
class GuardedBytes {
 public:
  /// @param fill  what the memory holds at first; a model may rely on no value
  explicit GuardedBytes(size_t bytes, unsigned char fill = 0xff);
  GuardedBytes(GuardedBytes&&) = default;

  std::byte* data() { return storage_.data() + first_; }
  const std::byte* data() const { return storage_.data() + first_; }
  size_t bytes() const { return bytes_; }
  bool guards_intact() const;

 private:
  size_t bytes_, first_ = 0;
  std::vector<std::byte> storage_;
};

/// Inputs (or gradients, or draws) in the model's own types, guarded, and the pointers that the door takes.
class Arrays {
 public:
  Arrays(const Model& model, const Batch& batch);

  void** pointers() { return pointers_.data(); }
  GuardedBytes& bytes(size_t i) { return bytes_[i]; }
  std::vector<double> numbers(size_t i) const;
  /// Whether the same bytes stand in both.
  bool same(size_t i, const Arrays& other) const;

 private:
  const Model& model_;
  std::vector<GuardedBytes> bytes_;
  std::vector<void*> pointers_;
};

/// The arrays that are lent to one call: some to be read, some to be written.
class Lent {
 public:
  explicit Lent(std::string call) : call_(std::move(call)) {}

  void read(const std::string& name, const GuardedBytes& bytes);
  void read(Arrays& arrays, const Model& model, const std::string& prefix = "");
  void written(const std::string& name, const GuardedBytes& bytes);
  void written(Arrays& arrays, const Model& model, const std::string& prefix);

  /// @throws FailedCheck where what is read has changed, or what lies beside an array was written
  void check() const;

 private:
  struct Loan {
    std::string name;
    const GuardedBytes* bytes;
    std::vector<std::byte> before;  ///< empty where it may be written
  };
  std::string call_;
  std::vector<Loan> loans_;
};

/// What an evaluation is asked for.
struct Asked {
  bool energy = true, gradient = true;
  std::vector<double> row_weight = {};  ///< empty: none
  bool accumulate = false;
  double start = NAN;              ///< what the gradient holds before
  unsigned char leftovers = 0xff;  ///< what the workspace holds before
};

struct Evaluation {
  std::vector<double> energy;                 ///< [rows]; NaN where the model wrote nothing
  std::vector<std::vector<double>> gradient;  ///< like Batch::values; empty for labels and where not asked
  std::string written_input;                  ///< what was changed that is only read, "input 'x'"; empty: nothing
  std::string overrun;                        ///< what was written beside: "the workspace"; empty: nothing
};

/// @throws PluginError where the call fails.
Evaluation evaluate(const Model& model, const Batch& batch, const Asked& asked = {});
std::vector<double> energies(const Model& model, const Batch& batch);

/// `rows` rows with the same value everywhere.
Batch filled(const Model& model, int64_t rows, double value);
/// The rows of `batch` named by `rows`, in that order.
Batch rows_of(const Model& model, const Batch& batch, const std::vector<int64_t>& rows);
/// Row `row`, `rows` times.
Batch repeated(const Model& model, const Batch& batch, int64_t row, int64_t rows);

/// log Z at every row of parents, or nothing; with its gradient by parents where `gradient` is not null.
std::optional<std::vector<double>> log_normaliser(const Model& model, const Batch& batch,
                                                  std::vector<std::vector<double>>* gradient = nullptr);

/// Exact draws given the parents of `given` and the coordinates of drawn inputs with held[i][j] = 1; nothing where the
/// model has none. @param uniforms  [rows, draw_uniforms]
std::optional<Batch> draw(const Model& model, const Batch& given, const std::vector<double>& uniforms,
                          const std::vector<std::vector<uint8_t>>& held = {});

/// Energies of all labels of input `i`, [rows, n, K]; nothing where the model does not know them.
/// @throws FailedCheck where the call touches what it must leave alone
std::optional<std::vector<double>> category_energies(const Model& model, const Batch& batch, size_t i);

/// Equal bit by bit (NaN equals the same NaN).
bool same_bits(const std::vector<double>& a, const std::vector<double>& b);

/// A bound for what rounding can do to a sum over all numbers of a row: (64 + 4 n) eps scale, eps of the model's type.
double rounding(const Model& model, double scale);
/// Largest magnitude of the finite energies, gradients and products x dE/dx, at least 1.
double scale_of(const Batch& batch, const Evaluation& found);

/// Numbers of a row over the drawn inputs, and over all inputs.
int64_t drawn_numbers(const Model& model);
int64_t all_numbers(const Model& model);

}  // namespace potluck::conformance
