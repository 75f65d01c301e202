// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/feature_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/files/formats/array.h"

namespace potluck {
namespace {

constexpr int64_t kRowsAtOnce = 64;

[[noreturn]] void refuse(const std::string& rest) { throw SettingError("features", rest); }

FeatureNetwork::Output output_of(FeatureNetwork& network, const double* rows, int64_t count,
                                 const std::vector<int64_t>& shape, const std::string& called) {
  try {
    return network.of(rows, count, shape);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    const std::string words = error.what();
    std::vector<int64_t> whole = shape;
    whole.insert(whole.begin(), count);
    refuse(fmt::format(": {} must take rows {}, got one that fails: {}. Give a network that takes rows of this shape",
                       called, shape_text(whole), words.substr(0, words.find('\n'))));
  }
}

}  // namespace

Rows features_of(FeatureNetwork& network, const Rows& rows, const std::vector<int64_t>& shape,
                 const std::string& called) {
  Rows features;
  for (int64_t first = 0; first < rows.count(); first += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, rows.count() - first);
    const FeatureNetwork::Output output = output_of(network, rows.row(first), count, shape, called);
    if (output.shape.size() != 2 || output.shape[0] != count || output.shape[1] < 1)
      refuse(
          fmt::format(": {} must give an array [{}, features] of {} rows, got {}. Flatten what it gives, one row of "
                      "features for each row",
                      called, count, count, shape_text(output.shape)));
    if (features.size != 0 && features.size != output.shape[1])
      refuse(fmt::format(": {} must give as many features of every row, {}, got {}", called, features.size,
                         output.shape[1]));
    features.size = output.shape[1];
    features.values.insert(features.values.end(), output.values.begin(), output.values.end());
  }
  const auto wrong =
      std::find_if(features.values.begin(), features.values.end(), [](double one) { return !std::isfinite(one); });
  if (wrong != features.values.end())
    refuse(fmt::format(": {} must give finite numbers, got {} of row {}", called, *wrong,
                       (wrong - features.values.begin()) / features.size));
  return features;
}

}  // namespace potluck
