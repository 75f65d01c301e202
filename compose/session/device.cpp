// SPDX-License-Identifier: Apache-2.0
#include "compose/session/device.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/device/devices.h"
#include "core/error.h"
#include "core/vector_unit.h"

namespace potluck {

DeviceChoice parse_device(const std::string& text, int64_t local_rank) {
  if (text == "cpu") return {};
  const std::vector<std::string> devices = cuda_devices();
  const int mine = devices.empty() ? 0 : static_cast<int>(local_rank % static_cast<int64_t>(devices.size()));
  if (text == "auto") return devices.empty() ? DeviceChoice{} : DeviceChoice{{Device::Kind::kCuda, mine}, true};

  const bool numbered = text.rfind("cuda:", 0) == 0 && text.size() > 5 && text.size() < 8 &&
                        std::all_of(text.begin() + 5, text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text != "cuda" && !numbered)
    throw SettingError(fmt::format("--device must be auto, cpu, cuda or cuda:N, got '{}'", text));
  if (!has_cuda_backend())
    throw SettingError(fmt::format("--device {}: this build of Potluck has no CUDA backend. Use --device cpu", text));
  const int index = numbered ? std::stoi(text.substr(5)) : mine;
  if (index >= static_cast<int>(devices.size()))
    throw SettingError(fmt::format("--device {}: this machine has {} CUDA device{}. Use --device cpu", text,
                                   devices.empty() ? "no" : std::to_string(devices.size()),
                                   devices.size() == 1 ? "" : "s"));
  return {{Device::Kind::kCuda, index}, false};
}

std::string device_name(const Device& device) {
  return device.kind == Device::Kind::kCpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

std::string instruction_level() {
  switch (vector_unit()) {
    case VectorUnit::kAvx512:
      return "x86-64-v4";
    case VectorUnit::kAvx2:
      return "x86-64-v3";
    case VectorUnit::kBaseline:
      break;
  }
  return "x86-64";
}

}  // namespace potluck
