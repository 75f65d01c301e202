// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>

namespace potluck {

/// From construction on, the first SIGINT, SIGTERM or SIGHUP sets a flag that a run looks at now and then. So do
/// SIGXCPU, of a limit on the time of the processor, and SIGUSR1 and SIGUSR2, with which batch systems announce the end
/// of a job. All but SIGINT may come again and change nothing: launchers and batch systems send them on to each other.
/// A second SIGINT (Ctrl-C) ends the process at once, with the exit code of a run that was interrupted and its last
/// words in run.json. What was ignored before, as SIGHUP is under nohup, stays ignored. At most one object at a time.
///
/// From destruction on the work is done and the process about to end: signals then change nothing, so that what is left
/// to print is printed, and a second SIGINT ends the process at once even so.
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
