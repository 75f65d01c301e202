// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/summary_netcdf.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "core/files/formats/netcdf.h"
#include "core/files/run/arviz_netcdf.h"
#include "core/files/run/summary_figures.h"

namespace potluck {

namespace {

constexpr int64_t kChunkNumbers = int64_t{1} << 17;

int64_t numbers_of(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

/// About kChunkNumbers numbers: whole last axes, and of the first that does not fit as much as fits.
std::vector<int64_t> chunk_of(const std::vector<int64_t>& shape) {
  std::vector<int64_t> chunk(shape.size(), 1);
  int64_t room = kChunkNumbers;
  for (size_t axis = shape.size(); axis-- > 0 && room > 0;) {
    chunk[axis] = std::min(shape[axis], room);
    room /= shape[axis];
  }
  return chunk;
}

/// Groups, dimensions and variables of one kind: [figures][variables].
template <class Variables>
std::vector<std::vector<NetcdfWriter::Variable>> lay_out(NetcdfWriter& netcdf, const Variables& variables) {
  std::vector<std::vector<NetcdfWriter::Variable>> all;
  for (const SummaryFigure& figure : kSummaryFigures) {
    const auto group = netcdf.group(figure.name);
    all.emplace_back();
    for (const auto& variable : variables) {
      std::vector<NetcdfWriter::Dimension> dimensions;
      for (size_t axis = 0; axis < variable.shape.size(); ++axis)
        dimensions.push_back(netcdf.dimension(group, arviz_dimension(variable.name, axis), variable.shape[axis]));
      const auto chunk = chunk_of(variable.shape);
      all.back().push_back(netcdf.variable(group, variable.name, NetcdfWriter::Number::kFloat64, dimensions, chunk,
                                           chunk.empty() ? 0 : 1));
    }
  }
  return all;
}

}  // namespace

void write_summary_netcdf(const DrawsSummary& summary, const std::filesystem::path& file) {
  NetcdfWriter netcdf(file);
  const auto places = lay_out(netcdf, summary.variables);
  for (size_t f = 0; f < kSummaryFigures.size(); ++f) {
    for (size_t v = 0; v < summary.variables.size(); ++v) {
      const VariableSummary& variable = summary.variables[v];
      const auto size = static_cast<size_t>(numbers_of(variable.shape));
      std::vector<double> numbers(size, std::numeric_limits<double>::quiet_NaN());
      for (size_t k = 0; k < variable.numbers(); ++k)
        numbers[static_cast<size_t>(variable.free[k])] = kSummaryFigures[f].at(variable.nameless(k));
      netcdf.put(places[f][v], numbers.data());
    }
  }
  netcdf.finish();
}

void check_summary_netcdf(const DrawsSchema& schema, const std::filesystem::path& file) {
  std::vector<RecordedVariable> variables = schema.variables;
  for (RecordedVariable& variable : variables) variable.shape = summary_shape(variable);
  NetcdfWriter netcdf(file);
  lay_out(netcdf, variables);
}

}  // namespace potluck
