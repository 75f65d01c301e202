// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>

namespace potluck {

/// From construction to destruction, the first SIGINT, SIGTERM or SIGHUP sets a flag that a run looks at now and then.
/// SIGTERM and SIGHUP may come again and change nothing: launchers and batch systems send them on to each other. A
/// second SIGINT (Ctrl-C) ends the process at once, with the exit code of a run that was interrupted and its last words
/// in run.json. A SIGHUP that was ignored before, as under nohup, stays ignored. At most one object at a time.
class Interrupt {
 public:
  /// `announce`: the first signal is answered on stderr. `end` names what is finished before the run ends, such as "the
  /// steps that are under way".
  Interrupt(bool announce, const std::string& end);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const std::atomic<bool>& flag() const;
};

}  // namespace potluck
