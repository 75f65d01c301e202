// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>

namespace potluck {

/// From construction to destruction, the first SIGINT or SIGTERM sets a flag that a run looks at now and then; the
/// second ends the process at once. At most one object at a time.
class Interrupt {
 public:
  /// `announce`: the first signal is answered on stderr. `end` says where the run will end: "this block of steps".
  Interrupt(bool announce, const std::string& end);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const std::atomic<bool>& flag() const;
};

}  // namespace potluck
