// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/comparison/rows.h"

namespace potluck {

/// A network that makes features of rows, such as the last layer but one of a classifier of images.
class FeatureNetwork {
 public:
  virtual ~FeatureNetwork() = default;
  /// What it makes of rows: float64 numbers of an array of any shape.
  struct Output {
    std::vector<int64_t> shape;
    std::vector<double> values;
  };
  /// @param rows   [count, shape], which it gets as float32  @param shape  of a row
  /// @throws std::exception with the network's own words where it fails
  virtual Output of(const double* rows, int64_t count, const std::vector<int64_t>& shape) = 0;
};

/// @param file  of TorchScript  @throws std::exception where it is none
using OpenFeatureNetwork = std::unique_ptr<FeatureNetwork>(const std::string& file);

/// The features of all rows, a few at a time. @param called  what errors call the network: its file
/// @throws SettingError where the network fails, gives another array than [rows, features], or numbers that are not
///   finite
Rows features_of(FeatureNetwork& network, const Rows& rows, const std::vector<int64_t>& shape,
                 const std::string& called);

}  // namespace potluck
