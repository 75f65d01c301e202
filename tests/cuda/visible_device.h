// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "core/device/devices.h"

namespace potluck::testing {

/// Skips its tests, saying so, where no CUDA device is visible.
class VisibleDeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device is visible";
  }
};

}  // namespace potluck::testing
