// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/errors.h"
#include "compose/session/device.h"
#include "core/backend/cpu_rows.h"
#include "core/backend/thread_pool.h"
#include "core/device/devices.h"
#include "core/version.h"
#include "plugins/library.h"

namespace potluck::engine {

const char* version() noexcept { return kVersion; }

Host host() {
  return translated([] {
    Host host;
    host.libtorch = libtorch_build();
    host.libtorch_folder = libtorch_folder();
    host.cuda = has_cuda_backend();
    host.cuda_devices = cuda_devices();
    host.instructions = instruction_level();
    host.kernels = row_kernels().name;
    host.threads = usable_threads();
    return host;
  });
}

}  // namespace potluck::engine
