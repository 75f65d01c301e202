// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/precision.h"

namespace potluck {

/// Where a run may take place, in the order of trying.
struct DeviceChoice {
  Device first;
  bool may_fall_back = false;  ///< to the CPU, where a model cannot use `first`
};

/// "auto", "cpu", "cuda" or "cuda:1". auto is a CUDA device where there is one, else the CPU.
/// @param local_rank  of several processes on this machine which one this is: without a number each takes the next of
///   the CUDA devices that it sees, and begins anew behind the last
/// @throws SettingError for other texts, and for CUDA where this build or machine has none.
DeviceChoice parse_device(const std::string& text, int64_t local_rank = 0);

/// "cpu", "cuda:0".
std::string device_name(const Device& device);

/// The level of the x86-64 instruction set that this processor has: "x86-64", "x86-64-v3", "x86-64-v4". Matrix
/// products choose their code by it, so that draws have the same bits on machines that agree in it.
std::string instruction_level();

}  // namespace potluck
