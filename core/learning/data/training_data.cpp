// SPDX-License-Identifier: Apache-2.0
#include "core/learning/data/training_data.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/learning/data/numbers_of.h"

namespace potluck {

namespace {

/// The seed of the order that says which rows are held out, whatever the training's own seed.
constexpr uint32_t kHoldOutSeed = 0;

int64_t common_rows(const std::vector<Variable>& variables, const std::vector<DataColumn>& columns) {
  const auto name = [&](const DataColumn& column) { return variables[static_cast<size_t>(column.variable)].name; };
  if (columns.empty()) throw SettingError("training data must have a variable, got none");
  for (const DataColumn& column : columns)
    if (column.rows() != columns[0].rows())
      throw SettingError(fmt::format("the data of '{}' must have as many rows as those of '{}', {}, got {}",
                                     name(column), name(columns[0]), columns[0].rows(), column.rows()));
  return columns[0].rows();
}

}  // namespace

TrainingData::TrainingData(const std::vector<Variable>& variables, std::vector<DataColumn> columns,
                           const Options& options)
    : options_(options), rows_(common_rows(variables, columns)), orders_(rows_ - options.hold_out, options.seed) {
  if (options.hold_out < 0 || options.hold_out >= rows_)
    throw SettingError(
        fmt::format("hold_out must be >= 0 and < {}, the rows of the data, got {}", rows_, options.hold_out));
  for (DataColumn& data : columns) {
    const Variable& variable = variables[static_cast<size_t>(data.variable)];
    Column column{std::move(data), variable_key(variable.name), variable.size(), variable.categorical(), {}};
    if (column.data.flip) column.mirrored = mirrored(variable.shape).value();
    columns_.push_back(std::move(column));
  }
  NoiseAddress address;
  address.seed = kHoldOutSeed;
  address.purpose = Purpose::kHoldOut;
  training_ = shuffled(rows_, address);
  held_out_.assign(training_.end() - options.hold_out, training_.end());
  training_.resize(training_.size() - held_out_.size());
  std::sort(training_.begin(), training_.end());
  std::sort(held_out_.begin(), held_out_.end());
}

const TrainingData::Column* TrainingData::column_of(int variable) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(),
                                  [variable](const Column& column) { return column.data.variable == variable; });
  return found == columns_.end() ? nullptr : &*found;
}

NoiseAddress TrainingData::noise(const Column& column, const RowSource& source, Purpose purpose) const {
  return {options_.seed, column.key, source.chain, source.step, purpose};
}

bool TrainingData::happens(const Column& column, const RowSource& source, Purpose purpose, double probability) const {
  return source.in_batch && probability > 0 && uniform(noise(column, source, purpose)) < probability;
}

void TrainingData::write_labels(const Column& column, const RowSource& source, int64_t* to) const {
  if (happens(column, source, Purpose::kDropLabel, column.data.drop)) {
    std::fill_n(to, column.size, -1);
    return;
  }
  for (int64_t j = 0; j < column.size; ++j)
    to[j] = static_cast<int64_t>(column.data.array.at(source.file_row * column.size + j));
}

template <class Real>
void TrainingData::write_numbers(const Column& column, const RowSource& source, std::vector<double>& noise_row,
                                 Real* to) const {
  const DataColumn& data = column.data;
  noise_row.assign(static_cast<size_t>(column.size), 0.0);
  if (data.dequantise > 0) {
    const Purpose purpose = source.in_batch ? Purpose::kDequantise : Purpose::kDequantiseRow;
    uniforms(noise(column, source, purpose), column.size, noise_row.data());
  }
  const bool mirror = happens(column, source, Purpose::kFlip, data.flip ? 0.5 : 0);
  with_numbers(data.array, [&](const auto& numbers) {
    const auto row = numbers.from(source.file_row * column.size);
    const auto write = [&](int64_t j, int64_t from) {
      const double value = row[from] * data.scale + data.shift + data.dequantise * noise_row[static_cast<size_t>(j)];
      to[j] = static_cast<Real>(value);
    };
    if (mirror)
      for (int64_t j = 0; j < column.size; ++j) write(j, column.mirrored[static_cast<size_t>(j)]);
    else
      for (int64_t j = 0; j < column.size; ++j) write(j, j);
  });
}

