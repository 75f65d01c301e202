// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/learning/data/data_column.h"
#include "core/learning/data/shuffle.h"
#include "core/precision.h"
#include "core/random/philox.h"
#include "core/variables/variable.h"

namespace potluck {

/// The data that a training reads, in batches: rows in a new order each epoch, dequantised, mirrored, labels dropped.
///
/// `hold_out` rows are never in a batch: the last ones of one fixed random order, which depends on the number of rows
/// alone. So every seed holds out the same rows, and fewer held-out rows are some of more.
///
/// What a batch has is a function of seed, update and row in the batch, through the counter-based noise
/// (docs/noise.md). So threads, the pieces in which a batch is asked for and what was asked before change no bit.
/// Constant once made: any number of threads may ask at once.
class TrainingData {
 public:
  struct Options {
    int64_t hold_out = 0;  ///< rows that are held out, >= 0 and fewer than there are
    uint32_t seed = 0;
    Precision precision = Precision::kFloat32;  ///< of the positions that are filled
  };

  /// @param columns  at most one a variable, at least one, all of as many rows. objection() must have none.
  /// @throws SettingError where the numbers of rows differ, there are none, or hold_out takes all of them.
  TrainingData(const std::vector<Variable>& variables, std::vector<DataColumn> columns, const Options& options);

  int64_t rows() const { return rows_; }  ///< held-out ones too
  int64_t held_out() const { return static_cast<int64_t>(held_out_.size()); }
  int64_t training() const { return static_cast<int64_t>(training_.size()); }  ///< rows() - held_out()
  /// Whether that variable has data.
  bool has(int variable) const { return column_of(variable) != nullptr; }

  /// Rows first ... first + count - 1 of the batch of `batch` rows of an update. Batches follow each other through the
  /// epochs: one that is longer than the rest of its epoch goes on in the next.
  /// @param position  for each variable [count, n], as Options::precision says, int64 labels; those without data are
  ///   left as they are and may be null. Labels of a row are -1 where they are dropped.
  void batch(int64_t update, int64_t batch, int64_t first, int64_t count, void* const* position) const;

  /// Held-out rows first ... first + count - 1, in the order of the file. A row is dequantised with the same noise
  /// in every call, and neither mirrored nor dropped. `position` as in batch().
  void held_out_rows(int64_t first, int64_t count, void* const* position) const;

  /// The same of the rows that are trained on.
  void training_rows(int64_t first, int64_t count, void* const* position) const;

  /// Mean of a continuous variable that has data over what batches are made of, [n]: training rows, noise and mirrored
  /// rows included.
  std::vector<double> mean(int variable) const;

  /// Root mean square distance from that mean, per number: sqrt(E |x - mean|^2 / n).
  double scale(int variable) const;

  /// The epoch of the first row of an update's batch, counted from 0.
  int64_t epoch_of(int64_t update, int64_t batch) const { return update * batch / training(); }

  /// The row of the file, counted from 0, that stands in a row of a batch.
  int64_t file_row(int64_t update, int64_t batch, int64_t row) const;

 private:
  struct Column {
    DataColumn data;
    uint32_t key;  ///< of the variable's noise
    int64_t size;  ///< n
    bool categorical;
    std::vector<int32_t> mirrored;  ///< [n], of a column with flip
  };
  /// Where a row comes from and what is done to it.
  struct RowSource {
    int64_t file_row;
    uint32_t chain, step;  ///< of its noise
    bool in_batch;         ///< else in the order of the file: neither mirrored nor dropped
  };

  const Column* column_of(int variable) const;
  NoiseAddress noise(const Column& column, const RowSource& source, Purpose purpose) const;
  bool happens(const Column& column, const RowSource& source, Purpose purpose, double probability) const;
  void write_labels(const Column& column, const RowSource& source, int64_t* to) const;
  template <class Real>
  void write_numbers(const Column& column, const RowSource& source, std::vector<double>& noise, Real* to) const;
  void write(std::span<const RowSource> sources, void* const* position) const;
  void write_in_order(const std::vector<int64_t>& file_rows, int64_t first, int64_t count, void* const* position) const;

  std::vector<Column> columns_;
  Options options_;
  int64_t rows_ = 0;
  std::vector<int64_t> training_, held_out_;  ///< rows of the file, rising
  EpochOrders orders_;                        ///< orders of training_
};

}  // namespace potluck
