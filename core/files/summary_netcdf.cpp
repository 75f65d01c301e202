// SPDX-License-Identifier: Apache-2.0
#include "core/files/summary_netcdf.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/files/arviz_netcdf.h"
#include "core/files/netcdf.h"
#include "core/files/summary_figures.h"

namespace potluck {

namespace {

constexpr int64_t kChunkNumbers = int64_t{1} << 17;

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

}  // namespace

void write_summary_netcdf(const DrawsSummary& summary, const std::filesystem::path& file) {
  NetcdfWriter netcdf(file);
  for (const SummaryFigure& figure : kSummaryFigures) {
    const auto group = netcdf.group(figure.name);
    for (const VariableSummary& variable : summary.variables) {
      std::vector<NetcdfWriter::Dimension> dimensions;
      int64_t size = 1;
      for (size_t axis = 0; axis < variable.shape.size(); ++axis) {
        dimensions.push_back(netcdf.dimension(group, arviz_dimension(variable.name, axis), variable.shape[axis]));
        size *= variable.shape[axis];
      }
      std::vector<double> numbers(static_cast<size_t>(size), std::numeric_limits<double>::quiet_NaN());
      for (size_t k = 0; k < variable.scalars.size(); ++k)
        numbers[static_cast<size_t>(variable.free[k])] = figure.at(variable.scalars[k]);
      const auto chunk = chunk_of(variable.shape);
      netcdf.put(netcdf.variable(group, variable.name, NetcdfWriter::Number::kFloat64, dimensions, chunk,
                                 chunk.empty() ? 0 : 1),
                 numbers.data());
    }
  }
  netcdf.finish();
}

}  // namespace potluck