void TrainingData::write(std::span<const RowSource> sources, void* const* position) const {
  std::vector<double> noise_row;
  for (const Column& column : columns_) {
    void* const to = position[column.data.variable];
    for (size_t row = 0; row < sources.size(); ++row) {
      const size_t begin = row * static_cast<size_t>(column.size);
      if (column.categorical)
        write_labels(column, sources[row], static_cast<int64_t*>(to) + begin);
      else if (options_.precision == Precision::kFloat32)
        write_numbers(column, sources[row], noise_row, static_cast<float*>(to) + begin);
      else
        write_numbers(column, sources[row], noise_row, static_cast<double*>(to) + begin);
    }
  }
}

void TrainingData::batch(int64_t update, int64_t batch, int64_t first, int64_t count, void* const* position) const {
  std::vector<RowSource> sources;
  for (int64_t row = first; row < first + count; ++row)
    sources.push_back({file_row(update, batch, row), static_cast<uint32_t>(row), static_cast<uint32_t>(update), true});
  write(sources, position);
}

int64_t TrainingData::file_row(int64_t update, int64_t batch, int64_t row) const {
  const int64_t at = update * batch + row;  // counted through all epochs
  const int64_t place = (*orders_.of(at / training()))[static_cast<size_t>(at % training())];
  return training_[static_cast<size_t>(place)];
}

void TrainingData::write_in_order(const std::vector<int64_t>& file_rows, int64_t first, int64_t count,
                                  void* const* position) const {
  std::vector<RowSource> sources;
  for (int64_t i = first; i < first + count; ++i) {
    const int64_t row = file_rows[static_cast<size_t>(i)];
    sources.push_back({row, static_cast<uint32_t>(row), 0, false});
  }
  write(sources, position);
}

void TrainingData::held_out_rows(int64_t first, int64_t count, void* const* position) const {
  write_in_order(held_out_, first, count, position);
}

void TrainingData::training_rows(int64_t first, int64_t count, void* const* position) const {
  write_in_order(training_, first, count, position);
}

std::vector<double> TrainingData::mean(int variable) const {
  const Column& column = *column_of(variable);
  std::vector<double> sum(static_cast<size_t>(column.size), 0.0);
  with_numbers(column.data.array, [&](const auto& numbers) {
    for (const int64_t file_row : training_) {
      const auto row = numbers.from(file_row * column.size);
      for (size_t j = 0; j < sum.size(); ++j) sum[j] += row[static_cast<int64_t>(j)];
    }
  });
  std::vector<double> mean(sum.size());
  for (size_t j = 0; j < mean.size(); ++j) {
    const double stored = column.data.flip ? (sum[j] + sum[static_cast<size_t>(column.mirrored[j])]) / 2 : sum[j];
    mean[j] =
        stored / static_cast<double>(training()) * column.data.scale + column.data.shift + column.data.dequantise / 2;
  }
  return mean;
}

double TrainingData::scale(int variable) const {
  const Column& column = *column_of(variable);
  const DataColumn& data = column.data;
  const std::vector<double> centre = mean(variable);
  double total = 0;
  // A mirrored row is as far from the mean as the row itself, since the mean is its own mirror image.
  with_numbers(data.array, [&](const auto& numbers) {
    for (const int64_t file_row : training_) {
      const auto row = numbers.from(file_row * column.size);
      double square = 0;
      for (size_t j = 0; j < centre.size(); ++j) {
        const double distance =
            row[static_cast<int64_t>(j)] * data.scale + data.shift + data.dequantise / 2 - centre[j];
        square += distance * distance;
      }
      total += square;
    }
  });
  const double numbers = static_cast<double>(training()) * static_cast<double>(column.size);
  return std::sqrt(total / numbers + data.dequantise * data.dequantise / 12);
}

}  // namespace potluck
