// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace potluck {

/// From construction to destruction, the first SIGINT or SIGTERM sets a flag that a run looks at between blocks; the
/// second ends the process at once. At most one object at a time.
class Interrupt {
 public:
  /// `announce`: the first signal is answered on stderr.
  explicit Interrupt(bool announce);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const std::atomic<bool>& flag() const;
};

}  // namespace potluck
