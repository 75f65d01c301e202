// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "plugins/conformance/subject.h"

namespace potluck::conformance {

/// Settings at which a narrow setup may be accepted, likeliest first: as they are, one of them at a small or another
/// value, all at their presets, and each of these without the weights. Slots are left to the caller.
std::vector<NarrowSetup> settings_to_try(const ModelKind& kind, const ConformanceOptions& options,
                                         const std::vector<SettingValue>& values);

}  // namespace potluck::conformance
