// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/start_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace potluck::conformance {

namespace {

std::vector<int64_t> shape_of_row(const Array& points) { return {points.shape.begin() + 1, points.shape.end()}; }

void check_numbers(const std::string& what, const Array& points, const ConformanceOptions& options,
                   const std::string& input) {
  const auto support = options.supports.find(input);
  const int64_t size = points.count() / points.shape[0];
  for (int64_t at = 0; at < points.count(); ++at) {
    const double value = points.at(at);
    if (!std::isfinite(value)) {
      throw SettingError(
          fmt::format("{}: row {} must have finite numbers, got {} as number {}", what, at / size, value, at % size));
    }
    if (support == options.supports.end()) continue;
    const auto& [least, most] = support->second;
    if (value < least || value > most) {
      throw SettingError(fmt::format("{}: row {} must be in the support [{}, {}], got {} as number {}", what, at / size,
                                     least, most, value, at % size));
    }
  }
}

}  // namespace

void check_starts(const ModelKind& kind, const ConformanceOptions& options) {
  for (const auto& [input, points] : options.starts) {
    const std::string what = "--start " + input;
    if (kind.inputs[static_cast<size_t>(kind.input(input))].categorical) {
      throw SettingError(fmt::format("{}: must be an input of numbers, got one of categories", what));
    }
    if (points.shape.empty() || points.count() < 1) {
      throw SettingError(
          fmt::format("{}: must have the shape [rows, shape of the input], got {}", what, shape_text(points.shape)));
    }
    const auto shape = options.shapes.find(input);
    if (shape != options.shapes.end() && shape->second != shape_of_row(points)) {
      throw SettingError(fmt::format("{}: must have rows of the shape {} that --shape says, got {} in {}", what,
                                     shape_text(shape->second), shape_text(shape_of_row(points)),
                                     shape_text(points.shape)));
    }
    check_numbers(what, points, options, input);
  }
}

std::optional<std::vector<int64_t>> shape_asked(const ConformanceOptions& options, const std::string& input) {
  if (const auto given = options.shapes.find(input); given != options.shapes.end()) return given->second;
  if (const auto points = options.starts.find(input); points != options.starts.end()) {
    return shape_of_row(points->second);
  }
  return std::nullopt;
}

StartPoints::StartPoints(const Array& points, const Slot& slot)
    : numbers_(points.as_doubles()), size_(static_cast<size_t>(slot.size())), slot_(slot) {
  const double count = static_cast<double>(numbers_.size());
  double mean = 0, squares = 0, largest = 0;
  for (const double number : numbers_) mean += number / count, largest = std::max(largest, std::abs(number));
  for (const double number : numbers_) squares += (number - mean) * (number - mean) / count;
  const double spread = std::sqrt(squares);
  const double scale = spread > 0 ? spread : largest > 0 ? largest : 1;
  step_ = scale / 100;
  grid_ = std::ldexp(1, std::min(0, std::ilogb(scale)) - 12);
}

double StartPoints::near(double uniform, size_t j, double noise) const {
  const size_t rows = numbers_.size() / size_;
  const auto row = static_cast<size_t>(uniform * static_cast<double>(rows));
  const double value = std::round((numbers_[row * size_ + j] + step_ * noise) / grid_) * grid_;
  return slot_.least.empty() ? value : std::clamp(value, slot_.least[j], slot_.most[j]);
}

std::optional<StartPoints> start_points(const ConformanceOptions& options, const std::string& input, const Slot& slot) {
  const auto points = options.starts.find(input);
  if (points == options.starts.end()) return std::nullopt;
  if (points->second.count() / points->second.shape[0] != slot.size()) return std::nullopt;
  return StartPoints(points->second, slot);
}

}  // namespace potluck::conformance
