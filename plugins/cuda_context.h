// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/precision.h"

namespace potluck {

/// Makes CUDA's context on the device of a run, in this process and thread. Call it before the first plugin is opened.
///
/// There is one context a device and process, and whoever asks first makes it. A plugin that meets CUDA in a static
/// initialiser would make it on device 0 whatever the run's device is, and what is wrong with the driver or the card
/// would look like a fault of the plugin. First sight (plugins/first_sight.h) makes none: a context does not outlive a
/// fork, and its child only opens the file.
///
/// Does nothing for the CPU, or where this build or machine has no CUDA.
/// @throws SettingError where the device is there and cannot be used: it is full, or another process has it alone.
void make_cuda_context(const Device& device);

}  // namespace potluck
